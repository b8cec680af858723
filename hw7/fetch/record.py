"""What a download wrote down about its files: a folder that has the record was whole once."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hw7.fetch.folders import sha256_of

RECORD_FILE = "download.json"
"""Written last: where the files come from, and size, checksum and time of every one."""


def write_record(
    folder: Path, sha256: Mapping[str, str | None] | None = None, **origin: str
) -> None:
    """Write down the verified files of a folder; what does not belong to it is removed.

    `sha256` lists the files that belong to it, with the checksums that are known; by default all.
    `origin` is where they come from.
    """
    known = dict.fromkeys(path.name for path in folder.iterdir()) if sha256 is None else sha256
    for path in folder.iterdir():  # what an older commit or another client left behind
        if path.name not in known:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    files = {
        name: {**_size_and_time(folder / name), "sha256": digest or sha256_of(folder / name)}
        for name, digest in sorted(known.items())
    }
    content = json.dumps({**origin, "files": files}, indent=2) + "\n"
    (folder / RECORD_FILE).write_text(content, encoding="utf-8")


def read_record(folder: Path) -> dict[str, Any] | None:
    """Return the files that the record lists by name, or None where there is no record."""
    try:
        content = json.loads((folder / RECORD_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    files = content.get("files") if isinstance(content, dict) else None
    if not isinstance(files, dict) or not all(isinstance(facts, dict) for facts in files.values()):
        return None
    return files


def changed_file(folder: Path, *, is_thorough: bool = False) -> str | None:
    """Return the first recorded file that is not what was recorded, or None.

    Sizes are always compared; checksums where a file's time has changed since, or thoroughly.
    """
    for name, facts in (read_record(folder) or {}).items():
        path = folder / name
        if not path.is_file() or path.stat().st_size != facts.get("size"):
            return name
        is_touched = path.stat().st_mtime_ns != facts.get("modified_ns")
        if (is_touched or is_thorough) and sha256_of(path) != facts.get("sha256"):
            return name
    return None


def _size_and_time(path: Path) -> dict[str, int]:
    status = path.stat()
    return {"size": status.st_size, "modified_ns": status.st_mtime_ns}
