"""Which of Inseq's attribution methods run here, and why the others do not."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from packaging.version import Version

from helpers.environment import installed_version
from helpers.errors import MethodError

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
    "layer_deeplift",
    "layer_gradient_x_activation",
    "layer_integrated_gradients",
)
EXTRA_PACKAGES = {
    "lime": "scikit-learn",
    "discretized_integrated_gradients": "scikit-learn",
}
_NEEDS_THE_INTERNET = {
    "reagent": "it fetches NLTK data and a second language model while it runs",
}
TRANSFORMERS_WITHOUT_VALUE_ZEROING = "5"


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
    missing = dict(_NEEDS_THE_INTERNET)
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
    return None if name in MODEL_CONFIGS else f"Inseq does not know the parts of {name}"
