"""The hub's address, decided in one place for every request of the process, and whether it answers.

``huggingface_hub`` and Transformers read their environment variables once, when they are imported.
Who sets ``HF_ENDPOINT`` in a notebook after a first failure would go on asking the old address.
"""

import os
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple
from urllib.request import getproxies

from hw7.fetch.errors import HUB, MIRROR, NoNetworkError, first_line

_SOCKS_PACKAGES = {"socks": "pysocks", "socksio": "socksio"}  # for requests, and for httpx
_YES = {"1", "ON", "YES", "TRUE"}


class Obstacle(NamedTuple):
    """What keeps a model from being fetched, a clause, and what to do or to type next, a phrase."""

    why: str
    remedy: str


def hub_endpoint(endpoint: str | None = None) -> str:
    """Return the address of the hub: the argument, else ``HF_ENDPOINT``, else the public one."""
    return (endpoint or os.environ.get("HF_ENDPOINT") or HUB).rstrip("/")


def is_offline_mode() -> bool:
    """Tell whether the environment forbids requests to the hub."""
    names = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
    return any(os.environ.get(name, "").upper() in _YES for name in names)


def apply_environment() -> None:
    """Make the hub's libraries use the environment as it is now, also where they were imported.

    Raises:
        NoNetworkError: they keep another address; only a new kernel helps.
    """
    endpoint, is_offline = hub_endpoint(), is_offline_mode()
    from huggingface_hub import constants, hf_api, hf_hub_url, utils

    values = {
        "ENDPOINT": endpoint,
        "HUGGINGFACE_CO_RESOLVE_ENDPOINT": endpoint,
        "HUGGINGFACE_CO_URL_TEMPLATE": endpoint + "/{repo_id}/resolve/{revision}/{filename}",
        "HF_HUB_OFFLINE": is_offline,
        "_is_offline_mode": is_offline,
    }
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] in {"huggingface_hub", "transformers"}:
            known = vars(module) if module is not None else {}
            for constant, value in values.items():
                if type(known.get(constant)) is type(value):
                    setattr(module, constant, value)
    hf_api.api.endpoint = endpoint
    if hasattr(utils, "reset_sessions"):  # before version 1 a session is offline for ever
        utils.reset_sessions()
    if not hf_hub_url("a/b", "c").startswith(endpoint) or is_offline != constants.HF_HUB_OFFLINE:
        raise NoNetworkError(
            f"The libraries were loaded with another address than HF_ENDPOINT={endpoint}. "
            "Restart the kernel, and set HF_ENDPOINT in its first cell."
        )


def obstacle_to(repository: str, timeout: float = 3.0) -> Obstacle | None:
    """Ask the hub for a model in some seconds; return what is in the way, or None.

    Only whether the hub's interface answers counts, not whether there is such a model; `timeout`
    is the seconds to wait for the connection, and for the answer.
    """
    import requests

    endpoint = hub_endpoint()
    if is_offline_mode():
        return Obstacle(
            "HF_HUB_OFFLINE (or TRANSFORMERS_OFFLINE) forbids downloads",
            "unset HF_HUB_OFFLINE TRANSFORMERS_OFFLINE (in a notebook: %env HF_HUB_OFFLINE=0, "
            "%env TRANSFORMERS_OFFLINE=0)",
        )
    if missing := _missing_socks_packages():
        return Obstacle(
            "a SOCKS proxy is set, for which a package is missing",
            f"pip install {' '.join(missing)}, then restart the kernel",
        )
    try:
        address = f"{endpoint}/api/models/{repository}"
        with requests.get(address, timeout=timeout, stream=True) as answer:
            status, kind = answer.status_code, answer.headers.get("Content-Type", "")
    except requests.exceptions.SSLError as error:
        return Obstacle(
            f"{endpoint} shows a wrong certificate ({first_line(error)}), as log-in pages of "
            "networks and company proxies do",
            "log in to the network in a browser, or ask whoever runs it for its certificate",
        )
    except requests.exceptions.RequestException:
        return Obstacle(f"{endpoint} does not answer", _other_address(endpoint))
    if status < 400 and "json" not in kind:
        return Obstacle(
            f"{endpoint} answers with a web page instead of the hub's data, as log-in pages of "
            "networks do",
            "log in to the network in a browser, then try again",
        )
    if status >= 500:
        return Obstacle(f"{endpoint} answers with status {status}", _other_address(endpoint))
    return None


def obstacle_in_cache() -> Obstacle | None:
    """Return what keeps the hub's cache on this machine from being written, or None."""
    from huggingface_hub import constants

    folder = Path(constants.HF_HUB_CACHE)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return None
    except OSError as error:
        return Obstacle(
            f"the cache folder {folder} cannot be written ({error.strerror or error})",
            "restart the kernel, and name a folder of your own in its first cell: %env HF_HOME=...",
        )


def _missing_socks_packages() -> list[str]:
    if not any(address.lower().startswith("socks") for address in getproxies().values()):
        return []
    return [pip_name for name, pip_name in _SOCKS_PACKAGES.items() if not find_spec(name)]


def _other_address(endpoint: str) -> str:
    if endpoint == MIRROR:
        return "try again later, or without the mirror"
    return f"hw7 download --mirror, or in a notebook: %env HF_ENDPOINT={MIRROR}"
