"""Which attribution methods run here, with which options, and why the others do not."""

from collections.abc import Mapping
from importlib import metadata
from typing import TYPE_CHECKING, Any

from packaging.version import Version

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
    "value_zeroing": (
        "similarity_metric",
        "encoder_zeroed_units_indices",
        "decoder_zeroed_units_indices",
        "cross_zeroed_units_indices",
        "output_decoder_self_scores",
        "output_encoder_self_scores",
    ),
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
TRANSFORMERS_WITHOUT_VALUE_ZEROING = "5"


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
    kernel = getattr(model.model.config, "_attn_implementation", None)
    if kernel not in (None, "eager"):
        missing["attention"] = (
            f"this model computes attention by {kernel!r}, which returns no weights; load it with "
            "load_model, or pass attn_implementation='eager' to Transformers"
        )
    if reason := _why_value_zeroing_fails(model):
        missing["value_zeroing"] = reason
    return missing


def _why_value_zeroing_fails(model: "AttributionModel") -> str | None:
    """Inseq 0.7's value zeroing hooks into attention code that Transformers 5 rewrote.

    It raises a ``TypeError`` there and leaves its hooks behind, so that every later forward pass
    of the model fails as well: it has to be refused before it starts.
    """
    import transformers

    version = transformers.__version__
    if Version(version) >= Version(TRANSFORMERS_WITHOUT_VALUE_ZEROING):
        return f"Inseq's version of it does not support Transformers 5 (here {version})"
    from inseq.models.model_config import MODEL_CONFIGS

    name = model.info["model_class"]
    if name not in MODEL_CONFIGS:
        return f"Inseq does not know the parts of {name}"
    if not _has_values_inseq_finds(model):
        return f"Inseq does not find the values in the attention of {name} (here {version})"
    return None


def _has_values_inseq_finds(model: "AttributionModel") -> bool:
    """Tell whether every attention assigns the variable that Inseq sets to zero.

    Transformers moved that assignment out of ``forward`` for one architecture after the other
    (GPT-2 by 4.53), and Inseq looks nowhere else.
    """
    from inseq.models.model_config import MODEL_CONFIGS
    from inseq.utils.hooks import get_last_variable_assignment_position

    parts = MODEL_CONFIGS[model.info["model_class"]]
    names = {parts.self_attention_module, parts.cross_attention_module}
    return all(
        get_last_variable_assignment_position(module, parts.value_vector) is not None
        for path, module in model.model.named_modules()
        if path.rpartition(".")[2] in names
    )
