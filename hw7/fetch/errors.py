"""What can go wrong while a model is fetched, each with an exit code for scripts."""

import re
from collections.abc import Mapping
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime

HUB = "https://huggingface.co"
MIRROR = "https://hf-mirror.com"
PACKAGE_MIRROR = "https://pypi.tuna.tsinghua.edu.cn/simple"
_SIGNATURE = re.compile(r"\?[^\s']+")  # hundreds of characters, and nobody else's business
_RESET_IN = re.compile(r"\bt=(\d+)")
_HTTP_LIBRARIES = {"requests", "urllib3", "httpx", "httpx2", "httpcore", "httpcore2"}


class DownloadError(Exception):
    """A model could not be fetched; what arrived so far is kept, so type the command again."""

    exit_code = 1


class UnknownModelError(DownloadError):
    """The hub knows no model, revision or file of that name (404)."""

    exit_code = 3


class AccessError(DownloadError):
    """The model is private or gated, or the token is wrong (401, 403)."""

    exit_code = 4


class RateLimitError(DownloadError):
    """The hub asks to slow down (429)."""

    exit_code = 5

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after  # seconds; None where the hub does not say


class ChecksumError(DownloadError):
    """A file is not the one that was published, even after it was fetched again."""

    exit_code = 6


class DiskFullError(DownloadError):
    """There is no room for the files."""

    exit_code = 7

    @classmethod
    def while_writing(cls, said: str) -> "DiskFullError":
        """Return the error for a write that found no room; ``said`` is what was said then."""
        return cls(
            f"The disk is full ({said}). Free some space, then type the same command again; "
            "what arrived is kept."
        )


class NoNetworkError(DownloadError):
    """The server does not answer, or stops answering in the middle."""

    exit_code = 8


def next_step(endpoint: str) -> str:
    """Say what to type when a hub or mirror does not answer."""
    if endpoint == MIRROR:
        return "Try again later, or without --mirror."
    return "Try again, or through a mirror: bash download_models.sh --mirror"


def explain_hub_error(error: BaseException, model: str, endpoint: str) -> DownloadError:
    """Translate what ``huggingface_hub`` raised into an error with one clear line.

    Its exceptions rest on requests in versions before 1.0, on httpx in later ones, so the status
    code decides wherever there is a response.
    """
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    if isinstance(error, DownloadError):
        return error
    if isinstance(error, OfflineModeIsEnabled):
        return NoNetworkError(
            "HF_HUB_OFFLINE (or TRANSFORMERS_OFFLINE) forbids downloads. "
            "Type: unset HF_HUB_OFFLINE TRANSFORMERS_OFFLINE"
        )
    response = getattr(error, "response", None)
    if isinstance(error, HfHubHTTPError) and response is not None:
        return _explain_status(response.status_code, response.headers, model, endpoint)
    if is_of_the_hub(error) or isinstance(error, OSError):
        return NoNetworkError(
            f"{endpoint} does not answer ({first_line(error)}). {next_step(endpoint)}"
        )
    if isinstance(error, ImportError):  # the hub's library misses one only with such a proxy
        return NoNetworkError(
            "A SOCKS proxy is set, for which a package is missing. Type: pip install pysocks "
            f"socksio, then try again ({first_line(error)})."
        )
    return NoNetworkError(
        f"{endpoint} answers with something else than the hub's data ({first_line(error)}), as "
        f"log-in pages of networks do. Log in to the network in a browser. {next_step(endpoint)}"
    )


def is_of_the_hub(error: BaseException) -> bool:
    """Tell whether an exception is an answer of the hub or comes from the way there."""
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    if isinstance(error, HfHubHTTPError):  # without one it only wraps another exception
        return getattr(error, "response", None) is not None
    return (
        isinstance(error, OfflineModeIsEnabled)
        or type(error).__module__.partition(".")[0] in _HTTP_LIBRARIES
    )


def _explain_status(
    status: int, headers: Mapping[str, str], model: str, endpoint: str
) -> DownloadError:
    if status in {401, 403}:
        if headers.get("X-Error-Code") == "GatedRepo":
            return AccessError(
                f"{model} is gated: accept its terms at {endpoint}/{model}, create a token, "
                "then type: export HF_TOKEN=hf_..."
            )
        # The hub answers 401 for a name that does not exist as well, unless one is logged in.
        return AccessError(
            f"{endpoint} refuses {model}: either no model has this name (check it), or it is "
            "private or the token is wrong (then type: export HF_TOKEN=hf_...)."
        )
    if status == 404:
        return UnknownModelError(
            f"{endpoint} has no model named {model}, or lacks one of its files."
        )
    if status == 429:
        wait = retry_after(headers)
        told = f" and asks to wait {wait:.0f} seconds" if wait is not None else ""
        return RateLimitError(
            f"{endpoint} limits requests{told}. Type the same command again later; "
            "what arrived is kept.",
            wait,
        )
    return NoNetworkError(
        f"{endpoint} answered with status {status} for {model}. {next_step(endpoint)}"
    )


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds a server asks to wait, or None where it does not say.

    Read from ``Retry-After``, in seconds or as a date (RFC 9110, 10.2.3), otherwise from the
    hub's ``RateLimit`` header, whose ``t=`` counts the seconds until its window ends.
    """
    if value := headers.get("Retry-After", "").strip():
        if value.isascii() and value.isdigit():
            return float(value)
        try:
            moment = parsedate_to_datetime(value)
        except (ValueError, OverflowError):
            return None
        if moment.tzinfo is None:  # "-0000": UTC, from a place that is not told (RFC 5322, 3.3)
            moment = moment.replace(tzinfo=timezone.utc)
        return max(0.0, (moment - datetime.now(timezone.utc)).total_seconds())
    match = _RESET_IN.search(headers.get("RateLimit", ""))
    return float(match[1]) if match else None


def first_line(error: BaseException) -> str:
    """Return the first line of what an exception says, without signatures of addresses."""
    text = str(error).strip()
    line = text.splitlines()[0].strip() if text else type(error).__name__
    return _SIGNATURE.sub("", line)
