"""The repairs that Inseq's own heatmap needs."""

import inspect
import re
import warnings

import pytest

from hw7.views import inseq_show


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
        assert inseq_show.repair_ipython_display() is False
        from IPython.core.display import display
        from IPython.display import display as own
    assert display is own


def test_repair_puts_ipythons_own_function_back(without_display):
    from IPython.display import display

    assert inseq_show.repair_ipython_display() is True
    assert without_display.display is display


def test_repair_changes_nothing_where_the_name_exists(without_display):
    without_display.display = sentinel = object()
    assert inseq_show.repair_ipython_display() is False
    assert without_display.display is sentinel


def test_inseqs_import_works_after_the_repair(without_display):
    inseq_show.repair_ipython_display()
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
    inseq_show.repair_inseq_colors()
    colors = colors_of(translation)
    assert len(colors) == 81
    number = r"\d+(?:\.\d+)?(?:e-\d+)?"
    assert all(re.fullmatch(rf"rgba\({number}(?:, {number}){{3}}\)", color) for color in colors)
    assert len(set(colors)) > 20


def test_repair_of_colors_says_so_once_and_ends_with_numbers(unrepaired_colors, monkeypatch):
    import numpy

    is_broken = int(numpy.__version__.split(".")[0]) >= 2
    assert inseq_show.repair_inseq_colors() is is_broken
    repaired = unrepaired_colors.get_color
    assert inseq_show.repair_inseq_colors() is False
    assert unrepaired_colors.get_color is repaired
    monkeypatch.setattr(unrepaired_colors, "get_color", lambda *_: "rgba(178.0, 24.0, 43.0, 1.0)")
    assert inseq_show.repair_inseq_colors() is False
