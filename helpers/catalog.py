"""The models the homework uses, and the decision between the full and the offline ones."""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from helpers.environment import assets_folder, host, models_folder
from helpers.errors import HomeworkError, ModelNotFoundError, nearest
from hw7.fetch.availability import can_be_had, why_not_fetched
from hw7.fetch.completeness import has_weights, problem_of
from hw7.fetch.errors import DownloadError, first_line

Edition = Literal["full", "offline"]


@dataclass(frozen=True)
class CatalogEntry:
    """One task of the homework with its full and its offline model.

    Attributes:
        full_id: The full model's name on the Hugging Face hub.
        full_folder: Its folder below ``models_folder()`` after ``download_models.sh``.
        offline_name: What the offline model is called in heatmaps.
        offline_folder: Tells where the offline model's files are, or will be once fetched.
    """

    full_id: str
    full_folder: str
    offline_name: str
    offline_folder: Callable[[], Path]


CATALOG = {
    "translation": CatalogEntry(
        full_id="Helsinki-NLP/opus-mt-zh-en",
        full_folder="opus-mt-zh-en",
        offline_name="tiny-zh-en",
        offline_folder=lambda: assets_folder() / "models" / "tiny-zh-en",
    ),
    "generation": CatalogEntry(
        full_id="Qwen/Qwen3-0.6B",
        full_folder="qwen3-0.6b",
        offline_name="SmolLM2-135M-Instruct",
        offline_folder=lambda: models_folder() / "smollm2-135m",
    ),
}


KNOWN_NAMES = (*CATALOG, *(entry.full_id for entry in CATALOG.values()))


@dataclass(frozen=True)
class ModelSource:
    """Where a model comes from.

    Attributes:
        address: A folder, or a name on the hub, as ``from_pretrained`` takes it.
        name: What to call the model on screen; never a path of this machine.
        reason: Why this model was chosen, one clause.
    """

    address: str
    name: str
    reason: str


def find_model(name: str) -> ModelSource:
    """Find the model that a catalog key, a folder or a hub name stands for.

    Raises:
        ModelNotFoundError: The name is neither a key of the catalog, nor a folder with a model,
            nor shaped like a name on the hub; or the folder holds only a part of its model.
    """
    if name in CATALOG:
        return _source_of(name)
    for entry in CATALOG.values():
        folder = models_folder() / entry.full_folder
        if name == entry.full_id and has_weights(folder):
            return ModelSource(_whole(folder), name, "already on disk")
    folder = Path(name).expanduser()
    if folder.is_dir():
        if not has_weights(folder):
            raise ModelNotFoundError(
                f"The folder {name!r} has no model in it (config.json and weights are needed). "
                f"Give another folder, or one of {', '.join(map(repr, CATALOG))}."
            )
        return ModelSource(_whole(folder), folder.resolve().name, "the folder you named")
    looks_like_a_path = name.startswith((".", "/", "~", "\\")) or name.count("/") > 1
    has_space = any(character.isspace() for character in name)
    # The hub's first models have no owner in their name: gpt2-xl, t5-small, distilgpt2.
    is_misspelt = nearest(name, KNOWN_NAMES) != "" or not re.search(r"[-\d]", name)
    if looks_like_a_path or has_space or ("/" not in name and is_misspelt):
        raise ModelNotFoundError(
            f"There is no model named {name!r}.{nearest(name, KNOWN_NAMES)} Use one of "
            f"{', '.join(map(repr, CATALOG))}, "
            "a folder with a model, or a hub name such as 'Qwen/Qwen3-0.6B'."
        )
    return ModelSource(name, name, "the hub name you gave")


def _source_of(task: str) -> ModelSource:
    """Return the full or the offline model of a task, as it is decided here."""
    entry = CATALOG[task]
    edition, reason = choose_edition(entry)
    if edition == "offline":
        folder = entry.offline_folder()
        # SmolLM2 is fetched when it is loaded, also where only a part of it is here.
        address = str(folder) if task == "generation" else _whole(folder)
        return ModelSource(address, entry.offline_name, reason)
    folder = models_folder() / entry.full_folder
    address = _whole(folder) if has_weights(folder) else entry.full_id
    return ModelSource(address, entry.full_id, reason)


def _whole(folder: Path) -> str:
    """Return a model's folder as an address, once it is sure that nothing of it is missing."""
    if problem := problem_of(folder):
        raise ModelNotFoundError(f"The model in {folder} is not whole: {problem}. {remedy(folder)}")
    return str(folder)


def remedy(folder: Path) -> str:
    """Say how to get a whole model in place of a folder that holds a part of it."""
    for task, entry in CATALOG.items():
        if folder == models_folder() / entry.full_folder:
            return f"In a terminal type: hw7 download {task}"
    if folder == CATALOG["generation"].offline_folder():
        return "In a terminal type: hw7 download smollm2"
    if folder == CATALOG["translation"].offline_folder():
        return "Install the kit anew: it brings this model along."
    return "Download or copy it again, all of its files, or give another folder."


def choose_edition(entry: CatalogEntry) -> tuple[Edition, str]:
    """Decide between the full and the offline model; return the decision and its reason.

    ``HW7_MODELS`` decides. Unset, the full model is used where it is already on disk, or where
    the host is Colab or Kaggle and the hub answers; otherwise the offline one.

    Raises:
        ModelNotFoundError: ``HW7_MODELS`` is neither ``full`` nor ``offline``.
    """
    chosen = os.environ.get("HW7_MODELS", "").strip().lower()
    if chosen == "full":
        return "full", "HW7_MODELS=full"
    if chosen == "offline":
        return "offline", "HW7_MODELS=offline"
    if chosen:
        raise ModelNotFoundError(
            f"HW7_MODELS is {chosen!r}, but must be 'full' or 'offline'. "
            "Type: import os; os.environ['HW7_MODELS'] = 'offline'"
        )
    folder = models_folder() / entry.full_folder
    has_full, reason = can_be_had(entry.full_id, folder, host())
    if not has_full and has_weights(folder):
        reason = f"{reason}. {remedy(folder)}"
    return ("full" if has_full else "offline"), reason


def fetch_if_missing(source: ModelSource) -> None:
    """Fetch SmolLM2 once where it was chosen and is not on disk, or only a part of it.

    Raises:
        HomeworkError: It cannot be fetched; the message says what to type.
    """
    folder = CATALOG["generation"].offline_folder()
    if source.address != str(folder):
        return
    from hw7.fetch.smollm2 import fetch_smollm2

    try:
        fetch_smollm2(folder)
    except (DownloadError, OSError) as error:
        raise HomeworkError(f"{source.name} cannot be fetched: {error}") from error


def why_not_loaded(source: ModelSource, error: BaseException) -> str:
    """Say why a model could not be loaded, and what to type, in one sentence or two."""
    folder = Path(source.address)
    if not folder.is_dir():
        return why_not_fetched(source.name, error)
    return f"The files of {source.name} cannot be loaded ({first_line(error)}). {remedy(folder)}"
