"""Which of Inseq's attribution methods run here, and why the others do not."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from packaging.version import Version

from helpers.environment import installed_version
from helpers.errors import MethodError, say_once

if TYPE_CHECKING:
    from inseq.models import AttributionModel

_ALWAYS_WORKING = (
    "saliency",
    "attention",
    "input_x_gradient",
    "integrated_gradients",
    "occlusion",
    "deeplift",
    "gradient_shap",
    "sequential_integrated_gradients",
    "layer_gradient_x_activation",
)
EXTRA_PACKAGES = {
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


def fast_methods(
    model: "AttributionModel",
    options: Mapping[str, Mapping[str, Any]],
    score: str,
    *,
    has_contrast: bool,
) -> list[str]:
    """Return the methods that the fast engine computes exactly; say once why others are not."""
    from hw7.engine.shared_passes import FAST_METHODS, reason_to_fall_back

    fast = []
    for method, own in options.items():
        reason = reason_to_fall_back(
            model, method, score=score, has_contrast=has_contrast, options=own
        )
        if reason is None:
            fast.append(method)
        elif method in FAST_METHODS:
            say_once(f"{method} is computed by Inseq, token by token: {reason}")
    return fast


def check_methods(model: "AttributionModel", methods: Sequence[str]) -> None:
    """Refuse methods that do not run on this model here.

    Raises:
        MethodError: Lists the methods that work, and says why a known one does not.
    """
    if isinstance(methods, str) or not methods:
        raise MethodError("Give the methods as a list, for example methods=['saliency'].")
    missing = missing_methods(model)
    working = working_methods(model)
    for method in methods:
        if method not in working:
            reason = missing.get(method, "there is no such method")
            raise MethodError(
                f"The method {method!r} does not run here: {reason}. "
                f"These do: {', '.join(working)}."
            )


def working_methods(model: "AttributionModel") -> list[str]:
    """Return the methods that run on this model with what is installed."""
    missing = missing_methods(model)
    candidates = (*_ALWAYS_WORKING, *EXTRA_PACKAGES, "value_zeroing")
    return [method for method in candidates if method not in missing]


def missing_methods(model: "AttributionModel") -> dict[str, str]:
    """Return the methods of Inseq that do not run on this model here, each with the reason."""
    missing = NEEDS_THE_INTERNET | GIVES_ZEROS
    missing |= {
        method: f"it needs {package} (type: %pip install {package})"
        for method, package in EXTRA_PACKAGES.items()
        if installed_version(package) is None
    }
    if reason := _why_value_zeroing_fails(model):
        missing["value_zeroing"] = reason
    return missing


def _why_value_zeroing_fails(model: "AttributionModel") -> str | None:
    """Inseq 0.7's value zeroing hooks into attention code that Transformers 5 rewrote.

    It raises a ``TypeError`` there and leaves its hooks behind, so that every later forward pass
    of the model fails as well: it has to be refused before it starts.
    """
    version = installed_version("transformers") or "0"
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
