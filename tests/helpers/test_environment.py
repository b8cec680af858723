"""The repairs and look-ups a notebook needs at its start."""

import subprocess
import sys
from pathlib import Path

import pytest

from helpers import environment


def test_prepare_notebook_prints_one_line_on_host_and_versions(capsys):
    environment.prepare_notebook()
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1
    assert all(word in lines[0] for word in ("local", "inseq", "transformers", "torch"))


@pytest.mark.parametrize(
    ("variable", "expected"),
    [("COLAB_RELEASE_TAG", "Colab"), ("KAGGLE_KERNEL_RUN_TYPE", "Kaggle"), (None, "local")],
)
def test_host_is_told_from_the_variables_it_sets(monkeypatch, variable, expected):
    for name in ("COLAB_RELEASE_TAG", "COLAB_GPU", "KAGGLE_KERNEL_RUN_TYPE"):
        monkeypatch.delenv(name, raising=False)
    if variable:
        monkeypatch.setenv(variable, "x")
    assert environment.host() == expected


def test_models_folder_is_the_one_the_variable_names(monkeypatch, tmp_path):
    monkeypatch.setenv("HW7_MODELS_FOLDER", str(tmp_path))
    assert environment.models_folder() == tmp_path


def test_assets_folder_holds_the_published_scores():
    assert (environment.assets_folder() / "reference").is_dir()


def run_python(code: str) -> str:
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    return result.stdout


def test_import_of_helpers_loads_no_heavy_package():
    heavy = ("torch", "transformers", "inseq", "matplotlib", "pandas", "IPython", "numpy")
    code = f"import sys, helpers; print([name for name in {heavy} if name in sys.modules])"
    assert run_python(code).strip() == "[]"


def test_import_of_helpers_takes_under_100_milliseconds():
    # The least of ten is the import itself; the others add the noise of the machine.
    code = "import time; t = time.perf_counter(); import helpers; print(time.perf_counter() - t)"
    assert min(float(run_python(code)) for _ in range(10)) < 0.1


def test_public_surface_is_what_init_lists():
    import helpers

    for name in helpers.__all__:
        assert getattr(helpers, name).__doc__
    with pytest.raises(AttributeError, match="explain"):
        _ = helpers.no_such_name


def test_project_folder_is_this_checkout():
    assert environment.project_folder() == Path(__file__).resolve().parents[2]
