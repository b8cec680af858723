"""One model on its way from the hub into a folder: what is there, what is missing, what is wrong.

A file arrives as ``name.part`` and gets its name when its checksum is right, so a file under its
own name has been verified once.
"""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hw7.fetch.errors import ChecksumError, NoNetworkError, next_step
from hw7.fetch.folders import bytes_on_disk, ensure_room
from hw7.fetch.hub_files import HubFile, HubModel, locate
from hw7.fetch.transfers import (
    STALL_BYTES,
    ClientName,
    Transfer,
    TransferError,
    aria2c_notes,
    fetch_with_aria2c,
    fetch_with_http,
)

FRUITLESS_TRIES = 3
"""Give up after so many tries in a row that brought nothing new."""


class SnapshotDownload:
    """The files of one model, fetched into one folder until all are there and right.

    Attributes:
        staging: the hidden folder beside the final one that the files arrive in.
        missing: the files that are not there yet.
    """

    def __init__(
        self, model: HubModel, folder: Path, client: ClientName, stall_seconds: float, bar: Any
    ) -> None:
        """Prepare a download; the right files of a folder filled by hand are copied from it.

        A transfer may bring almost nothing for `stall_seconds`; `bar` is a tqdm bar in bytes.
        """
        self.model, self.client, self.stall_seconds, self.bar = model, client, stall_seconds, bar
        self.staging = folder.parent / f".{folder.name}.partial"
        self.missing: list[HubFile] = []
        self._wrong_once: set[str] = set()
        self.staging.mkdir(parents=True, exist_ok=True)
        for file in model.files:
            here, there = self.staging / file.name, folder / file.name
            if file.is_content_of(here):
                continue
            here.unlink(missing_ok=True)  # it belongs to another commit
            if file.is_content_of(there):
                shutil.copy2(there, here)
            else:
                self.missing.append(file)

    def run(self) -> None:
        """Fetch, verify and fetch again what is missing; may be called again after an error.

        Raises:
            ChecksumError: a file is wrong even when fetched a second time; it is moved away.
            DiskFullError: no room; what arrived is kept.
            NoNetworkError: the connection keeps breaking off; what arrived is kept.
            DownloadError: any other refusal of the hub.
        """
        fruitless = 0
        while self.missing:
            before, missing_before, reason = self._arrived(), len(self.missing), ""
            ensure_room(self.staging, self.model.size - before)
            try:
                self._fetch_missing(before)
            except TransferError as error:
                reason = str(error)
            self._verify_arrivals()
            is_fruitful = self._arrived() >= before + STALL_BYTES
            fruitless = 0 if is_fruitful or len(self.missing) < missing_before else fruitless + 1
            if fruitless >= FRUITLESS_TRIES:
                raise NoNetworkError(
                    f"The download keeps breaking off ({reason or 'files arrive incomplete'}); "
                    f"what arrived is kept. {next_step(self.model.endpoint)}"
                )
            if self.missing and reason:
                time.sleep(fruitless)

    def _fetch_missing(self, arrived: int) -> None:
        if self.client == "aria2c":  # it shows its own progress
            fetch_with_aria2c(list(self._transfers()), self.stall_seconds, not self.bar.disable)
            return
        self.bar.n = arrived
        for transfer in self._transfers():
            fetch_with_http(transfer, self.stall_seconds, self.bar)

    def _transfers(self) -> Iterator[Transfer]:
        """Yield what is missing; a signed address is asked for right before it is used."""
        for file in self.missing:
            part = self._part(file)
            notes = aria2c_notes(part)
            if notes.exists() and self.client != "aria2c":  # only aria2c knows where its gaps are
                part.unlink(missing_ok=True)
                notes.unlink()
            elif notes.exists() and notes.stat().st_size == 0:  # all that a full disk leaves
                notes.unlink()
            if not part.is_file() or part.stat().st_size != file.size or notes.exists():
                url, headers = locate(self.model, file)
                yield Transfer(url, headers, part, file.size, file.sha256)

    def _verify_arrivals(self) -> None:
        for file in list(self.missing):
            part = self._part(file)
            has_all_bytes = part.is_file() and part.stat().st_size >= file.size
            if not has_all_bytes or aria2c_notes(part).exists():
                continue
            if file.is_content_of(part):
                part.rename(self.staging / file.name)
                self.missing.remove(file)
            else:
                self._refuse(file, part)

    def _refuse(self, file: HubFile, part: Path) -> None:
        """Delete a wrong file the first time, so that it is fetched again; then move it away."""
        if file.name not in self._wrong_once:
            self._wrong_once.add(file.name)
            self.bar.write(f"{file.name} arrived with a wrong checksum; fetching it again ...")
            part.unlink()
            return
        refused = self.staging.with_name(f"{self.staging.name.removesuffix('.partial')}.refused")
        refused.mkdir(exist_ok=True)
        part.replace(refused / file.name)
        raise ChecksumError(
            f"{file.name} of {self.model.name} is not the published file, twice in a row; it was "
            f"moved to {refused} and is not used. {next_step(self.model.endpoint)}"
        )

    def _arrived(self) -> int:
        paths = [self.staging / file.name for file in self.model.files]
        return bytes_on_disk([*paths, *map(self._part, self.model.files)])

    def _part(self, file: HubFile) -> Path:
        return self.staging / f"{file.name}.part"
