"""A version of Transformers that computes otherwise is noticed on a small twin, in milliseconds."""

import pytest
import torch
from transformers.models.llama import modeling_llama

from hw7.engine import gradient_engines
from hw7.engine.llama import backward
from hw7.engine.llama.twin import fault_of, kinds_of_modules, twin_of
from hw7.engine.shared_passes import attribute_together
from hw7.engine.step_gradients import AutogradEngine
from tests.support.attribution_checks import assert_same_scores
from tests.support.random_models import LLAMA_LIKE_FAMILIES, encoded_texts, random_model

# float32 rounds sums differently when their order changes.
TOLERANCE = 1e-4


def forget_the_residual(monkeypatch):
    """The feed-forward module's input is no longer added to its output."""
    original = modeling_llama.LlamaMLP.forward
    monkeypatch.setattr(modeling_llama.LlamaMLP, "forward", lambda m, x: original(m, x) - x)


def let_positions_mix(monkeypatch):
    """Behind the attention, a position reads the ones before it."""
    original = modeling_llama.LlamaMLP.forward
    monkeypatch.setattr(
        modeling_llama.LlamaMLP, "forward", lambda m, x: original(m, x.cumsum(dim=1))
    )


def change_the_width(monkeypatch):
    """The gate's projection gives twice the width, and half of it is used."""
    original = modeling_llama.LlamaMLP.__init__

    def wider(module, config):
        original(module, config)
        module.gate_proj = torch.nn.Linear(config.hidden_size, 2 * config.intermediate_size)

    def forward(module, states):
        gate = module.gate_proj(states).chunk(2, dim=-1)[0]
        return module.down_proj(module.act_fn(gate) * module.up_proj(states))

    monkeypatch.setattr(modeling_llama.LlamaMLP, "__init__", wider)
    monkeypatch.setattr(modeling_llama.LlamaMLP, "forward", forward)


def rename_a_module(monkeypatch):
    """The projection of the values has another name."""
    original = modeling_llama.LlamaAttention.__init__

    def renamed(module, *arguments, **settings):
        original(module, *arguments, **settings)
        module.value_proj = module.v_proj
        del module.v_proj

    def found(module, name):
        return torch.nn.Module.__getattr__(module, name if name != "v_proj" else "value_proj")

    monkeypatch.setattr(modeling_llama.LlamaAttention, "__init__", renamed)
    # Only the module itself still finds it; `_modules` does not have the name.
    original_forward = modeling_llama.LlamaAttention.forward

    def forward(module, *arguments, **settings):
        object.__setattr__(module, "v_proj", module.value_proj)
        try:
            return original_forward(module, *arguments, **settings)
        finally:
            object.__delattr__(module, "v_proj")

    monkeypatch.setattr(modeling_llama.LlamaAttention, "forward", forward)


def forget_the_rotation(monkeypatch):
    """Not Transformers but the backward pass is wrong."""
    monkeypatch.setattr(backward, "unrotated", lambda gradient, rotation, rows: gradient)


BREAKAGES = [
    forget_the_residual,
    let_positions_mix,
    change_the_width,
    rename_a_module,
    forget_the_rotation,
]


@pytest.mark.parametrize("family", LLAMA_LIKE_FAMILIES)
def test_the_backward_pass_is_right_for_every_family_it_is_used_for(family):
    assert fault_of(random_model(family).model) is None


@pytest.mark.parametrize("break_it", BREAKAGES, ids=lambda function: function.__name__)
def test_what_computes_otherwise_is_noticed_and_goes_through_autograd(break_it, monkeypatch):
    break_it(monkeypatch)
    model = random_model("llama")
    sources, targets = encoded_texts(model, 5, 6)
    with pytest.warns(UserWarning, match="computes something in another way"):
        fallen_back = attribute_together(model, sources, targets, ["saliency"])
    with monkeypatch.context() as plain:
        plain.setattr(gradient_engines, "fits", lambda forcing: False)
        expected = attribute_together(model, sources, targets, ["saliency"])
    assert_same_scores(fallen_back["saliency"][0], expected["saliency"][0], TOLERANCE)


def test_a_model_whose_modules_were_replaced_goes_through_autograd():
    class OwnNorm(torch.nn.Module):
        variance_epsilon = 1e-6

        def __init__(self, norm):
            super().__init__()
            self.weight = norm.weight

        def forward(self, states):
            return states * self.weight

    network = random_model("llama").model
    network.model.norm = OwnNorm(network.model.norm)
    assert "modules that its class does not have" in fault_of(network)


def test_the_check_never_runs_the_model_itself(monkeypatch):
    network = random_model("qwen3").model

    def refuse(*arguments, **settings):
        raise AssertionError("the student's model was run")

    monkeypatch.setattr(network.model, "forward", refuse)
    assert fault_of(network) is None


@pytest.mark.parametrize("family", LLAMA_LIKE_FAMILIES)
def test_the_twin_differs_in_dimensions_only(family):
    network = random_model(family).model
    twin = twin_of(network)
    assert type(twin) is type(network)
    assert kinds_of_modules(twin) == kinds_of_modules(network)
    ours, theirs = twin.config.to_dict(), network.config.to_dict()
    dimensions = {
        "hidden_size",
        "intermediate_size",
        "num_hidden_layers",
        "num_attention_heads",
        "num_key_value_heads",
        "head_dim",
        "vocab_size",
        "layer_types",
        "initializer_range",
        "pad_token_id",
        "bos_token_id",
        "eos_token_id",
        "dtype",
        "torch_dtype",
    }
    assert {key for key in ours | theirs if ours.get(key) != theirs.get(key)} <= dimensions
    assert sum(parameter.numel() for parameter in twin.parameters()) < 20_000


def test_the_check_leaves_the_random_numbers_alone():
    network = random_model("llama").model
    before = torch.get_rng_state()
    fault_of(network)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_lack_of_memory_is_not_taken_for_another_version(monkeypatch):
    network = random_model("llama").model

    def full(*arguments):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(AutogradEngine, "__call__", full)
    with pytest.raises(torch.OutOfMemoryError):
        gradient_engines.is_sound(network)
    assert network not in gradient_engines._is_sound
