"""Inseq's outputs, with scores that Inseq's own loop computes or that come from elsewhere.

Everything but the numbers is Inseq's: the classes, the tokens, the positions, the information.
"""

import random
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy
import torch

from hw7.engine.errors import NotExplainableError
from hw7.engine.exactness import why_no_weights
from hw7.engine.repairs import keep_differentiable
from hw7.engine.step_outputs import StepScores
from hw7.engine.step_scores import ContrastFunction, crossentropy_fn, step_function_name
from hw7.engine.teacher_forcing import contrast_ids

if TYPE_CHECKING:
    from inseq import FeatureAttributionOutput
    from inseq.attr.feat import FeatureAttribution
    from inseq.data import BatchEncoding, DecoderOnlyBatch, EncoderDecoderBatch
    from inseq.data.attribution import FeatureAttributionStepOutput
    from inseq.models import AttributionModel

# Options that Inseq's method takes when it is made; all others belong to the attribution.
CONSTRUCTION_OPTIONS = ("multiply_by_inputs",)
SEED = 0


def attribute_with_inseq(
    model: "AttributionModel",
    sources: "BatchEncoding",
    targets: "BatchEncoding",
    method: str,
    *,
    score: str | Callable[[Any], torch.Tensor] = "probability",
    contrast: "BatchEncoding | None" = None,
    options: Mapping[str, Any] | None = None,
    show_progress: bool = False,
) -> "FeatureAttributionOutput":
    """Attribute one text with Inseq, given token ids instead of texts.

    Inseq's `prepare_and_attribute` encodes the prompt of decoder-only models again; here the ids
    are what they are. Methods that draw random numbers draw the same ones every time. Nothing
    about the model is changed for good.

    `score` may be a step function of one's own, `options` are the method's own, such as `n_steps`;
    the rest is as for `attribute_together`.

    Returns:
        Inseq's output, not yet aggregated. With a contrast, `info["contrast_ids"]` lists the ids
        of the tokens that the generated ones were compared with, `[1, step]`, None beyond its end.

    Raises:
        NotExplainableError: The method has nothing to work on in this model.
    """
    keep_differentiable(model.model)
    options = dict(options or {})
    made_with = {key: options.pop(key) for key in CONSTRUCTION_OPTIONS if key in options}
    state = (model.is_hooked, model.pad_token)
    config = model.model.config
    keeps_cache = getattr(config, "use_cache", None)
    try:
        # Each prefix is run once, and some families cannot keep a cache without attention.
        config.use_cache = False
        attribution = method_of_inseq(model, method, made_with)
        # No padding in a single text: what looks like it is a token that was read or written.
        model.pad_token = None
        if attribution.use_attention_weights and (reason := why_no_weights(model, sources)):
            raise NotExplainableError(reason)
        batch, first = attribution_batch(model, sources, targets)
        steps = batch.max_generation_length - first
        compared = None if contrast is None else contrast_ids(contrast, first, steps)
        is_scored = attribution.use_predicted_target
        function = model.get_attributed_fn(None)
        if is_scored:
            function = step_function(model, score, compared, first)
        with same_random_numbers():
            output = attribution.attribute(
                batch,
                attributed_fn=function,
                attr_pos_start=first,
                show_progress=show_progress,
                pretty_progress=False,
                attribute_target=False,
                attribution_args=options,
                attributed_fn_args={},
            )
    finally:
        model.is_hooked, model.pad_token = state
        config.use_cache = keeps_cache
    if is_scored and compared is not None:
        leave_empty(output, compared)
    return noted(output, options, getattr(function, "__name__", ""), compared)


@contextmanager
def same_random_numbers() -> Iterator[None]:
    """Let everything inside draw the same random numbers each time; outside, nothing changes."""
    of_python, of_numpy = random.getstate(), numpy.random.get_state()
    devices = range(torch.cuda.device_count()) if torch.cuda.is_available() else ()
    try:
        with torch.random.fork_rng(devices=devices):
            random.seed(SEED)
            numpy.random.seed(SEED)
            torch.manual_seed(SEED)
            yield
    finally:
        random.setstate(of_python)
        numpy.random.set_state(of_numpy)


def method_of_inseq(
    model: "AttributionModel", method: str, options: Mapping[str, Any]
) -> "FeatureAttribution":
    """Return Inseq's implementation of a method, made for these very weights.

    Discretized integrated gradients walks between neighbours in the vocabulary. Inseq keeps them
    in the home folder under the model's name, and takes them for every model of that name, also
    when it was trained again. A folder of its own makes it compute them for this one.
    """
    from inseq.attr.feat import FeatureAttribution

    if method.startswith("layer_") and model.is_encoder_decoder:
        # Inseq takes the embeddings shared by encoder and decoder, which many models never call.
        encoder = model.model.get_encoder()
        # Not all encoders say which theirs are before Transformers 4.54.
        own = getattr(encoder, "embed_tokens", None) or encoder.get_input_embeddings()
        options = {"target_layer": own, **options}
    with tempfile.TemporaryDirectory() as folder:
        if method == "discretized_integrated_gradients":
            options = {"cache_dir": folder, **options}
        return FeatureAttribution.load(method, attribution_model=model, **options)


def step_function(
    model: "AttributionModel",
    score: str | Callable[[Any], torch.Tensor],
    compared: list[int | None] | None,
    first: int,
) -> Callable[[Any], torch.Tensor]:
    """Return what Inseq calls for the number that is explained.

    Args:
        model: Inseq's model.
        score: The score's name, or a step function of one's own.
        compared: What the generated tokens are compared with, `[step]`, or None.
        first: The length of the first step's prefix.

    Raises:
        ValueError: There is no such score; the message lists those there are.
    """
    if callable(score):
        return score
    if compared is not None:
        return ContrastFunction(score, compared, first)
    if score == "crossentropy":
        return crossentropy_fn
    return model.get_attributed_fn(step_function_name(score, is_contrastive=False))


def leave_empty(output: "FeatureAttributionOutput", compared: list[int | None]) -> None:
    """Make the columns not a number that there is nothing to compare with."""
    is_empty = torch.tensor([other is None for other in compared])
    for name in ("source_attributions", "target_attributions"):
        scores = getattr(output.sequence_attributions[0], name)
        if scores is not None:
            scores[:, is_empty] = torch.nan


def noted(
    output: "FeatureAttributionOutput",
    options: Mapping[str, Any],
    function_name: str,
    compared: list[int | None] | None,
) -> "FeatureAttributionOutput":
    """Note in an output's information how it was made."""
    output.info.update(
        include_eos_baseline=False,
        attributed_fn=function_name,
        attribution_args=dict(options),
        attributed_fn_args={},
        step_scores_args={},
    )
    if compared is not None:
        output.info["contrast_ids"] = [compared]
    return output


def attribution_batch(
    model: "AttributionModel", sources: "BatchEncoding", targets: "BatchEncoding"
) -> "tuple[EncoderDecoderBatch | DecoderOnlyBatch, int]":
    """Embed the ids as Inseq does; also return the position of the first explained token."""
    inputs: Any = (sources, targets) if model.is_encoder_decoder else targets
    first = 1 if model.is_encoder_decoder else sources.input_ids.shape[1]
    return model.formatter.prepare_inputs_for_attribution(model, inputs), first


def assembled(
    model: "AttributionModel",
    batch: "EncoderDecoderBatch | DecoderOnlyBatch",
    first: int,
    method: str,
    scores: "StepScores | FeatureAttributionStepOutput",
) -> "FeatureAttributionOutput":
    """Put scores together as Inseq's loop does, its tokens joined with their ids once.

    Inseq joins them anew for every step, which takes longer than the attribution of a long text.
    `first` is the position of the first explained token of the batch's one text; `scores` are of
    each step, or the one step output that holds all of them.
    """
    from inseq.attr.feat import FeatureAttribution, join_token_ids
    from inseq.data import FeatureAttributionOutput, FeatureAttributionSequenceOutput

    end = batch.max_generation_length
    target = model.get_token_with_ids(batch)
    source = None
    if model.is_encoder_decoder:
        source = join_token_ids(batch.source_tokens, batch.source_ids.tolist())
    steps = scores.outputs() if isinstance(scores, StepScores) else [scores]
    for prefix, step in enumerate(steps, end - len(steps)):
        step.source = source
        step.prefix = [row[:prefix] for row in target]
        step.target = [row[prefix : prefix + 1] for row in target]
    if not isinstance(scores, StepScores):
        steps = FeatureAttribution._build_multistep_output_from_single_step(scores, first, end)
    information = {
        "attribution_method": method,
        "attr_pos_start": first,
        "attr_pos_end": end,
        "output_step_attributions": False,
        "attribute_target": False,
        "step_scores": [],
        **model.info,
        **(scores.information if isinstance(scores, StepScores) else {}),
    }
    sequences = FeatureAttributionSequenceOutput.from_step_attributions(
        attributions=steps, tokenized_target_sentences=target, pad_token=None, attr_pos_end=end
    )
    return FeatureAttributionOutput(sequence_attributions=sequences, info=information)
