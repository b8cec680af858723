"""How many tokens a model has positions for."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from inseq.models import AttributionModel

_OF_ENCODER = ("max_encoder_position_embeddings", "max_source_positions")
_OF_DECODER = ("max_decoder_position_embeddings", "max_target_positions")
_OF_BOTH = ("max_position_embeddings", "max_seq_len")
# A tokenizer without a limit says 1e30.
_NO_LIMIT = 10**9


def longest_source(model: "AttributionModel") -> int:
    """Return how many tokens the model reads: the encoder, or prompt and continuation together."""
    return _least(model, (*(_OF_ENCODER if model.is_encoder_decoder else ()), *_OF_BOTH))


def longest_target(model: "AttributionModel") -> int:
    """Return how many tokens a translator writes at most, the end mark included."""
    return _least(model, (*_OF_DECODER, *_OF_BOTH))


def _least(model: "AttributionModel", names: tuple[str, ...]) -> int:
    config = model.model.config.get_text_config()
    # The first name is that of the part; the others may be missing or of the other part.
    own = next((limit for name in names if (limit := getattr(config, name, None))), _NO_LIMIT)
    return min(int(own), int(model.tokenizer.model_max_length), _NO_LIMIT)
