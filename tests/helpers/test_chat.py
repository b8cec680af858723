"""Chats are explained turn by turn; what is no chat, no answer or no span of it is refused."""

import numpy
import pandas
import pytest

from helpers import explain
from helpers.errors import HomeworkError, TextError
from hw7.text.chat import chat_prompt
from hw7.views.levels import LEVELS
from tests.support.chat_models import STRICT_TEMPLATE, chat, chat_model
from tests.support.random_models import random_model

QUESTION = [{"role": "user", "content": "Which capital? 首都？"}]
REPLY = "<think>\nIt is France.\n</think>\n\nParis. 巴黎。"


@pytest.fixture(scope="module")
def qwen():
    return chat_model()


@pytest.fixture(scope="module")
def answered(qwen):
    """A chat whose answer is given, thinking first."""
    return explain(qwen, chat=QUESTION, target=REPLY, methods=["saliency", "attention"])


@pytest.mark.parametrize(
    ("messages", "reason"),
    [
        ([], "list of messages"),
        ("Hi", "list of messages"),
        (["Hi"], "list of messages"),
        ([{"role": "user"}], "Message 1 .* a role and a content"),
        ([{"role": "user", "content": "x", "name": "y"}], "nothing else"),
        ([{"role": "user", "content": "x"}, "y"], "Message 2"),
        ([{"role": "usr", "content": "x"}], "'usr'. Did you mean 'user'"),
        ([{"role": 3, "content": "x"}], "role 3. Use one of system, user, assistant"),
        ([{"role": "user", "content": None}], "no text"),
        ([{"role": "user", "content": " "}], "no text"),
        ([{"role": "user", "content": "a\ud800"}], "2 of the content of message 1 is half a"),
        ([{"role": "user", "content": [{"type": "text", "text": "x"}]}], "no text"),
        (chat("x", "y"), "last message .* user's"),
    ],
)
def test_what_is_no_chat_is_refused_in_a_sentence(qwen, messages, reason):
    with pytest.raises(TextError, match=reason):
        explain(qwen, chat=messages)


@pytest.mark.parametrize("family", ["gpt2", "marian"])
def test_model_without_a_template_is_refused(family):
    with pytest.raises(TextError, match="has no chat template"):
        explain(random_model(family), QUESTION)


def test_templates_own_refusal_is_passed_on():
    system = {"role": "system", "content": "x"}
    with pytest.raises(TextError, match="refuses these messages: Roles must alternate"):
        explain(chat_model(STRICT_TEMPLATE), [system, *QUESTION])


def test_switch_for_thinking_that_a_template_has_not_is_refused():
    with pytest.raises(TextError, match="no switch for thinking"):
        explain(chat_model(STRICT_TEMPLATE), chat=QUESTION, thinking=False)


@pytest.mark.parametrize("thinking", ["no", 2])
def test_switch_for_thinking_that_is_none_is_refused(qwen, thinking):
    with pytest.raises(TextError, match="must be True, False or None, and not"):
        explain(qwen, chat=QUESTION, thinking=thinking)


def test_tags_of_thinking_may_be_special_tokens():
    model = chat_model()
    model.tokenizer.add_special_tokens({"additional_special_tokens": ["<think>", "</think>"]})
    made = explain(model, chat=QUESTION, target=REPLY, methods=["saliency"], answer_only=True)
    assert "".join(made.table().columns).startswith("Paris.")


def test_thinking_without_a_chat_is_refused(qwen):
    with pytest.raises(TextError, match=r"thinking= is for chats"):
        explain(qwen, "Hi", thinking=True)


def test_text_beside_a_chat_is_refused(qwen):
    with pytest.raises(HomeworkError, match="not both"):
        explain(qwen, "Hi", chat=QUESTION)


def test_messages_as_the_text_are_the_same_as_a_chat(qwen):
    settings = {"target": "Yes", "methods": ["saliency"]}
    one, other = explain(qwen, QUESTION, **settings), explain(qwen, chat=QUESTION, **settings)
    assert one.digest() == other.digest()
    assert [each.digest() for each in explain(qwen, [QUESTION], **settings)] == [one.digest()]


def test_scores_are_those_of_the_rendered_text(qwen, answered):
    rendered = explain(
        qwen, chat_prompt(qwen, QUESTION).text, target=REPLY, methods=["saliency", "attention"]
    )
    for method in ("saliency", "attention"):
        pandas.testing.assert_frame_equal(answered.table(method), rendered.table(method))


@pytest.mark.parametrize("thinking", [None, False])
def test_a_model_writes_its_own_answer(qwen, thinking):
    made = explain(qwen, chat=QUESTION, thinking=thinking, methods=["attention"], max_new_tokens=3)
    assert made.table().shape[1] == 3
    assert made.input_text == "user: Which capital? 首都？"


def test_thinking_and_answer_are_turns_of_their_own(answered):
    table = answered.table("saliency", level="turn")
    assert list(table.columns) == ["thinking template", "thinking", "answer"]
    assert list(table.index) == [
        "user template",
        "user",
        "answer template",
        "thinking template",
        "thinking",
        "answer",
        "(own earlier part)",
    ]
    assert table.loc["thinking", "answer"] > 0
    assert numpy.isnan(table.loc["answer", "answer"])


@pytest.mark.parametrize("method", ["saliency", "attention"])
def test_levels_of_a_chat_sum_to_one_and_to_the_level_below(answered, method):
    tokens = answered.table(method, level="token").to_numpy()
    for level in LEVELS:
        table = answered.table(method, level=level)
        numpy.testing.assert_allclose(numpy.nansum(table.to_numpy(), axis=0), 1, atol=1e-4)
    # By hand: the user's tokens, over the tokens of the answer.
    axes = answered.outline.rows, answered.outline.columns
    said = [n for n, turn in enumerate(axes[0].turns) if turn == "user" and not axes[0].special[n]]
    written = [n for n, turn in enumerate(axes[1].turns) if turn == "answer"]
    expected = tokens[numpy.ix_(said, written)].sum() / len(written)
    turns = answered.table(method, level="turn")
    assert turns.loc["user", "answer"] == pytest.approx(expected)
    sentences = answered.table(method, level="sentence", turn="user", columns="turn")
    assert list(sentences.index) == ["Which capital?", "首都？"]
    assert sentences["answer"].sum() == pytest.approx(expected)


def test_sentences_of_the_answer_end_in_chinese_too(answered):
    columns = list(answered.table("saliency", level="sentence").columns)
    assert columns[-2:] == ["Paris.", "巴黎。"]


def test_rows_can_be_restricted_to_the_words_of_the_user(answered):
    table = answered.table("saliency", level="word", turn="user")
    assert list(table.index) == ["Which", "␣", "capital", "?", "␣", "首", "都", "？"]
    best = answered.most_important("Paris", method="saliency", level="word", turn="user")
    assert best == table["Paris"].idxmax()


def test_answer_only_leaves_thinking_and_special_tokens_out(qwen):
    made = explain(
        qwen, chat=QUESTION, target=REPLY + "<|im_end|>", methods=["saliency"], answer_only=True
    )
    assert list(made.table(level="turn").columns) == ["answer"]
    assert "".join(made.table().columns) == "Paris.␣◌◌巴◌◌黎◌◌。"


def test_answer_that_was_never_begun_is_refused(qwen):
    with pytest.raises(TextError, match=r"no answer, only its thinking.*thinking=False"):
        explain(qwen, chat=QUESTION, target="<think>\nhm", answer_only=True)


def test_span_has_the_scores_of_its_tokens(qwen, answered):
    made = explain(qwen, chat=QUESTION, target=REPLY, methods=["saliency"], span="Paris")
    whole = answered.table("saliency")
    assert list(made.table().columns) == list("Paris")
    places = made.outline.places
    expected = whole.iloc[: made.table().shape[0], places].to_numpy()
    numpy.testing.assert_allclose(made.table().to_numpy(), expected, atol=1e-6)
    assert "(only this part is explained): Paris" in made.sheet().notes[0]
    (column,) = made.table(level="word").columns
    assert column == "Paris"


def test_no_more_is_attributed_than_the_span_needs(qwen):
    made = explain(qwen, chat=QUESTION, target=REPLY, methods=["saliency"], span="Paris")
    assert made.attribution("saliency")[0].target_attributions.shape[1] == len("Paris")


def test_span_with_a_contrast_counts_from_the_prompt(qwen):
    settings = {"chat": QUESTION, "methods": ["saliency"], "score": "logit"}
    settings |= {"target": "It is Rome.", "contrast": "It is Bonn."}
    whole, made = explain(qwen, **settings), explain(qwen, **settings, span="Rome")
    assert list(made.table().columns) == ["R → B", "o", "m → n", "e → n"]
    expected = whole.table().iloc[: len(made.table()), 6:10].to_numpy()
    numpy.testing.assert_allclose(made.table().to_numpy(), expected, atol=1e-6)


def test_ablation_leaves_out_words_of_the_chat_and_not_of_the_thinking(qwen):
    made = explain(
        qwen, chat=QUESTION, target=REPLY, methods=["saliency", "ablation"], answer_only=True
    )
    turns = made.table("ablation", level="turn")["answer"]
    assert turns["user"] != 0
    assert not numpy.nan_to_num(turns[["thinking", "user template"]]).any()


def test_span_takes_all_bytes_of_its_characters(qwen):
    made = explain(qwen, chat=QUESTION, target=REPLY, methods=["saliency"], span="黎")
    assert list(made.table().columns) == ["◌", "◌", "黎"]


@pytest.mark.parametrize("span", ["London", "a", "", "  "])
def test_span_that_is_not_there_once_is_refused(qwen, span):
    with pytest.raises(TextError, match=r"span .* times, but is to be there once.*Paris"):
        explain(qwen, chat=QUESTION, target=REPLY, span=span)


def test_span_of_the_thinking_is_no_span_of_the_answer(qwen):
    with pytest.raises(TextError, match="0 times"):
        explain(qwen, chat=QUESTION, target=REPLY, span="France", answer_only=True)


def test_span_of_a_translation(translator):
    made = explain(translator, "我喜欢机器学习。", methods=["saliency"], span="machine learning")
    assert list(made.table().columns) == ["machine", "learning"]
    assert made.table().shape[0] == len(translator.tokenizer("我喜欢机器学习。")["input_ids"])


def test_special_tokens_and_template_are_hidden_together(answered):
    from hw7.views.excerpts import without_special_tokens

    shown = without_special_tokens(answered.sheet(level="word"))
    assert "user template" in shown.hidden
    assert shown.rows[:3] == ["Which", "␣", "capital"]


def test_language_codes_are_special_in_the_heatmap():
    model = random_model("marian")
    model.tokenizer.add_special_tokens({"additional_special_tokens": ["w7"]})
    made = explain(model, "w7 w1", target="w2", methods=["saliency"])
    assert made.sheet().special_rows == [True, False, True]
