"""How much memory a model and its attribution need, told before any of it is taken."""

from bisect import bisect
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import psutil

from hw7.engine.model_size import ModelSize, size_of

if TYPE_CHECKING:
    import torch

# bitsandbytes keeps some layers and per-block constants in full precision.
BYTES_PER_QUANTIZED_PARAMETER = {"8bit": 1.2, "4bit": 0.8}

HOMEWORK_TOKENS = 60
"""Length of the homework's longest text: what loading a model makes room for."""

# What autograd keeps of one token in one Transformer layer, in numbers as wide as the states: the
# inputs of two norms and what they give, queries, keys, values, what attention mixes and gives,
# and the output; and as wide as the feed-forward module: gate, its activation, up, their product.
_STATES_KEPT = 10
_FEED_FORWARD_KEPT = 4

# Of eager attention, for each head and pair of tokens: the weights, and the same after dropout.
_WEIGHTS_KEPT = 2

# Where attention alone is asked for, nothing else is kept, but its weights are there three times:
# the layers' own, stacked, and cut into steps. Beside a gradient they share the graph's.
_WEIGHTS_COPIED = 3

# The logits of all steps and their softmax.
_LOGITS_KEPT = 2

# Scores of each dimension are there step by step, and stacked; Inseq holds them in float32.
_SCORES_KEPT = 2
_BYTES_OF_SCORE = 4

_GRANULAR = ("saliency", "input_x_gradient", "integrated_gradients", "deeplift", "gradient_shap")


def available_memory(device: str) -> int:
    """Return the bytes that are free on a device such as ``"cpu"`` or ``"cuda:0"``."""
    import torch

    if device.startswith("cuda"):
        return int(torch.cuda.mem_get_info(device)[0])
    return int(psutil.virtual_memory().available)


_OUT_OF_MEMORY = (
    "can't allocate memory",
    "not enough memory: you tried to allocate",  # the same allocator on Windows
    "CUDA out of memory",
    "MPS backend out of memory",
)


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error means that the device or the machine has no memory left.

    Besides Python's and torch's own classes, torch raises plain ``RuntimeError`` on processors,
    on Apple's devices and from older kernels; these are known by their words alone.
    """
    import torch

    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(text in str(error) for text in _OUT_OF_MEMORY)


def bytes_of_weights(parameters: int, dtype: "torch.dtype", quantization: str | None) -> int:
    """Return the bytes that so many weights take, quantized or not."""
    each = BYTES_PER_QUANTIZED_PARAMETER.get(quantization or "", float(dtype.itemsize))
    return int(parameters * each)


def bytes_of_attribution(
    size: ModelSize,
    source: int,
    target: int,
    steps: int,
    methods: Sequence[str],
    itemsize: int = 4,
) -> int:
    """Return about how many bytes an attribution takes besides the weights.

    Backward passes get smaller where memory runs out, so this counts the least: the graph of one
    forward pass, the scores of all steps, and the attention weights. The estimate is within a
    factor of two of what tests measure.

    Args:
        size: The model's dimensions.
        source: Tokens the encoder reads; 0 in decoder-only models.
        target: Tokens the decoder reads: what was generated, after the prompt if there is one.
        steps: Generated tokens to explain.
        methods: Names of the methods.
        itemsize: Bytes of one number in the model's dtype.
    """
    has_graph = any(method != "attention" for method in methods)
    numbers = _LOGITS_KEPT * steps * size.vocabulary
    if has_graph:
        numbers += _numbers_of_graph(size, source, target)
    if "attention" in methods:
        copies = 1 if has_graph else _WEIGHTS_COPIED
        numbers += copies * _attention_weights(size, source, target)
    granular = sum(method in _GRANULAR for method in methods)
    scores = granular * steps * (source or target) * size.hidden
    return numbers * itemsize + _SCORES_KEPT * scores * _BYTES_OF_SCORE


def _numbers_of_graph(size: ModelSize, source: int, target: int) -> int:
    """Return how many numbers autograd keeps of one forward pass."""
    of_token = _STATES_KEPT * size.hidden + _FEED_FORWARD_KEPT * size.intermediate
    tokens = size.encoder_layers * source + size.decoder_layers * target
    return tokens * of_token + _WEIGHTS_KEPT * _attention_weights(size, source, target)


def _attention_weights(size: ModelSize, source: int, target: int) -> int:
    """Return how many attention weights all layers have: one for each head and pair of tokens."""
    pairs = size.encoder_layers * source**2 + size.decoder_layers * target**2
    if size.encoder_layers:
        pairs += size.decoder_layers * target * source
    return size.heads * pairs


def bytes_for_homework(config: Any, itemsize: int) -> int:
    """Return the bytes that both of the homework's heatmaps take on a text of its length."""
    size = size_of(config)
    source = HOMEWORK_TOKENS if size.encoder_layers else 0
    methods = ("saliency", "attention")
    return bytes_of_attribution(size, source, HOMEWORK_TOKENS, HOMEWORK_TOKENS, methods, itemsize)


def longest_target(
    size: ModelSize, source: int, methods: Sequence[str], room: int, itemsize: int = 4
) -> int:
    """Return how many tokens, all of them generated, can be explained in so many bytes."""

    def needed(tokens: int) -> int:
        return bytes_of_attribution(size, source, tokens, tokens, methods, itemsize)

    return bisect(range(1, 1 << 17), room, key=needed)
