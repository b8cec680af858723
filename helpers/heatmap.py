"""An ``Explanation`` shown in a notebook: the interactive heatmap, and its facts as text."""

from typing import TYPE_CHECKING, Any

from hw7.views.bundles import show_bundle

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.figure import Figure

    from helpers.explanation import Explanation

FACTS_MIME = "application/vnd.hw7.facts+json"
"""MIME type of an explanation's facts, which ``hw7 run`` collects from executed notebooks."""


def display_explanation(explanation: "Explanation", *, hide_special: bool = False) -> None:
    """Show the heatmaps of all methods, with the same facts as plain text beside the HTML."""
    show_bundle(bundle_of(explanation, hide_special=hide_special))


def bundle_of(
    explanation: "Explanation", *, hide_special: bool = False, picture: bool = True
) -> dict[str, Any]:
    """Return what a notebook stores of a heatmap, by MIME type."""
    return {
        "text/html": explanation_html(explanation, hide_special=hide_special, picture=picture),
        "text/plain": facts_text(explanation),
        FACTS_MIME: facts(explanation),
    }


def explanation_html(
    explanation: "Explanation", *, hide_special: bool = False, picture: bool = True
) -> str:
    """Return the heatmaps of all methods as HTML: same explanation, same bytes; nothing fetched.

    Args:
        explanation: The scores.
        hide_special: Start without special tokens such as ``</s>``; the others are renormalised.
        picture: Embed the static picture that is shown where scripts are stripped.
    """
    from hw7.views.component import sheet_html
    from hw7.views.sheet import sheet_of

    return sheet_html(
        sheet_of(explanation),
        facts_text(explanation),
        hide_special=hide_special,
        picture=picture,
    )


def plot_explanation(
    explanation: "Explanation", path: "str | Path | None" = None, *, hide_special: bool = False
) -> "Figure":
    """Return the heatmaps of all methods as a matplotlib figure, and save it where asked to.

    Raises:
        HomeworkError: The path names no picture format, or its folder does not exist.
    """
    from hw7.views.picture import figure_of, save_figure
    from hw7.views.sheet import sheet_of, without_special_tokens

    sheet = sheet_of(explanation)
    figure = figure_of(without_special_tokens(sheet) if hide_special else sheet)
    if path is not None:
        save_figure(figure, path)
    return figure


def facts(explanation: "Explanation") -> dict[str, Any]:
    """Return the facts of an explanation as plain data: texts, and the strongest source tokens."""
    return {
        "model": explanation.model_name,
        "input": explanation.input_text,
        "generated": explanation.generated_text,
        "score": explanation.score,
        "is_translation": explanation.is_translation,
        "strongest": {
            method: [
                [row["generated"], row["strongest source"], round(float(row["score"]), 2)]
                for _, row in explanation.strongest(method).iterrows()
            ]
            for method in explanation.methods
        },
    }


def facts_text(explanation: "Explanation") -> str:
    """Return the facts of an explanation as text, one line per method."""
    lines = [f"{explanation.input_text} → {explanation.generated_text} ({explanation.model_name})"]
    for method, rows in facts(explanation)["strongest"].items():
        pairs = ", ".join(f"{generated} ← {source} {score}" for generated, source, score in rows)
        lines.append(f"{method}: {pairs}")
    return "\n".join(lines)
