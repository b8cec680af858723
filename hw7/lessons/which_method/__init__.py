"""Compare attribution methods: with a gold word alignment, and by erasing what they point at.

Two questions are kept apart (Jacovi and Goldberg 2020, "Towards Faithfully Interpretable NLP
Systems"): *plausibility*, does a method point at the words a person would name; and
*faithfulness*, does the model really depend on them. The names are imported when first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hw7.lessons.which_method.alignment import (
        alignment_error_rate,
        mean_average_precision,
        precision_at_one,
        strongest_links,
    )
    from hw7.lessons.which_method.comparison import compare_methods, evaluate_layers, sentence_scores
    from hw7.lessons.which_method.deletion_scores import faithfulness
    from hw7.lessons.which_method.figures import plot_alignment, plot_comparison, plot_layers
    from hw7.lessons.which_method.gold import GoldSentence, gold_for, load_gold, split_gold
    from hw7.lessons.which_method.intervals import bootstrap_interval
    from hw7.lessons.which_method.layers import layer_attribution
    from hw7.lessons.which_method.published import PUBLISHED_ERROR_RATES
    from hw7.lessons.which_method.rank_agreement import agreement, agreement_table, mean_agreement
    from hw7.lessons.which_method.splits import count_tokens
    from hw7.lessons.which_method.summary import best_layer, difference, random_spread, report, summarize
    from hw7.lessons.which_method.variants import Variant, standard_variants
    from hw7.lessons.which_method.word_tables import word_table

_HOME_OF = {
    "agreement": "rank_agreement",
    "agreement_table": "rank_agreement",
    "mean_agreement": "rank_agreement",
    "alignment_error_rate": "alignment",
    "mean_average_precision": "alignment",
    "precision_at_one": "alignment",
    "strongest_links": "alignment",
    "compare_methods": "comparison",
    "evaluate_layers": "comparison",
    "sentence_scores": "comparison",
    "faithfulness": "deletion_scores",
    "plot_alignment": "figures",
    "plot_comparison": "figures",
    "plot_layers": "figures",
    "GoldSentence": "gold",
    "gold_for": "gold",
    "load_gold": "gold",
    "split_gold": "gold",
    "bootstrap_interval": "intervals",
    "layer_attribution": "layers",
    "best_layer": "summary",
    "difference": "summary",
    "random_spread": "summary",
    "report": "summary",
    "summarize": "summary",
    "PUBLISHED_ERROR_RATES": "published",
    "count_tokens": "splits",
    "Variant": "variants",
    "standard_variants": "variants",
    "word_table": "word_tables",
}

__all__ = [
    "PUBLISHED_ERROR_RATES",
    "GoldSentence",
    "Variant",
    "agreement",
    "agreement_table",
    "alignment_error_rate",
    "best_layer",
    "bootstrap_interval",
    "compare_methods",
    "count_tokens",
    "difference",
    "evaluate_layers",
    "faithfulness",
    "gold_for",
    "layer_attribution",
    "load_gold",
    "mean_agreement",
    "mean_average_precision",
    "plot_alignment",
    "plot_comparison",
    "plot_layers",
    "precision_at_one",
    "random_spread",
    "report",
    "sentence_scores",
    "split_gold",
    "standard_variants",
    "strongest_links",
    "summarize",
    "word_table",
]


def __getattr__(name: str) -> Any:
    """Import a public name from its module on first use (PEP 562)."""
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {__all__}")
    return getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
