"""An ``Explanation`` shown in a notebook: the interactive heatmap, and its facts as text."""

from typing import TYPE_CHECKING, Any

from helpers.environment import assets_folder
from helpers.errors import HomeworkError
from helpers.lookup import choose_method

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.figure import Figure

    from helpers.explanation import Explanation
    from hw7.views.comparison import Comparison
    from hw7.views.sheet import Sheet

FACTS_MIME = "application/vnd.hw7.facts+json"
"""MIME type of an explanation's facts, which ``hw7 run`` collects from executed notebooks."""


def display_explanation(explanation: "Explanation", *, hide_special: bool = False) -> None:
    """Show the heatmaps of all methods, with the same facts as plain text beside the HTML."""
    from hw7.views.component import show_bundle

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
    from hw7.views.sheet import without_special_tokens

    sheet = sheet_of(explanation)
    figure = figure_of(without_special_tokens(sheet) if hide_special else sheet)
    if path is not None:
        try:
            save_figure(figure, path)
        except ValueError as error:
            raise HomeworkError(str(error)) from error
    return figure


def sheet_of(explanation: "Explanation") -> "Sheet":
    """Lay out the scores of all methods of an explanation."""
    from hw7.views.labels import printable
    from hw7.views.sheet import Sheet, layer_of

    tables = [explanation.table(method) for method in explanation.methods]
    sequence = explanation.attribution(explanation.methods[0])[0]
    return Sheet(
        title=explanation.model_name,
        rows=[printable(token) for token in tables[0].index],
        columns=[printable(token) for token in tables[0].columns],
        first_generated_row=None if explanation.is_translation else sequence.attr_pos_start,
        layers=[
            layer_of(method, table.to_numpy(dtype=float))
            for method, table in zip(explanation.methods, tables, strict=True)
        ],
        identity=explanation.digest()[:16],
        font=font_file(),
    )


def font_file() -> "Path":
    """Return the bundled font, which has the everyday characters of both Chinese scripts."""
    return assets_folder() / "fonts" / "HW7Sans-Regular.otf"


def compare_explanations(
    explanation: "Explanation", other: "Explanation", method: str | None, *, hide_special: bool
) -> "Comparison":
    """Compare one method over two explanations of almost the same text.

    Raises:
        MethodError: One of them has no scores of the method, or several and none was named.
        HomeworkError: One is a translation and the other is not.
    """
    from hw7.views.comparison import compare_sheets

    name = choose_method(other.methods, choose_method(explanation.methods, method))
    try:
        sheets = (sheet_of(explanation), sheet_of(other))
        return compare_sheets(*sheets, name, hide_special=hide_special)
    except ValueError as error:
        raise HomeworkError(str(error)) from error


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
