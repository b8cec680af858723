"""Apply each wrong edit of ``mutants.yaml`` alone and run the tests that should notice it.

``python -m tools.mutants [NAMES]`` is what ``make mutants`` runs. The edits are made in a copy of
the tracked files, so the checkout stays as it is. An edit *survives* where its tests pass; where
that is right, the list says why under ``equivalent``. Tests that fail without any edit prove
nothing, and are told apart.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import yaml

PROJECT = Path(__file__).resolve().parents[2]
MOST_SECONDS = 240

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
    return [Mutant(**entry) for entry in yaml.safe_load(text)]


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


def try_mutant(mutant: Mutant, copy: Path) -> Verdict:
    """Apply one edit, run its tests, and take the edit back."""
    if not _pass_untouched(mutant.tests, copy):
        return "no proof"
    file = copy / mutant.file
    right = file.read_text(encoding="utf-8") if file.is_file() else ""
    if right.count(mutant.old) != 1:
        return "does not apply"
    file.write_text(right.replace(mutant.old, mutant.new), encoding="utf-8")
    try:
        passed = _tests_pass(mutant.tests, copy)
    except subprocess.TimeoutExpired:
        return "out of time"
    finally:
        file.write_text(right, encoding="utf-8")
    if not passed:
        return "killed"
    return "equivalent" if mutant.equivalent else "survived"


@cache
def _pass_untouched(tests: str, copy: Path) -> bool:
    return _tests_pass(tests, copy)


def _tests_pass(tests: str, copy: Path) -> bool:
    command = [sys.executable, "-B", "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"]
    environment = os.environ | {
        "PYTHONPATH": str(copy),
        "HW7_MODELS": "offline",
        "TQDM_DISABLE": "1",
        "OMP_NUM_THREADS": "1",
    }
    done = subprocess.run(
        [*command, *tests.split()],
        cwd=copy,
        env=environment,
        capture_output=True,
        timeout=MOST_SECONDS,
        check=False,
    )
    return done.returncode == 0


def main() -> int:
    """Try the mutants named, or all; fail where one survived or no longer applies."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="parts of the names; default: all")
    wanted = parser.parse_args().names
    mutants = [m for m in load_mutants() if not wanted or any(word in m.name for word in wanted)]
    verdicts: list[Verdict] = []
    with tempfile.TemporaryDirectory(prefix="hw7-mutants-") as folder:
        copy = copy_of_project(Path(folder))
        for number, mutant in enumerate(mutants, 1):
            verdicts.append(try_mutant(mutant, copy))
            print(f"{number:3}/{len(mutants)} {verdicts[-1]:14} {mutant.name}", flush=True)
    counted = {verdict: verdicts.count(verdict) for verdict in sorted(set(verdicts))}
    print(", ".join(f"{count} {verdict}" for verdict, count in counted.items()))
    return int(any(verdict not in ("killed", "equivalent") for verdict in verdicts))


if __name__ == "__main__":
    sys.exit(main())
