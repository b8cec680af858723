"""Cut the bundled font out of Noto Sans CJK, so that pictures show Chinese on every machine.

Run it where Debian's fonts-noto-cjk is installed::

    python -m tools.build_font_subset /usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc

The subset holds Latin, punctuation, kana, the 3,755 everyday characters of GB 2312 (level 1) and
the 5,401 of Big5 (level 1). Noto Sans CJK is under the SIL Open Font License 1.1; its licence lies
beside the subset, and the subset bears a name of its own, as that licence asks.
"""

import sys
from collections.abc import Iterable
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTCollection, TTFont

FAMILY = "HW7 Sans"
OUTPUT = Path(__file__).resolve().parent.parent / "assets" / "fonts" / "HW7Sans-Regular.otf"
_SIMPLIFIED_CHINESE = "Noto Sans CJK SC"
_NAMES_TO_KEEP = (0, 1, 2, 3, 4, 5, 6, 13, 14)  # copyright, names, version, licence


def characters() -> set[int]:
    """Return the code points of the subset."""
    codes = set(_decoded("gb2312", range(0xB0, 0xD8), range(0xA1, 0xFF)))
    codes |= set(_decoded("gb2312", range(0xA1, 0xAA), range(0xA1, 0xFF)))
    trail_bytes = [*range(0x40, 0x7F), *range(0xA1, 0xFF)]
    codes |= set(_decoded("big5", range(0xA4, 0xC7), trail_bytes))
    ranges = [
        (0x20, 0x7F), (0xA0, 0x180), (0x300, 0x370), (0x370, 0x400), (0x400, 0x460),
        (0x2000, 0x2070), (0x20A0, 0x20C0), (0x2190, 0x2200), (0x2400, 0x2424), (0x25A0, 0x2600),
        (0x3000, 0x3100), (0xFF00, 0xFFF0), (0xFFFD, 0xFFFE), (0x2212, 0x2213),
    ]  # fmt: skip
    for start, end in ranges:
        codes.update(range(start, end))
    return codes


def _decoded(encoding: str, leads: Iterable[int], trails: Iterable[int]) -> Iterable[int]:
    trails = list(trails)
    for lead in leads:
        for trail in trails:
            text = bytes([lead, trail]).decode(encoding, errors="ignore")
            if len(text) == 1:
                yield ord(text)


def build(collection: Path, output: Path) -> TTFont:
    """Write the subset and return it."""
    font = next(
        font
        for font in TTCollection(collection).fonts
        if font["name"].getDebugName(1) == _SIMPLIFIED_CHINESE
    )
    options = subset.Options(
        layout_features=[], hinting=False, notdef_outline=True, drop_tables=["VORG", "vhea", "vmtx"]
    )
    options.name_IDs = list(_NAMES_TO_KEEP)
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=characters())
    subsetter.subset(font)
    _rename(font)
    font.recalcTimestamp = False
    output.parent.mkdir(parents=True, exist_ok=True)
    font.save(output)
    return font


def _rename(font: TTFont) -> None:
    names = {1: FAMILY, 2: "Regular", 3: f"{FAMILY} Regular", 4: FAMILY, 6: "HW7Sans-Regular"}
    for record in list(font["name"].names):
        if record.nameID in names and record.langID != 0x409:
            font["name"].names.remove(record)
    for name_id, text in names.items():
        font["name"].setName(text, name_id, 3, 1, 0x409)
    top = font["CFF "].cff
    top.fontNames[0] = names[6]
    top[0].rawDict.update(FullName=FAMILY, FamilyName=FAMILY)
    top[0].FullName = top[0].FamilyName = FAMILY


def main() -> None:
    """Build the subset from the collection named on the command line."""
    font = build(Path(sys.argv[1]), OUTPUT)
    print(f"{OUTPUT.name}: {len(font.getBestCmap())} characters, {OUTPUT.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
