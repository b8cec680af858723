"""The logit lens drawn: the likeliest words of each layer, the one that was written marked."""

import re

import pytest

from helpers.environment import font_file
from hw7.views.lens import LogitLens

RIVALS = [["a", 0.5], ["<b>", 0.25], ["机器", 0.125], ["d", 0.0625], ["e", 0.03125]]


@pytest.fixture
def lens():
    layers = [
        {"generated": "Paris", "probability": 0.01, "rank": 9, "rivals": RIVALS},
        {
            "generated": "Paris",
            "probability": 0.75,
            "rank": 1,
            "rivals": [["a", 0.125], *RIVALS[2:]],
        },
    ]
    return LogitLens("The capital is", "Paris", layers, font_file())


def test_words_stand_by_their_probability_and_the_written_one_is_marked(lens):
    assert [word for word, _, _ in lens.words()[0]] == ["a", "<b>", "机器", "d", "e"]
    assert lens.words()[1][0] == ("Paris", 0.75, True)


def test_table_has_a_row_for_each_layer(lens):
    table = lens.table()
    assert list(table.index) == [1, 2]
    assert list(table["rank"]) == [9, 1]
    assert table.loc[1, "rival 2"] == "<b>"


def test_html_escapes_words_and_marks_the_written_one(lens):
    html = lens._repr_html_()
    assert "<b>" not in re.sub(r"<b><u>Paris</u></b>", "", html)
    assert html.count("<b><u>Paris</u></b>") == 1
    assert html == lens._repr_html_()


def test_picture_writes_every_word_and_is_saved(lens, tmp_path):
    figure = lens.plot(tmp_path / "lens.png")
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert texts[:3] == ["a 0.50", "<b> 0.25", "机器 0.12"]
    framed = [text.get_text() for text in figure.axes[0].texts if text.get_bbox_patch()]
    assert framed == ["Paris 0.75"]
    assert (tmp_path / "lens.png").stat().st_size > 1000
    with pytest.raises(ValueError, match="names no picture format"):
        lens.plot(tmp_path / "lens.txt")
