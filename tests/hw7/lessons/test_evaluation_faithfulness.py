"""Comprehensiveness and sufficiency against deletions made one by one."""

import math

import numpy
import pytest
import torch

from benchmarks.faithfulness import answer_gaps
from helpers.generation import generate
from hw7.lessons.which_method import faithfulness
from hw7.lessons.which_method.erasure import (
    erased_log_probabilities,
    generated_ids,
    random_scores,
    removable_positions,
)
from tests.support.random_models import EOS, random_model, random_text

FAMILIES = ["marian", "t5", "gpt2", "qwen3"]


@pytest.fixture(scope="module", params=FAMILIES)
def case(request):
    model = random_model(request.param)
    target = random_text(4, seed=1)
    text = target if model.is_encoder_decoder else f" {target}"
    return model, generate(model, random_text(6), target=text)


def probability_alone(model, generation, kept, step):
    """The probability of one token from a forward pass over nothing but its own prefix."""
    source = generation.sources.input_ids[:, list(kept)]
    written = generated_ids(generation)
    with torch.no_grad():
        if model.is_encoder_decoder:
            read = generation.targets.input_ids[:, : step + 1]
            logits = model.model(input_ids=source, decoder_input_ids=read).logits
        else:
            logits = model.model(torch.cat([source, written[None, :step]], dim=1)).logits
    return float(logits[0, -1].softmax(-1)[written[step]])


def test_rows_of_a_batch_have_the_probabilities_they_have_alone(case):
    model, generation = case
    everything = range(generation.sources.input_ids.shape[1])
    kept = [tuple(everything), (0, 2, 3), (1,), (0, 1, 2, 3, 4)]
    found = erased_log_probabilities(model, generation, kept).exp()
    assert found.shape == (4, len(generated_ids(generation)))
    for row, part in enumerate(kept):
        for step in range(found.shape[1]):
            expected = probability_alone(model, generation, part, step)
            # Padding changes the order of float32 sums.
            assert float(found[row, step]) == pytest.approx(expected, abs=2e-6)


def test_special_tokens_are_never_deleted(case):
    model, generation = case
    ids = generation.sources.input_ids[0]
    assert all(int(ids[place]) != EOS for place in removable_positions(model, generation))
    assert len(removable_positions(model, generation)) == 6


def test_drops_are_means_over_fractions_of_deletions_made_by_hand(case):
    model, generation = case
    steps = len(generated_ids(generation))
    scores = numpy.tile(numpy.array([[3.0], [1], [6], [5], [2], [4]]), (1, steps))
    found = faithfulness(model, generation, {"mine": scores}, fractions=(0.2, 0.5))
    special = [6] if model.is_encoder_decoder else []
    everything = [*range(6), *special]
    # Ranking 2, 3, 5, 0, 4, 1: two tokens of six for 0.2 (rounded up), three for 0.5.
    for row in found.itertuples():
        full = probability_alone(model, generation, everything, row.step)
        strongest = [[2, 3], [2, 3, 5]]
        left = [[place for place in everything if place not in part] for part in strongest]
        only = [[*sorted(part), *special] for part in strongest]
        for parts, value in ((left, row.comprehensiveness), (only, row.sufficiency)):
            alone = [probability_alone(model, generation, part, row.step) for part in parts]
            assert value == pytest.approx(full - sum(alone) / 2, abs=4e-6)
        assert row.probability == pytest.approx(full, abs=2e-6)


def test_only_the_ranking_counts_not_the_score_mass(case):
    model, generation = case
    steps = len(generated_ids(generation))
    scores = random_scores((6, steps), 0)
    both = faithfulness(model, generation, {"plain": scores, "peaked": scores**9})
    plain, peaked = (both[both["method"] == name] for name in ("plain", "peaked"))
    columns = ["comprehensiveness", "sufficiency"]
    assert plain[columns].to_numpy().tolist() == peaked[columns].to_numpy().tolist()


def test_keeping_all_tokens_is_sufficient(case):
    model, generation = case
    steps = len(generated_ids(generation))
    scores = {str(seed): random_scores((5, steps), seed) for seed in range(3)}
    groups = [(place,) for place in range(5)]
    found = faithfulness(model, generation, scores, groups=groups, fractions=(1.0,))
    # The same batch gives the same float32 numbers.
    assert found["sufficiency"].to_numpy() == pytest.approx(0, abs=1e-6)


def test_groups_are_deleted_whole(case):
    model, generation = case
    steps = len(generated_ids(generation))
    scores = numpy.tile(numpy.array([[1.0], [2.0]]), (1, steps))
    found = faithfulness(
        model, generation, {"mine": scores}, groups=[(0, 1), (3, 4)], fractions=(0.5,)
    )
    special = [6] if model.is_encoder_decoder else []
    for row in found.itertuples():
        full = probability_alone(model, generation, [*range(6), *special], row.step)
        left = probability_alone(model, generation, [0, 1, 2, 5, *special], row.step)
        assert row.comprehensiveness == pytest.approx(full - left, abs=4e-6)


def test_leave_one_out_ranking_is_the_most_comprehensive_for_one_token(case):
    """Deleting the one token whose deletion hurts most: no other ranking can hurt more."""
    model, generation = case
    everything = tuple(range(generation.sources.input_ids.shape[1]))
    kept = [tuple(place for place in everything if place != gone) for gone in range(6)]
    drops = erased_log_probabilities(model, generation, [everything]).exp()
    drops = (drops - erased_log_probabilities(model, generation, kept).exp()).double().numpy()
    scores = {"best": drops} | {str(seed): random_scores(drops.shape, seed) for seed in range(5)}
    found = faithfulness(model, generation, scores, fractions=(1 / 6,))
    highest = found.groupby("step")["comprehensiveness"].max()
    best = found[found["method"] == "best"].set_index("step")["comprehensiveness"]
    assert best.to_numpy() == pytest.approx(highest.to_numpy(), abs=2e-6)


def test_a_gap_is_the_fall_without_the_strongest_less_that_without_the_weakest(case):
    model, generation = case
    scores = numpy.array([3.0, 1, 6, 5, 2, 4])
    found = answer_gaps(model, generation, {"mine": scores, "constant": scores * 0}, (0.2, 0.5))
    special = [6] if model.is_encoder_decoder else []
    ids = generated_ids(generation)
    steps = [step for step in range(len(ids)) if int(ids[step]) != EOS]

    def answer(gone):
        kept = [place for place in [*range(6), *special] if place not in gone]
        chances = [probability_alone(model, generation, kept, step) for step in steps]
        return sum(map(math.log, chances))

    # Ranking 2, 3, 5, 0, 4, 1: two tokens of six for 0.2 (rounded up), three for 0.5.
    expected = [answer([4, 1]) - answer([2, 3]), answer([0, 4, 1]) - answer([2, 3, 5])]
    # Sums of logarithms of float32 probabilities, whose sums were taken in another order.
    assert found["mine"] == pytest.approx(sum(expected) / 2, abs=1e-4)
    assert found["constant"] == 0


def test_scores_of_another_shape_are_refused(case):
    model, generation = case
    with pytest.raises(ValueError, match="shape"):
        faithfulness(model, generation, {"mine": numpy.zeros((2, 2))})


def test_a_prompt_may_not_be_deleted_whole():
    model = random_model("gpt2")
    generation = generate(model, random_text(3), target=f" {random_text(2, seed=1)}")
    with pytest.raises(ValueError, match="Nothing of the prompt"):
        erased_log_probabilities(model, generation, [()])
