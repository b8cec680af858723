"""The comparison of methods on gold sentences, end to end."""

import numpy
import pytest

from hw7.lessons.which_method import (
    GoldSentence,
    Variant,
    best_layer,
    compare_methods,
    count_tokens,
    evaluate_layers,
    faithfulness,
    gold_for,
    report,
    sentence_scores,
    split_gold,
    standard_variants,
    summarize,
)
from hw7.lessons.which_method.erasure import removable_positions
from hw7.lessons.which_method.measurements import gold_generation, plausibility_counts
from tests.support.attribution_checks import are_embeddings_scaled_once
from tests.support.random_models import random_model, random_text

VARIANTS = [
    Variant("saliency", "saliency"),
    Variant("attention", "attention"),
    Variant("layer 1, input", "attention", layer=1, reading="input"),
]


def gold_sentence(number, source=6, target=5):
    """Random words, each target word linked with one source word."""
    generator = numpy.random.default_rng(number)
    links = frozenset(
        (int(place), word) for word, place in enumerate(generator.integers(source, size=target))
    )
    texts = random_text(source, seed=number), random_text(target, seed=number + 100)
    words = [tuple(text.split()) for text in texts]
    return GoldSentence(*texts, *words, sure=links, possible=links)


SENTENCES = [gold_sentence(number) for number in range(4)]


@pytest.fixture(scope="module")
def model():
    return random_model("marian")


@pytest.fixture(scope="module")
def counts(model):
    return compare_methods(model, SENTENCES, VARIANTS, random_repeats=3)


def test_there_is_one_row_for_each_method_and_sentence(counts):
    rows = counts.groupby("method")["sentence"].agg(["count", "nunique"])
    assert rows.loc["saliency"].tolist() == [4, 4]
    assert rows.loc["random"].tolist() == [12, 4]


def test_counts_are_those_of_each_sentence_alone(model, counts):
    for number, gold in enumerate(SENTENCES):
        for name, table in sentence_scores(model, gold, VARIANTS).items():
            row = counts[(counts["method"] == name) & (counts["sentence"] == number)].iloc[0]
            expected = plausibility_counts(table, gold)
            assert row[list(expected)].to_dict() == pytest.approx(expected)


def test_faithfulness_is_that_of_the_methods_token_scores(model, counts):
    gold = SENTENCES[0]
    generation = gold_generation(model, gold)
    table = sentence_scores(model, gold, VARIANTS[:1])["saliency"]
    # One token a word: the word table holds the token scores, but for the end token's column.
    scores = numpy.zeros((len(removable_positions(model, generation)), table.shape[1] + 1))
    scores[:, :-1] = table.to_numpy()[: len(scores)]
    expected = faithfulness(model, generation, {"saliency": scores})
    row = counts[(counts["method"] == "saliency") & (counts["sentence"] == 0)].iloc[0]
    assert row["erased_tokens"] == len(expected) == len(gold.target_words)
    # The batches differ, and with them float32 rounding.
    for name in ("comprehensiveness", "sufficiency"):
        assert row[name] == pytest.approx(expected[name].sum(), abs=1e-5)


def test_judging_a_model_leaves_its_decoder_as_it_was_loaded():
    """Who switched the repair off is shown the scores of the decoder as it is."""
    unrepaired = random_model("marian")
    unrepaired.has_repairs = False
    assert not are_embeddings_scaled_once(unrepaired)
    compare_methods(unrepaired, SENTENCES[:1], VARIANTS[:1])
    count_tokens(unrepaired, SENTENCES[:1])
    assert not are_embeddings_scaled_once(unrepaired)


def test_the_same_run_gives_the_same_counts(model, counts):
    again = compare_methods(model, SENTENCES, VARIANTS, random_repeats=3)
    assert again.drop(columns="seconds").equals(counts.drop(columns="seconds"))


def test_gradient_shap_is_seeded(model):
    variants = [Variant("gradient_shap", "gradient_shap")]
    first, second = (sentence_scores(model, SENTENCES[0], variants) for _ in range(2))
    assert first["gradient_shap"].equals(second["gradient_shap"])


def test_a_sentence_whose_tokens_do_not_spell_its_words_is_left_out_aloud(model, capsys):
    strange = GoldSentence(
        "w1 unknown", "w2", ("w1", "unknown"), ("w2",), frozenset({(0, 0)}), frozenset({(0, 0)})
    )
    found = compare_methods(model, [SENTENCES[0], strange], VARIANTS[:1], random_repeats=1)
    assert found["sentence"].unique().tolist() == [0]
    assert "Left out: w1 unknown" in capsys.readouterr().out


def test_every_layer_is_read_in_both_ways(model):
    layers = evaluate_layers(model, SENTENCES)
    assert len(layers) == 4 * 3 * 2
    assert set(best_layer(layers)) == {"output", "input"}


def test_standard_variants_name_the_best_layers(model):
    names = [variant.name for variant in standard_variants(model, {"output": 2, "input": 1})]
    assert "attention, layer 2, output" in names
    assert "attention, layer 1, input" in names
    assert "saliency" in names


def test_the_report_shows_values_with_their_intervals(counts):
    shown = report(counts, ["precision at 1", "seconds"])
    value = summarize(counts, ["precision at 1"]).at["saliency", "precision at 1"]
    assert shown.at["saliency", "precision at 1"].startswith(f"{value:.2f} [")
    assert "[" not in shown.at["saliency", "seconds"]


def test_tokens_are_counted_on_both_sides(model):
    found = count_tokens(model, SENTENCES)
    assert found.loc["source"].tolist() == [24, 24, 0, 0]
    assert found.loc["target"].tolist() == [20, 20, 0, 0]


@pytest.fixture(scope="module")
def bundled_counts(translator):
    sentences = split_gold(gold_for(translator))[1][:6]
    variants = [Variant("saliency", "saliency"), Variant("attention", "attention")]
    return compare_methods(translator, sentences, variants)


@pytest.mark.bundled
@pytest.mark.slow
def test_the_bundled_translators_explanations_beat_random_ones_by_far(bundled_counts):
    table = summarize(bundled_counts)
    for method in ("saliency", "attention"):
        # The translator reads each word off its source word: far beyond any random spread.
        assert table.at[method, "precision at 1"] > 2 * table.at["random", "precision at 1"]
        assert table.at[method, "comprehensiveness"] > table.at["random", "comprehensiveness"] + 0.1


@pytest.mark.bundled
@pytest.mark.slow
def test_random_scores_are_at_chance_on_the_bundled_gold(translator, bundled_counts):
    sentences = split_gold(gold_for(translator))[1][:6]
    chances = [
        sum(target == word for _, target in gold.possible) / len(gold.source_words)
        for gold in sentences
        for word in gold.linked_words()
    ]
    found = summarize(bundled_counts, ["precision at 1"]).at["random", "precision at 1"]
    # Ten repeats of about fifty words: four standard errors of their mean.
    words = 10 * len(chances)
    chance = numpy.mean(chances)
    assert found == pytest.approx(chance, abs=4 * (chance * (1 - chance) / words) ** 0.5)
