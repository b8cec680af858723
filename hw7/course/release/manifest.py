"""Checksums of released files, in the form that ``sha256sum -c`` reads."""

from collections.abc import Mapping
from pathlib import Path

from hw7.fetch.folders import sha256_of

MANIFEST = "SHA256SUMS"


def manifest_of(files: Mapping[str, Path]) -> str:
    """Return one line ``checksum  name`` for each file."""
    return "".join(f"{sha256_of(path)}  {name}\n" for name, path in sorted(files.items()))


def write_manifest(folder: Path) -> Path:
    """Write the checksums of all files in a folder into it and return the manifest's path."""
    files = {
        path.relative_to(folder).as_posix(): path
        for path in folder.rglob("*")
        if path.is_file() and path != folder / MANIFEST
    }
    path = folder / MANIFEST
    path.write_text(manifest_of(files), encoding="utf-8")
    return path
