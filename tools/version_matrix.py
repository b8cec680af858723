"""Run the core tests and nbval on the oldest, the pinned and the newest supported versions.

``python -m tools.version_matrix [SETS]`` is what ``make test-matrix`` runs. Each set gets an
environment of its own, ``.venv-oldest`` and so on, which is kept and brought up to date the next
time. The oldest set is no list of its own: it is what the lower bounds in pyproject.toml say, so a
bound that is too low fails here.
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ("01_setup.ipynb", "02_translation.ipynb", "03_generation.ipynb")
PYTHONS = ("3.10", "3.11", "3.12", "3.13", "3.14")
SHOWN = ("torch", "transformers", "inseq", "numpy", "ipython", "pandas", "matplotlib")

# Everything that touches Inseq, Transformers, torch, pandas, matplotlib, nbformat or IPython. The
# grader's and the downloads' own logic depends on none of their versions.
CORE = (
    "test_answer_sheet", "test_catalog", "test_doctor", "test_embedding_scale", "test_environment",
    "test_explanation", "test_gradients_bundled", "test_heatmap", "test_homework",
    "test_item_analysis", "test_gradebook", "test_keys", "test_lookup", "test_matrix_products",
    "test_memory", "test_memory_estimate", "test_methods", "test_models", "test_picture",
    "test_questions", "test_smollm2", "test_tokens", "test_words",
)  # fmt: skip


@dataclass(frozen=True)
class VersionSet:
    """One column of the matrix.

    Attributes:
        name: ``oldest``, ``pinned`` or ``newest``.
        is_new_python: Take the newest Python there is, otherwise the oldest.
        options: pip's options besides the project itself.
    """

    name: str
    is_new_python: bool
    options: tuple[str, ...]


SETS = {
    "oldest": VersionSet("oldest", False, ("-c", ".venv-oldest/oldest.txt")),
    "pinned": VersionSet("pinned", False, ("-c", "constraints.txt")),
    "newest": VersionSet("newest", True, ("--upgrade", "--upgrade-strategy", "eager")),
}


def find_python(version: str) -> str | None:
    """Return an interpreter of that version: on the path, or beside this one as pyenv lays them."""
    name = f"python{version}"
    folders = [Path(p) for p in os.environ.get("PATH", "").split(os.pathsep) if p]
    places = [folder / name for folder in folders]
    base = Path(sys.base_prefix)
    places += sorted(base.parent.glob(f"{version}.*/bin/{name}"), reverse=True)
    for place in places:
        if place.is_file() and _answers_as(place, version):
            return str(place)
    return None


def _answers_as(python: Path, version: str) -> bool:
    """Tell whether an interpreter really starts and is that version; pyenv's shims may not."""
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        done = subprocess.run(
            [str(python), "-c", code], capture_output=True, text=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.stdout.strip() == version


def choose_python(chosen: VersionSet, wanted: str | None) -> str:
    """Return the interpreter for a set; the version asked for, or the set's own choice."""
    versions = [wanted] if wanted else list(PYTHONS)
    found = {v: python for v in versions if (python := find_python(v))}
    if not found:
        sys.exit(f"version_matrix: no Python {' or '.join(versions)} is on this machine")
    names = list(found)
    return found[names[-1] if chosen.is_new_python else names[0]]


def write_oldest(python: str, target: Path) -> None:
    """Write the lower bounds of pyproject.toml, resolved, as pip's constraints."""
    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if uv is None:
        sys.exit("version_matrix: the oldest set needs uv; type: pip install uv")
    subprocess.run(
        [uv, "pip", "compile", "--quiet", "--no-header", "--no-annotate", "--resolution",
         "lowest-direct", "--python", python, "pyproject.toml", "-o", str(target)],
        check=True, cwd=PROJECT,
    )  # fmt: skip


def prepare(chosen: VersionSet, wanted: str | None) -> Path:
    """Create or update the environment of a set; return its Python."""
    folder = PROJECT / f".venv-{chosen.name}"
    python = folder / "bin" / "python"
    if not python.is_file():
        base = choose_python(chosen, wanted)
        print(f"{chosen.name}: creating {folder.name} with {base}", flush=True)
        subprocess.run([base, "-m", "venv", str(folder)], check=True)
        subprocess.run([str(python), *_PIP, "--upgrade", "pip"], check=True)
    if chosen.name == "oldest":
        write_oldest(str(python), folder / "oldest.txt")
    install = [str(python), *_PIP, *chosen.options, "-e", ".[test]"]
    subprocess.run(install, check=True, cwd=PROJECT)
    return python


_PIP = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check")


def versions(python: Path) -> str:
    """Return one line on the versions that make a difference."""
    code = (
        "import sys; from importlib.metadata import version\n"
        "print('Python', sys.version.split()[0], *(f'{n} {version(n)}' for n in sys.argv[1:]),"
        " sep=', ')"
    )
    done = subprocess.run(
        [str(python), "-c", code, *SHOWN], capture_output=True, text=True, check=True
    )
    return done.stdout.strip().replace("Python, ", "Python ")


def run_tests(python: Path) -> dict[str, int]:
    """Run the core tests and nbval of notebooks 01 to 03; return pytest's exit codes."""
    # Two processes of one thread each are faster than one of two, as in `make test`.
    offline = {"HW7_MODELS": "offline", "TQDM_DISABLE": "1", "OMP_NUM_THREADS": "1"}
    environment = {**os.environ, **offline}
    pytest = [str(python), "-m", "pytest", "-p", "no:cacheprovider", "-q", "-m", "not slow"]
    pytest += ["-n", "2", "--dist", "loadscope"]
    tests = [str(path) for name in CORE for path in (PROJECT / "tests").rglob(f"{name}.py")]
    nbval = ["--nbval", "--nbval-current-env", "--nbval-sanitize-with", "tools/nbval_sanitize.cfg"]
    notebooks = [f"notebooks/{name}" for name in NOTEBOOKS]
    commands = {"tests": [*pytest, *tests], "notebooks": [*pytest, *nbval, *notebooks]}
    return {
        what: subprocess.run(command, cwd=PROJECT, env=environment, check=False).returncode
        for what, command in commands.items()
    }


def run_set(chosen: VersionSet, wanted: str | None) -> tuple[str, bool]:
    """Prepare one set and test it; return the line of the table and whether all passed."""
    started = time.monotonic()
    python = prepare(chosen, wanted)
    shown = versions(python)
    print(f"== {chosen.name}: {shown}", flush=True)
    codes = run_tests(python)
    verdicts = ", ".join(f"{what} {'passed' if c == 0 else 'FAILED'}" for what, c in codes.items())
    minutes = (time.monotonic() - started) / 60
    line = f"{chosen.name:8}{verdicts} in {minutes:.0f} min ({shown})"
    return line, not any(codes.values())


def main(words: Sequence[str] | None = None) -> int:
    """Run the sets named, or all of them, and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("sets", nargs="*", choices=[[], *SETS], help="default: all three")
    parser.add_argument("--python", help="this version instead of the set's own, such as 3.11")
    arguments = parser.parse_args(words)
    results = [run_set(SETS[name], arguments.python) for name in arguments.sets or SETS]
    print("\n".join(line for line, _ in results))
    return 0 if all(passed for _, passed in results) else 1


if __name__ == "__main__":
    sys.exit(main())
