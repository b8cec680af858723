"""What others have published: the scores of the homework's real models, and error rates."""

import base64
import json
from typing import TYPE_CHECKING

from helpers.environment import assets_folder, font_file
from helpers.errors import HomeworkError
from hw7.views.strongest import strongest_of

if TYPE_CHECKING:
    import pandas

    from helpers.explanation import Explanation
    from hw7.views.sheet import Sheet

PUBLISHED_ERROR_RATES = {
    "attention, best layer, read at the input": (0.282, 0.282),
    "attention, best layer, read at the output": (0.499, 0.499),
    "fast_align": (0.270, 0.320),
    "MGIZA": (0.206, 0.231),
}
"""Lowest and highest published alignment error rate, German-English, gold of 508 pairs.

Reading attention at the decoder's input and at its output is compared by Chen et al. 2020,
"Accurate Word Alignment Induction from Neural Machine Translation". The statistical aligners are
the results of https://github.com/lilt/alignment-scripts; direction, and the way to join both
directions, make the range. Another language pair, other sentences and another gold: what compares
is the order, not the figure.
"""


def published_scores(model: str, method: str) -> "pandas.DataFrame":
    """Return published scores as a table `[source, generated]`, rounded to 3 decimals.

    Args:
        model: ``"opus-mt-zh-en"`` or ``"qwen3-0.6b"``.
        method: ``"saliency"`` or ``"attention"``.

    Raises:
        HomeworkError: There is no published run of this model and method.
    """
    import pandas

    file = assets_folder() / "reference" / f"{model}.{method}.json"
    if not file.is_file():
        there = sorted(path.stem for path in file.parent.glob("*.json"))
        raise HomeworkError(f"No published scores of {model}.{method}. There are: {there}")
    content = json.loads(file.read_text(encoding="utf-8"))
    return pandas.DataFrame(
        content["scores"],
        index=pandas.Index(content["attributed"], name="source"),
        columns=pandas.Index(content["generated"], name="generated"),
        dtype=float,
    )


def compare_with_published(
    explanation: "Explanation", published: "pandas.DataFrame", method: str
) -> "pandas.DataFrame":
    """Put the strongest source token of each generated token beside the published one.

    Only generated tokens that both runs have once are compared.
    """
    ours = strongest_of(explanation.table(method)).drop_duplicates("generated", keep=False)
    theirs = strongest_of(published).drop_duplicates("generated", keep=False)
    return ours.merge(theirs, on="generated", suffixes=(" (this run)", " (published)")).round(2)


def show_published(model: str) -> None:
    """Show the published scores of a model as heatmaps, one picture a method: small screens too.

    Args:
        model: ``"opus-mt-zh-en"`` or ``"qwen3-0.6b"``.

    Raises:
        HomeworkError: There is no published run of this model.
    """
    from hw7.views.component import show_bundle
    from hw7.views.picture import figure_of
    from hw7.views.picture_files import small_png_of

    for method in ("saliency", "attention"):
        table = published_scores(model, method)
        figure = figure_of(_published_sheet(model, method, table))
        picture = base64.b64encode(small_png_of(figure, dpi=72)).decode("ascii")
        show_bundle({"image/png": picture, "text/plain": _strongest_text(method, table)})


def _published_sheet(model: str, method: str, table: "pandas.DataFrame") -> "Sheet":
    from hw7.views.sheet import Sheet, identity_of, layer_of

    return Sheet(
        title=f"{model}, published run",
        rows=list(table.index),
        columns=list(table.columns),
        first_generated_row=_first_generated_row(table),
        layers=[layer_of(method, table.to_numpy())],
        identity=identity_of("published", model, method),
        font=font_file(),
    )


def _first_generated_row(table: "pandas.DataFrame") -> int | None:
    """Return the row of the first generated token where rows and columns are one text."""
    has_gaps = bool(table.isna().to_numpy().any())
    return int(table.iloc[:, 0].notna().sum()) if has_gaps else None


def _strongest_text(method: str, table: "pandas.DataFrame") -> str:
    rows = strongest_of(table).itertuples(index=False)
    return f"{method}: " + ", ".join(f"{to} ← {source} {score:.2f}" for to, source, score in rows)
