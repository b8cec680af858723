"""The folder that becomes a Kaggle dataset: notebooks there find the kit without a network."""

import json
import shutil
from pathlib import Path

from hw7.course.release.packages import FOLDER

METADATA = "dataset-metadata.json"


def write_kaggle_folder(
    folder: Path, wheel: Path, packages: Path | None, *, title: str, identifier: str
) -> None:
    """Write what ``kaggle datasets create -p FOLDER --dir-mode zip`` uploads.

    Kaggle mounts it below ``/kaggle/input``, where the bootstrap cell looks for the wheel.

    Args:
        folder: The new folder.
        wheel: The kit's wheel.
        packages: Wheels of the packages Kaggle lacks, or None.
        title: The dataset's title, 6 to 50 characters as Kaggle asks.
        identifier: ``user/name`` of the dataset.
    """
    folder.mkdir(parents=True)
    shutil.copy2(wheel, folder)
    if packages is not None:
        shutil.copytree(packages, folder / FOLDER)
    metadata = {"title": title, "id": identifier, "licenses": [{"name": "Apache 2.0"}]}
    text = json.dumps(metadata, ensure_ascii=False, indent=2) + "\n"
    (folder / METADATA).write_text(text, encoding="utf-8")
