"""Aggregated outputs with readable tokens: the scores, places and ids of the output given."""

import pytest
import torch
from inseq import FeatureAttributionOutput
from inseq.data import CoarseFeatureAttributionSequenceOutput, FeatureAttributionSequenceOutput
from inseq.utils.typing import TokenWithId

from hw7.engine.aggregated_outputs import relabelled


@pytest.fixture
def output():
    """A translation of two tokens from three, with a raw spelling."""
    sequence = FeatureAttributionSequenceOutput(
        source=[TokenWithId(token, place) for place, token in enumerate(["▁a", "▁b", "</s>"])],
        target=[TokenWithId(token, 7 + place) for place, token in enumerate(["<s>", "▁x", "▁y"])],
        source_attributions=torch.arange(6.0).reshape(3, 2),
        target_attributions=None,
        step_scores={"probability": torch.tensor([0.5, 0.25])},
        attr_pos_start=1,
        attr_pos_end=3,
    )
    return FeatureAttributionOutput([sequence], info={"model_name": "m", "outline": "old"})


def relabel(output):
    def labels_of(tokens):
        return [token.strip("▁").upper() for token in tokens]

    return relabelled(output, output.sequence_attributions[0], labels_of, outline="new")


def test_labels_take_the_place_of_tokens_which_keep_their_ids(output):
    found = relabel(output).sequence_attributions[0]
    assert [(token.token, token.id) for token in found.source] == [("A", 0), ("B", 1), ("</S>", 2)]
    assert [(token.token, token.id) for token in found.target] == [("<S>", 7), ("X", 8), ("Y", 9)]


def test_scores_and_places_are_those_given(output):
    given, found = output.sequence_attributions[0], relabel(output).sequence_attributions[0]
    assert torch.equal(found.source_attributions, given.source_attributions)
    assert found.target_attributions is None
    assert torch.equal(found.step_scores["probability"], torch.tensor([0.5, 0.25]))
    assert (found.attr_pos_start, found.attr_pos_end) == (1, 3)


def test_information_is_added_and_the_output_given_is_left_as_it_was(output):
    assert relabel(output).info == {"model_name": "m", "outline": "new"}
    assert output.info == {"model_name": "m", "outline": "old"}
    assert output.sequence_attributions[0].source[0].token == "▁a"


def test_nothing_is_left_for_inseqs_own_show_to_aggregate(output):
    found = relabel(output).sequence_attributions[0]
    assert type(found) is CoarseFeatureAttributionSequenceOutput
    assert torch.equal(found.aggregate().source_attributions, found.source_attributions)
