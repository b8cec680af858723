"""Labels of every level come from the raw tokens: words, sentences, contrasts, special tokens."""

from itertools import pairwise

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import explain
from helpers.aggregation import axis_of
from helpers.errors import HomeworkError, TokenLookupError
from hw7.text.spelling import pieces_of
from hw7.views.levels import LEVELS
from tests.support.chat_models import chat_model
from tests.support.random_models import random_model


def axis(tokens, parts=None, spelling="sentencepiece"):
    pieces = pieces_of(tokens, spelling, {"</s>", "<s>"})
    return axis_of(pieces, parts or [("prompt", False)] * len(tokens))


def test_words_and_sentences_are_labelled_with_their_text():
    tokens = ["▁Learn", "ing", "▁is", "▁fun", ".", "▁It", "▁work", "s", "!", "</s>"]
    labels = axis(tokens).labels
    assert labels["word"] == ["Learning", "is", "fun", ".", "It", "works", "!", "</s>"]
    assert labels["sentence"] == ["Learning is fun.", "It works!", "</s>"]
    assert labels["turn"] == ["prompt", "</s>"]


def test_chinese_sentences_end_at_chinese_marks():
    tokens = ["你好", "。", "我", "喜欢", "猫", "！", "真", "的", "？", "是"]
    assert axis(tokens).labels["sentence"] == ["你好。", "我喜欢猫！", "真的？", "是"]


def test_a_space_begins_the_next_sentence_and_blank_lines_end_one():
    tokens = ["▁No", ".", "\n", "\n", "▁Yes"]
    assert axis(tokens).labels["sentence"] == ["No.↵↵", "Yes"]


def test_words_and_sentences_end_with_their_part():
    tokens = ["▁un", "believ", "able"]
    parts = [("prompt", False), ("answer", False), ("answer", False)]
    assert axis(tokens, parts).labels["word"] == ["un", "believable"]


def test_template_of_a_turn_is_one_group_wherever_its_tokens_are():
    tokens = ["<s>", "▁user", "▁hi", "▁there", "</s>"]
    parts = [("user", True), ("user", True), ("user", False), ("user", False), ("user", True)]
    found = axis(tokens, parts)
    assert found.labels["turn"] == ["user template", "user"]
    assert found.numbers["turn"] == [0, 0, 1, 1, 0]
    assert found.special == [True, True, False, False, True]
    assert found.labels["word"] == ["user template", "hi", "there"]


def test_long_sentences_are_shortened():
    (label,) = axis(["▁word"] * 20).labels["sentence"]
    assert len(label) == 32
    assert label.startswith("word word")
    assert label.endswith("…")


TOKENS = st.lists(st.one_of(st.text(max_size=4), st.sampled_from(["</s>", "▁a", ".", "。", "b"])))


@given(TOKENS.flatmap(lambda t: st.tuples(st.just(t), st.lists(st.booleans(), min_size=len(t)))))
def test_every_token_is_in_one_group_that_lies_in_one_group_of_the_next_level(drawn):
    tokens, in_answer = drawn
    parts = [("answer" if later else "prompt", False) for later in sorted(in_answer[: len(tokens)])]
    found = axis(tokens, parts)
    for below, above in pairwise(LEVELS):
        pairs = set(zip(found.numbers[below], found.numbers[above], strict=True))
        assert len(pairs) == len({number for number, _ in pairs}) == len(found.labels[below])
        assert all(found.labels[below])


@pytest.mark.parametrize("family", ["gpt2", "marian"])
def test_contrast_is_named_behind_the_token_it_is_compared_with(family):
    model = random_model(family)
    explanation = explain(
        model, "w1 w2 w3", target="w4 w5 w6", contrast="w4 w9 w6", methods=["saliency"]
    )
    assert list(explanation.table().columns)[:3] == ["w4", "w5 → w9", "w6"]
    assert list(explanation.table(level="word").columns)[:3] == ["w4", "w5 → w9", "w6"]


def test_token_contrasted_with_itself_has_no_strongest_source():
    model = random_model("gpt2")
    explanation = explain(model, "w1 w2", target="w4 w5", contrast="w4 w9", methods=["saliency"])
    assert list(explanation.strongest()["generated"]) == ["w5 → w9"]
    with pytest.raises(TokenLookupError, match="same token"):
        explanation.most_important("w4")


def test_columns_beyond_the_end_of_a_contrast_stay_empty_and_unnamed(generator):
    explanation = explain(
        generator,
        "The capital of France is",
        contrast=" London",
        methods=["saliency"],
        score="logit",
        max_new_tokens=3,
    )
    table = explanation.table(level="word")
    assert table.columns[0] == "Paris → London"
    # The norms of the gradient of the difference of two logits, by float64 autograd.
    assert list(table.iloc[:5, 0].round(3)) == [0.232, 0.332, 0.101, 0.277, 0.058]
    assert table.iloc[:, 1:].isna().all(axis=None)
    assert list(explanation.strongest()["generated"]) == ["Paris → London"]
    assert sum("no contrast" in note for note in explanation.sheet().notes) == 1


def test_largest_is_the_span_aggregator_of_inseq():
    explanation = explain(
        chat_model(),
        "machine learning",
        target=" is fun",
        methods=["saliency"],
        words=True,
        aggregation="largest",
    )
    spans = [(g[0], g[-1] + 1) for g in explanation.outline.rows.places("word")]
    sequence = explanation.attribution("saliency")[0]
    prompt = [span for span in spans if span[1] <= sequence.attr_pos_start]
    grouped = sequence.aggregate("spans", source_spans=prompt, target_spans=spans)
    expected = grouped.target_attributions.numpy()[: len(prompt)]
    assert expected.shape[1] == explanation.table().shape[1] == 4  # with the spaces
    numpy.testing.assert_allclose(explanation.table().to_numpy()[: len(prompt)], expected)


def test_unknown_aggregation_is_refused():
    with pytest.raises(HomeworkError, match=r"'median'.*sum.*mean.*largest"):
        explain(random_model("gpt2"), "w1", target="w2", aggregation="median")


def test_unknown_level_is_refused():
    explanation = explain(random_model("gpt2"), "w1", target="w2", methods=["saliency"])
    with pytest.raises(TokenLookupError, match=r"'words'.*token, word, sentence, turn"):
        explanation.table(level="words")


def test_saved_explanation_keeps_its_levels(tmp_path):
    made = explain(random_model("gpt2"), "w1 w2", target="w3 w4", methods=["saliency"], words=True)
    made.save(tmp_path / "e.zip")
    loaded = type(made).load(tmp_path / "e.zip")
    assert loaded.outline == made.outline
    assert loaded.level == "word"


@pytest.mark.parametrize("family", ["gpt2", "t5"])
def test_inseqs_own_show_works_on_what_is_aggregated(family, tmp_path):
    made = explain(random_model(family), "w1 w2", target="w3 w4", methods=["saliency"])
    made.save(tmp_path / "e.zip")
    for explanation in (made, type(made).load(tmp_path / "e.zip")):
        html = explanation.attribution("saliency").show(display=False, return_html=True)
        assert "w3" in html
