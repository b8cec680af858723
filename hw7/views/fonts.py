"""Fonts for pictures: the bundled Chinese one first, then what the machine has."""

import base64
from collections.abc import Sequence
from functools import lru_cache
from io import BytesIO
from pathlib import Path

BUNDLED_FAMILY = "HW7 Sans"
_SYSTEM_FAMILIES = (
    "Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "Microsoft YaHei", "PingFang SC",
    "Hiragino Sans GB", "WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "SimHei", "Arial Unicode MS",
)  # fmt: skip
MOST_EMBEDDED = 150
"""Characters of the embedded font, which so takes at most 30 kB of a page."""
_WIDEST_FAMILY = "DejaVu Sans"  # comes with matplotlib; Arabic, Hebrew, symbols


@lru_cache(maxsize=4)
def font_families(bundled: Path | None = None) -> list[str]:
    """Return the families to try for each character, in order.

    The bundled font comes first, so that a picture looks the same on every machine; a system font
    is asked only for a character that the bundled one lacks.

    Args:
        bundled: The bundled font's file, whose family is ``BUNDLED_FAMILY``.
    """
    from matplotlib import font_manager

    if bundled is not None and bundled.is_file():
        font_manager.fontManager.addfont(bundled)
    known = set(font_manager.fontManager.get_font_names())
    wanted = (BUNDLED_FAMILY, *_SYSTEM_FAMILIES, _WIDEST_FAMILY)
    return [family for family in wanted if family in known]


@lru_cache(maxsize=4)
def known_characters(bundled: Path | None = None) -> frozenset[int]:
    """Return the code points that at least one of the families can draw."""
    from matplotlib import font_manager

    files = [
        font_manager.findfont(font_manager.FontProperties(family=family))
        for family in font_families(bundled)
    ]
    return frozenset().union(*(_characters_of(Path(file)) for file in files))


def drawable(tokens: Sequence[str], bundled: Path | None = None) -> list[str]:
    """Return tokens with every character that no font can draw replaced by its code point.

    ``[U+1F600]`` still tells two emoji apart, where two empty boxes would not.
    """
    known = known_characters(bundled)
    return [
        "".join(
            character
            if ord(character) in known or character.isspace()
            else f"[U+{ord(character):04X}]"
            for character in token
        )
        for token in tokens
    ]


def text_width(text: str) -> float:
    """Return about how wide a text is, in widths of a Latin letter; hanzi count as two."""
    return sum(1.9 if ord(character) > 0x2E7F else 1.0 for character in text)


def embedded_font(text: str, bundled: Path, *, always: str = "") -> str:
    """Return the bundled font cut down to the characters of a page that Latin fonts lack.

    Args:
        text: Everything the page has to show; the first ``MOST_EMBEDDED`` characters count.
        bundled: The bundled font's file.
        always: The page's own words, which count whatever the text is.

    Returns:
        Base64 of a WOFF file, the same for the same characters; empty where none is needed.
    """
    if not bundled.is_file():
        return ""
    known = _characters_of(bundled)
    wanted = set[str]()
    for one, most in ((text, MOST_EMBEDDED), (always, None)):
        lacking = [c for c in dict.fromkeys(one) if ord(c) > 0x2E7F and ord(c) in known]
        wanted |= {*lacking[:most]}
    return _subset("".join(sorted(wanted)), bundled) if wanted else ""


@lru_cache(maxsize=4)
def _characters_of(path: Path) -> frozenset[int]:
    from matplotlib.ft2font import FT2Font

    return frozenset(FT2Font(str(path)).get_charmap())


@lru_cache(maxsize=32)
def _subset(characters: str, bundled: Path) -> str:
    from fontTools import subset
    from fontTools.ttLib import TTFont

    options = subset.Options(layout_features=[], name_IDs=[], notdef_outline=True)
    subsetter = subset.Subsetter(options)
    subsetter.populate(text=characters)
    buffer = BytesIO()
    with TTFont(bundled, lazy=True, recalcTimestamp=False) as font:
        subsetter.subset(font)
        font.flavor = "woff"
        font.save(buffer)
    return base64.b64encode(buffer.getvalue()).decode("ascii")
