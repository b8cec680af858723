"""How much memory a model and its attribution need, told before any of it is taken."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psutil

if TYPE_CHECKING:
    import torch

# bitsandbytes keeps some layers and per-block constants in full precision.
BYTES_PER_QUANTIZED_PARAMETER = {"8bit": 1.2, "4bit": 0.8}

HOMEWORK_TOKENS = 60
"""Length of the homework's longest text: what loading a model makes room for."""

# Tensors that autograd keeps in one Transformer layer: inputs and outputs of norms, projections
# and rotations (of width hidden), gate, up and activation (of width intermediate), and the scores
# before and after softmax of eager attention (of width length, for each head).
_KEPT_OF_HIDDEN = 10
_KEPT_OF_INTERMEDIATE = 4
_KEPT_OF_ATTENTION = 2
_COPIES_OF_ATTENTION = 3  # the layers' own, stacked, and cut into steps

_READING_WEIGHTS = ("attention",)
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


@dataclass(frozen=True)
class ModelSize:
    """The dimensions of a model that decide on memory.

    Attributes:
        encoder_layers: Number of layers that read the source; 0 in decoder-only models.
        decoder_layers: Number of layers that read what was generated (and the prompt).
        hidden: Width of the hidden states.
        intermediate: Width inside the feed-forward layers.
        heads: Attention heads in a layer.
        vocabulary: Number of tokens.
    """

    encoder_layers: int
    decoder_layers: int
    hidden: int
    intermediate: int
    heads: int
    vocabulary: int


def size_of(config: Any) -> ModelSize:
    """Read the dimensions from a Transformers configuration of any architecture."""
    hidden = config.hidden_size
    return ModelSize(
        encoder_layers=config.num_hidden_layers if config.is_encoder_decoder else 0,
        # T5's name, BART's and Marian's name, everybody else's.
        decoder_layers=_first(config, "num_decoder_layers", "decoder_layers", "num_hidden_layers"),
        hidden=hidden,
        intermediate=_first(
            config, "intermediate_size", "decoder_ffn_dim", "d_ff", "n_inner", "ffn_dim"
        )
        or 4 * hidden,
        heads=config.num_attention_heads,
        vocabulary=config.vocab_size,
    )


def _first(config: Any, *names: str) -> int:
    """Return the first of some attributes that a configuration has, or 0."""
    values = (getattr(config, name, None) for name in names)
    return int(next((value for value in values if value), 0))


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

    Backward passes adapt their chunks to the memory there is, so this counts the least: the graph
    of one forward pass, the scores of all steps, and the attention weights. The estimate is
    within a factor of two of what tests measure.

    Args:
        size: The model's dimensions.
        source: Tokens the encoder reads; 0 in decoder-only models.
        target: Tokens the decoder reads: what was generated, after the prompt if there is one.
        steps: Generated tokens to explain.
        methods: Names of the methods.
        itemsize: Bytes of one number in the model's dtype.
    """
    wide = _KEPT_OF_HIDDEN * size.hidden + _KEPT_OF_INTERMEDIATE * size.intermediate
    tokens = size.encoder_layers * source + size.decoder_layers * target
    squares = size.encoder_layers * source**2 + size.decoder_layers * target**2
    if size.encoder_layers:
        squares += size.decoder_layers * source * target
    needed = 2 * steps * size.vocabulary * itemsize  # the logits and their softmax
    has_graph = any(method not in _READING_WEIGHTS for method in methods)
    if has_graph:
        needed += (tokens * wide + _KEPT_OF_ATTENTION * size.heads * squares) * itemsize
    # Inseq keeps the scores of each dimension in float32, step by step and then stacked.
    granular = sum(method in _GRANULAR for method in methods)
    needed += 2 * granular * steps * (source + target) * size.hidden * 4
    if "attention" in methods:
        copies = 1 if has_graph else _COPIES_OF_ATTENTION
        needed += copies * size.heads * squares * itemsize
    return needed


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
    low, high = 0, 1 << 17
    while high - low > 1:
        middle = (low + high) // 2
        needed = bytes_of_attribution(size, source, middle, middle, methods, itemsize)
        low, high = (middle, high) if needed <= room else (low, middle)
    return low
