"""A model like another one, but so small that checking its gradients takes milliseconds."""

import copy
from typing import Any

import torch

from hw7.engine.capacity import is_out_of_memory
from hw7.engine.llama.engine import LlamaEngine
from hw7.engine.step_gradients import AutogradEngine
from hw7.engine.teacher_forcing import TeacherForcing

# How far the two ways may be apart, relative to the largest gradient. Their sums run in different
# orders; a forgotten term would be off by a thousand times as much.
RELATIVE_TOLERANCE = 1e-3

# Narrow, but with all there is to be mistaken: several layers, query heads that share a key head,
# a size of heads of its own, and tokens that two steps and several positions tell apart.
LAYERS, HIDDEN, INTERMEDIATE, HEADS, KEY_HEADS, HEAD_SIZE, VOCABULARY = 2, 16, 24, 4, 2, 8, 32
TOKENS, STEPS = 7, 3


def twin_of(network: Any) -> Any:
    """Return a narrow two-layer model of the same class and configuration, with random weights.

    Only dimensions differ. What a configuration switches on and off (biases, norms, activation,
    rotary embedding, tied weights, sliding windows of the first and the last layer) stays.
    """
    config = copy.deepcopy(network.config)
    if layer_types := getattr(config, "layer_types", None):
        config.layer_types = [layer_types[0], layer_types[-1]]
    config.num_hidden_layers, config.hidden_size = LAYERS, HIDDEN
    config.intermediate_size, config.vocab_size = INTERMEDIATE, VOCABULARY
    config.num_attention_heads, config.num_key_value_heads = HEADS, KEY_HEADS
    config.head_dim = HEAD_SIZE
    for name in ("pad_token_id", "bos_token_id", "eos_token_id"):
        setattr(config, name, None)
    config.initializer_range = 0.3
    with torch.random.fork_rng(devices=[]), torch.device("cpu"):
        torch.manual_seed(0)
        twin = type(network)(config)
        for name, parameter in twin.named_parameters():
            if parameter.dim() == 1:  # norms and biases, which begin as ones and zeros
                torch.nn.init.normal_(parameter, mean=float("norm" in name), std=0.2)
    return twin.float().eval()


def fault_of(network: Any) -> str | None:
    """Return None where the written-out backward pass is autograd's, otherwise what is wrong."""
    try:
        twin = twin_of(network)
        if kinds_of_modules(twin) != kinds_of_modules(network):
            return "it has modules that its class does not have"
        text = some_text(twin)
        expected = AutogradEngine(text, "logit")(0, STEPS).gradients
        found = LlamaEngine(text, "logit")(0, STEPS).gradients
        distance = (found - expected).abs().max()
    except (AttributeError, KeyError, RuntimeError, TypeError, ValueError) as error:
        if is_out_of_memory(error):
            raise
        # Modules of this version are called or shaped otherwise.
        return f"{type(error).__name__}: {error}"
    # Not `>`, which a gradient that is not a number would pass.
    is_close = distance <= RELATIVE_TOLERANCE * expected.abs().max()
    return None if is_close else "the gradients differ"


def kinds_of_modules(network: Any) -> set[type]:
    """Return the classes of a model's modules."""
    return {type(module) for module in network.modules()}


def some_text(network: Any) -> TeacherForcing:
    """Return random embeddings and ids for a model, the last tokens explained."""
    generator = torch.Generator().manual_seed(1)
    return TeacherForcing(
        network=network,
        source=None,
        target=torch.randn(1, TOKENS - 1, HIDDEN, generator=generator),
        target_ids=torch.randint(VOCABULARY, (TOKENS,), generator=generator),
        first=TOKENS - STEPS,
    )
