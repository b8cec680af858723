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
    parts = urlsplit(url)
    is_address = parts.scheme in _SCHEMES and (parts.netloc or parts.scheme == "file")
    if not is_address or any(character.isspace() or character in "\"'\\" for character in url):
        raise HomeworkError(
            f"--url {url!r} is no address that pip can install from. Give one such as "
            "https://example.org/hw7/ (the folder you will put the wheel in), "
            "git+https://example.org/owner/project, or --repository OWNER/NAME of GitHub."
        )
    if url.endswith("/") and not parts.scheme.startswith("git+"):
        return url + wheel_name
    if not parts.scheme.startswith("git+") and not parts.path.endswith(".whl"):
        raise HomeworkError(
            f"--url {url!r} names neither a wheel nor a folder. End a folder's address with '/'."
        )
    return url


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

    Stored outputs would answer "predict first" before the student has predicted.

    Raises:
        HomeworkError: The first code cell is not the bootstrap cell, or a cell is for instructors
            only.
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
