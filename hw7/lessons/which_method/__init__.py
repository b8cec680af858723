"""Compare attribution methods: with a gold word alignment, and by erasing what they point at.

Two questions are kept apart (Jacovi and Goldberg 2020, "Towards Faithfully Interpretable NLP
Systems"): *plausibility*, does a method point at the words a person would name; and
*faithfulness*, does the model really depend on them. The names are imported when first used.
"""

from importlib import import_module
from typing import Any

_NAMES = {
    "agreement": "agreement agreement_table mean_agreement",
    "published": "PUBLISHED_ERROR_RATES",
    "which_method.alignment": (
        "alignment_error_rate precision_at_one strongest_links without_special"
    ),
    "which_method.erasure": "faithfulness",
    "which_method.figures": "plot_alignment plot_comparison plot_layers",
    "which_method.gold": "GoldSentence gold_for load_gold split_gold",
    "which_method.measurements": "compare_methods count_tokens evaluate_layers sentence_scores",
    "which_method.scoring": "Variant attention_scores standard_variants",
    "which_method.summary": ("best_layer bootstrap_interval difference report summarize verdict"),
}
_HOME_OF = {name: module for module, names in _NAMES.items() for name in names.split()}

__all__ = sorted(_HOME_OF)


def __getattr__(name: str) -> Any:
    """Import a public name from its module on first use (PEP 562)."""
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {__all__}")
    return getattr(import_module(f"hw7.lessons.{_HOME_OF[name]}"), name)
