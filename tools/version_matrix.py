"""Run the core tests and nbval on the oldest, the pinned and the newest supported versions.

``python -m tools.version_matrix [SETS]`` is what ``make test-matrix`` runs. uv makes an environment
for each set, keeps its packages and throws the environment away. The oldest set is no list of its
own: it is what the lower bounds in pyproject.toml say, so a bound that is too low fails here.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ("01_setup.ipynb", "02_translation.ipynb", "03_generation.ipynb")
SHOWN = ("torch", "transformers", "inseq", "numpy", "ipython", "pandas", "matplotlib")

# What touches Inseq, Transformers, torch, pandas, matplotlib, nbformat or IPython. The grader's and
# the downloads' own logic depends on none of their versions.
CORE = (
    "tests/helpers", "tests/hw7/engine", "tests/hw7/text", "tests/hw7/views",
    "tests/hw7/course/test_answer_sheet.py", "tests/hw7/course/test_doctor.py",
    "tests/hw7/course/test_keys.py", "tests/hw7/course/test_gradebook.py",
    "tests/hw7/fetch/test_smollm2.py",
)  # fmt: skip


@dataclass(frozen=True)
class VersionSet:
    """One column of the matrix.

    Attributes:
        python: The Python it runs on; uv finds or fetches it.
        options: What tells uv which versions to take.
    """

    python: str
    options: tuple[str, ...]


SETS = {
    "oldest": VersionSet("3.10", ("--resolution", "lowest-direct")),
    "pinned": VersionSet("3.11", ("--with-requirements", "constraints.txt")),
    "newest": VersionSet("3.14", ("--refresh",)),
}


def uv_command(chosen: VersionSet, python: str | None) -> list[str]:
    """Return the words before a command that is to run in a set's environment."""
    start = [sys.executable, "-m", "uv", "run", "--quiet", "--isolated", "--no-project", "--python"]
    return [*start, python or chosen.python, "--with-editable", ".[test]", *chosen.options, "--"]


def commands(prefix: list[str]) -> dict[str, list[str]]:
    """Return what is run in a set's environment, by name."""
    shown = (
        "import sys; from importlib.metadata import version as v\n"
        "print('Python', sys.version.split()[0], *(f'{n} {v(n)}' for n in sys.argv[1:]))"
    )
    pytest = [*prefix, "python", "-m", "pytest", "-p", "no:cacheprovider", "-q", "-m", "not slow"]
    # Two processes of one thread each are faster than one of two, as in `make test`.
    pytest += ["-n", "2", "--dist", "loadscope"]
    nbval = ["--nbval", "--nbval-current-env", "--nbval-sanitize-with", "tools/nbval_sanitize.cfg"]
    return {
        "versions": [*prefix, "python", "-c", shown, *SHOWN],
        "tests": [*pytest, *CORE],
        "notebooks": [*pytest, *nbval, *(f"notebooks/{name}" for name in NOTEBOOKS)],
    }


def run_set(chosen: VersionSet, python: str | None) -> list[str]:
    """Run everything on one set of versions; return the names of what failed."""
    offline = {"HW7_MODELS": "offline", "TQDM_DISABLE": "1", "OMP_NUM_THREADS": "1"}
    environment = {**os.environ, **offline}
    return [
        name
        for name, command in commands(uv_command(chosen, python)).items()
        if subprocess.run(command, cwd=PROJECT, env=environment, check=False).returncode
    ]


def main(words: Sequence[str] | None = None) -> int:
    """Run the sets named, or all of them, and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("sets", nargs="*", help=f"of {', '.join(SETS)} (default: all)")
    parser.add_argument("--python", help="this version instead of the set's own, such as 3.12")
    arguments = parser.parse_args(words)
    if unknown := set(arguments.sets) - set(SETS):
        parser.error(f"there is no set {min(unknown)!r}, only {', '.join(SETS)}")
    failed = {name: run_set(SETS[name], arguments.python) for name in arguments.sets or SETS}
    for name, what in failed.items():
        print(f"{name:8}{'FAILED: ' + ', '.join(what) if what else 'passed'}")
    return 1 if any(failed.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
