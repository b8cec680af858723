"""Notebooks and READMEs as students get them: the kit's address, badges, no outputs."""

import re
import subprocess
from collections.abc import Container
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import nbformat

from helpers.errors import HomeworkError
from hw7.course.answer_sheet import bootstrap_cell, stamped_bootstrap
from hw7.course.release.contents import NOTEBOOKS

_HOSTS = (
    ("Colab", "https://colab.research.google.com/assets/colab-badge.svg",
     "https://colab.research.google.com/github/{name}/blob/{branch}/{path}"),
    ("Kaggle", "https://kaggle.com/static/images/open-in-kaggle.svg",
     "https://kaggle.com/kernels/welcome?src=https://github.com/{name}/blob/{branch}/{path}"),
    ("nbviewer", "https://img.shields.io/badge/view-nbviewer-orange.svg",
     "https://nbviewer.org/github/{name}/blob/{branch}/{path}"),
)  # fmt: skip
_NAME = re.compile(r"(?P<name>[\w-][\w.-]*/[\w.-]+?)(?:@(?P<branch>[\w./-]+))?")
_REMOTE = re.compile(
    r"(?:https://|ssh://git@|git@)github\.com[/:](?P<name>[^/]+/[^/]+?)(?:\.git)?/?"
)
_LINK = re.compile(r"\]\((?!https?://|#|mailto:)([^)\s#]+)(#[^)\s]*)?\)")
_SCHEMES = ("https", "http", "git+https", "file")


class Repository(NamedTuple):
    """A repository on GitHub, ``OWNER/NAME``, to which the released files are pushed."""

    name: str
    branch: str = "main"

    @property
    def address(self) -> str:
        """Where its files can be downloaded: a folder's address, ending in ``/``."""
        return f"https://raw.githubusercontent.com/{self.name}/{self.branch}/"


def repository_named(text: str) -> Repository:
    """Read ``OWNER/NAME`` or ``OWNER/NAME@BRANCH``, and refuse what is neither."""
    found = _NAME.fullmatch(text)
    if found is None:
        raise HomeworkError(
            f"--repository {text!r} must be OWNER/NAME as on GitHub, or OWNER/NAME@BRANCH."
        )
    return Repository(found["name"], found["branch"] or "main")


def repository_of(checkout: Path) -> Repository | None:
    """Return the repository on GitHub that a checkout's remote ``origin`` names, if any."""
    command = ["git", "-C", str(checkout), "config", "--get", "remote.origin.url"]
    try:
        done = subprocess.run(command, capture_output=True, text=True)  # noqa: S603 (no shell)
    except OSError:  # no git here
        return None
    found = _REMOTE.fullmatch(done.stdout.strip())
    return Repository(found["name"]) if found else None


def badges(repository: Repository, path: str) -> str:
    """Return Markdown that opens a file of the repository on each host."""
    return " ".join(
        f"[![{host}]({image})]({address.format(**repository._asdict(), path=path)})"
        for host, image, address in _HOSTS
    )


def readme_copy(text: str, repository: Repository, released: Container[str]) -> str:
    """Return a README for the released files: badges, and no link into what was not released."""

    def mended(link: re.Match[str]) -> str:
        path, place = link[1], link[2] or ""
        if path in released:
            end = f" {badges(repository, path)}" if path.endswith(".ipynb") else ""
            return f"]({path}{place}){end}"
        return f"](https://github.com/{repository.name}/blob/HEAD/{path}{place})"

    return _LINK.sub(mended, text)


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
    """Write every notebook that students get; return the names of those that stay behind.

    Each installs from the address, has badges below its title, and no outputs: they would answer
    "predict first" before the student has predicted.

    Raises:
        HomeworkError: There is none, or the first code cell of one does not get the kit.
    """
    here = {
        path.relative_to(source).as_posix()
        for path in source.rglob("*.ipynb")
        if ".ipynb_checkpoints" not in path.parts
    }
    if not (listed := here & set(NOTEBOOKS)):
        raise HomeworkError(f"There is no notebook in {source.name}/, so nothing to release.")
    for name in sorted(listed):
        notebook = nbformat.read(source / name, as_version=4)
        bootstrap_cell(notebook, name).source = stamped_bootstrap(address)
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
        if repository:
            title = next(cell for cell in notebook.cells if cell.cell_type == "markdown")
            head, _, rest = title.source.partition("\n")
            title.source = f"{head}\n\n{badges(repository, f'notebooks/{name}')}\n{rest}"
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, target / name)
    return sorted(here - listed)
