"""Compare attribution methods: with a gold word alignment, and by erasing what they point at.

Two questions are kept apart (Jacovi and Goldberg 2020, "Towards Faithfully Interpretable NLP
Systems"): *plausibility*, does a method point at the words a person would name; and
*faithfulness*, does the model really depend on them. The names are imported when first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hw7.lessons.agreement import agreement, agreement_table, mean_agreement
    from hw7.lessons.which_method.alignment import (
        alignment_error_rate,
        mean_average_precision,
        precision_at_one,
        strongest_links,
    )
    from hw7.lessons.which_method.faithfulness import faithfulness
    from hw7.lessons.which_method.figures import plot_alignment, plot_comparison, plot_layers
    from hw7.lessons.which_method.gold import GoldSentence, gold_for, load_gold, split_gold
    from hw7.lessons.which_method.intervals import bootstrap_interval
    from hw7.lessons.which_method.layers import layer_attribution
    from hw7.lessons.which_method.measurements import (
        compare_methods,
        evaluate_layers,
        sentence_scores,
    )
    from hw7.lessons.which_method.published import PUBLISHED_ERROR_RATES
    from hw7.lessons.which_method.scoring import Variant, standard_variants
    from hw7.lessons.which_method.splits import count_tokens
    from hw7.lessons.which_method.summary import (
        best_layer,
        difference,
        random_spread,
        report,
        summarize,
    )
    from hw7.lessons.which_method.word_tables import word_table

_HOME_OF = {
    "agreement": "hw7.lessons.agreement",
    "agreement_table": "hw7.lessons.agreement",
    "mean_agreement": "hw7.lessons.agreement",
    "alignment_error_rate": "hw7.lessons.which_method.alignment",
    "mean_average_precision": "hw7.lessons.which_method.alignment",
    "precision_at_one": "hw7.lessons.which_method.alignment",
    "strongest_links": "hw7.lessons.which_method.alignment",
    "compare_methods": "hw7.lessons.which_method.measurements",
    "evaluate_layers": "hw7.lessons.which_method.measurements",
    "sentence_scores": "hw7.lessons.which_method.measurements",
    "faithfulness": "hw7.lessons.which_method.faithfulness",
    "plot_alignment": "hw7.lessons.which_method.figures",
    "plot_comparison": "hw7.lessons.which_method.figures",
    "plot_layers": "hw7.lessons.which_method.figures",
    "GoldSentence": "hw7.lessons.which_method.gold",
    "gold_for": "hw7.lessons.which_method.gold",
    "load_gold": "hw7.lessons.which_method.gold",
    "split_gold": "hw7.lessons.which_method.gold",
    "bootstrap_interval": "hw7.lessons.which_method.intervals",
    "layer_attribution": "hw7.lessons.which_method.layers",
    "best_layer": "hw7.lessons.which_method.summary",
    "difference": "hw7.lessons.which_method.summary",
    "random_spread": "hw7.lessons.which_method.summary",
    "report": "hw7.lessons.which_method.summary",
    "summarize": "hw7.lessons.which_method.summary",
    "PUBLISHED_ERROR_RATES": "hw7.lessons.which_method.published",
    "count_tokens": "hw7.lessons.which_method.splits",
    "Variant": "hw7.lessons.which_method.scoring",
    "standard_variants": "hw7.lessons.which_method.scoring",
    "word_table": "hw7.lessons.which_method.word_tables",
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
    return getattr(import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
