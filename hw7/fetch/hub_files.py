"""A model on the hub as a list of files with sizes and checksums, and which of them are needed."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from hw7.fetch.errors import DownloadError, explain_hub_error
from hw7.fetch.folders import git_blob_sha1_of, sha256_of

_METADATA_TIMEOUT = 30.0
_PLAIN_NAME = re.compile(r"\w[\w.+-]*")
_TEXT_SUFFIXES = (".json", ".txt", ".jinja", ".spm", ".model", ".md")
OTHER_WEIGHT_FORMATS = ("tf_model", "flax_model", "rust_model")


class HubFile(NamedTuple):
    """One file of a model."""

    name: str
    size: int  # bytes
    sha256: str | None  # stated by the hub for large files (git LFS)
    blob_sha1: str | None  # git's object name; of a large file it names the pointer

    def is_content_of(self, path: Path) -> bool:
        """Tell whether a file on disk is byte for byte this one."""
        if not path.is_file() or path.stat().st_size != self.size:
            return False
        if self.sha256 is not None:
            return sha256_of(path) == self.sha256
        return self.blob_sha1 is None or git_blob_sha1_of(path) == self.blob_sha1


class HubModel(NamedTuple):
    """A model at one commit of its repository on the hub."""

    name: str  # organisation/model
    commit: str
    endpoint: str  # address of the hub or mirror, without a slash at its end
    files: list[HubFile]  # what is needed to run the model

    @property
    def size(self) -> int:
        """Bytes of all needed files together."""
        return sum(file.size for file in self.files)


def find_on_hub(name: str, endpoint: str) -> HubModel:
    """Ask the hub for the files of a model, their sizes and their checksums.

    Raises:
        DownloadError: no such model, no access, too many requests, or no network.
    """
    from huggingface_hub import HfApi

    try:
        answer = HfApi(endpoint=endpoint).model_info(
            name, files_metadata=True, timeout=_METADATA_TIMEOUT
        )
    except Exception as error:
        raise explain_hub_error(error, name, endpoint) from error
    files = needed_files(
        HubFile(
            name=sibling.rfilename,
            size=-1 if sibling.size is None else sibling.size,
            sha256=sibling.lfs.sha256 if sibling.lfs else None,
            blob_sha1=sibling.blob_id,
        )
        for sibling in answer.siblings or ()
    )
    if not files or answer.sha is None or any(file.size < 0 for file in files):
        raise DownloadError(
            f"{endpoint} does not list {name} with sizes and checksums, so nothing could be "
            "verified. Use another mirror (HF_ENDPOINT), or the hub itself."
        )
    return HubModel(name, answer.sha, endpoint, files)


def needed_files(files: Iterable[HubFile]) -> list[HubFile]:
    """Pick configuration, tokenizer, licence and PyTorch weights, safetensors before pickles.

    Weights for TensorFlow, Flax and Rust are left out, and so are exports in subfolders.
    """
    top = [file for file in files if _PLAIN_NAME.fullmatch(file.name)]
    top = [file for file in top if not file.name.startswith(OTHER_WEIGHT_FORMATS)]
    has_safetensors = any(file.name.endswith(".safetensors") for file in top)

    def is_needed(name: str) -> bool:
        if name.endswith(".safetensors"):
            return True
        if name.startswith("pytorch_model"):
            return not has_safetensors
        return name.endswith(_TEXT_SUFFIXES) or name.startswith("LICENSE")

    return [file for file in top if is_needed(file.name)]


def locate(model: HubModel, file: HubFile) -> tuple[str, dict[str, str]]:
    """Ask where the bytes of a file are: on the hub, or on the storage it redirects to.

    Returns:
        The address (a signed one expires within the hour), and the headers to send there. The token
        goes to the hub only; storage addresses are signed and must not receive it.

    Raises:
        DownloadError: the file is gone, no access, too many requests, or no network.
    """
    from urllib.parse import urlsplit

    from huggingface_hub import get_hf_file_metadata, get_token, hf_hub_url

    token = get_token()
    address = hf_hub_url(model.name, file.name, revision=model.commit, endpoint=model.endpoint)
    try:
        found = get_hf_file_metadata(address, token=token, timeout=_METADATA_TIMEOUT)
    except Exception as error:
        raise explain_hub_error(error, model.name, model.endpoint) from error
    is_on_hub = urlsplit(found.location)[:2] == urlsplit(model.endpoint)[:2]
    headers = {"Authorization": f"Bearer {token}"} if token and is_on_hub else {}
    return found.location, headers
