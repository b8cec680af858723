"""An ``Explanation`` as an HTML heatmap: rows are source tokens, columns generated tokens."""

import html
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas

    from helpers.explanation import Explanation

FACTS_MIME = "application/vnd.hw7.facts+json"
"""MIME type of an explanation's facts, which ``hw7 run`` collects from executed notebooks."""

_MOST_TOKENS_WITH_NUMBERS = 24

_STYLE = """
<style>
.hw7-heatmap {margin: 0.5em 0 1.2em; font-size: 13px; line-height: 1.3}
.hw7-heatmap .hw7-scroll {overflow-x: auto; max-width: 100%}
.hw7-heatmap table {border-collapse: separate; border-spacing: 1px; width: auto; margin: 0}
.hw7-heatmap caption {text-align: left; font-weight: 600; padding: 4px 2px; white-space: nowrap}
.hw7-heatmap th {font-weight: 500; padding: 3px 6px; text-align: center; white-space: nowrap}
.hw7-heatmap tbody th {text-align: right; position: sticky; left: 0; background: Canvas}
.hw7-heatmap td {padding: 3px 6px; text-align: center; min-width: 2.6em; border: 0}
.hw7-heatmap thead th {border-bottom: 2px solid #8888}
</style>
"""


def display_explanation(explanation: "Explanation") -> None:
    """Show one heatmap per method, with the same facts as plain text where HTML is not shown."""
    from IPython.display import display

    bundle = {
        "text/html": explanation_html(explanation),
        "text/plain": facts_text(explanation),
        FACTS_MIME: facts(explanation),
    }
    display(bundle, raw=True)


def explanation_html(explanation: "Explanation") -> str:
    """Return the heatmaps of all methods as HTML: same explanation, same bytes; nothing fetched."""
    maps = [
        table_html(explanation.table(method), f"{method} · {explanation.model_name}")
        for method in explanation.methods
    ]
    return f'{_STYLE}<div class="hw7-heatmap">{"".join(maps)}</div>'


def table_html(scores: "pandas.DataFrame", caption: str) -> str:
    """Return one heatmap as an HTML table; every token is escaped."""
    highest = float(scores.abs().max(skipna=True).max(skipna=True)) or 1.0
    has_numbers = scores.shape[1] <= _MOST_TOKENS_WITH_NUMBERS
    header = "".join(f"<th>{_escape(token)}</th>" for token in scores.columns)
    rows = [
        f"<tr><th>{_escape(token)}</th>"
        + "".join(_cell(score, highest, has_numbers) for score in row)
        + "</tr>"
        for token, row in zip(scores.index, scores.to_numpy().tolist(), strict=True)
    ]
    return (
        f'<div class="hw7-scroll"><table><caption>{_escape(caption)}</caption>'
        f"<thead><tr><th></th>{header}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def _cell(score: float, highest: float, has_numbers: bool) -> str:
    """One cell: the stronger the score, the darker; blue above zero, orange below."""
    if score != score:
        return "<td></td>"
    strength = min(abs(score) / highest, 1.0)
    color = "33,102,172" if score >= 0 else "178,88,6"
    text = "#fff" if strength > 0.55 else "inherit"
    label = f"{score:.2f}" if has_numbers else ""
    return (
        f'<td style="background:rgba({color},{strength:.3f});color:{text}" '
        f'title="{score:.3f}">{label}</td>'
    )


def _escape(text: str) -> str:
    # Bidirectional isolation keeps a right-to-left token from turning its neighbours around.
    return f"<bdi>{html.escape(str(text))}</bdi>"


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
