"""Where the notebook runs: host, folders, versions, and the repairs it needs at its start."""

import logging
import os
import sys
import warnings
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from helpers.errors import say
from hw7.views.inseq_show import repair_inseq_colors, repair_ipython_display

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
