"""Inseq's own loop over the steps, on exact token ids, with scores from elsewhere or its own.

Everything but the numbers is Inseq's: the classes, the tokens, the positions, the information.
"""

import tempfile
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from hw7.engine.quantized_layers import keep_differentiable
from hw7.engine.step_scores import crossentropy_fn, step_function_name

if TYPE_CHECKING:
    import torch
    from inseq import FeatureAttributionOutput
    from inseq.attr.feat import FeatureAttribution
    from inseq.data import BatchEncoding, DecoderOnlyBatch, EncoderDecoderBatch
    from inseq.data.attribution import FeatureAttributionStepOutput
    from inseq.models import AttributionModel

# Options that Inseq's method takes when it is made; all others belong to the attribution.
CONSTRUCTION_OPTIONS = ("multiply_by_inputs",)

StepOutputs = Callable[[int], "FeatureAttributionStepOutput"]


def attribute_with_inseq(
    model: "AttributionModel",
    sources: "BatchEncoding",
    targets: "BatchEncoding",
    method: str,
    *,
    score: str = "probability",
    contrast: "BatchEncoding | None" = None,
    attribute_target: bool = False,
    options: Mapping[str, Any] | None = None,
    show_progress: bool = False,
    step_outputs: StepOutputs | None = None,
) -> "FeatureAttributionOutput":
    """Attribute one text with Inseq, given token ids instead of texts.

    Inseq's `prepare_and_attribute` encodes the prompt of decoder-only models again; here the ids
    are what they are. Nothing about the model is changed for good.

    Args:
        model: Inseq's model.
        sources: The source, or the prompt, of one text.
        targets: What is explained: with the start token, or with the prompt in front.
        method: Name of the method.
        score: What is explained, see `hw7.engine.step_scores`.
        contrast: Another continuation, encoded as `targets` is.
        attribute_target: Explain by the target's tokens too; always so for decoder-only models.
        options: The method's own, such as `n_steps`.
        show_progress: Show Inseq's progress bar.
        step_outputs: Scores computed elsewhere: called with the length of the prefix, in place of
            Inseq's forward and backward pass.
    """
    keep_differentiable(model.model)
    options = dict(options or {})
    made_with = {key: options.pop(key) for key in CONSTRUCTION_OPTIONS if key in options}
    state = (model.is_hooked, model.pad_token)
    try:
        attribution = method_of_inseq(model, method, made_with)
        # No padding in a single text: what looks like it is a token that was read or written.
        model.pad_token = None
        batch, first_step = attribution_batch(model, sources, targets)
        function = model.get_attributed_fn(_function_name(attribution, score, contrast))
        function_options = {} if contrast is None else {"contrast_targets": contrast}
        has_target = attribute_target and model.is_encoder_decoder
        if step_outputs is not None and contrast is None:
            output = assembled(attribution, batch, first_step, has_target, step_outputs)
        else:
            if step_outputs is not None:
                attribution.filtered_attribute_step = _from_elsewhere(step_outputs)
            output = attribution.attribute(
                batch,
                attributed_fn=function,
                attr_pos_start=first_step,
                show_progress=show_progress,
                pretty_progress=False,
                attribute_target=has_target,
                attribution_args=options,
                attributed_fn_args=function_options,
            )
    finally:
        model.is_hooked, model.pad_token = state
    if contrast is not None:
        function_options["contrast_targets"] = model.decode(contrast.input_ids)
    output.info.update(
        include_eos_baseline=False,
        attributed_fn=function.__name__,
        attribution_args=options,
        attributed_fn_args=function_options,
        step_scores_args={},
    )
    return output


def method_of_inseq(
    model: "AttributionModel", method: str, options: Mapping[str, Any]
) -> "FeatureAttribution":
    """Return Inseq's implementation of a method, made for these very weights.

    Discretized integrated gradients walks between neighbours in the vocabulary. Inseq keeps them
    in the home folder under the model's name, and takes them for every model of that name, also
    when it was trained again. A folder of its own makes it compute them for this one.
    """
    from inseq.attr.feat import FeatureAttribution

    if method != "discretized_integrated_gradients":
        return FeatureAttribution.load(method, attribution_model=model, **options)
    with tempfile.TemporaryDirectory() as folder:
        own = {"cache_dir": folder, **options}
        return FeatureAttribution.load(method, attribution_model=model, **own)


def _function_name(attribution: Any, score: Any, contrast: "BatchEncoding | None") -> Any:
    """Return what Inseq calls the score; methods that read weights explain no score."""
    if not attribution.use_predicted_target:
        return None
    if callable(score):
        return score
    if score == "crossentropy" and contrast is None:
        return crossentropy_fn
    return step_function_name(score, is_contrastive=contrast is not None)


def attribution_batch(
    model: "AttributionModel", sources: "BatchEncoding", targets: "BatchEncoding"
) -> "tuple[EncoderDecoderBatch | DecoderOnlyBatch, int]":
    """Embed the ids as Inseq does; also return the column of the first explained token."""
    if model.is_encoder_decoder:
        inputs: Any = (sources, targets)
        first_step = 1
    else:
        inputs = targets
        first_step = sources.input_ids.shape[1]
    return model.formatter.prepare_inputs_for_attribution(model, inputs), first_step


def row_of(encoding: "BatchEncoding", row: int) -> "BatchEncoding":
    """Return one text of an encoding without its padding."""
    from inseq.data import BatchEncoding

    is_text = encoding.attention_mask[row].bool()

    def kept(ids: "torch.Tensor | None") -> "torch.Tensor | None":
        return None if ids is None else ids[row][is_text].unsqueeze(0)

    tokens = zip(encoding.input_tokens[row], is_text.tolist(), strict=True)
    return BatchEncoding(
        input_ids=kept(encoding.input_ids),
        attention_mask=kept(encoding.attention_mask),
        input_tokens=[[token for token, is_kept in tokens if is_kept]],
        baseline_ids=kept(encoding.baseline_ids),
    )


def assembled(
    attribution: "FeatureAttribution",
    batch: "EncoderDecoderBatch | DecoderOnlyBatch",
    first_step: int,
    has_target: bool,
    step_outputs: StepOutputs,
) -> "FeatureAttributionOutput":
    """Put step outputs together as Inseq's loop does, its tokens joined with their ids once.

    Inseq joins them anew for every step, which takes longer than the attribution of a long text.
    """
    from inseq.attr.feat import join_token_ids
    from inseq.data import FeatureAttributionOutput, FeatureAttributionSequenceOutput

    model, end = attribution.attribution_model, batch.max_generation_length
    target = model.get_token_with_ids(batch)
    source = None
    if model.is_encoder_decoder:
        source = join_token_ids(batch.source_tokens, batch.source_ids.tolist())
    steps = []
    for prefix in range(end - 1 if attribution.is_final_step_method else first_step, end):
        step = step_outputs(prefix)
        step.source = source
        step.prefix = [row[:prefix] for row in target]
        step.target = [row[prefix : prefix + 1] for row in target]
        steps.append(step)
    if attribution.is_final_step_method:
        steps = attribution._build_multistep_output_from_single_step(steps[0], first_step, end)
    information = {
        "attribution_method": attribution.method_name,
        "attr_pos_start": first_step,
        "attr_pos_end": end,
        "output_step_attributions": False,
        "attribute_target": has_target,
        "step_scores": [],
        "exec_time": 0.0,
        **model.info,
    }
    sequences = FeatureAttributionSequenceOutput.from_step_attributions(
        attributions=steps,
        tokenized_target_sentences=target,
        pad_token=model.pad_token,
        attr_pos_end=end,
    )
    return FeatureAttributionOutput(sequence_attributions=sequences, info=information)


def _from_elsewhere(step_outputs: StepOutputs) -> Callable[..., "FeatureAttributionStepOutput"]:
    """Return a stand-in for Inseq's step that hands over scores that are already there."""

    def filtered_attribute_step(
        batch: "EncoderDecoderBatch | DecoderOnlyBatch", **ignored: Any
    ) -> "FeatureAttributionStepOutput":
        return step_outputs(batch.target_ids.shape[1])

    return filtered_attribute_step
