"""Folders of models: locked while they are made, put in place whole, checked by their checksums."""

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from hw7.fetch.errors import DiskFullError, DownloadError


@contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Let only one process at a time make a folder; others wait for it.

    The operating system drops the lock with its process, even a killed one.
    """
    lock = FileLock(folder.parent / f".{folder.name}.lock")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout:
        print(f"Another process is fetching {folder.name}; waiting for it ...", flush=True)
        lock.acquire()
    except OSError as error:
        raise DownloadError(
            f"{folder.parent} cannot be written ({error.strerror or error}). Choose a folder of "
            "your own: hw7 download --to FOLDER, and in the notebook: %env HW7_MODELS_FOLDER=FOLDER"
        ) from error
    try:
        yield
    finally:
        lock.release()


def put_in_place(finished: Path, folder: Path) -> None:
    """Rename a finished folder to its final name; what was there before is removed."""
    replaced = folder.parent / f".{folder.name}.replaced"
    shutil.rmtree(replaced, ignore_errors=True)
    if folder.exists():
        folder.rename(replaced)
    finished.rename(folder)
    shutil.rmtree(replaced, ignore_errors=True)


def bytes_on_disk(paths: Iterable[Path]) -> int:
    """Return how many bytes of these files are really there.

    A client with several connections writes with gaps, so the size alone would count what has
    not arrived yet; the allocated blocks tell (where the system reports them).
    """
    total = 0
    for path in paths:
        try:
            status = path.stat()
        except FileNotFoundError:  # not begun, or renamed this moment
            continue
        blocks = getattr(status, "st_blocks", None)
        total += status.st_size if blocks is None else min(status.st_size, blocks * 512)
    return total


def ensure_room(folder: Path, missing_bytes: int) -> None:
    """Make sure that the disk has room for what is still to come.

    Raises:
        DiskFullError: there is less room than that.
    """
    free = shutil.disk_usage(folder).free
    if free < missing_bytes:
        raise DiskFullError(
            f"The disk is full: {missing_bytes / 1e6:,.0f} MB are still to come, "
            f"{free / 1e6:,.0f} MB are free. Free some space (or choose another disk with --to), "
            "then type the same command again; what arrived is kept."
        )


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal: what the hub states for large files."""
    from huggingface_hub.utils.sha import sha_fileobj  # a third of a second that `helpers` spares

    with path.open("rb") as file:  # in pieces: a model of gigabytes needs no memory
        return sha_fileobj(file).hex()


def git_blob_sha1_of(path: Path) -> str:
    """Return git's object name of a file, in hexadecimal: what the hub states for small files."""
    from huggingface_hub.utils.sha import git_hash

    return git_hash(path.read_bytes())
