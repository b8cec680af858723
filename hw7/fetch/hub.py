"""Fetch the homework's models from the hub or a mirror: resumed, verified, never half there."""

import argparse
import json
import shutil
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from tqdm.auto import tqdm

from helpers.catalog import CATALOG
from helpers.environment import models_folder
from hw7.fetch.clients import choose_client
from hw7.fetch.errors import DownloadError, RateLimitError
from hw7.fetch.folders import exclusive, put_in_place
from hw7.fetch.hub_files import HubModel, find_on_hub, hub_endpoint
from hw7.fetch.hub_snapshot import SnapshotDownload

MARKER_FILE = "download.json"
"""Written last: which model at which commit, and the size of every file."""

MAX_WAIT_SECONDS = 300.0
"""The longest time to wait for a hub that limits requests, all waits together."""

Answer = TypeVar("Answer")


def fetch_model(
    task: str,
    folder: Path | None = None,
    *,
    client: str = "auto",
    endpoint: str | None = None,
    stall_seconds: float = 60.0,
    show_progress: bool = True,
) -> Path:
    """Fetch the full model of a task unless it is already there; return its folder.

    Files arrive in a hidden folder beside the final one and are compared with the checksums the
    hub states. The folder gets its name when all of them are right. Interrupted, the same call
    goes on where it stopped; two processes at once fetch once.

    Args:
        task: ``"translation"`` or ``"generation"``.
        folder: the model's own folder; by default the one ``load_model`` looks in.
        client: ``"aria2c"``, ``"hf"`` (``huggingface_hub``), or ``"auto"``: the first there is.
        endpoint: address of the hub or mirror; by default ``HF_ENDPOINT`` or the public hub.
        stall_seconds: a transfer that brings almost nothing for so long is begun anew.
        show_progress: print what happens and show a bar.

    Raises:
        DownloadError: and its kinds in ``hw7.fetch.errors``, each with the next step.
    """
    entry = CATALOG[task]
    folder = folder or models_folder() / entry.full_folder
    if is_complete(folder):
        return folder
    program = choose_client(client)
    with exclusive(folder, show_progress=show_progress):
        if is_complete(folder):  # another process finished it while this one waited
            return folder
        address = hub_endpoint(endpoint)
        model = patiently(lambda: find_on_hub(entry.full_id, address), show_progress)
        staging = folder.parent / f".{folder.name}.partial"
        if show_progress:
            print(f"Fetching {model.name} from {address} with {program}", flush=True)
        with tqdm(
            total=model.size, unit="B", unit_scale=True, desc=folder.name, disable=not show_progress
        ) as bar:
            download = SnapshotDownload(model, staging, program, stall_seconds, bar)
            download.adopt(folder)
            patiently(download.run, show_progress)
        _mark_complete(staging, model)
        put_in_place(staging, folder)
    return folder


def is_complete(folder: Path) -> bool:
    """Tell whether a folder holds a model that was fetched and verified to its last file."""
    marker = folder / MARKER_FILE
    if not marker.is_file():
        return False
    sizes = json.loads(marker.read_text(encoding="utf-8"))["sizes"]
    return all(
        (folder / name).is_file() and (folder / name).stat().st_size == size
        for name, size in sizes.items()
    )


def patiently(ask: Callable[[], Answer], show_progress: bool = True) -> Answer:
    """Repeat a request to the hub after the time it asks to wait, up to ``MAX_WAIT_SECONDS``.

    Raises:
        RateLimitError: the hub asks for more patience than that.
    """
    waited = 0.0
    while True:
        try:
            return ask()
        except RateLimitError as error:
            pause = 30.0 if error.retry_after is None else max(1.0, error.retry_after)
            if waited + pause > MAX_WAIT_SECONDS:
                raise
            if show_progress:
                print(f"The hub asks to wait {pause:.0f} seconds; waiting ...", flush=True)
            time.sleep(pause)
            waited += pause


def _mark_complete(staging: Path, model: HubModel) -> None:
    facts = {
        "model": model.name,
        "commit": model.commit,
        "sizes": {file.name: file.size for file in model.files},
        "sha256": {file.name: file.sha256 for file in model.files if file.sha256},
    }
    keep = {file.name for file in model.files}
    for path in staging.iterdir():  # what an older commit or another client left behind
        if path.name not in keep:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    (staging / MARKER_FILE).write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")


def main(words: Sequence[str] | None = None) -> int:
    """Fetch models from the command line; return 0, or the exit code of the error."""
    parser = argparse.ArgumentParser(prog="python -m hw7.fetch.hub", description=__doc__)
    parser.add_argument("model", nargs="+", choices=[*CATALOG, "smollm2"])
    parser.add_argument("--with", dest="client", default="auto", choices=["auto", "hf", "aria2c"])
    parser.add_argument("--stall-timeout", type=float, default=60.0, metavar="SECONDS")
    options = parser.parse_args(words)
    try:
        for name in options.model:
            print(f"{name}: {_fetch(name, options)}", flush=True)
    except DownloadError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except ImportError as error:
        print(f"error: {error.name} is missing. Type: pip install -e .", file=sys.stderr)
        return 9
    except OSError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped; type the same command again to go on", file=sys.stderr)
        return 130
    return 0


def _fetch(name: str, options: argparse.Namespace) -> Path:
    if name == "smollm2":
        from hw7.fetch.smollm2 import fetch_smollm2

        return fetch_smollm2()
    return fetch_model(name, client=options.client, stall_seconds=options.stall_timeout)


def _stop_like_ctrl_c(*_: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _stop_like_ctrl_c)
    sys.exit(main())
