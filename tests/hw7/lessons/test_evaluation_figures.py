"""The pictures show the numbers of the tables."""

import pandas
import pytest
from matplotlib.patches import Rectangle

from hw7.lessons.which_method import (
    GoldSentence,
    plot_alignment,
    plot_comparison,
    plot_layers,
    summarize,
)

MEASURES = ["precision at 1", "alignment error rate"]
GOLD = GoldSentence(
    "我来。",
    "I come.",
    ("我", "来", "。"),
    ("I", "come", "."),
    sure=frozenset({(0, 0), (2, 2)}),
    possible=frozenset({(0, 0), (1, 1), (2, 2)}),
)


def counts_of(method, *hits, **more):
    return pandas.DataFrame(
        [
            {"method": method, "repeat": 0, "sentence": number, "hits": hit, "linked_words": 4}
            | {"matched": 2 * hit, "drawn": 8}
            | more
            for number, hit in enumerate(hits)
        ]
    )


def test_each_panel_marks_every_method_at_its_value():
    counts = pandas.concat([counts_of("saliency", 4, 3), counts_of("random", 1, 0)])
    figure = plot_comparison(counts, MEASURES)
    table = summarize(counts, MEASURES)
    assert len(figure.axes) == 2
    for panel, name in zip(figure.axes, MEASURES, strict=True):
        (marks,) = [found for found in panel.collections if len(found.get_offsets()) == 2]
        assert marks.get_offsets()[:, 0].tolist() == pytest.approx(table[name].tolist())
        assert name in panel.get_title()


def test_there_is_one_line_for_each_reading():
    layers = pandas.concat(
        counts_of(f"{layer} {reading}", 1 + layer, 2, layer=layer, reading=reading)
        for reading in ("output", "input")
        for layer in (0, 1)
    )
    (axes,) = plot_layers(layers).axes
    output, reading_input = axes.get_lines()
    expected = summarize(layers, ["alignment error rate"])["alignment error rate"].tolist()
    assert [*output.get_ydata(), *reading_input.get_ydata()] == pytest.approx(expected)


def test_every_picture_carries_its_figures_in_words():
    counts = pandas.concat([counts_of("saliency", 4, 3), counts_of("random", 1, 0)])
    layers = counts.assign(layer=0, reading="output")
    table = pandas.DataFrame([[1.0, 0, 0], [0, 0, 1], [0, 1, 0]], GOLD.source_words, [*"abc"])
    expected = {
        "saliency 0.88 [0.75, 1.00]": plot_comparison(counts, MEASURES),
        "random 0.88 [": plot_layers(layers),
        "framed (gold): I ← 我, come ← 来, . ← 。; strongest, mine: a ← 我, b ← 。, c ← 来": (
            plot_alignment({"mine": table}, GOLD)
        ),
    }
    for words, figure in expected.items():
        page = figure._repr_html_()
        assert words in page.partition('alt="')[2].partition('"')[0]
        assert "data:image/png;base64," in page
        assert figure._repr_png_() is None


def test_gold_links_are_framed_solid_where_they_are_sure():
    table = pandas.DataFrame([[1.0, 0, 0], [0, 1, 0], [0, 0, 1]], GOLD.source_words)
    (panel,) = plot_alignment({"saliency": table}, GOLD).axes
    frames = [patch for patch in panel.patches if isinstance(patch, Rectangle)]
    styles = {(round(f.get_y() + 0.45), round(f.get_x() + 0.45)): f.get_linestyle() for f in frames}
    assert styles == {(0, 0): "-", (1, 1): "--", (2, 2): "-"}
