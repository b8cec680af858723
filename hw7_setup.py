"""Get the kit onto this machine: what the first cell of every notebook calls.

It runs before anything is installed, perhaps straight out of the wheel, so it needs the standard
library alone. It never raises: a student reads one sentence, in Chinese and in English.
"""

import importlib
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

_WHEEL = "hw7_*.whl"
_KAGGLE = Path("/kaggle/input")
_NEEDED = ("inseq", "torch", "transformers", "pydantic", "sentencepiece")
_NO_PIP = "No module named pip"


def get_ready(address: str = "") -> None:
    """Make the kit importable and print its version, or one sentence on what is in the way.

    In this order: the kit that is installed; the checkout above the notebook; the newest wheel
    beside the notebook or in Kaggle's input; the address that was stamped into the notebook.

    Args:
        address: A wheel's address or ``git+https://…``; "" where none was stamped.
    """
    # What the cell added to find this module: the kit does not run out of a wheel.
    sys.path[:] = [p for p in sys.path if not (p.endswith(("*/", "../")) or Path(p).is_file())]
    if checkout := _checkout():
        sys.path.insert(0, str(checkout))
    if problem := _foreign_package() or _missing_kit(checkout, address):
        print(problem)
        return
    importlib.invalidate_caches()
    import helpers

    print("helpers", helpers.__version__)


def _checkout() -> Path | None:
    """Return the project's folder where the notebook lies in it, and no other kit is installed."""
    here = Path.cwd()
    for folder in (here, *here.parents[:3]):
        if (folder / "pyproject.toml").is_file() and _is_kit(folder):
            return None if _kit_folder() else folder
    return None


def _is_kit(folder: Path) -> bool:
    return all((folder / name).is_file() for name in ("helpers/__init__.py", "hw7/cli.py"))


def _kit_folder() -> Path | None:
    """Return the folder from which Python would import the kit, None where it would not."""
    spec = find_spec("helpers")
    folder = Path(spec.origin).parent.parent if spec and spec.origin else None
    return folder if folder and _is_kit(folder) else None


def _foreign_package() -> str:
    """Return a sentence where another package bears the kit's name; "" where none does."""
    for name in ("helpers", "hw7"):
        spec = sys.modules[name].__spec__ if name in sys.modules else find_spec(name)
        if spec is None or spec.origin is None or _is_kit(Path(spec.origin).parent.parent):
            continue
        return (
            f"{spec.origin} 占用了工具包的名字 {name}：请改名或卸载，重启内核，再运行这一格。"
            f"This file bears the name of the kit's {name}: rename or uninstall it, restart the "
            "kernel, then run this cell again."
        )
    return ""


def _missing_kit(checkout: Path | None, address: str) -> str:
    """Install what is missing; return a sentence where that failed, "" where all is here."""
    is_complete = all(find_spec(name) is not None for name in _NEEDED)
    if _kit_folder() and is_complete:
        return ""
    wheel = _newest_wheel()
    source = str(checkout or wheel or _kit_folder() or address)
    if not source:
        return (
            "这里没有工具包：请用老师发的笔记本，或把 hw7_*.whl 放在笔记本旁边，或用 pip 安装。"
            "The kit is not here: take your teacher's notebook, put hw7_*.whl beside "
            "it, or install it with pip."
        )
    size = "100 MB" if find_spec("torch") else "2 GB"
    print(
        f"正在安装工具包和缺少的包，最多约 {size}，请等几分钟。"
        f"Installing the kit and what it lacks, at most about {size}; this takes some minutes.",
        flush=True,
    )
    packages = wheel.parent / "packages" if wheel and not checkout else Path("packages")
    offline = ["--no-index", "--find-links", str(packages)] if packages.is_dir() else []
    failure = _install([*offline, source])
    importlib.invalidate_caches()
    if failure or not _kit_folder():
        return (
            f"安装没有成功（{failure or source}）。检查网络后再运行这一格。"
            "The kit could not be installed; check the network, then run this cell again."
        )
    return ""


def _newest_wheel() -> Path | None:
    """Return the wheel with the highest version beside the notebook or in Kaggle's input."""
    here = Path.cwd()
    places = [here.glob(_WHEEL), here.parent.glob(_WHEEL), _KAGGLE.rglob(_WHEEL)]
    wheels = [wheel for place in places for wheel in place]
    return max(wheels, key=lambda w: (_version(w), w.stat().st_mtime), default=None)


def _version(wheel: Path) -> list[int]:
    """Return the version in a wheel's name; [] for a name that pip refuses, as of a second copy."""
    found = re.fullmatch(r"hw7_\w+-([\d.]+)-py3-none-any\.whl", wheel.name)
    return [int(number) for number in re.findall(r"\d+", found[1])] if found else []


def _install(words: Sequence[str]) -> str:
    """Install with pip, or with uv where the environment has no pip; return why it failed."""
    failure = _run([sys.executable, "-m", "pip", "install", "-q", *words])
    if _NO_PIP in failure and (uv := shutil.which("uv")):
        failure = _run([uv, "pip", "install", "-q", "--python", sys.executable, *words])
    elif _NO_PIP in failure and not _run([sys.executable, "-m", "ensurepip", "--upgrade"]):
        failure = _run([sys.executable, "-m", "pip", "install", "-q", *words])
    return failure


def _run(command: Sequence[str]) -> str:
    """Run a command quietly; return the last line of its complaint, "" where it succeeded."""
    try:
        done = subprocess.run(  # noqa: S603 (the words are our own, no shell)
            command, capture_output=True, text=True, errors="replace"
        )
    except OSError as error:
        return str(error)
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR")] or lines or ["?"]
    return "" if done.returncode == 0 else errors[-1]
