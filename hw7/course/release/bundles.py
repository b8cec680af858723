"""What is built: the wheel, packages for no network, Kaggle's dataset, classroom zip, checksums."""

import importlib.util
import json
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from helpers.errors import HomeworkError
from hw7.course.handing_out import write_zip
from hw7.course.release.contents import MANIFEST, METADATA, ROOT, files_in
from hw7.fetch.folders import sha256_of
from hw7.fetch.pip_download import pip_command
from hw7.fetch.smollm2 import REQUIREMENT as OFFLINE_GENERATOR

PATTERN = "hw7_*.whl"
"""What the bootstrap cell looks for."""
FOLDER = "packages"
_NOT_PACKED = ("pyproject.toml", "README.md", "LICENSE")  # they become the metadata

# Every host has these, they are gigabytes, and a host's own build must never be replaced.
_HOSTS_OWN = ("torch", "torchvision", "torchaudio", "triton", "numpy", "nvidia-", "cuda-")
_LINUX = ["linux_x86_64", *(f"manylinux_2_{glibc}_x86_64" for glibc in (34, 31, 28, 27, 24, 17))]
_LINUX += ["manylinux2014_x86_64"]
_REFUSAL = (
    "The packages for places without a network can't be collected",
    "Check the network, or release without --packages-for.",
)
# Kaggle asks for a title of 6 to 50 characters; the instructor sets the id, ``user/name``.
_DATASET = {
    "title": "HW7 feature attribution kit",
    "id": "your-name/hw7-attribution-kit",
    "licenses": [{"name": "Apache 2.0"}],
}
_START = """\
HW7：没有网络的教室 (for classrooms without a network)

1. 解压整个文件夹，不要移动里面的文件 (unpack the whole folder, keep its files together)。
2. 用 JupyterLab 打开 01_setup.ipynb，从第一个单元格起依次运行 (open it, run all cells)。
   第一个单元格会从旁边的 hw7_*.whl 安装工具包 (its first cell installs the kit from the wheel)。
3. 机器上要先有 Python、JupyterLab 和 torch (these must be installed)。其他包在 packages/ 里；
   没有这个文件夹时，也要先装好 Inseq 和 Transformers
   (packages/ holds the others; where there is none, install Inseq and Transformers too)。

核对文件 (check the files): sha256sum -c SHA256SUMS
"""


def build_wheel(checkout: Path, output: Path) -> Path:
    """Build the kit's wheel into an empty folder and return its path.

    An installed hatchling is used as it is, so that no network is needed; otherwise pip fetches
    one for the build. The same checkout gives the same bytes: hatchling fixes all times.
    """
    words = ["wheel", "--no-deps", "--wheel-dir", str(output), str(checkout)]
    if importlib.util.find_spec("hatchling") is not None:
        words.append("--no-build-isolation")
    advice = "Without a network the build needs hatchling; type: pip install hatchling"
    run_pip(words, "The wheel could not be built", advice)
    return next(output.glob(PATTERN))


def ensure_complete(wheel: Path, files: Iterable[str]) -> None:
    """Refuse a wheel that does not carry exactly the files it was built from, and metadata."""
    with zipfile.ZipFile(wheel) as archive:
        found = {name for name in archive.namelist() if ".dist-info/" not in name}
    packed = set(files) - set(_NOT_PACKED)
    wanted = {f"hw7_{name}" if name.startswith("assets/") else name for name in packed}
    for name in sorted(wanted - found):
        raise HomeworkError(f"{name} is missing in {wheel.name}; look at [tool.hatch.build].")
    for name in sorted(found - wanted):
        raise HomeworkError(f"{wheel.name} carries {name}, which only instructors may have.")


def target_options(target: str) -> list[str]:
    """Return pip's options for a Python on Linux (``3.12``) or elsewhere (``3.12:win_amd64``).

    Raises:
        HomeworkError: The target has another form.
    """
    version, _, platform = target.partition(":")
    if not version.startswith("3.") or not version[2:].isdigit():
        raise HomeworkError(
            f"--packages-for {target!r} names no Python version. Give one such as 3.12, "
            "or 3.12:win_amd64 for another platform."
        )
    platforms = [platform] if platform not in ("", _LINUX[0]) else _LINUX
    options = ["--only-binary=:all:", "--implementation=cp", f"--python-version={version}"]
    return options + [f"--platform={name}" for name in platforms]


def collect_packages(wheel: Path, target: str, folder: Path) -> None:
    """Download what the wheel needs, without what hosts have anyway, and the offline generator."""
    options = target_options(target)
    with tempfile.TemporaryDirectory() as nowhere:
        report = Path(nowhere) / "report.json"
        words = ["install", "--dry-run", "--ignore-installed", f"--report={report}"]
        run_pip([*words, f"--target={nowhere}", *options, str(wheel)], *_REFUSAL)
        found = [item["metadata"] for item in json.loads(report.read_text("utf-8"))["install"]]
    needed = [
        f"{package['name']}=={package['version']}"
        for package in found
        if not package["name"].lower().startswith((*_HOSTS_OWN, "hw7-"))
    ]
    folder.mkdir(parents=True, exist_ok=True)
    words = ["download", "--no-deps", f"--dest={folder}"]
    run_pip([*words, *options, *needed, OFFLINE_GENERATOR], *_REFUSAL)


def run_pip(words: Sequence[str], refusal: str, advice: str) -> None:
    """Run pip quietly; where it fails, say so with its reason and the advice."""
    command = [*pip_command(), *words, "--quiet", "--disable-pip-version-check"]
    finished = subprocess.run(command, capture_output=True, text=True)  # noqa: S603 (pip's own)
    if finished.returncode != 0:
        lines = [line.strip() for line in finished.stderr.splitlines() if line.strip()]
        errors = [line for line in lines if line.startswith("ERROR")]
        reason = (errors or lines or ["pip gave no reason"])[-1].removeprefix("ERROR: ")
        raise HomeworkError(f"{refusal} ({reason}). {advice}")


def write_kaggle_folder(folder: Path, wheel: Path, packages: Path) -> None:
    """Write what ``kaggle datasets create -p FOLDER --dir-mode zip`` uploads.

    Kaggle mounts it below ``/kaggle/input``, where the first cell looks for the wheel.
    """
    folder.mkdir(parents=True)
    shutil.copy2(wheel, folder)
    if packages.is_dir():
        shutil.copytree(packages, folder / FOLDER)
    (folder / METADATA).write_text(json.dumps(_DATASET, indent=2) + "\n", encoding="utf-8")


def write_classroom_zip(path: Path, wheel: Path, notebooks: Path, packages: Path) -> None:
    """Write the zip: wheel and packages beside the notebooks, how to start, and checksums."""
    others = {f"{FOLDER}/{name}": file for name, file in files_in(packages).items()}
    files = {wheel.name: wheel, **files_in(notebooks), **others}
    members: dict[str, Path | bytes] = {f"{ROOT}/{name}": file for name, file in files.items()}
    members |= {f"{ROOT}/START.txt": _START.encode()}
    write_zip(path, members | {f"{ROOT}/{MANIFEST}": _manifest_of(files).encode()})


def write_manifest(folder: Path) -> None:
    """Write the checksums of all files in a folder into it."""
    (folder / MANIFEST).write_text(_manifest_of(files_in(folder)), encoding="utf-8")


def _manifest_of(files: Mapping[str, Path]) -> str:
    """Return one line ``checksum  name`` for each file, as ``sha256sum -c`` reads them."""
    return "".join(f"{sha256_of(path)}  {name}\n" for name, path in sorted(files.items()))
