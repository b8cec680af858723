"""A process of its own that fetches files with ``huggingface_hub``, each resumed where it broke.

This is the transfer of the ``hf download`` command, kept in files that survive: since version 1
the command gives its partial files random names and deletes them when the connection breaks, so
that somebody on a bad line starts a file of gigabytes anew each time.

Started as ``python -m hw7.fetch.hub_transfer``, with a list of transfers as JSON on
standard input.
"""

import errno
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

PARALLEL_FILES = 4
DISK_FULL_EXIT = 28
"""Exit code when the disk (or the quota) is full: the number of ENOSPC on Linux."""

# Written at least this often, so little is lost when the process is killed.
_PIECE = 1 << 18


def fetch_all(transfers: list[dict[str, Any]]) -> int:
    """Fetch every file at once; return 0, or the exit code of the first failure."""
    from huggingface_hub import constants

    constants.DOWNLOAD_CHUNK_SIZE = _PIECE
    with ThreadPoolExecutor(PARALLEL_FILES) as pool:
        errors = list(pool.map(_error_of_fetching, transfers))
    failures = [error for error in errors if error is not None]
    for error in failures:
        print((str(error).strip() or type(error).__name__).splitlines()[0], file=sys.stderr)
    if any(isinstance(e, OSError) and e.errno in (errno.ENOSPC, errno.EDQUOT) for e in failures):
        return DISK_FULL_EXIT
    return 1 if failures else 0


def _error_of_fetching(transfer: dict[str, Any]) -> Exception | None:
    try:
        fetch(transfer["url"], transfer["headers"], Path(transfer["path"]), transfer["size"])
    except Exception as error:
        return error
    return None


def fetch(url: str, headers: dict[str, str], path: Path, size: int) -> None:
    """Fetch one file, continuing after the bytes that are already in it."""
    from huggingface_hub.file_download import http_get

    path.touch()
    if path.stat().st_size > size:
        path.write_bytes(b"")
    with path.open("r+b") as file:
        start = file.seek(0, 2)
        http_get(url, file, resume_size=start, headers=headers, expected_size=size)


if __name__ == "__main__":
    sys.exit(fetch_all(json.load(sys.stdin)))
