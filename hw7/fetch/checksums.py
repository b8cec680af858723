"""Checksums of files, computed in pieces so that a model of gigabytes needs no memory."""

import hashlib
from pathlib import Path
from typing import Any

_PIECE = 1 << 20


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal: what the hub states for large files."""
    return _digest(path, hashlib.sha256())


def git_blob_sha1_of(path: Path) -> str:
    """Return git's object name of a file, in hexadecimal: what the hub states for small files.

    It is the SHA-1 of ``blob <size>``, a zero byte and the content (git-hash-object). Git chose
    SHA-1; it is used here to find transfer errors, not forgeries.
    """
    digest = hashlib.sha1(usedforsecurity=False)
    digest.update(f"blob {path.stat().st_size}\0".encode())
    return _digest(path, digest)


def _digest(path: Path, digest: Any) -> str:
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
    return str(digest.hexdigest())
