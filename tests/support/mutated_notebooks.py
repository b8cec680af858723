"""Notebooks damaged at random, for the grader to survive."""

from __future__ import annotations

import copy
import json
from typing import Any

from hypothesis import strategies as st

from tests.support.made_submissions import RIGHT, as_bytes, sheet

CANARY = "hw7_canary"
ATTACKS = [
    f"__import__('pathlib').Path('{CANARY}').write_text('x')",
    f"open('{CANARY}', 'w')",
    f"(lambda: open('{CANARY}', 'w'))()",
    f"f\"{{open('{CANARY}', 'w')}}\"",
    "exec('import os')",
    "eval('1')",
    "__import__('urllib.request').request.urlopen('http://127.0.0.1:9/')",
    "9**9**9",
    "'A' * 10**10",
    "[" * 300,
    "[[" * 40 + "]]" * 40,
    "float('nan')",
    "1e999",
    "三",
    "０．０３",
    "“机器”",
    "=HYPERLINK('http://x')",
    "'<script>alert(1)</script>'",
    "'=cmd|x'",
    "'''",
    "\\",
    "'\\ud800'",
    "b'x'",
    "None",
    "...",
    "!!python/object/apply:os.system ['true']",
]
ODD_VALUES = [
    None, True, 0, -1, 1e308, 10**30, "", "x", "\x00", [], {}, [[]], [None], ["q1 = 'B'", 3],
    {"cells": []}, [[[[[[]]]]]], "code", 3, 2, 99, "4",
]  # fmt: skip

_cells = st.lists(
    st.tuples(
        st.sampled_from([*RIGHT, "student_id", "q0", "q99", "x"]),
        st.one_of(st.sampled_from([*RIGHT.values(), *ATTACKS]), st.text(max_size=20)),
        st.sampled_from(
            ["{} = {}", "{}={}  # @param", "  {} = {}", "{} = {}; x = 1", "if 1: {} = {}"]
        ),
    ),
    max_size=6,
)
_places = st.lists(st.integers(min_value=0, max_value=400), max_size=3)


@st.composite
def mutated_notebooks(draw: st.DrawFn) -> bytes:
    """A right notebook with cells added, values replaced, keys dropped, and its bytes damaged."""
    content: Any = sheet(RIGHT)
    for name, code, template in draw(_cells):
        content["cells"] += sheet({}, template.format(name, code))["cells"]
    for place in draw(_places):
        _replace(content, place, draw(st.sampled_from(ODD_VALUES)), draw(st.booleans()))
    data = as_bytes(content) if draw(st.booleans()) else json.dumps(content).encode()
    return _damaged(draw, data)


def _replace(content: Any, place: int, value: Any, drop: bool) -> None:
    """Replace or drop the value at one of the places of a nested structure."""
    spots = list(_spots(content))
    if not spots:
        return
    holder, name = spots[place % len(spots)]
    if drop:
        del holder[name]
    else:
        holder[name] = copy.deepcopy(value)


def _spots(content: Any) -> Any:
    if isinstance(content, dict | list):
        items = content.items() if isinstance(content, dict) else enumerate(content)
        for name, value in list(items):
            yield content, name
            yield from _spots(value)


def _damaged(draw: st.DrawFn, data: bytes) -> bytes:
    kind = draw(st.sampled_from(["none", "none", "none", "cut", "flip", "insert", "repeat"]))
    if kind == "none":
        return data
    place = draw(st.integers(min_value=0, max_value=len(data)))
    if kind == "cut":
        return data[:place]
    if kind == "repeat":
        return data[:place] + data
    piece = draw(st.binary(min_size=1, max_size=8))
    return data[:place] + piece + data[place + (len(piece) if kind == "flip" else 0) :]
