"""Where the fast engine is exact, and why it is not elsewhere."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hw7.engine.step_scores import CONTRASTIVE_STEP_FUNCTIONS, STEP_FUNCTIONS
from hw7.engine.value_zeroing import VALUE_ZEROING_OPTIONS

if TYPE_CHECKING:
    from inseq.data import BatchEncoding
    from inseq.models import AttributionModel

# The methods, with the options that the engine knows.
FAST_METHODS: dict[str, frozenset[str]] = {
    "saliency": frozenset({"abs"}),
    "input_x_gradient": frozenset(),
    "integrated_gradients": frozenset({"n_steps", "method", "multiply_by_inputs"}),
    "occlusion": frozenset(),
    "attention": frozenset(),
    "attention_rollout": frozenset(),
    "ablation": frozenset({"draws", "seed", "parts"}),
    "value_zeroing": frozenset(VALUE_ZEROING_OPTIONS),
}

# Methods that Inseq does not have, or not for every version of Transformers. They only run a model
# forward, so any family will do.
ONLY_HERE = ("ablation", "attention_rollout", "value_zeroing")

# Methods that read what goes on in a forward pass, and so explain no score.
READING_METHODS = ("attention", "attention_rollout", "value_zeroing")

# Families whose decoders are causal and whose rows don't depend on each other. Each is compared
# with Inseq in the tests; the variants share their code with a family that is.
EXACT_FAMILIES = frozenset(
    {"marian", "t5", "mt5", "gpt2", "llama", "mistral", "qwen2", "qwen3", "smollm3"}
)

# Rotary embeddings whose angles depend on how long the whole input is.
LENGTH_DEPENDENT_ROTARY = frozenset({"dynamic", "longrope"})


def reason_to_fall_back(
    model: "AttributionModel",
    method: str,
    *,
    score: Any = "probability",
    has_contrast: bool = False,
    options: Mapping[str, Any] | None = None,
    takes_any_family: bool = False,
) -> str | None:
    """Return None where the fast engine gives Inseq's scores, otherwise why it does not.

    Args:
        model: Inseq's model.
        method: Name of the method.
        score: Name of the score, or a step function of one's own.
        has_contrast: Whether another continuation is compared with.
        options: The method's own options.
        takes_any_family: Whether one plain pass will do, which is right for any family.
    """
    if method not in FAST_METHODS:
        return f"the method {method!r} has no fast form."
    scores = CONTRASTIVE_STEP_FUNCTIONS if has_contrast else STEP_FUNCTIONS
    if not isinstance(score, str) or score not in scores:
        return f"the score {score!r} is not one of {', '.join(scores)}."
    unknown = sorted(set(options or {}) - FAST_METHODS[method])
    if unknown:
        return f"the option {unknown[0]!r} of {method!r} has no fast form."
    if method in ONLY_HERE:
        return None
    return _reason_of_model(model.model, takes_any_family)


def _reason_of_model(network: Any, takes_any_family: bool) -> str | None:
    config = network.config
    if config.model_type not in EXACT_FAMILIES and not takes_any_family:
        return f"models of the family {config.model_type!r} have not been compared with Inseq."
    if network.training:
        return "the model is in training mode, where dropout is random. Call model.eval()."
    if getattr(network, "is_loaded_in_8bit", False):
        return "8-bit layers round a token depending on the tokens after it."
    if getattr(config, "_attn_implementation", "eager") != "eager":
        return "attention is not computed eagerly. Load the model with load_model()."
    if _rotary_type(config) in LENGTH_DEPENDENT_ROTARY:
        return "the rotary position embeddings depend on the length of the whole text."
    return None


def _rotary_type(config: Any) -> str | None:
    """Return the kind of rotary embeddings; Transformers 5 renamed the setting."""
    settings = getattr(config, "rope_parameters", None) or getattr(config, "rope_scaling", None)
    if not isinstance(settings, Mapping):
        return None
    return settings.get("rope_type") or settings.get("type")


def why_no_weights(model: "AttributionModel", sources: "BatchEncoding") -> str | None:
    """Return None where every layer gives attention weights, otherwise why they cannot be shown.

    The beginning of a text, ids `[1, source]`, is run through the model.
    """
    import torch

    network, ids = model.model, sources.input_ids[:, :2]
    given = {"decoder_input_ids": ids} if model.is_encoder_decoder else {}
    with torch.no_grad():
        output = network(input_ids=ids, **given, output_attentions=True, use_cache=False)
    names = ("cross_attentions", "decoder_attentions", "encoder_attentions")
    for name in names if model.is_encoder_decoder else ("attentions",):
        layers = getattr(output, name, None) or (None,)
        if not all(isinstance(weights, torch.Tensor) and weights.dim() == 4 for weights in layers):
            return (
                f"Not every layer of {type(network).__name__} gives attention weights, so there is "
                "no attention to show. Use another method, such as 'saliency'."
            )
    return None
