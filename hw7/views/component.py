"""A sheet as one self-contained piece of HTML: inline style and script, nothing fetched."""

import base64
import json
import sys
from collections.abc import Mapping
from functools import lru_cache
from importlib import resources
from typing import Any

import numpy

from hw7.views.colors import SCALES
from hw7.views.excerpts import without_special_tokens
from hw7.views.fonts import embedded_font
from hw7.views.labels import printable
from hw7.views.levels import LEVELS, OWN_PART, Axis, Outline
from hw7.views.notes import Note
from hw7.views.sheet import Layer, Sheet, notes_of

MOST_COLUMNS_WITH_NUMBERS = 24

_WIDEST_PICTURE = 720  # pixels
_TEMPLATE = """\
<style>
{%- if font %}@font-face { font-family: "HW7 Sans"; src: url(data:font/woff;base64,{{ font }}); }
{% endif %}{{ style | safe }}</style>
<div class="hw7" id="hw7-{{ identity }}" data-hw7="{{ identity }}"><div class="hw7-static">
{%- if picture %}<p><img src="data:image/png;base64,{{ picture }}" alt="{{ facts }}"></p>{% endif %}
<pre>{{ facts }}</pre></div></div>
<script>{{ script | safe }}</script>
"""
_PAGE = """\
<!DOCTYPE html>
<html lang="zh-Hans"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{{ title }}</title><style>body { margin: 12px; font-family: system-ui, sans-serif; }</style>
</head><body>
{{ body | safe }}</body></html>
"""


def sheet_html(
    sheet: Sheet, facts: str, *, hide_special: bool = False, picture: bool = True
) -> str:
    """Return a sheet as HTML: the same content gives the same bytes.

    Where scripts run, they replace the static part. Where they are stripped (GitHub, a notebook
    not yet trusted), the picture and the facts stay.

    Args:
        sheet: What to show; special tokens are hidden in the page, so that they can be shown.
        facts: The same as plain text.
        hide_special: Start with special tokens hidden.
        picture: Embed the static picture.
    """
    encoded = (
        _picture_of(without_special_tokens(sheet) if hide_special else sheet) if picture else ""
    )
    steps = [token for step in sheet.steps for token, _ in step.rivals]
    shown = "".join([*sheet.rows, *sheet.columns, *steps, *notes_of(sheet), facts])
    # A page that chooses its language by itself speaks English where there is no Chinese font.
    own_words = _asset("heatmap.js") if sheet.language else ""
    return _render(
        _TEMPLATE,
        font=embedded_font(shown, sheet.font, always=own_words) if sheet.font else "",
        style=_asset("heatmap.css"),
        script=_script(sheet, hide_special),
        identity=sheet.identity,
        picture=encoded,
        facts=printable(facts, keep_lines=True),
    )


def page_html(title: str, body: str) -> str:
    """Return a whole HTML file around one or more components."""
    return _render(_PAGE, title=title, body=body)


def _render(template: str, **values: object) -> str:
    from jinja2 import Environment

    return Environment(autoescape=True).from_string(template).render(**values)


def _script(sheet: Sheet, hide_special: bool) -> str:
    code = _asset("heatmap.js") + (_asset("heads.js") if sheet.heads else "")
    return f'(function (data) {{\n"use strict";\n{code}}})({_data(sheet, hide_special)});'


def _data(sheet: Sheet, hide_special: bool) -> str:
    """Return the sheet as JSON that may stand inside a script element."""
    outline = sheet.outline
    levels = _levels(outline) if outline else []
    content = {
        "identity": sheet.identity,
        "title": sheet.title,
        "rows": _axis(sheet.rows, sheet.special_rows, outline.rows if outline else None, levels),
        "columns": _axis(
            sheet.columns, sheet.special_columns, outline.columns if outline else None, levels
        ),
        "places": outline.places if outline else [*range(len(sheet.columns))],
        "language": sheet.language,
        "isCommon": sheet.scale == "common",
        "probabilities": [
            [step.probability, *((printable(token), share) for token, share in step.rivals)]
            for step in sheet.steps
        ]
        or None,
        "start": sheet.first_generated_row,
        "isHiding": hide_special,
        "canHideSpecial": sheet.can_hide_special,
        "mainLayer": sheet.main_layer,
        "columnNotes": sheet.column_notes,
        "notes": [one.spoken if isinstance(one, Note) else (one, one) for one in notes_of(sheet)],
        "ownPart": OWN_PART,
        "mostColumnsWithNumbers": MOST_COLUMNS_WITH_NUMBERS,
        "scales": SCALES,
        "heads": sheet.heads,
        "layers": [_layer(layer) for layer in sheet.layers],
    }
    # The default escapes every non-ASCII character; these three could end the script element.
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _layer(layer: Layer) -> dict[str, object]:
    return {
        "name": layer.name,
        "isSigned": layer.is_signed,
        "isShare": layer.is_share,
        "hasCommonScale": layer.has_common_scale,
        "scores": packed(layer.scores),
        "whole": None if layer.whole is None else packed(layer.whole),
    }


def packed(scores: numpy.ndarray) -> str:
    """Return scores row by row as base64 of little-endian float32, the type models compute in."""
    return base64.b64encode(scores.astype("<f4").tobytes()).decode("ascii")


def _levels(outline: Outline) -> list[str]:
    """Return the levels above tokens that tell more than one group apart, from coarse to fine."""
    axes = (outline.rows, outline.columns)
    found: list[str] = []
    below = [axis.numbers["token"] for axis in axes]
    for level in LEVELS[1:]:
        numbers = [axis.numbers[level] for axis in axes]
        groups = {n for n, own in zip(numbers[0], outline.rows.special, strict=True) if not own}
        if numbers != below and len(groups) > 1:
            found.insert(0, level)
            below = numbers
    return found


def _axis(
    tokens: list[str], special: list[bool], axis: Axis | None, levels: list[str]
) -> dict[str, object]:
    return {
        "tokens": tokens,
        "special": "".join("1" if flag else "0" for flag in special),
        "levels": [
            {
                "name": level,
                "labels": [printable(label) for label in axis.labels[level]],
                "numbers": axis.numbers[level],
            }
            for level in levels
            if axis is not None
        ],
    }


@lru_cache
def _asset(name: str) -> str:
    """Return a style or script without the comments and the indentation of its source."""
    text = resources.files("hw7.views").joinpath(name).read_text(encoding="utf-8")
    lines = [line.strip() for line in text.splitlines()]
    kept = [line for line in lines if line and not line.startswith(("//", "/*"))]
    return "\n".join(kept) + "\n"


def _picture_of(sheet: Sheet) -> str:
    """Return the static picture, base64 of a PNG no wider than a page."""
    from hw7.views.picture import figure_of
    from hw7.views.picture_files import small_png_of

    figure = figure_of(sheet)
    dpi = min(72.0, _WIDEST_PICTURE / figure.get_size_inches()[0])
    return base64.b64encode(small_png_of(figure, dpi=dpi)).decode("ascii")


def show_bundle(bundle: Mapping[str, Any]) -> None:
    """Show a MIME bundle in a notebook; in a plain script, where nobody renders it, its text.

    Args:
        bundle: What is shown by MIME type, `text/plain` included.
    """
    from IPython import get_ipython
    from IPython.display import display

    if get_ipython() is None:
        # Consoles of Windows know one script; what theirs lacks is shown escaped.
        encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
        print(bundle["text/plain"].encode(encoding, "backslashreplace").decode(encoding))
    else:
        display(dict(bundle), raw=True)
