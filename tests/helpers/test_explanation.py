"""``explain`` gives Inseq's own scores, on one generation, under readable tokens."""

import math
import re
from itertools import pairwise

import inseq
import numpy
import pandas
import pytest

from helpers import Explanation, explain
from helpers.errors import HomeworkError, MethodError, TextError

pytestmark = pytest.mark.bundled

HOMEWORK_SENTENCE = "我喜欢机器学习和人工智能。"

# Float32 rounding: the same sums taken in another order differ in the sixth decimal.
TOLERANCE = 1e-5


def inseq_scores(model, text, generated_text, method):
    """Inseq's public API on texts, aggregated as its ``show()`` does."""
    output = model.attribute(text, generated_text, method=method, show_progress=False).aggregate()
    sequence = output[0]
    scores = sequence.source_attributions
    return (sequence.target_attributions if scores is None else scores).numpy()


@pytest.mark.parametrize("method", ["saliency", "attention"])
def test_translation_scores_equal_plain_inseq(translator, translation, method):
    expected = inseq_scores(translator, HOMEWORK_SENTENCE, translation.generated_text, method)
    actual = translation.table(method).to_numpy()
    assert actual.shape == expected.shape
    numpy.testing.assert_allclose(actual, expected, atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize("method", ["saliency", "attention"])
def test_continuation_scores_equal_plain_inseq(generator, continuation, method):
    written = generator.tokenizer.decode(
        generator.tokenizer("Hello world")["input_ids"]
        + [token.id for token in continuation.attribution(method)[0].target[2:]]
    )
    expected = inseq_scores(generator, "Hello world", written, method)
    actual = continuation.table(method).to_numpy()
    assert actual.shape == expected.shape
    numpy.testing.assert_allclose(actual, expected, atol=TOLERANCE, rtol=0)


# Inseq's own loop cannot differentiate the cross-entropy of a single text; see test_gradients.py.
@pytest.mark.parametrize("score", ["probability", "logit"])
def test_score_chosen_is_the_one_inseq_differentiates(translator, score):
    explanation = explain(translator, HOMEWORK_SENTENCE, methods=["saliency"], score=score)
    output = translator.attribute(
        HOMEWORK_SENTENCE,
        explanation.generated_text,
        method="saliency",
        attributed_fn=score,
        show_progress=False,
    ).aggregate()
    expected = output[0].source_attributions.numpy()
    numpy.testing.assert_allclose(explanation.table().to_numpy(), expected, atol=TOLERANCE, rtol=0)


def test_logit_and_probability_give_different_numbers(translator):
    tables = [
        explain(translator, HOMEWORK_SENTENCE, methods=["saliency"], score=score).table()
        for score in ("probability", "logit")
    ]
    assert (tables[0] - tables[1]).abs().max().max() > 0.001


def test_methods_explain_the_same_generation(continuation):
    saliency, attention = (continuation.table(method) for method in continuation.methods)
    assert list(saliency.columns) == list(attention.columns)
    assert list(saliency.index) == list(attention.index)


def test_greedy_generation_agrees_with_a_rerun(generator, continuation):
    again = explain(generator, "Hello world", methods=["attention"], max_new_tokens=5)
    assert again.generated_text == continuation.generated_text


def test_tokens_are_those_generated_not_those_of_the_text_encoded_again(generator):
    # SmolLM2 ends this sentence with two newline tokens; encoding the text again makes them one.
    explanation = explain(generator, "Hello world", methods=["attention"], max_new_tokens=6)
    assert list(explanation.table().columns)[-2:] == ["↵", "↵"]


def test_columns_sum_to_one(translation, continuation):
    for explanation in (translation, continuation):
        for method in explanation.methods:
            sums = numpy.nansum(explanation.table(method).to_numpy(), axis=0)
            numpy.testing.assert_allclose(sums, 1, atol=1e-4)


def test_generated_text_has_no_special_tokens(translation):
    assert translation.generated_text == "I like machine learning and artificial intelligence."


def test_tokens_are_shown_clean_and_none_is_lost(translator, translation):
    ids = translator.tokenizer(HOMEWORK_SENTENCE)["input_ids"]
    rows = list(translation.table("saliency").index)
    assert len(rows) == len(ids)
    assert rows[-1] == "</s>"
    assert not any("▁" in token for token in rows)


def test_importance_is_the_score_in_the_table(translation):
    table = translation.table("attention")
    expected = table.loc["机器", "artificial"]
    assert translation.importance("机器", "artificial", method="attention") == expected


def test_saliency_of_machine_points_to_its_chinese_word(translation):
    assert translation.most_important("machine", method="saliency") == "机器"


def test_forced_target_is_the_text_explained(translator):
    forced = explain(translator, "我喜欢机器学习。", target="I like artificial intelligence.")
    assert forced.generated_text == "I like artificial intelligence."


def test_forced_continuation_keeps_its_text(generator):
    forced = explain(generator, "The capital of France is", target=" Paris", methods=["attention"])
    assert list(forced.table().columns) == ["Paris"]


def test_list_of_texts_gives_the_same_as_one_by_one(translator):
    texts = ["我喜欢机器学习。", HOMEWORK_SENTENCE]
    together = explain(translator, texts, methods=["saliency"])
    alone = [explain(translator, text, methods=["saliency"]) for text in texts]
    for one, other in zip(together, alone, strict=True):
        pandas.testing.assert_frame_equal(one.table(), other.table())


def test_words_have_the_sums_of_their_source_tokens_and_the_means_of_their_columns(generator):
    texts = {"text": "人工智能", "target": "很好", "methods": ["saliency"]}
    tokens = explain(generator, **texts).table().to_numpy()
    words = explain(generator, **texts, words=True).table()
    assert list(words.index) == [*"人工智能很好", "(own earlier part)"]
    # 人 | 工 of two tokens | 智 of three, or as the tokenizer cuts them: it completes them last.
    spans = list(pairwise([0, *_ends(explain(generator, **texts).table().index)]))
    zeros = numpy.nan_to_num(tokens)
    first, second = spans[4:]  # the words written; their columns begin behind the prompt
    for (start, end), row in zip(spans[:4], words.to_numpy(), strict=False):
        for place, (begin, stop) in enumerate((first, second)):
            columns = slice(begin - spans[3][1], stop - spans[3][1])
            expected = zeros[start:end, columns].sum() / (stop - begin)
            assert row[place] == pytest.approx(expected, abs=TOLERANCE)
    numpy.testing.assert_allclose(numpy.nansum(words.to_numpy(), axis=0), 1, atol=1e-4)
    assert numpy.isnan(words.to_numpy()[4, 0])  # 很 does not influence itself


def _ends(labels):
    return [place + 1 for place, label in enumerate(labels) if label != "◌"]


def test_saved_explanation_loads_with_equal_scores(translation, tmp_path):
    translation.save(tmp_path / "explanation.zip")
    loaded = Explanation.load(tmp_path / "explanation.zip")
    assert loaded.digest() == translation.digest()
    pandas.testing.assert_frame_equal(loaded.table("saliency"), translation.table("saliency"))


def test_saved_method_file_loads_with_inseq_itself(translation, tmp_path):
    import zipfile

    translation.save(tmp_path / "explanation.zip")
    with zipfile.ZipFile(tmp_path / "explanation.zip") as archive:
        archive.extract("saliency.json", tmp_path)
    output = inseq.FeatureAttributionOutput.load(tmp_path / "saliency.json")
    assert output[0].source_attributions.shape == translation.table("saliency").shape


@pytest.mark.parametrize("way", ["show", "plot"])
@pytest.mark.parametrize(
    ("misspelt", "meant"), [("levl", "level"), ("trun", "turn"), ("scales", "scale")]
)
def test_a_misspelt_setting_of_a_picture_is_refused_with_the_nearest(
    translation, way, misspelt, meant
):
    with pytest.raises(HomeworkError, match=f"{way} '{misspelt}'.*mean '{meant}'"):
        getattr(translation, way)(**{misspelt: "token"})


def test_file_that_is_no_explanation_is_refused(tmp_path):
    (tmp_path / "other.zip").write_text("not a zip")
    with pytest.raises(HomeworkError, match=r"not a saved explanation.*explanation\.save"):
        Explanation.load(tmp_path / "other.zip")


@pytest.mark.parametrize("text", ["", "   ", "\n"])
def test_empty_text_is_refused(translator, text):
    with pytest.raises(TextError, match="empty"):
        explain(translator, text)


def test_text_beyond_the_models_limit_is_refused_not_cut(translator):
    with pytest.raises(TextError, match=r"tokens, but tiny-zh-en takes \d+"):
        explain(translator, "我喜欢机器学习。" * 300)


def test_unknown_words_are_named(translator):
    with pytest.raises(TextError, match="麒麟"):
        explain(translator, "我喜欢麒麟。")


def test_nearest_known_words_are_named_beside_an_unknown_one(translator):
    with pytest.raises(TextError, match=r"机关 \(nearest known: [^)]*机") as refused:
        explain(translator, "我喜欢机关。")
    (nearest,) = re.findall(r"\(nearest known: ([^)]*)\)", str(refused.value))
    assert 1 <= len(nearest.split(", ")) <= 3
    for word in nearest.split(", "):
        assert translator.tokenizer.unk_token_id not in translator.tokenizer(word).input_ids


def test_traditional_characters_are_shown_as_typed_and_read_as_simplified(translator):
    typed = explain(translator, "我喜歡機器學習。", methods=["saliency"])
    read = explain(translator, "我喜欢机器学习。", methods=["saliency"])
    assert typed.generated_text == read.generated_text
    assert list(typed.table("saliency").index[:-1]) == ["我", "喜歡", "機器", "學習", "。"]
    assert typed.table("saliency").to_numpy().tolist() == read.table("saliency").to_numpy().tolist()
    assert typed.importance("機器", "machine") == read.importance("机器", "machine")


def test_a_translation_that_the_model_is_unsure_of_is_refused(translator, monkeypatch):
    monkeypatch.setattr(translator.model.config, "least_confidence", 1.0, raising=False)
    with pytest.raises(TextError, match=r"not sentences of this kind.*\d+% sure"):
        explain(translator, HOMEWORK_SENTENCE)
    assert explain(translator, HOMEWORK_SENTENCE, allow_unknown=True).generated_text


def test_confidence_is_the_geometric_mean_of_the_tokens_probabilities(translator, monkeypatch):
    output = explain(translator, HOMEWORK_SENTENCE, methods=["attention"])
    probabilities = step_probabilities(translator, HOMEWORK_SENTENCE, output.generated_text)
    mean = math.prod(probabilities) ** (1 / len(probabilities))
    # float32 in another order: the seventh digit may differ.
    for least, is_refused in ((mean + 1e-5, True), (mean - 1e-5, False)):
        monkeypatch.setattr(translator.model.config, "least_confidence", least, raising=False)
        if is_refused:
            with pytest.raises(TextError, match="sure"):
                explain(translator, HOMEWORK_SENTENCE)
        else:
            explain(translator, HOMEWORK_SENTENCE)


def step_probabilities(model, source: str, target: str) -> list[float]:
    """Each target token's probability, from one forward pass a token."""
    import torch

    read = model.tokenizer(source, return_tensors="pt")
    ids = model.tokenizer(text_target=target).input_ids
    written = [model.model.config.decoder_start_token_id, *ids]
    found = []
    for place in range(1, len(written)):
        prefix = torch.tensor([written[:place]])
        with torch.no_grad():
            logits = model.model(**read, decoder_input_ids=prefix).logits[0, -1]
        found.append(logits.softmax(-1)[written[place]].item())
    return found


def test_unknown_method_lists_those_that_work(translator):
    with pytest.raises(MethodError, match=r"'salience'.*These do: saliency, attention"):
        explain(translator, HOMEWORK_SENTENCE, methods=["salience"])


def test_known_method_that_does_not_run_says_why(translator):
    with pytest.raises(MethodError, match="'reagent' does not run here: it fetches NLTK data"):
        explain(translator, HOMEWORK_SENTENCE, methods=["saliency", "reagent"])


def test_methods_as_one_string_is_refused(translator):
    with pytest.raises(MethodError, match="as a list"):
        explain(translator, HOMEWORK_SENTENCE, methods="saliency")


def test_out_of_memory_says_what_to_try(translator, monkeypatch):
    import torch

    from helpers.errors import NotEnoughMemoryError

    def refuse(*_, **__):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr("hw7.engine.shared_passes.attribute_together", refuse)
    with pytest.raises(NotEnoughMemoryError, match="smaller max_new_tokens"):
        explain(translator, HOMEWORK_SENTENCE)
