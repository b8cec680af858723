"""Homes that cannot be written, notebooks saved by other programs."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import editables
import pytest

PROJECT = Path(__file__).parents[2]


@pytest.fixture
def home(tmp_path):
    """A home in which nothing can be made, whoever asks: it is a file."""
    path = tmp_path / "home"
    path.touch()
    return path


def run(*words, home=None, **variables):
    environment = {**os.environ, "PYTHONPATH": str(PROJECT), "HW7_MODELS": "offline", **variables}
    for name in ("XDG_CACHE_HOME", "JUPYTER_RUNTIME_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR"):
        environment.pop(name, None)
    if home is not None:
        environment |= {"HOME": str(home), "USERPROFILE": str(home)}
    done = subprocess.run(
        [sys.executable, *words], env=environment, capture_output=True, text=True, encoding="utf-8"
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done


def test_a_download_into_a_home_that_cannot_be_written_says_what_to_type(home):
    models = str(home / "models")
    done = run("-m", "hw7.cli", "download", "smollm2", home=home, HW7_MODELS_FOLDER=models)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "cannot be written" in done.stderr
    assert "--to FOLDER" in done.stderr


def test_loading_the_generator_there_is_one_sentence_of_the_kit(home):
    program = (
        "from helpers import load_model; from helpers.errors import HomeworkError\n"
        "try:\n    load_model('generation')\nexcept HomeworkError as error:\n    print(error)"
    )
    done = run("-c", program, home=home, HW7_MODELS_FOLDER=str(home / "models"))
    assert done.returncode == 0, done.stderr
    assert "HW7_MODELS_FOLDER=FOLDER" in done.stdout


def write_notebook(path, metadata):
    cell = {
        "cell_type": "code", "metadata": {"colab": {"base_uri": "https://localhost"}},
        "source": "print(6 * 7)", "outputs": [], "execution_count": None,
    }  # fmt: skip
    content = {"nbformat": 4, "nbformat_minor": 0, "metadata": metadata, "cells": [cell]}
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def test_notebooks_run_where_the_home_cannot_be_written(home, tmp_path):
    notebook = write_notebook(tmp_path / "some.ipynb", {})
    done = run("-m", "hw7.cli", "run", str(notebook), "-o", str(tmp_path / "build"), home=home)
    assert done.returncode == 0, done.stderr


def test_an_output_folder_that_cannot_be_made_is_one_sentence(home, tmp_path):
    notebook = write_notebook(tmp_path / "some.ipynb", {})
    done = run("-m", "hw7.cli", "run", str(notebook), "-o", str(home / "build"))
    assert done.returncode == 1
    assert done.stderr == (
        f"hw7: {home / 'build'}: Not a directory. Write somewhere else: choose a folder with -o, "
        "or another home with HOME=...\n"
    )


WIDGETS = "application/vnd.jupyter.widget-state+json"


@pytest.mark.parametrize(
    "metadata",
    [
        {"widgets": {WIDGETS: {"0a1b": {"model_module": "@jupyter-widgets/controls"}}}},
        {"widgets": {WIDGETS: {}}},
        {"widgets": {}},
        {"kernelspec": {"name": "conda-env-of-somebody", "display_name": "mine"}},
        {"colab": {"provenance": []}, "accelerator": "GPU", "kernelspec": {"name": "python3"}},
    ],
    ids=["Colab's widgets", "no state", "no widgets", "another kernel", "a GPU notebook"],
)
def test_notebooks_saved_elsewhere_are_executed_and_written(tmp_path, metadata):
    notebook = write_notebook(tmp_path / "saved.ipynb", metadata)
    done = run("-m", "hw7.cli", "run", str(notebook), "-o", str(tmp_path / "build"))
    assert done.returncode == 0, done.stderr
    assert "<pre>42\n</pre>" in (tmp_path / "build" / "saved.html").read_text(encoding="utf-8")
    (cell,) = json.loads((tmp_path / "build" / "saved.ipynb").read_text(encoding="utf-8"))["cells"]
    assert cell["outputs"][0]["text"] == ["42\n"]


@pytest.fixture(scope="module")
def editable(tmp_path_factory):
    """A checkout in a folder with Chinese characters, and what an editable install puts there."""
    folder = tmp_path_factory.mktemp("机器学习")
    checkout = folder / "作业七"
    ignore = shutil.ignore_patterns("__pycache__")
    for name in ("helpers", "hw7", "assets"):
        shutil.copytree(PROJECT / name, checkout / name, ignore=ignore)
    for name in ("pyproject.toml", "README.md", "LICENSE", "hw7_setup.py"):
        shutil.copy(PROJECT / name, checkout)
    program = f"import hatchling.build; hatchling.build.build_editable({str(folder)!r})"
    subprocess.run([sys.executable, "-c", program], cwd=checkout, check=True, capture_output=True)
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        wheel.extractall(folder / "site-packages")
    # What the hook needs, alone: this environment has an installation of the kit of its own.
    shutil.copytree(Path(editables.__file__).parent, folder / "site-packages" / "editables")
    return checkout, folder / "site-packages"


def test_an_editable_install_leaves_nothing_that_a_locale_could_misread(editable):
    """Python reads .pth files in the encoding of the locale before it starts."""
    _, site_packages = editable
    for path in site_packages.glob("*.pth"):
        path.read_bytes().decode("ascii")


def test_an_editable_install_imports_the_checkout(editable, tmp_path):
    checkout, site_packages = editable
    program = (
        f"import site; site.addsitedir({str(site_packages)!r})\n"
        "import helpers, hw7.fetch.errors; from helpers.environment import assets_folder\n"
        "print(helpers.__file__, hw7.fetch.errors.__file__, assets_folder(), sep='\\n')"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", program], capture_output=True, text=True, encoding="utf-8",
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": "", "PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip
    folders = [checkout / "helpers/__init__.py", checkout / "hw7/fetch/errors.py"]
    assert done.stdout.split() == [*map(str, folders), str(checkout / "assets")], done.stderr


def test_scripts_keep_their_line_ends_whatever_git_is_told(tmp_path):
    """A script with CRLF ends in: $'\\r': command not found."""
    if not (PROJECT / ".git").exists():
        pytest.skip("not a clone, so there is no git to ask")
    told = ["git", "-c", "core.autocrlf=true", "-c", "core.eol=crlf"]
    copy = tmp_path / "copy"
    command = [*told, "checkout-index", f"--prefix={copy}/", "-a"]
    subprocess.run(command, cwd=PROJECT, check=True)
    texts = [path for path in copy.rglob("*") if path.suffix in (".sh", ".py", ".json", ".txt")]
    assert copy / "download_models.sh" in texts
    assert not [path for path in texts if b"\r\n" in path.read_bytes()]
