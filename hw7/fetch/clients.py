"""The programs that move bytes: aria2c or ``huggingface_hub``, run and watched as a process."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Literal

from helpers.environment import project_folder
from hw7.fetch.errors import DownloadError
from hw7.fetch.hub_transfer import DISK_FULL_EXIT

ClientName = Literal["hf", "aria2c"]
Ending = Literal["finished", "failed", "stalled", "disk full"]

STALL_BYTES = 16 * 1024
"""A transfer that brings less than this in the time allowed counts as stalled."""

_POLL_SECONDS = 0.1
_ARIA2C_DISK_FULL = 9
_SIGNATURE = re.compile(r"\?[^\s']+")  # hundreds of characters, and nobody else's business
_ARIA2C_REASON = re.compile(r"errorCode=\d+ (?!URI=)(.+)")
_ARIA2C_OPTIONS = (
    "--no-conf=true",
    "--input-file=-",
    "--continue=true",
    "--auto-file-renaming=false",
    "--allow-overwrite=true",
    "--file-allocation=none",
    "--disk-cache=0",
    "--auto-save-interval=1",
    "--max-concurrent-downloads=4",
    "--max-connection-per-server=8",
    "--split=8",
    "--min-split-size=4M",
    "--max-tries=3",
    "--retry-wait=1",
    "--connect-timeout=20",
    "--timeout=30",
    "--summary-interval=0",
    "--console-log-level=error",
    "--show-console-readout=false",
    "--download-result=hide",
)


@dataclass(frozen=True)
class Transfer:
    """One file to fetch: from where, with which headers, into which partial file, how large."""

    url: str
    headers: dict[str, str]
    path: str
    size: int


@dataclass(frozen=True)
class Report:
    """How a client's run ended, and the last line it said."""

    ending: Ending
    last_line: str


def choose_client(name: str = "auto") -> ClientName:
    """Return the client to use: aria2c where it is installed, else ``huggingface_hub``.

    Raises:
        DownloadError: aria2c is asked for and not installed, or the name is unknown.
    """
    if name not in {"auto", "hf", "aria2c"}:
        raise DownloadError(f"Unknown download client {name!r}. Use 'hf', 'aria2c' or 'auto'.")
    if name == "aria2c" and not shutil.which("aria2c"):
        raise DownloadError(
            "aria2c is not installed. Type: sudo apt install aria2 (macOS: brew install aria2), "
            "or use --with hf"
        )
    return "aria2c" if name != "hf" and shutil.which("aria2c") else "hf"


def run_client(
    client: ClientName,
    transfers: list[Transfer],
    bytes_arrived: Callable[[], int],
    on_progress: Callable[[int], None],
    stall_seconds: float,
) -> Report:
    """Run a client until it ends or stalls; it never outlives this call.

    Args:
        client: which program.
        transfers: what to fetch.
        bytes_arrived: tells how many bytes are on disk.
        on_progress: called with that number, several times a second.
        stall_seconds: the time in which at least ``STALL_BYTES`` have to arrive.
    """
    command, plan, disk_full_exit = _invocation(client, transfers)
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as messages:
        process = subprocess.Popen(  # noqa: S603 - the words are our own, no shell
            command,
            stdin=subprocess.PIPE,
            stdout=messages,
            stderr=messages,
            text=True,
            env=_environment(),
            start_new_session=True,  # ctrl-C comes to this process, which stops the client
        )
        try:
            _hand_over(plan, process)
            has_ended = _watch(process, bytes_arrived, on_progress, stall_seconds)
        finally:
            _stop(process)
        on_progress(bytes_arrived())
        last_line = _last_line(messages)
    if not has_ended:
        return Report("stalled", f"almost nothing arrived for {stall_seconds:g} seconds")
    if process.returncode == disk_full_exit:
        return Report("disk full", last_line)
    return Report("finished" if process.returncode == 0 else "failed", last_line)


def _invocation(client: ClientName, transfers: list[Transfer]) -> tuple[list[str], str, int]:
    """Return a client's command, what it reads from standard input, and its code for no room.

    Addresses and tokens go through standard input, where other users cannot see them.
    """
    if client == "aria2c":
        plan = "\n".join(_aria2c_entry(transfer) for transfer in transfers)
        return [shutil.which("aria2c") or "aria2c", *_ARIA2C_OPTIONS], plan, _ARIA2C_DISK_FULL
    plan = json.dumps([asdict(transfer) for transfer in transfers])
    return [sys.executable, "-m", "hw7.fetch.hub_transfer"], plan, DISK_FULL_EXIT


def _aria2c_entry(transfer: Transfer) -> str:
    path = Path(transfer.path)
    lines = [transfer.url, f"  dir={path.parent}", f"  out={path.name}"]
    lines += [f"  header={name}: {value}" for name, value in transfer.headers.items()]
    return "\n".join(lines)


def _environment() -> dict[str, str]:
    # The client runs in any folder and must still find a package that is not installed.
    paths = [str(project_folder() or ""), os.environ.get("PYTHONPATH", "")]
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "HF_HUB_ENABLE_HF_TRANSFER": "0",  # it cannot resume
    }


def _hand_over(plan: str, process: "subprocess.Popen[str]") -> None:
    if process.stdin is None:
        return
    try:
        process.stdin.write(plan)
        process.stdin.close()
    except BrokenPipeError:  # it has ended already; its exit code and message tell why
        return


def _watch(
    process: "subprocess.Popen[str]",
    bytes_arrived: Callable[[], int],
    on_progress: Callable[[int], None],
    stall_seconds: float,
) -> bool:
    """Wait for the end; return False where the transfer stalled."""
    mark, marked_at = bytes_arrived(), time.monotonic()
    while process.poll() is None:
        time.sleep(_POLL_SECONDS)
        arrived = bytes_arrived()
        on_progress(arrived)
        if arrived - mark >= STALL_BYTES:
            mark, marked_at = arrived, time.monotonic()
        elif time.monotonic() - marked_at > stall_seconds:
            return False
    return True


def _stop(process: "subprocess.Popen[str]") -> None:
    """Stop a client that still runs; asked politely, aria2c notes which parts it has."""
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(timeout=3)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _last_line(messages: IO[str]) -> str:
    """Return the last thing a client said about its failure, without aria2c's boilerplate."""
    messages.seek(0)
    lines = [line.strip() for line in messages if line.strip()]
    reasons = [match[1] for line in lines if (match := _ARIA2C_REASON.search(line))]
    reason = [*lines, *reasons][-1] if lines else "the connection broke off"
    return _SIGNATURE.sub("", reason)
