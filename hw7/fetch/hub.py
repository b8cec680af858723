"""Fetch a model from the hub or a mirror: resumed, verified, never half there."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from tqdm.auto import tqdm

from hw7.fetch.completeness import is_fetched
from hw7.fetch.endpoint import apply_environment, hub_endpoint
from hw7.fetch.errors import RateLimitError
from hw7.fetch.folders import exclusive, put_in_place
from hw7.fetch.hub_files import find_on_hub
from hw7.fetch.hub_snapshot import SnapshotDownload
from hw7.fetch.record import write_record
from hw7.fetch.transfers import choose_client

MAX_WAIT_SECONDS = 300.0
"""The longest time to wait for a hub that limits requests, all waits together."""

Answer = TypeVar("Answer")


def fetch_model(
    repository: str,
    folder: Path,
    *,
    client: str = "auto",
    endpoint: str | None = None,
    stall_seconds: float = 60.0,
) -> Path:
    """Fetch a model unless it is already there; return its folder.

    Files arrive in a hidden folder beside the final one and are compared with the checksums the
    hub states. The folder gets its name when all of them are right. Interrupted, the same call
    goes on where it stopped; two processes at once fetch once.

    Args:
        repository: the model's name on the hub, ``organisation/model``.
        folder: the model's own folder.
        client: ``"aria2c"``, ``"hf"`` (``huggingface_hub``), or ``"auto"``: the first there is.
        endpoint: address of the hub or mirror; by default ``HF_ENDPOINT`` or the public hub.
        stall_seconds: a transfer that brings almost nothing for so long is begun anew.

    Raises:
        DownloadError: and its kinds in ``hw7.fetch.errors``, each with the next step.
    """
    if is_fetched(folder):
        return folder
    program = choose_client(client)
    apply_environment()
    with exclusive(folder):
        if is_fetched(folder):  # another process finished it while this one waited
            return folder
        address = hub_endpoint(endpoint)
        model = patiently(lambda: find_on_hub(repository, address))
        print(f"Fetching {model.name} from {address} with {program}", flush=True)
        with tqdm(total=model.size, unit="B", unit_scale=True, desc=folder.name) as bar:
            download = SnapshotDownload(model, folder, program, stall_seconds, bar)
            patiently(download.run)
        sha256 = {file.name: file.sha256 for file in model.files}
        write_record(download.staging, sha256, model=model.name, commit=model.commit)
        put_in_place(download.staging, folder)
    return folder


def patiently(ask: Callable[[], Answer]) -> Answer:
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
            print(f"The hub asks to wait {pause:.0f} seconds; waiting ...", flush=True)
            time.sleep(pause)
            waited += pause
