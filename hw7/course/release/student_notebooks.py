"""The notebooks as students get them: stamped with the project's address, without outputs."""

import copy
from pathlib import Path
from urllib.parse import urlsplit

import nbformat

from helpers.errors import HomeworkError
from hw7.course.notebook_cells import INSTRUCTOR_ONLY, bootstrap_cell, stamped_bootstrap
from hw7.course.release.badges import Repository, add_badges
from hw7.course.release.contents import NOTEBOOKS

_SCHEMES = ("https", "http", "git+https", "file")


def install_address(url: str, wheel_name: str) -> str:
    """Return what pip is to install; to a folder's address, which ends in ``/``, comes the name.

    Raises:
        HomeworkError: pip could not install from such an address.
    """
    is_odd = any(character.isspace() or character in "\"'\\[]" for character in url)
    parts = urlsplit("" if is_odd else url)
    if parts.scheme not in _SCHEMES or not (parts.netloc or parts.scheme == "file"):
        raise HomeworkError(
            f"--url {url!r} is no address that pip can install from. Give one such as "
            "https://example.org/hw7/ (the folder you will put the wheel in), "
            "git+https://example.org/owner/project, or --repository OWNER/NAME of GitHub."
        )
    if parts.scheme == "git+https" or parts.path.endswith(".whl"):
        return url
    if url.endswith("/"):
        return url + wheel_name
    raise HomeworkError(
        f"--url {url!r} names neither a wheel nor a folder. End a folder's address with '/'."
    )


def write_student_notebooks(
    source: Path, target: Path, address: str, repository: Repository | None = None
) -> list[str]:
    """Write every notebook that students get; return the names of those that stay behind."""
    here = {
        path.relative_to(source).as_posix()
        for path in source.rglob("*.ipynb")
        if ".ipynb_checkpoints" not in path.parts
    }
    if not (listed := here & set(NOTEBOOKS)):
        raise HomeworkError(f"There is no notebook in {source.name}/, so nothing to release.")
    for name in sorted(listed):
        stamped = student_copy(nbformat.read(source / name, as_version=4), address, name)
        if repository:
            add_badges(stamped, repository, name)
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(stamped, target / name)
    return sorted(here - listed)


def student_copy(notebook: nbformat.NotebookNode, address: str, name: str) -> nbformat.NotebookNode:
    """Return a copy that installs from the address and shows nothing before it is run.

    Stored outputs would answer "predict first" before the student has predicted. A notebook with
    another first code cell, or a cell for instructors only, is refused.
    """
    if any(INSTRUCTOR_ONLY.match(cell.source) for cell in notebook.cells):
        raise HomeworkError(
            f"{name} has a cell for instructors only; students get what is derived from it. "
            "Type: python -m tools.build_answer_sheet"
        )
    stamped: nbformat.NotebookNode = copy.deepcopy(notebook)
    bootstrap_cell(stamped, name).source = stamped_bootstrap(address)
    for cell in stamped.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return stamped
