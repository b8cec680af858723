"""Another `helpers` or `hw7` beside the notebook is named, not imported."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]


def run(program, folder, *paths):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (*paths, PROJECT)))}
    return subprocess.run(
        [sys.executable, "-c", program], cwd=folder, env=environment, capture_output=True, text=True
    )


def write(path, text=""):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.mark.parametrize("name", ["helpers.py", "helpers/__init__.py"])
@pytest.mark.parametrize("program", ["import hw7", "import hw7.cli"])
def test_a_foreign_helpers_is_named_with_the_next_step(tmp_path, name, program):
    foreign = write(tmp_path / name, "__version__ = '3'")
    done = run(program, tmp_path)
    last = done.stderr.splitlines()[-1]
    assert last.startswith(f"ImportError: {foreign} is not the homework kit's helpers")
    assert "Rename" in last


def test_a_foreign_helpers_that_is_installed_is_named(tmp_path):
    foreign = write(tmp_path / "site" / "helpers" / "__init__.py")
    done = run("import hw7", tmp_path, tmp_path / "site")
    assert str(foreign) in done.stderr.splitlines()[-1]


def test_a_foreign_hw7_is_named_with_the_next_step(tmp_path):
    foreign = write(tmp_path / "hw7.py", "answer = 42")
    done = run("from helpers import explain", tmp_path)
    last = done.stderr.splitlines()[-1]
    assert last.startswith(f"ImportError: {foreign} is not the homework kit's hw7")


@pytest.mark.parametrize("name", ["hw7/notes.txt", "helpers/notes.txt"])
def test_a_plain_folder_of_that_name_does_not_matter(tmp_path, name):
    """Python takes a package that is one before a folder that is none."""
    write(tmp_path / name)
    done = run("import hw7.cli, helpers; print(helpers.__version__)", tmp_path)
    assert done.returncode == 0, done.stderr
