"""Which color a score gets in a picture, and which ink is read on it."""

from collections.abc import Sequence

from matplotlib.colors import LinearSegmentedColormap, to_hex

from hw7.views.colors import SCALES


def color_and_ink(share: float) -> tuple[str, str]:
    """Return the color of a share from 0 to 1, and that of the text on it, as hex numbers."""
    color = colormap(False)(share)
    return to_hex(color), ink_on(color)


def ink_on(color: Sequence[float]) -> str:
    """Return black or white, what is easier to read on a color of red, green, blue and alpha."""
    red, green, blue, _ = color
    return "#000000" if 0.299 * red + 0.587 * green + 0.114 * blue > 0.52 else "#ffffff"


def colormap(is_signed: bool) -> LinearSegmentedColormap:
    """Return the scale of the light theme for shares, or for scores with signs."""
    stops = SCALES["light"]["diverging" if is_signed else "sequential"]
    return LinearSegmentedColormap.from_list("hw7", stops)
