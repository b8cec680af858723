"""Which attribution methods run here, with which options, and why the others do not."""

from collections.abc import Mapping
from importlib import metadata
from typing import TYPE_CHECKING, Any

from hw7.engine.value_zeroing import VALUE_ZEROING_OPTIONS, has_attention_interface

if TYPE_CHECKING:
    from inseq.models import AttributionModel

_PATH = ("n_steps", "method", "internal_batch_size")
_CAPTUM = ("multiply_by_inputs", "return_convergence_delta")
OPTIONS: dict[str, tuple[str, ...]] = {
    "saliency": ("abs",),
    "attention": ("layers", "heads"),
    "input_x_gradient": (),
    "integrated_gradients": (*_PATH, *_CAPTUM),
    "occlusion": ("sliding_window_shapes", "strides", "perturbations_per_eval"),
    "ablation": ("parts", "draws", "seed"),
    "deeplift": _CAPTUM,
    "gradient_shap": ("n_samples", "stdevs", *_CAPTUM),
    "sequential_integrated_gradients": (*_PATH, *_CAPTUM),
    "layer_gradient_x_activation": ("multiply_by_inputs",),
    "lime": ("n_samples", "perturbations_per_eval"),
    "discretized_integrated_gradients": ("n_steps", "method", *_CAPTUM),
    "attention_rollout": (),
    "value_zeroing": VALUE_ZEROING_OPTIONS,
}
"""The methods of the kit, each with the options that may be set."""

_COUNTS = ("n_steps", "n_samples", "draws", "perturbations_per_eval")
EXTRA_PACKAGES = {
    "ablation": "scikit-learn",
    "lime": "scikit-learn",
    "discretized_integrated_gradients": "scikit-learn",
}
NEEDS_THE_INTERNET = {
    "reagent": "it fetches NLTK data and a second language model while it runs",
}
GIVES_ZEROS = dict.fromkeys(
    ("layer_deeplift", "layer_integrated_gradients"),
    "Inseq's version of it compares the text with itself, so that every score is 0",
)


def check_counts(method: str, options: Mapping[str, Any]) -> None:
    """Refuse a number of steps, samples or draws that is no number from 1 on.

    Raises:
        ValueError: Names the option.
    """
    for name in _COUNTS:
        count = options.get(name, 1)
        if isinstance(count, bool) or not isinstance(count, int) or count < 1:
            raise ValueError(f"{name} of {method} must be a whole number from 1 on.")


def is_installed(package: str) -> bool:
    """Tell whether a package is installed, without importing it."""
    try:
        metadata.distribution(package)
    except metadata.PackageNotFoundError:
        return False
    return True


def working_methods(model: "AttributionModel") -> list[str]:
    """Return the methods that run on this model with what is installed."""
    missing = missing_methods(model)
    return [method for method in OPTIONS if method not in missing]


def missing_methods(model: "AttributionModel") -> dict[str, str]:
    """Return the methods of Inseq that do not run on this model here, each with the reason."""
    missing = NEEDS_THE_INTERNET | GIVES_ZEROS
    missing |= {
        method: f"it needs {package} (type: %pip install {package})"
        for method, package in EXTRA_PACKAGES.items()
        if not is_installed(package)
    }
    network = model.model
    kernel = getattr(network.config, "_attn_implementation", None)
    if kernel not in (None, "eager"):
        reason = (
            f"this model computes attention by {kernel!r}, which returns no weights; load it with "
            "load_model, or pass attn_implementation='eager' to Transformers"
        )
        missing |= dict.fromkeys(("attention", "attention_rollout"), reason)
    if model.is_encoder_decoder:
        missing["attention_rollout"] = "it follows one stack of layers, and a translator has two"
    if not has_attention_interface(network):
        missing["value_zeroing"] = (
            f"{type(network).__name__} does not take its attention from Transformers' "
            f"AttentionInterface (here Transformers {metadata.version('transformers')})"
        )
    return missing
