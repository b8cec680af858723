"""Compare attribution methods: with a gold word alignment, and by erasing what they point at.

Two questions are kept apart (Jacovi and Goldberg 2020, "Towards Faithfully Interpretable NLP
Systems"): *plausibility*, does a method point at the words a person would name; and
*faithfulness*, does the model really depend on them. The names are imported when first used.
"""

from importlib import import_module
from typing import Any

_NAMES = {
    "hw7.lessons.agreement": ("agreement", "agreement_table", "mean_agreement"),
    "hw7.lessons.published": ("PUBLISHED_ERROR_RATES",),
    "hw7.lessons.which_method.alignment": (
        "alignment_error_rate",
        "mean_average_precision",
        "precision_at_one",
        "strongest_links",
    ),
    "hw7.lessons.which_method.erasure": ("faithfulness",),
    "hw7.lessons.which_method.figures": ("plot_alignment", "plot_comparison", "plot_layers"),
    "hw7.lessons.which_method.gold": ("GoldSentence", "gold_for", "load_gold", "split_gold"),
    "hw7.lessons.which_method.measurements": (
        "compare_methods",
        "count_tokens",
        "evaluate_layers",
        "sentence_scores",
    ),
    "hw7.lessons.which_method.scoring": ("Variant", "layer_attribution", "standard_variants"),
    "hw7.lessons.which_method.summary": (
        "best_layer",
        "bootstrap_interval",
        "difference",
        "random_spread",
        "report",
        "summarize",
    ),
    "hw7.lessons.which_method.word_tables": ("word_table",),
}
_HOME_OF = {name: module for module, names in _NAMES.items() for name in names}

__all__ = sorted(_HOME_OF)


def __getattr__(name: str) -> Any:
    """Import a public name from its module on first use (PEP 562)."""
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {__all__}")
    return getattr(import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
