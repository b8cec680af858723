"""What a model writes is what its forward pass explains."""

import functools

import pytest
import torch
from transformers import BloomConfig, BloomForCausalLM

from helpers import explain
from helpers.errors import HomeworkError
from tests.support.random_models import VOCABULARY_SIZE, named, random_tokenizer

QUICK = {"methods": ["saliency"], "show_progress": False, "max_new_tokens": 3}


def model_of(network):
    torch.manual_seed(0)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return named(network.eval(), random_tokenizer(is_encoder_decoder=False), "small")


@pytest.fixture(scope="module")
def bloom():
    """A model of a family that is not on the list of those compared with Inseq."""
    return model_of(
        BloomForCausalLM(
            BloomConfig(vocab_size=VOCABULARY_SIZE, hidden_size=32, n_layer=1, n_head=2)
        )
    )


def test_model_that_writes_as_it_reads_is_explained(bloom):
    assert explain(bloom, "w1 w2 w3", **QUICK).table("saliency").shape[0] == 6


def test_positions_that_only_writing_adds_are_noticed(bloom, monkeypatch):
    prepare = bloom.model.prepare_inputs_for_generation

    @functools.wraps(prepare)  # Transformers reads its signature
    def shifted(input_ids, *arguments, **settings):
        given = prepare(input_ids, *arguments, **settings)
        return given | {"input_ids": (given["input_ids"] + 1) % VOCABULARY_SIZE}

    monkeypatch.setattr(bloom.model, "prepare_inputs_for_generation", shifted)
    with pytest.raises(HomeworkError, match=r"by other logits than it has .* target="):
        explain(bloom, "w1 w2 w3", **QUICK)
    assert explain(bloom, "w1 w2 w3", target=" w4 w5", **QUICK).table("saliency").shape == (5, 2)


def test_model_that_transformers_cannot_let_write_is_refused_with_a_way_out(bloom, monkeypatch):
    def fail(*arguments, **settings):
        raise ValueError("this Cache has no such layers.")

    monkeypatch.setattr(bloom.model, "generate", fail)
    with pytest.raises(HomeworkError, match=r"cannot let small write: .* layers. Give .* target="):
        explain(bloom, "w1 w2 w3", **QUICK)
