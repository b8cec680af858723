"""The dimensions of a model, read from a configuration of any family."""

from collections.abc import Iterator
from typing import Any, NamedTuple

# The same number has another name in almost every family.
_HIDDEN = ("hidden_size", "d_model", "n_embd", "n_embed", "model_dim", "embed_dim", "dim")
_HEADS = (
    "num_attention_heads", "num_heads", "n_head", "n_heads", "num_query_heads", "attention_heads",
    "decoder_attention_heads", "encoder_attention_heads", "num_decoder_attention_heads",
)  # fmt: skip
_LAYERS = ("num_hidden_layers", "n_layer", "n_layers", "num_layers")
_DECODER_LAYERS = ("num_decoder_layers", "decoder_layers", *_LAYERS)
_ENCODER_LAYERS = ("num_encoder_layers", "encoder_layers", *_LAYERS)
_INTERMEDIATE = (
    "intermediate_size", "decoder_ffn_dim", "d_ff", "n_inner", "ffn_dim", "ffn_hidden_size",
    "d_inner",
)  # fmt: skip
_VOCABULARY = ("vocab_size", "decoder_vocab_size", "n_token")

# What stands for a dimension that a configuration does not give: that of a large model, so that
# an estimate is rather too high. Heads are 64 wide and feed-forward layers four times as wide as
# the states nearly everywhere.
_CAUTIOUS_LAYERS, _CAUTIOUS_HIDDEN, _CAUTIOUS_VOCABULARY = 32, 2048, 2**17
_USUAL_HEAD, _USUAL_WIDENING = 64, 4


class ModelSize(NamedTuple):
    """The dimensions of a model that decide on memory."""

    encoder_layers: int  # 0 in decoder-only models
    decoder_layers: int
    hidden: int
    intermediate: int  # width inside the feed-forward layers
    heads: int  # in a layer
    vocabulary: int


def size_of(config: Any) -> ModelSize:
    """Read the dimensions from a Transformers configuration of any family.

    A dimension that is not found, also in no nested configuration, gets a cautious value.
    """
    hidden = _first(config, _HIDDEN) or _CAUTIOUS_HIDDEN
    is_encoder_decoder = bool(getattr(config, "is_encoder_decoder", False))
    encoder = getattr(config, "encoder", None) or config
    decoder = getattr(config, "decoder", None) or config
    encoder_layers = _first(encoder, _ENCODER_LAYERS) or _CAUTIOUS_LAYERS
    return ModelSize(
        encoder_layers=encoder_layers if is_encoder_decoder else 0,
        decoder_layers=_first(decoder, _DECODER_LAYERS) or _CAUTIOUS_LAYERS,
        hidden=hidden,
        intermediate=_first(config, _INTERMEDIATE) or _USUAL_WIDENING * hidden,
        heads=_first(config, _HEADS) or max(1, hidden // _USUAL_HEAD),
        vocabulary=_first(config, _VOCABULARY) or _CAUTIOUS_VOCABULARY,
    )


def _first(config: Any, names: tuple[str, ...]) -> int:
    """Return the first of some numbers that a configuration or one inside it has, or 0."""
    for part in _with_nested(config):
        for name in names:
            if number := _number(part, name):
                return number
    return 0


def _with_nested(config: Any) -> Iterator[Any]:
    """Yield a configuration and those inside it, that of a model of many media's text first."""
    yield config
    nested = {name: part for name, part in vars(config).items() if hasattr(part, "to_dict")}
    yield from (nested[name] for name in sorted(nested, key=lambda name: "text" not in name))


def _number(config: Any, name: str) -> int:
    """Return a positive number of a configuration, the largest where each layer has its own."""
    try:
        value = getattr(config, name, None)
    except Exception:
        # Some families answer in a property that refuses in a way of its own. Whatever it is, an
        # estimate must not stop what it is made for.
        return 0
    values = value if isinstance(value, (list, tuple)) else [value]
    return max((number for number in values if isinstance(number, int)), default=0)
