"""Value zeroing: how much a state changes in a layer when a token's value vectors are zero there.

After Mohebbi et al. (2023), "Quantifying Context Mixing in Transformers", and as Inseq defines it:
each layer reads the states of the text as it is, so that a score belongs to this layer alone. One
forward pass over copies of the text, each with another token's values zero, holds all layers.
"""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch

from hw7.engine.chunks import run_in_chunks
from hw7.engine.errors import NotExplainableError
from hw7.engine.occlusion import POSITIONS_AT_ONCE
from hw7.engine.teacher_forcing import TeacherForcing, run_encoder

if TYPE_CHECKING:
    from inseq.data.attribution import FeatureAttributionStepOutput

# Inseq takes smaller distances for rounding.
LEAST_DISTANCE = 1e-5

VALUE_ZEROING_OPTIONS = (
    "encoder_zeroed_units_indices",
    "decoder_zeroed_units_indices",
    "cross_zeroed_units_indices",
    "output_decoder_self_scores",
    "output_encoder_self_scores",
)

_NAME = "hw7_value_zeroing"
_CROSS_ATTENTION = ("encoder_attn", "EncDecAttention", "crossattention", "cross_attn")


def has_attention_interface(network: Any) -> bool:
    """Tell whether a model takes its attention from Transformers' ``AttentionInterface``."""
    code = sys.modules[type(network).__module__]
    return hasattr(code, "ALL_ATTENTION_FUNCTIONS") and hasattr(code, "eager_attention_forward")


def value_zeroing_output(
    forcing: TeacherForcing, options: Mapping[str, Any]
) -> "FeatureAttributionStepOutput":
    """Return the scores of all layers as Inseq's one step output of all steps.

    Args:
        forcing: The text.
        options: `encoder_zeroed_units_indices`, `decoder_…` and `cross_…`, the heads whose values
            are zeroed (all; a number, a list, a span as a tuple, or one of these for each layer);
            for translators `output_encoder_self_scores` and `output_decoder_self_scores`.

    Returns:
        `[1, source, generated, layer]`, of a translator from cross-attention, beside its sequence
        scores of the encoder's and the decoder's self-attention; of other models
        `[1, position, position, layer]`. What a token's state takes from all tokens sums to one.

    Raises:
        NotExplainableError: There are no such heads, or a layer does not have the interface.
    """
    from inseq.data import MultiDimensionalFeatureAttributionStepOutput as Output

    network, target = forcing.network, forcing.target
    of_encoder, of_decoder, of_cross = (
        options.get(f"{part}_zeroed_units_indices") for part in ("encoder", "decoder", "cross")
    )
    with torch.no_grad():
        if forcing.source is None:
            own = Zeroing(network, network.base_model, of_decoder)
            scores = own.scores(target, target.shape[1], is_causal=True)
            return Output(source_attributions=None, target_attributions=scores, _num_dimensions=1)
        source, encoder, decoder = forcing.source, network.get_encoder(), network.get_decoder()
        states = run_encoder(network, source).last_hidden_state
        others = {}
        if options.get("output_decoder_self_scores", True):
            own = Zeroing(network, decoder, of_decoder)
            found = own.scores(target, target.shape[1], states, is_causal=True)
            others["decoder_self_scores"] = found
        if options.get("output_encoder_self_scores", True):
            own = Zeroing(network, encoder, of_encoder)
            others["encoder_self_scores"] = own.scores(source, source.shape[1])
        cross = Zeroing(network, decoder, of_cross, is_cross=True)
        scores = cross.scores(target, source.shape[1], states)
    return Output(
        source_attributions=scores,
        target_attributions=None,
        sequence_scores=others,
        _num_dimensions=1,
    )


class Zeroing:
    """Runs one stack of layers with values zero, through an attention function of its own."""

    def __init__(self, network: Any, stack: Any, heads: Any, *, is_cross: bool = False) -> None:
        """Choose what is zeroed.

        Args:
            network: The Transformers model.
            stack: Its encoder, its decoder, or the whole of it without its output head.
            heads: The heads whose values are zeroed, or a dictionary of them for each layer.
            is_cross: Whether it is in cross-attention, and not in self-attention.
        """
        from inseq.utils import find_block_stack

        self._network, self._stack, self._heads = network, stack, heads
        self._blocks = list(find_block_stack(stack))
        if isinstance(heads, dict) and not {*heads} <= {*range(len(self._blocks))}:
            raise NotExplainableError(
                f"zeroed_units_indices must be heads of layers from 0 to {len(self._blocks) - 1}, "
                f"and not of {', '.join(map(repr, heads))}."
            )
        self._is_encoder = network.config.is_encoder_decoder and stack is network.get_encoder()
        self._layer_of = {
            module: layer
            for layer, block in enumerate(self._blocks)
            for path, module in block.named_modules()
            if is_cross == any(name in _CROSS_ATTENTION for name in path.split("."))
        }
        self._places = torch.empty(0)
        self._distances: dict[int, torch.Tensor] = {}
        self._reached: set[int] = set()

    def scores(
        self,
        inputs: torch.Tensor,
        places: int,
        source_states: torch.Tensor | None = None,
        *,
        is_causal: bool = False,
    ) -> torch.Tensor:
        """Return what each state takes from each place, `[1, place, state, layer]`.

        Args:
            inputs: The embeddings that the stack reads, `[1, state, hidden]`.
            places: How many tokens there are whose values can be zeroed.
            source_states: What a translator's decoder reads of the source, `[1, source, hidden]`.
            is_causal: Whether no state reads later places, where scores are not a number.
        """

        def distances(start: int, end: int) -> torch.Tensor:
            return self._distances_of(inputs, source_states, torch.arange(start, end))

        most = max(1, POSITIONS_AT_ONCE // max(places, inputs.shape[1]))
        found = torch.cat(list(run_in_chunks(distances, places, lambda start: most)))[None]
        found = torch.where(found < LEAST_DISTANCE, 0, found)
        if is_causal:
            found[:, torch.ones(places, places, dtype=torch.bool).tril(-1)] = torch.nan
        total = found.nansum(dim=1, keepdim=True)
        return (found / torch.where(total == 0, 1, total)).to(torch.float32)

    def _distances_of(
        self, inputs: torch.Tensor, source_states: torch.Tensor | None, places: torch.Tensor
    ) -> torch.Tensor:
        """Return one less the cosine of each state and itself changed, `[place, state, layer]`."""
        rows = len(places) + 1  # the first one is the text as it is
        self._places, self._distances = places, {}
        given: dict[str, Any] = {"inputs_embeds": inputs.repeat(rows, 1, 1)}
        if not self._is_encoder:
            given["use_cache"] = False
        if source_states is not None:
            given["encoder_hidden_states"] = source_states.expand(rows, -1, -1)
        hooks = [block.register_forward_hook(self._after_block) for block in self._blocks[:-1]]
        try:
            with _attention_of(self._network, self._attend):
                states = self._stack(**given)[0]
        finally:
            for hook in hooks:
                hook.remove()
        last = len(self._blocks) - 1
        if self._reached != set(range(last + 1)):
            raise NotExplainableError(
                f"Not every layer of {type(self._network).__name__} has attention whose values "
                "can be zeroed. Use another method, such as 'saliency'."
            )
        self._distances[last] = _distances(states)  # of the final norm's states, as in Inseq
        return torch.stack([self._distances[layer] for layer in range(last + 1)], dim=-1)

    def _attend(
        self, module: Any, query: Any, key: Any, value: Any, *given: Any, **more: Any
    ) -> Any:
        """Attend eagerly; in the layers asked for with the values of each row's place zero."""
        layer = self._layer_of.get(module)
        if layer is not None:
            self._reached.add(layer)
            value = self._zeroed(value, layer)
        eager = sys.modules[type(module).__module__].eager_attention_forward
        return eager(module, query, key, value, *given, **more)

    def _zeroed(self, value: torch.Tensor, layer: int) -> torch.Tensor:
        """Return values `[row, head, place, size]`, those of row `n + 1` zero at place `n`."""
        from inseq.utils import validate_indices

        heads = self._heads
        if isinstance(heads, dict):
            if layer not in heads:
                return value
            heads = heads[layer]
        try:
            given = heads if isinstance(heads, (list, tuple)) else [heads]
            if heads is not None and not all(type(number) is int for number in given):
                raise TypeError
            chosen = validate_indices(value, 1, heads).reshape(-1)
        except (IndexError, RuntimeError, TypeError) as error:
            raise NotExplainableError(
                f"zeroed_units_indices must be numbers of heads from 0 to {value.shape[1] - 1}, a "
                f"list of them or a span (first, end), and not {heads!r}; None takes all."
            ) from error
        value, rows = value.clone(), torch.arange(1, len(value))
        value[rows[:, None], chosen[None], self._places[:, None]] = 0
        return value

    def _after_block(self, block: Any, given: Any, output: Any) -> Any:
        """Note how far the rows are apart, and let the next layer read the text as it is."""
        states = output[0] if isinstance(output, tuple) else output
        self._distances[self._blocks.index(block)] = _distances(states)
        clean = states[:1].expand_as(states)
        return (clean, *output[1:]) if isinstance(output, tuple) else clean


def _distances(states: torch.Tensor) -> torch.Tensor:
    """Return the distances of rows `[row, state, hidden]` from the first, `[row - 1, state]`."""
    states = states.to(torch.promote_types(states.dtype, torch.float32))
    return 1 - torch.cosine_similarity(states[:1], states[1:], dim=-1).cpu()


@contextmanager
def _attention_of(network: Any, attend: Callable[..., Any]) -> Iterator[None]:
    """Let a model compute its attention by a function, with the masks of eager attention."""
    from transformers import AttentionMaskInterface
    from transformers.masking_utils import eager_mask
    from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

    parts = [part for part in network.modules() if hasattr(part, "config")]
    before = [(part.config, part.config._attn_implementation) for part in parts]
    ALL_ATTENTION_FUNCTIONS[_NAME] = attend
    # Registered for good: masks are looked for among these alone, and are none where they are not.
    AttentionMaskInterface.register(_NAME, eager_mask)
    try:
        for config, _ in before:
            config._attn_implementation = _NAME
        yield
    finally:
        for config, kernel in before:
            config._attn_implementation = kernel
        del ALL_ATTENTION_FUNCTIONS[_NAME]
