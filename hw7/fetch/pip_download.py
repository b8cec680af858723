"""One wheel from the package index or from beside the notebook, by whatever pip there is."""

import re
import shutil
import subprocess
import sys
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from packaging.version import Version
from tqdm.auto import tqdm

from hw7.fetch.errors import PACKAGE_MIRROR, DiskFullError, DownloadError, NoNetworkError

MIRROR_HINT = (
    "Behind a slow or blocked network use a mirror, for instance: "
    f"export PIP_INDEX_URL={PACKAGE_MIRROR}"
)
_FOLDER_NAME = "packages"
_KAGGLE = Path("/kaggle/input")
_PROGRESS = re.compile(r"Progress (\d+) of (\d+)")
_NETWORK_TROUBLE = ("connection", "timed out", "resolve", "ssl", "could not find a version")


def download_wheel(requirement: str, folder: Path, title: str) -> Path:
    """Download exactly one wheel, without its dependencies, and return its path.

    Wheels beside the notebook are taken where there are any. Otherwise pip's own settings
    (``PIP_INDEX_URL``, ``pip.conf``) choose the index or its mirror. The requirement is
    ``name==version``, `title` what to call the download on screen.

    Raises:
        DownloadError: there is no pip, or pip failed; the first line says why.
    """
    style = "raw" if _has_raw_progress() else "off"
    command = [*pip_command(), "download", "--no-deps", "--only-binary=:all:", requirement]
    command += ["--disable-pip-version-check", "--dest", str(folder), "--progress-bar", style]
    for beside in packages_beside_the_notebook(requirement):
        command += ["--no-index", "--find-links", str(beside)]
    print(f"Downloading {title} ...", flush=True)
    lines: list[str] = []
    bar = tqdm(desc=title, unit="B", unit_scale=True)
    process = subprocess.Popen(  # noqa: S603 - the words are our own, no shell
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8",
        errors="replace",
    )  # fmt: skip
    with process, bar:
        try:
            for line in process.stdout or ():
                if match := _PROGRESS.match(line):
                    bar.total = int(match[2])
                    bar.update(int(match[1]) - bar.n)
                else:
                    lines.append(line)
        except BaseException:
            process.terminate()  # whatever happens, pip does not outlive this call
            raise
    if not (wheels := list(folder.glob("*.whl"))):
        raise _explain_failure(lines)
    return wheels[0]


def pip_command() -> list[str]:
    """Return the words that start pip; environments made by uv have none of their own.

    Raises:
        DownloadError: neither pip, nor the one that Python brings for new environments, nor uv.
    """
    # Not find_spec: at the mere question setuptools switches its distutils off, and triton, which
    # the CUDA builds of torch import, then fails (Python before 3.12).
    if _pip_version():
        return [sys.executable, "-m", "pip"]
    if bundled := _bundled_pip():  # needs no network
        return [sys.executable, str(bundled / "pip")]
    if uv := shutil.which("uv"):
        return [uv, "tool", "run", "pip"]
    raise DownloadError(
        "This Python has no pip to download with. "
        f"Type: {sys.executable} -m ensurepip --upgrade, then try again."
    )


def _has_raw_progress() -> bool:
    """Tell whether pip can print its progress as numbers (24.1 and later)."""
    bundled = _bundled_pip()
    version = _pip_version() or (bundled.name.split("-")[1] if bundled else None)
    return version is None or Version(version) >= Version("24.1")


def _pip_version() -> str | None:
    try:
        return metadata.version("pip")
    except metadata.PackageNotFoundError:
        return None


def _bundled_pip() -> Path | None:
    """Return the wheel from which Python itself puts pip into new environments, or None."""
    found = find_spec("ensurepip")
    folder = Path(found.origin).parent if found and found.origin else Path()
    return next(folder.glob("_bundled/pip-*.whl"), None)


def _explain_failure(lines: list[str]) -> DownloadError:
    reasons = [line.strip() for line in lines if line.startswith("ERROR:")]
    said = reasons[-1].removeprefix("ERROR: ") if reasons else (lines or ["no output"])[-1].strip()
    everything = "".join(lines).lower()
    if "no space left" in everything or "errno 28" in everything:
        return DiskFullError(f"The disk is full ({said}). Free some space, then try again.")
    if "socks support" in everything:
        return NoNetworkError(
            "A SOCKS proxy is set, for which pip lacks a package. Type, with the proxy unset or "
            "another one: pip install pysocks"
        )
    if any(word in everything for word in _NETWORK_TROUBLE):
        return NoNetworkError(f"pip cannot get the file ({said}). {MIRROR_HINT}")
    return DownloadError(f"pip failed ({said}). {MIRROR_HINT}")


def packages_beside_the_notebook(requirement: str) -> list[Path]:
    """Return the folders of a classroom zip or a Kaggle dataset that have a ``name==version``."""
    wheel = f"{requirement.replace('-', '_').replace('==', '-')}-*.whl"
    here = Path.cwd()
    places = [here / _FOLDER_NAME, here.parent / _FOLDER_NAME, *_KAGGLE.rglob(_FOLDER_NAME)]
    return [folder for folder in places if any(folder.glob(wheel))]
