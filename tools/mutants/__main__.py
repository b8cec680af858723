"""Apply each wrong edit of ``mutants.yaml`` alone and run the tests that should notice it.

``python -m tools.mutants [NAMES]`` is what ``make mutants`` runs. The edits are made in a copy of
the tracked files, so the checkout stays as it is. An edit *survives* where its tests pass; where
that is right, the list says why under ``equivalent``. Tests that fail without any edit prove
nothing, and neither does an edit that keeps them from being collected: both are told apart.
"""

import argparse
import gc
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path
from typing import Literal, NoReturn

import pytest
import yaml

PROJECT = Path(__file__).resolve().parents[2]
MOST_SECONDS = 120
LIBRARIES = """
    inseq transformers.models.llama transformers.models.marian pandas scipy.stats
    sklearn.linear_model matplotlib.pyplot nbformat nbclient jinja2 pydantic jieba
    hypothesis nbval.plugin xdist.plugin pytest_cov.plugin
"""

Verdict = Literal["killed", "survived", "equivalent", "out of time", "does not apply", "no proof"]


@dataclass(frozen=True)
class Mutant:
    """One wrong edit.

    Attributes:
        name: What goes wrong, in a few words.
        file: The file that is edited, from the project's root.
        old: The text to replace; it stands there exactly once.
        new: What replaces it.
        tests: pytest's arguments: the tests that should notice.
        equivalent: Why nothing can notice; empty for a fault.
    """

    name: str
    file: str
    old: str
    new: str
    tests: str
    equivalent: str = ""


def load_mutants() -> list[Mutant]:
    """Read the list of wrong edits."""
    text = Path(__file__).with_name("mutants.yaml").read_text(encoding="utf-8")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return [Mutant(**entry) for entry in yaml.load(text, loader)]


def copy_of_project(folder: Path) -> Path:
    """Copy the tracked files, and link the models that the tests load."""
    files = subprocess.run(
        ["git", "ls-files", "-z"], cwd=PROJECT, capture_output=True, text=True, check=True
    ).stdout.split("\0")
    for name in filter(None, files):
        if (PROJECT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(PROJECT / name, folder / name)
    if (PROJECT / "models").is_dir():
        (folder / "models").symlink_to(PROJECT / "models", target_is_directory=True)
    return folder


def applied(mutant: Mutant, project: Path = PROJECT) -> str | None:
    """Give the file's text with the wrong edit in it; None where `old` is not there just once."""
    file = project / mutant.file
    right = file.read_text(encoding="utf-8") if file.is_file() else ""
    return right.replace(mutant.old, mutant.new) if right.count(mutant.old) == 1 else None


def try_mutant(mutant: Mutant, copy: Path) -> Verdict:
    """Apply one edit, run its tests, and take the edit back."""
    wrong = applied(mutant, copy)
    if wrong is None:
        return "does not apply"
    file = copy / mutant.file
    right = file.read_text(encoding="utf-8")
    file.write_text(wrong, encoding="utf-8")
    code = _run_tests([mutant], copy)
    file.write_text(right, encoding="utf-8")
    if code is None:
        return "out of time"
    if code == pytest.ExitCode.OK:
        return "equivalent" if mutant.equivalent else "survived"
    return "killed" if code == pytest.ExitCode.TESTS_FAILED else "no proof"


def those_with_proof(mutants: Sequence[Mutant], copy: Path) -> list[Mutant]:
    """Return the mutants whose tests pass without any edit."""
    if _run_tests(mutants, copy) == pytest.ExitCode.OK:
        return list(mutants)
    return [each for each in mutants if _run_tests([each], copy) == pytest.ExitCode.OK]


def _run_tests(mutants: Sequence[Mutant], copy: Path) -> int | None:
    """Return pytest's exit code, None where it takes too long."""
    tests = list(dict.fromkeys(word for mutant in mutants for word in shlex.split(mutant.tests)))
    # A fork has all libraries loaded, which takes longer than most of the tests.
    child = get_context("fork").Process(target=_be_pytest, args=(tests, copy))
    child.start()
    child.join(MOST_SECONDS * len(mutants))
    if child.is_alive():
        child.kill()
        child.join()
        return None
    return child.exitcode


def _be_pytest(tests: list[str], copy: Path) -> NoReturn:
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    os.chdir(copy)
    os.environ["PYTHONPATH"] = str(copy)
    sys.path = [str(copy), *(path for path in sys.path if Path(path).resolve() != PROJECT)]
    for name in [name for name in sys.modules if name.partition(".")[0] == "tools"]:
        del sys.modules[name]
    sys.exit(pytest.main(["-x", "-q", "-p", "no:cacheprovider", *tests]))


def _load_libraries() -> None:
    """Import what the tests need, but nothing of the project."""
    sys.dont_write_bytecode = True
    os.environ |= {"HW7_MODELS": "offline", "TQDM_DISABLE": "1", "OMP_NUM_THREADS": "1"}
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"  # also where a test starts another Python
    for name in LIBRARIES.split():
        import_module(name)
    gc.freeze()  # a collection in a fork would copy the pages of all of them


def main() -> int:
    """Try the mutants named, or all; fail where one survived or no longer applies."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="parts of the names; default: all")
    wanted = parser.parse_args().names
    mutants = [m for m in load_mutants() if not wanted or any(word in m.name for word in wanted)]
    _load_libraries()
    verdicts: list[Verdict] = []
    with tempfile.TemporaryDirectory(prefix="hw7-mutants-") as folder:
        copy = copy_of_project(Path(folder))
        proven = those_with_proof(mutants, copy)
        for number, mutant in enumerate(mutants, 1):
            start = time.monotonic()
            verdicts.append(try_mutant(mutant, copy) if mutant in proven else "no proof")
            seconds = time.monotonic() - start
            line = f"{number:3}/{len(mutants)} {verdicts[-1]:14} {seconds:3.0f} s {mutant.name}"
            print(line, flush=True)
    counted = {verdict: verdicts.count(verdict) for verdict in sorted(set(verdicts))}
    print(", ".join(f"{count} {verdict}" for verdict, count in counted.items()))
    return int(any(verdict not in ("killed", "equivalent") for verdict in verdicts))


if __name__ == "__main__":
    sys.exit(main())
