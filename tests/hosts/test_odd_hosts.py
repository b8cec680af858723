"""Homes that cannot be written, notebooks saved by other programs."""

import json
import os
import subprocess
import sys
from pathlib import Path

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
    assert "42" in (tmp_path / "build" / "saved.html").read_text(encoding="utf-8")
    assert json.loads((tmp_path / "build" / "saved.ipynb").read_text(encoding="utf-8"))
