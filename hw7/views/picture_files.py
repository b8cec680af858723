"""Figures as files and as bytes; the same figure gives the same ones."""

from io import BytesIO
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

FORMATS = ("png", "svg", "pdf")


def save_figure(figure: Figure, path: str | Path) -> None:
    """Write a figure as PNG, SVG or PDF; the same figure gives the same bytes.

    Raises:
        ValueError: The file name ends in something else, or the folder does not exist.
    """
    path = Path(path)
    ending = path.suffix.lower().lstrip(".")
    if ending not in FORMATS:
        raise ValueError(
            f"{path.name!r} names no picture format. End it in .png, .svg or .pdf, for example "
            "plot(path='heatmap.png')."
        )
    if not path.parent.is_dir():
        raise ValueError(f"There is no folder {str(path.parent)!r}. Create it, or save here.")
    import matplotlib

    unchanging = {"png": {"Software": None}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}
    with matplotlib.rc_context({"svg.hashsalt": "hw7", "svg.fonttype": "path"}):
        figure.savefig(path, format=ending, dpi=150, metadata=unchanging[ending])


def png_of(figure: Figure, *, dpi: float) -> bytes:
    """Return a figure as PNG."""
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi, metadata={"Software": None})
    return buffer.getvalue()


def small_png_of(figure: Figure, *, dpi: float, colors: int = 64) -> bytes:
    """Return a figure as PNG with a palette, which takes less than half of the bytes."""
    from PIL import Image

    figure.set_dpi(dpi)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    image = Image.frombytes("RGBA", canvas.get_width_height(), bytes(canvas.buffer_rgba()))
    palette = image.convert("RGB").quantize(
        colors, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE
    )
    buffer = BytesIO()
    palette.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
