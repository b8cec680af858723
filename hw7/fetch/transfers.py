"""Moving the bytes of a file: ``huggingface_hub`` in this process, or one run of aria2c.

``huggingface_hub`` moves one file after another and resumes a file where it broke. Its own ``hf
download`` deletes partial files, so somebody on a bad line would start a file of gigabytes anew
each time; its ``http_get`` does not. aria2c opens several connections for each file.
"""

import errno
import shutil
import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from hw7.fetch.errors import DiskFullError, DownloadError, first_line

ClientName = Literal["hf", "aria2c"]

STALL_BYTES = 16 * 1024
"""A transfer that brings less than this in the time allowed counts as stalled."""

_ARIA2C_DISK_FULL, _ARIA2C_WRONG_CHECKSUM = 9, 32
_ARIA2C_ENDINGS = {
    2: "a connection timed out", 3: "a file is not there", 5: "almost nothing arrived",
    6: "the connection broke off", 8: "the server does not resume", 19: "a name has no address",
    22: "the server refuses the file", 24: "the server refuses the token",
}  # fmt: skip
_ARIA2C_OPTIONS = (
    "--no-conf=true", "--input-file=-", "--continue=true", "--auto-file-renaming=false",
    "--allow-overwrite=true", "--file-allocation=none", "--disk-cache=0", "--auto-save-interval=1",
    "--max-concurrent-downloads=4", "--max-connection-per-server=8", "--split=8",
    "--min-split-size=4M", "--max-tries=3", "--retry-wait=1", "--connect-timeout=20",
    "--timeout=30", "--summary-interval=0", "--console-log-level=error", "--download-result=hide",
)  # fmt: skip


class Transfer(NamedTuple):
    """One file to fetch: where it is, what the server wants, and the part to go on with."""

    url: str
    headers: dict[str, str]
    part: Path
    size: int
    sha256: str | None


class TransferError(Exception):
    """A transfer ended early; what arrived is kept, and the next try goes on there."""


def choose_client(name: str = "auto") -> ClientName:
    """Return the client to use: aria2c where it is installed, else ``huggingface_hub``.

    Raises:
        DownloadError: aria2c is asked for and not installed.
    """
    has_aria2c = shutil.which("aria2c") is not None
    if name == "aria2c" and not has_aria2c:
        raise DownloadError(
            "aria2c is not installed. Type: sudo apt install aria2 (macOS: brew install aria2), "
            "or use --with hf"
        )
    return "aria2c" if name != "hf" and has_aria2c else "hf"


def fetch_with_http(transfer: Transfer, stall_seconds: float, bar: Any) -> None:
    """Fetch one file, continuing after the bytes that are already in it.

    A server that drips bytes keeps every time limit of the HTTP library. So the bytes arrive in a
    thread of their own, and this one looks at how the file grows: at least ``STALL_BYTES`` have to
    arrive in `stall_seconds`. A transfer given up is left to its thread, which ends at its next
    write, because the file is closed. `bar` is a tqdm bar that counts bytes.

    Raises:
        TransferError: the transfer broke off or stalled.
        DiskFullError: there is no room.
    """
    from huggingface_hub import constants
    from huggingface_hub.file_download import http_get

    constants.DOWNLOAD_CHUNK_SIZE = STALL_BYTES  # also the most that an interruption loses
    failures: list[Exception] = []

    def receive() -> None:
        try:
            http_get(
                transfer.url, file, resume_size=start, headers=transfer.headers,
                expected_size=transfer.size, _tqdm_bar=bar,
            )  # fmt: skip
        except Exception as error:
            failures.append(error)

    try:
        with transfer.part.open("ab") as file:
            if file.tell() > transfer.size:
                file.truncate(0)
            start = file.seek(0, 2)
            thread = threading.Thread(target=receive, daemon=True)
            thread.start()
            _wait_for(thread, transfer.part, stall_seconds)
    except OSError as error:  # closing writes what is left
        failures.append(error)
    for failure in failures:
        if isinstance(failure, OSError) and failure.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFullError.while_writing(first_line(failure)) from failure
        raise TransferError(first_line(failure)) from failure


def _wait_for(thread: threading.Thread, part: Path, stall_seconds: float) -> None:
    """Wait until a transfer ends, or raise TransferError when it stalls."""
    mark, marked_at = part.stat().st_size, time.monotonic()
    while thread.is_alive():
        thread.join(0.1)
        size = part.stat().st_size
        if size - mark >= STALL_BYTES or size < mark:
            mark, marked_at = size, time.monotonic()
        elif time.monotonic() - marked_at > stall_seconds:
            raise TransferError(f"almost nothing arrived for {stall_seconds:g} seconds")


def fetch_with_aria2c(
    transfers: Sequence[Transfer], stall_seconds: float, show_progress: bool
) -> None:
    """Fetch files with one run of aria2c, which never outlives this call; raises as above.

    Addresses and tokens go through standard input, where other users cannot see them. Its messages
    name addresses with signatures of hundreds of characters; its exit code says why.
    """
    command = [shutil.which("aria2c") or "aria2c", *_ARIA2C_OPTIONS]
    command.append(f"--lowest-speed-limit={max(1, int(STALL_BYTES / stall_seconds))}")
    command.append(f"--show-console-readout={str(show_progress).lower()}")
    process = subprocess.Popen(  # noqa: S603 - the words are our own, no shell
        command, stdin=subprocess.PIPE, stdout=None if show_progress else subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, text=True, encoding="utf-8",
    )  # fmt: skip
    with process:
        try:
            process.communicate("\n".join(map(_aria2c_entry, transfers)))
        except BaseException:
            process.terminate()  # asked politely, it notes which parts it has
            raise
    if process.returncode == _ARIA2C_DISK_FULL:
        raise DiskFullError.while_writing("aria2c found no room")
    if process.returncode == _ARIA2C_WRONG_CHECKSUM:
        # It would fetch all pieces anew for ever; without notes the file counts as arrived.
        for transfer in transfers:
            if transfer.part.is_file() and transfer.part.stat().st_size >= transfer.size:
                aria2c_notes(transfer.part).unlink(missing_ok=True)
    elif process.returncode:
        reason = _ARIA2C_ENDINGS.get(process.returncode, f"aria2c ended with {process.returncode}")
        raise TransferError(reason)


def aria2c_notes(part: Path) -> Path:
    """Return the file in which aria2c notes which pieces of a part it has; gone at the end."""
    return part.with_name(f"{part.name}.aria2")


def _aria2c_entry(transfer: Transfer) -> str:
    lines = [transfer.url, f"  dir={transfer.part.parent}", f"  out={transfer.part.name}"]
    lines += [f"  header={name}: {value}" for name, value in transfer.headers.items()]
    lines += [f"  checksum=sha-256={transfer.sha256}"] if transfer.sha256 else []
    return "\n".join(lines)
