"""What can go wrong while a model is fetched, each with its own exit code for scripts."""

from helpers.errors import HomeworkError


class DownloadError(HomeworkError):
    """A model could not be fetched; what arrived so far is kept, so type the command again."""

    exit_code = 1


class UnknownModelError(DownloadError):
    """The hub knows no model, revision or file of that name (404)."""

    exit_code = 3


class AccessError(DownloadError):
    """The model is private or gated, or the token is wrong (401, 403)."""

    exit_code = 4


class RateLimitError(DownloadError):
    """The hub asks to slow down (429).

    Attributes:
        retry_after: Seconds the hub asks to wait; None where it does not say.
    """

    exit_code = 5

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ChecksumError(DownloadError):
    """A file is not the one that was published, even after it was fetched again."""

    exit_code = 6


class DiskFullError(DownloadError):
    """There is no room for the files."""

    exit_code = 7


class NoNetworkError(DownloadError):
    """The server does not answer, or stops answering in the middle."""

    exit_code = 8
