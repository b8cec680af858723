"""Where the notebook runs: host, folders, versions, and the repairs it needs at its start."""

import logging
import os
import re
import sys
import warnings
from functools import wraps
from importlib import import_module, metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from helpers.errors import say

if TYPE_CHECKING:
    from tqdm import tqdm

Host = Literal["Colab", "Kaggle", "local"]

_PACKAGES_SHOWN = ("inseq", "transformers", "torch", "ipython")


def host() -> Host:
    """Name the kind of machine the notebook runs on, from the variables that the host sets."""
    if "COLAB_RELEASE_TAG" in os.environ or "COLAB_GPU" in os.environ:
        return "Colab"
    if "KAGGLE_KERNEL_RUN_TYPE" in os.environ:
        return "Kaggle"
    return "local"


def installed_version(package: str) -> str | None:
    """Return the installed version of a package without importing it, or None."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def project_folder() -> Path | None:
    """Return the source checkout this package runs from, or None when it was installed."""
    parent = Path(__file__).resolve().parent.parent
    return parent if (parent / "pyproject.toml").is_file() else None


def assets_folder() -> Path:
    """Return the folder with the bundled translator, the questions and the published scores."""
    if checkout := project_folder():
        return checkout / "assets"
    return Path(__file__).resolve().parent.parent / "hw7_assets"


def font_file() -> Path:
    """Return the bundled font, which has the everyday characters of both Chinese scripts."""
    return assets_folder() / "fonts" / "HW7Sans-Regular.otf"


def models_folder() -> Path:
    """Return the folder for downloaded models (it may not exist yet).

    ``HW7_MODELS_FOLDER`` decides; otherwise it is ``models/`` beside the source checkout, or a
    folder in the user's cache where the package was installed.
    """
    if chosen := os.environ.get("HW7_MODELS_FOLDER"):
        return Path(chosen).expanduser()
    if checkout := project_folder():
        return checkout / "models"
    import platformdirs

    return platformdirs.user_cache_path("hw7-attribution-kit") / "models"


def prepare_notebook() -> None:
    """Make the notebook ready: repair IPython for Inseq, quiet noise, print host and versions."""
    quiet_libraries()
    repairs = {
        "; IPython display repaired for Inseq": repair_ipython_display(),
        "; colors of Inseq's heatmap repaired for numpy 2": repair_inseq_colors(),
    }
    versions = ", ".join(
        f"{package} {installed_version(package) or 'missing'}" for package in _PACKAGES_SHOWN
    )
    notes = "".join(note for note, is_repaired in repairs.items() if is_repaired)
    say(f"Ready on {host()}: Python {sys.version.split()[0]}, {versions}{notes}.")


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
    if installed_version("inseq") is None:
        return False
    # By name, since the grader imports this module and may load no model library.
    viz_utils = import_module("inseq.utils.viz_utils")
    write_color = viz_utils.get_color
    if "np." not in str(write_color(1.0, 0.0, 1.0, viz_utils.red_transparent_blue_colormap())):
        return False

    @wraps(write_color)
    def get_color(*arguments: Any, **options: Any) -> Any:
        color = write_color(*arguments, **options)
        return re.sub(r"np\.\w+\(([^()]*)\)", r"\1", color) if isinstance(color, str) else color

    viz_utils.get_color = get_color  # type: ignore[attr-defined]
    return True


def quiet_libraries() -> None:
    """Keep progress bars and notices of the libraries out of the page; errors still show."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("TRANSFORMERS_NO_ADVISORY_WARNINGS", "1")
    for name in ("transformers", "inseq", "huggingface_hub", "accelerate", "bitsandbytes"):
        logging.getLogger(name).setLevel(logging.ERROR)
    # Only what readers can do nothing about, by origin; the student's own code still warns.
    for module in ("transformers", "inseq", "captum", "torch", "bitsandbytes", "huggingface_hub"):
        warnings.filterwarnings("ignore", module=rf"{module}(\.|$)")
    # A front end that has no widgets falls back to text, and tqdm says so on every import.
    warnings.filterwarnings("ignore", message="IProgress not found")


def progress_bar(total: int, description: str, *, is_shown: bool = True) -> "tqdm[Any]":
    """Return tqdm's bar for this front end; it goes away when the work is done.

    ``TQDM_DISABLE=1`` silences it. tqdm's own notebook bar does not look at that variable, and a
    stored notebook would keep the bar as an output.
    """
    from tqdm.auto import tqdm

    is_silenced = os.environ.get("TQDM_DISABLE", "0") not in ("", "0")
    return tqdm(total=total, desc=description, leave=False, disable=is_silenced or not is_shown)
