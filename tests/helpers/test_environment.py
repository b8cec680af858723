"""The repairs and look-ups a notebook needs at its start."""

import inspect
import re
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from helpers import environment


@pytest.fixture
def without_display(monkeypatch):
    """IPython as from version 9 on, whichever version is installed."""
    import IPython.core.display

    for name in ("display", "__getattr__"):
        if name in vars(IPython.core.display):
            monkeypatch.delattr(IPython.core.display, name)
    return IPython.core.display


def test_repair_silences_an_ipython_that_answers_with_a_warning(without_display, monkeypatch):
    def answer(name):
        if name != "display":
            raise AttributeError(name)
        warnings.warn(f"{name} is deprecated", DeprecationWarning, stacklevel=2)
        return print

    monkeypatch.setattr(without_display, "__getattr__", answer, raising=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert environment.repair_ipython_display() is False
        from IPython.core.display import display
        from IPython.display import display as own
    assert display is own


def test_repair_puts_ipythons_own_function_back(without_display):
    from IPython.display import display

    assert environment.repair_ipython_display() is True
    assert without_display.display is display


def test_repair_changes_nothing_where_the_name_exists(without_display):
    without_display.display = sentinel = object()
    assert environment.repair_ipython_display() is False
    assert without_display.display is sentinel


def test_inseqs_import_works_after_the_repair(without_display):
    environment.repair_ipython_display()
    from IPython.core.display import HTML, display

    assert callable(display)
    assert callable(HTML)


@pytest.fixture
def unrepaired_colors(monkeypatch):
    """Inseq's own function for colors, whatever was repaired before."""
    from inseq.utils import viz_utils

    own = inspect.unwrap(viz_utils.get_color)
    monkeypatch.setattr(viz_utils, "get_color", own)
    return viz_utils


def colors_of(translation) -> list[str]:
    html = translation.attribution("saliency").show(
        display=False, return_html=True, do_aggregation=False
    )
    return re.findall(r"rgba\((?:[^()]|\([^()]*\))*\)", html)


@pytest.mark.bundled
def test_colors_of_inseqs_own_heatmap_are_css_after_the_repair(unrepaired_colors, translation):
    environment.repair_inseq_colors()
    colors = colors_of(translation)
    assert len(colors) == 81
    number = r"\d+(?:\.\d+)?(?:e-\d+)?"
    assert all(re.fullmatch(rf"rgba\({number}(?:, {number}){{3}}\)", color) for color in colors)
    assert len(set(colors)) > 20


def test_repair_of_colors_says_so_once_and_ends_with_numbers(unrepaired_colors, monkeypatch):
    import numpy

    is_broken = int(numpy.__version__.split(".")[0]) >= 2
    assert environment.repair_inseq_colors() is is_broken
    repaired = unrepaired_colors.get_color
    assert environment.repair_inseq_colors() is False
    assert unrepaired_colors.get_color is repaired
    monkeypatch.setattr(unrepaired_colors, "get_color", lambda *_: "rgba(178.0, 24.0, 43.0, 1.0)")
    assert environment.repair_inseq_colors() is False


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
