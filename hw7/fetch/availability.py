"""Whether a model is on this machine or can be had from the hub, and why it cannot."""

from pathlib import Path

from hw7.fetch.completeness import (
    has_weights,
    is_in_hub_cache,
    problem_of,
    snapshot_in_hub_cache,
)
from hw7.fetch.endpoint import apply_environment, hub_endpoint, obstacle_in_cache, obstacle_to
from hw7.fetch.errors import NoNetworkError, explain_hub_error, first_line, is_of_the_hub


def can_be_had(repository: str, folder: Path, host: str) -> tuple[bool, str]:
    """Tell whether a model is here, or a host of notebooks can fetch it; and why, a clause.

    `folder` is where a download puts it; at the host ``"local"`` no hub is asked.
    """
    if has_weights(folder):
        if problem := problem_of(folder):
            return False, f"the full model is not whole: {problem}"
        return True, "already on disk"
    if is_in_hub_cache(repository):
        return True, "already in the hub's cache"
    if host == "local":
        return False, "the full model is not on this machine"
    if obstacle := obstacle_to(repository):
        return False, f"on {host} {obstacle.why}"
    return True, f"{host} reaches the hub"


def needs_hub(address: str, name: str) -> bool:
    """Tell whether loading has to ask the hub, which then is the one ``HF_ENDPOINT`` names now.

    `address` is a folder, or a name on the hub; `name` is what to call the model.

    Raises:
        NoNetworkError: the model is not on this machine, and something is in the way: no network,
            a log-in page, a cache that cannot be written. A hub out of reach would be asked for a
            minute.
    """
    if Path(address).is_dir() or is_in_hub_cache(address):
        return False
    apply_environment()
    if obstacle := obstacle_to(address) or obstacle_in_cache():
        cached = snapshot_in_hub_cache(address)
        part = f" (the part in the hub's cache: {problem_of(cached)})" if cached else ""
        raise NoNetworkError(
            f"{name} is not on this machine{part}, and {obstacle.why}. Next: "
            f"{obstacle.remedy}; or use the bundled models: %env HW7_MODELS=offline"
        )
    return True


def why_not_fetched(name: str, error: BaseException) -> str:
    """Say why a model could not be fetched from the hub, and what to type."""
    causes = [error]
    while cause := causes[-1].__cause__ or causes[-1].__context__:
        causes.append(cause)
    for cause in causes:
        if is_of_the_hub(cause):
            return str(explain_hub_error(cause, name, hub_endpoint()))
    return f"{name} cannot be fetched from {hub_endpoint()} ({first_line(error)})."
