"""The whole answer in front of a long map: in the picture a column, beside the same rows."""

from dataclasses import replace

import numpy
import pytest

from hw7.views.axes import WHOLE_ANSWER
from hw7.views.excerpts import without_empty_rows, without_special_tokens
from hw7.views.explained import with_whole_answer
from hw7.views.picture import figure_of
from tests.support.made_explanations import made_explanation

WHOLE = numpy.array([0.5, 0.2, 0.3, numpy.nan, numpy.nan])


@pytest.fixture
def sheet():
    made = made_explanation(["a", "b", "</s>"], ["c", "d"], is_translation=False).sheet()
    saliency, attention = made.layers
    return replace(made, layers=[replace(saliency, whole=WHOLE), attention])


def test_it_comes_before_the_tokens_and_moves_none(sheet):
    found = with_whole_answer(sheet)
    assert found.columns == [WHOLE_ANSWER, *sheet.columns]
    numpy.testing.assert_array_equal(found.layers[0].scores[:, 0], WHOLE)
    for before, after in zip(sheet.layers, found.layers, strict=True):
        numpy.testing.assert_array_equal(after.scores[:, 1:], before.scores)
    assert numpy.isnan(found.layers[1].scores[:, 0]).all()
    assert len(found.special_columns) == 3


def test_special_tokens_left_out_leave_the_rest_of_it_whole(sheet):
    found = without_special_tokens(sheet).layers[0].whole
    numpy.testing.assert_allclose(found, [0.5 / 0.7, 0.2 / 0.7, numpy.nan, numpy.nan])


def test_empty_rows_go_from_it_as_well(sheet):
    assert len(without_empty_rows(sheet).layers[0].whole) == 4


def test_picture_writes_its_scores(sheet):
    axes = figure_of(sheet).axes[0]
    texts = [text.get_text() for text in axes.texts]
    assert WHOLE_ANSWER in texts
    column = [t.get_text() for t in axes.texts if t.get_position()[0] == 0 and "." in t.get_text()]
    assert column[:3] == ["0.50", "0.20", "0.30"]
