"""Fonts for pictures: the bundled Chinese one first, then what the machine has."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

BUNDLED_FAMILY = "HW7 Sans"
_SYSTEM_FAMILIES = (
    "Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "Microsoft YaHei", "PingFang SC",
    "Hiragino Sans GB", "WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "SimHei", "Arial Unicode MS",
)  # fmt: skip
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
    from matplotlib import font_manager, ft2font

    codes: set[int] = set()
    for family in font_families(bundled):
        path = font_manager.findfont(font_manager.FontProperties(family=family))
        codes.update(ft2font.FT2Font(str(Path(path))).get_charmap())
    return frozenset(codes)


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
