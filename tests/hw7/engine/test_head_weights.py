"""The packed weights of all heads: their mean is the column of the heatmap."""

import base64

import numpy
import pytest

from helpers import Explanation, explain
from helpers.errors import MethodError
from tests.support.chat_models import chat, chat_model

SENTENCE = "我喜欢机器学习和人工智能。"


def unpacked(made, column):
    packed = made.sheet().heads
    numbers = numpy.frombuffer(base64.b64decode(packed["columns"][column]), "<u2") / 65535
    return numbers.reshape(len(packed["layers"]), len(packed["heads"]), -1)


@pytest.fixture(scope="module")
def qwen():
    return chat_model()


@pytest.fixture(scope="module")
def translated(translator):
    return explain(translator, SENTENCE, methods=["attention"], heads=True)


@pytest.mark.parametrize("span", [None, "ris"])
def test_mean_over_layers_and_heads_is_the_column_of_a_chat(qwen, span):
    made = explain(
        qwen, chat=chat("Which?"), target="Paris", span=span, methods=["attention"], heads=True
    )
    table = made.table("attention").to_numpy()
    for column in range(table.shape[1]):
        weights = unpacked(made, column)
        expected = table[: weights.shape[2], column]
        assert not numpy.isnan(expected).any()
        assert numpy.isnan(table[weights.shape[2] :, column]).all()
        # Half a step of 1/65535 for each weight.
        numpy.testing.assert_allclose(weights.mean((0, 1)), expected, atol=1e-5, rtol=0)


def test_mean_over_layers_and_heads_is_the_column_of_a_translation(translated):
    table = translated.table("attention").to_numpy()
    for column in range(table.shape[1]):
        found = unpacked(translated, column).mean((0, 1))
        numpy.testing.assert_allclose(found, table[:, column], atol=1e-5, rtol=0)


def test_saved_explanation_keeps_them(translated, tmp_path):
    translated.save(tmp_path / "heads.zip")
    loaded = Explanation.load(tmp_path / "heads.zip")
    assert loaded.html(picture=False) == translated.html(picture=False)


def test_beyond_their_budget_they_are_left_out_and_their_size_is_told(translator, monkeypatch):
    monkeypatch.setattr("hw7.engine.head_weights.MOST_CHARACTERS", 100)
    found = explain(translator, SENTENCE, methods=["attention"], heads=True)
    assert found.sheet().heads is None
    assert any("heads left out" in note for note in found.notes("token"))


def test_without_attention_they_are_refused(qwen):
    with pytest.raises(MethodError, match="needs 'attention'"):
        explain(qwen, chat=chat("Which?"), target="Paris", methods=["saliency"], heads=True)
