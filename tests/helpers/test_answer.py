"""A whole answer is explained by the gradient of the sum of its log-probabilities."""

import numpy
import pytest
import torch

import helpers.attribution
from helpers import Explanation, explain, load_model, logit_lens
from helpers.errors import HomeworkError, MethodError, TokenLookupError
from helpers.generation import generate
from hw7.engine.whole_answer import answer_ablation
from hw7.views.axes import WHOLE_ANSWER
from tests.support.chat_models import chat, chat_model
from tests.support.random_models import float64_throughout

SENTENCE = "我喜欢机器学习和人工智能。"
QUESTION = chat("Which capital? 首都？")
REPLY = "Paris. 巴黎。 It is the capital."
# Scores are kept in float32.
TOLERANCE = 1e-6


def shares_of(model, generation, start, end):
    """What autograd says of one plain pass: the lengths of the gradient, scaled to sum to one."""
    ids, first = generation.targets.input_ids, generation.first
    if model.is_encoder_decoder:
        read = model.embed(generation.sources.input_ids).detach().requires_grad_()
        written = model.embed(ids[:, :-1], as_targets=True)
        logits = model.model(inputs_embeds=read, decoder_inputs_embeds=written).logits[0]
    else:
        read = model.embed(ids).detach().requires_grad_()
        logits = model.model(inputs_embeds=read).logits[0]
    places = range(first + start, first + end)
    total = sum(logits.log_softmax(-1)[place - 1, ids[0, place]] for place in places)
    lengths = torch.autograd.grad(total, read)[0][0].norm(dim=-1)
    if not model.is_encoder_decoder:
        lengths = lengths[: first + start]
    return (lengths / lengths.sum()).numpy(), total.item()


@pytest.fixture(scope="module")
def exact_translator(project):
    with float64_throughout():
        yield load_model(str(project / "assets" / "models" / "tiny-zh-en"), dtype="float64")


@pytest.fixture(scope="module")
def qwen():
    return chat_model()


@pytest.fixture(scope="module")
def long_answer(qwen):
    return explain(qwen, chat=QUESTION, target=REPLY, methods=["saliency", "attention"])


def test_translation_equals_autograd_in_float64(exact_translator):
    generation = generate(exact_translator, SENTENCE)
    found = explain(exact_translator, SENTENCE, whole_answer=True)
    steps = generation.targets.input_ids.shape[1] - 1
    expected, likelihood = shares_of(exact_translator, generation, 0, steps)
    scores = found.table()
    assert list(scores.columns) == [WHOLE_ANSWER]
    numpy.testing.assert_allclose(scores[WHOLE_ANSWER], expected, atol=TOLERANCE, rtol=0)
    assert f"{likelihood:.2f}".replace("-", "−") in found.notes("token")[-1]


def test_span_of_a_translation_equals_autograd_in_float64(exact_translator):
    generation = generate(exact_translator, SENTENCE)
    found = explain(exact_translator, SENTENCE, span="machine learning", whole_answer=True)
    expected, _ = shares_of(exact_translator, generation, 2, 4)
    numpy.testing.assert_allclose(found.table()["machine learning"], expected, atol=TOLERANCE)


@pytest.mark.parametrize("span", [None, "capital"])
def test_chat_equals_autograd(qwen, span):
    generation = generate(qwen, QUESTION, target=REPLY)
    # One token for each byte.
    start = 0 if span is None else len(REPLY[: REPLY.index(span)].encode())
    end = start + len((span or REPLY).encode())
    expected, _ = shares_of(qwen, generation, start, end)
    found = explain(qwen, chat=QUESTION, target=REPLY, span=span, whole_answer=True)
    numpy.testing.assert_allclose(found.table().to_numpy()[:, 0], expected, atol=1e-5, rtol=0)


def test_it_is_looked_up_like_any_token(exact_translator):
    found = explain(exact_translator, SENTENCE, whole_answer=True)
    strongest = found.most_important(WHOLE_ANSWER)
    assert found.importance(strongest, WHOLE_ANSWER) == found.table()[WHOLE_ANSWER].max()
    with pytest.raises(TokenLookupError, match="whole answer"):
        found.importance("机器", "machine")


def test_long_answer_brings_the_whole_of_it_along(qwen, long_answer, tmp_path):
    alone = explain(qwen, chat=QUESTION, target=REPLY, whole_answer=True)
    assert long_answer.whole_answer.digest() == alone.digest()
    assert "whole answer ← " in long_answer.facts_text()
    long_answer.save(tmp_path / "long.zip")
    loaded = Explanation.load(tmp_path / "long.zip")
    assert loaded.html(picture=False) == long_answer.html(picture=False)
    assert loaded.whole_answer.digest() == alone.digest()


def test_short_answer_has_no_whole(qwen):
    short = explain(qwen, chat=QUESTION, target="Paris.", methods=["saliency"])
    with pytest.raises(HomeworkError, match="whole_answer=True"):
        _ = short.whole_answer


@pytest.mark.parametrize(("tokens", "is_long"), [(19, False), (20, True)])
def test_from_twenty_tokens_on_an_answer_is_long(qwen, tokens, is_long):
    found = explain(qwen, chat=QUESTION, target="a" * tokens, methods=["saliency"])
    assert found.table().shape[1] == tokens
    assert ("whole answer ← " in found.facts_text()) == is_long


def test_tokens_of_a_word_share_what_leaving_it_out_takes(qwen):
    """The weights themselves are compared with all subsets in tests/hw7/engine/test_ablation.py."""
    text, reply = "hello cat", " you"
    found = explain(qwen, text, target=reply, methods=["ablation"], whole_answer=True)
    generation = generate(qwen, text, target=reply)
    parts = [[0, 1, 2, 3, 4], [5], [6, 7, 8]]  # one token for each byte
    weights = answer_ablation(
        qwen, generation.sources, generation.targets, None, {"parts": parts}
    ).weights[:, 0]
    scores = found.table().to_numpy()[:, 0]
    for part, weight in zip(parts, weights.tolist(), strict=True):
        numpy.testing.assert_allclose(scores[part], weight / len(part), rtol=1e-5)


def test_progress_of_a_long_answer_begins_with_the_whole(qwen, monkeypatch):
    titles, own = [], helpers.attribution.progress_bar
    monkeypatch.setattr(
        helpers.attribution,
        "progress_bar",
        lambda total, title, **given: titles.append(title) or own(total, title, **given),
    )
    found = explain(qwen, chat=QUESTION, target=REPLY, methods=["saliency"])
    assert titles == [found.facts_text().splitlines()[1]]


@pytest.mark.parametrize("level", ["word", "sentence", "turn"])
def test_levels_of_a_whole_answer_sum_to_the_level_below(long_answer, level):
    scores = long_answer.whole_answer.table(level=level)
    assert scores.to_numpy().sum() == pytest.approx(1, abs=TOLERANCE)
    of_sheet = long_answer.sheet(level=level).layers[0].whole
    assert numpy.nansum(of_sheet) == pytest.approx(1, abs=TOLERANCE)


def test_rows_of_a_turn_keep_their_scores(long_answer):
    whole = long_answer.whole_answer.table(turn="user").iloc[:, 0]
    numpy.testing.assert_allclose(long_answer.sheet(turn="user").layers[0].whole, whole)


def test_ablation_of_a_whole_answer_tells_its_fit(exact_translator):
    found = explain(exact_translator, SENTENCE, methods=["ablation"], whole_answer=True)
    assert numpy.isfinite(found.table().loc["机器"].item())
    assert numpy.isnan(found.table().loc["</s>"].item())
    assert "held-out R²" in found.notes("token")[-1]


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"methods": ["attention"]}, r"'attention' does not explain .* methods=\['saliency'\]"),
        ({"score": "logit"}, "leave score= out"),
        ({"contrast": "I like cats."}, "leave contrast= out"),
    ],
)
def test_what_it_is_not_explained_with_is_refused(exact_translator, settings, reason):
    with pytest.raises(MethodError, match=reason):
        explain(exact_translator, SENTENCE, whole_answer=True, **settings)


def test_special_token_within_an_answer_is_no_part_of_the_whole(qwen):
    settings = {"target": "a" * 12 + "<|im_end|>" + "b" * 12, "answer_only": True}
    with pytest.raises(MethodError, match="Special tokens stand within what is explained"):
        explain(qwen, chat=QUESTION, whole_answer=True, **settings)
    made = explain(qwen, chat=QUESTION, methods=["saliency"], **settings)
    assert "".join(made.table().columns) == "a" * 12 + "b" * 12
    assert "whole answer ← " not in made.facts_text()


def test_settings_that_are_none_are_no_settings(exact_translator):
    alone = explain(exact_translator, SENTENCE, whole_answer=True)
    made = explain(exact_translator, SENTENCE, whole_answer=True, contrast=None, target=None)
    assert made.digest() == alone.digest()


def test_logit_lens_ends_with_what_the_model_wrote(qwen):
    lens = logit_lens(qwen, QUESTION, "C", target="ACA")
    explanation = explain(qwen, chat=QUESTION, target="ACA", methods=["attention"])
    own = explanation.probabilities(5).iloc[1]
    assert len(lens.layers) == qwen.model.config.num_hidden_layers
    last = lens.table().iloc[-1]
    assert list(last[own.index][["generated", "rank", "rival 1"]]) == list(
        own[["generated", "rank", "rival 1"]]
    )
    # One pass reads what the other reads, in other shapes; float32.
    assert last["probability"] == pytest.approx(own["probability"], abs=1e-5)
    assert lens.title.endswith("A → C")


def test_logit_lens_refuses_what_it_cannot_read(qwen, exact_translator):
    with pytest.raises(MethodError, match="Use a generator"):
        logit_lens(exact_translator, SENTENCE)
    with pytest.raises(TokenLookupError, match="occurrence="):
        logit_lens(qwen, QUESTION, "A", target="ACA")


def test_family_whose_parts_cannot_be_run_one_by_one_is_refused_in_a_sentence(qwen, monkeypatch):
    def fail(*arguments):
        raise AttributeError("'BaseModelOutput' object has no attribute 'router_logits'")

    # As Switch Transformers do from Transformers 5 on.
    monkeypatch.setattr("hw7.engine.answer_column.answer_scores", fail)
    with pytest.raises(MethodError, match=r"explained with saliency here: .*router_logits'\. Try"):
        explain(qwen, chat=QUESTION, target=REPLY, whole_answer=True)
