"""Ablation: brute force over all subsets, a sparse surrogate, and how far it can be believed."""

from itertools import combinations

import numpy as np
import pytest
import torch

from helpers import explain
from helpers.errors import MethodError
from hw7.engine.ablation import DRAWS, fitted
from hw7.engine.errors import NotExplainableError
from hw7.engine.shared_passes import attribute_together
from hw7.engine.whole_answer import answer_ablation
from tests.support.random_models import EOS, FAMILIES, encoded_texts, random_model

WRITTEN = 3
# float32 sums in another order, seen through a logarithm.
TOLERANCE = 1e-4


def odds(probability):
    return torch.log(probability / (1 - probability))


def probabilities_of(model, sources, targets, kept):
    """The generated tokens' probabilities with some of the input, by one plain pass."""
    ids, read = targets.input_ids[0], sources.input_ids[0]
    kept = read[kept]
    if model.is_encoder_decoder:
        written = ids[None, :-1]
        logits = model.model(input_ids=kept[None], decoder_input_ids=written).logits[0]
        explained = ids[1:]
    else:
        kept = kept if len(kept) else torch.tensor([model.model.config.bos_token_id])
        explained = ids[len(read) :]
        logits = model.model(input_ids=torch.cat([kept, explained])[None]).logits[0]
        logits = logits[len(kept) - 1 : -1]
    return logits.double().softmax(-1).gather(-1, explained[:, None])[:, 0]


def average_effects(model, sources, targets, parts, value):
    """By definition: how much a part adds to what every subset of the others gives."""
    length, everywhere = sources.input_ids.shape[1], range(len(parts))
    left_out_only = {place for part in parts for place in part}

    def value_of(there):
        kept = [
            place
            for place in range(length)
            if place not in left_out_only or any(place in parts[number] for number in there)
        ]
        with torch.no_grad():
            return value(probabilities_of(model, sources, targets, kept))

    effects = []
    for part in everywhere:
        others = [number for number in everywhere if number != part]
        subsets = [s for size in range(len(others) + 1) for s in combinations(others, size)]
        gains = [value_of({*subset, part}) - value_of(set(subset)) for subset in subsets]
        effects.append(torch.stack(gains).mean(0))
    return torch.stack(effects)


@pytest.mark.parametrize("parts", [None, [[0, 1], [3]]], ids=["tokens", "groups"])
@pytest.mark.parametrize("family", FAMILIES)
def test_few_parts_get_their_average_effect_over_all_subsets(family, parts):
    model = random_model(family)
    sources, targets = encoded_texts(model, 4, WRITTEN)
    own = {} if parts is None else {"parts": parts}
    output = attribute_together(model, sources, targets, ["ablation"], options={"ablation": own})
    output = output["ablation"]
    parts = parts or [[place] for place in range(4)]
    expected = average_effects(model, sources, targets, parts, odds)
    found = output[0].source_attributions
    found = output[0].target_attributions if found is None else found
    assert output.info["is_exact"]
    for part, effects in zip(parts, expected, strict=True):
        for place in part:
            shared = effects / len(part)
            assert torch.allclose(found[place].double(), shared, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("family", ["marian", "qwen3"])
def test_a_span_is_explained_by_the_odds_of_all_its_tokens(family):
    model = random_model(family)
    sources, targets = encoded_texts(model, 4, WRITTEN)
    parts = [[place] for place in range(4)]
    surrogate = answer_ablation(model, sources, targets, (1, 3))
    expected = average_effects(
        model, sources, targets, parts, lambda found: odds(found[1:3].prod()[None])
    )
    assert surrogate.is_exact
    assert np.allclose(surrogate.weights, expected.numpy(), rtol=0, atol=TOLERANCE)


def test_tokens_that_are_never_left_out_have_no_score():
    model = random_model("marian")
    sources, targets = encoded_texts(model, 4, WRITTEN)
    assert sources.input_ids[0, -1] == EOS
    scores = attribute_together(model, sources, targets, ["ablation"])["ablation"][0]
    assert scores.source_attributions[-1].isnan().all()
    assert not scores.source_attributions[:-1].isnan().any()


def test_a_prompt_is_explained_and_what_was_generated_is_not():
    model = random_model("llama")
    sources, targets = encoded_texts(model, 4, WRITTEN)
    scores = attribute_together(model, sources, targets, ["ablation"])["ablation"][0]
    assert not scores.target_attributions[:4].isnan().any()
    assert scores.target_attributions[4:].isnan().all()


@pytest.mark.parametrize("family", ["t5", "gpt2"])
def test_random_draws_are_the_same_every_time_and_follow_the_seed(family):
    model = random_model(family)
    sources, targets = encoded_texts(model, 12, WRITTEN)

    def scores(**own):
        output = attribute_together(
            model, sources, targets, ["ablation"], options={"ablation": own}
        )
        assert not output["ablation"].info["is_exact"]
        found = output["ablation"][0]
        return (
            found.source_attributions if model.is_encoder_decoder else found.target_attributions
        ).nan_to_num()

    first = scores()
    torch.rand(3)
    assert torch.equal(first, scores())
    assert not torch.equal(first, scores(seed=1))
    assert not torch.equal(first, scores(draws=DRAWS // 2))


def linear_draws(noise):
    generator = np.random.default_rng(5)
    is_there = generator.integers(0, 2, (DRAWS, 20)).astype(float)
    weights = np.zeros((20, 2))
    weights[3, 0], weights[7, 0], weights[11, 1] = 2.0, -1.0, 1.5
    scores = is_there @ weights + 4 + noise * generator.normal(size=(DRAWS, 2))
    return is_there, scores, weights


def test_a_sparse_linear_model_is_found_and_can_be_believed():
    is_there, scores, weights = linear_draws(noise=0.0)
    surrogate = fitted(is_there, scores, is_exact=False)
    # Lasso shrinks every weight by about its penalty, a hundredth of the scores' spread.
    assert np.abs(surrogate.weights - weights).max() < 0.05
    assert (surrogate.r2 > 0.95).all()


def test_noise_is_not_believed():
    is_there, scores, _ = linear_draws(noise=50.0)
    assert (fitted(is_there, scores, is_exact=False).r2 < 0.3).all()


def test_r2_is_that_of_draws_the_surrogate_has_not_seen():
    # With as many parts as draws, a surrogate that has seen the draws explains any noise.
    generator = np.random.default_rng(5)
    is_there = generator.integers(0, 2, (DRAWS, DRAWS)).astype(float)
    noise = generator.normal(size=(DRAWS, 2))
    assert (fitted(is_there, noise, is_exact=False).r2 < 0).all()


def test_it_is_a_method_of_the_catalog_that_leaves_out_words(translation, translator):
    explanation = explain(
        translator, translation.input_text, methods=["ablation"], show_progress=False
    )
    table = explanation.table("ablation")
    assert explanation.most_important("machine") == "机器"
    assert len(explanation.attribution("ablation").info["r2"]) == table.shape[1]


def test_start_token_that_the_model_lacks_is_passed_over():
    model, settings = random_model("gpt2"), {"target": " w3", "methods": ["ablation"]}
    model.model.config.bos_token_id = EOS
    expected = explain(model, "w1 w2", **settings).digest()
    model.model.config.bos_token_id = 50256
    assert explain(model, "w1 w2", **settings).digest() == expected


def test_options_that_are_none_are_those_of_nobody():
    model, settings = random_model("gpt2"), {"target": " w3", "methods": ["ablation"]}
    for whole_answer in (False, True):
        alone = explain(model, "w1 w2", whole_answer=whole_answer, **settings)
        none = {"ablation": {"parts": None, "seed": None}}
        made = explain(model, "w1 w2", whole_answer=whole_answer, method_options=none, **settings)
        assert made.digest() == alone.digest()


def test_misspelt_options_are_refused(translator):
    with pytest.raises(MethodError, match="draws"):
        explain(
            translator,
            "我喜欢机器学习。",
            methods=["ablation"],
            method_options={"ablation": {"drawz": 3}},
            show_progress=False,
        )


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ({"draws": 7}, "8 at least"),
        ({"parts": []}, "no parts"),
        *(
            ({"parts": parts}, "from 0 to 3 and each in one part")
            for parts in (
                [[0], [40]], [[-1]], [[0, 1], [1, 2]], [[0, 0]], [[]], [0], "ab", 5, [[True]],
                [[0.0]],
            )
        ),
        *(({"seed": seed}, "whole number from 0 on") for seed in (-1, True, 1.5, "1", 2**64)),
    ],
)  # fmt: skip
def test_what_cannot_be_drawn_is_refused_with_the_numbers(own, said):
    model = random_model("gpt2")
    sources, targets = encoded_texts(model, 4, WRITTEN)
    with pytest.raises(NotExplainableError, match=said):
        attribute_together(model, sources, targets, ["ablation"], options={"ablation": own})
