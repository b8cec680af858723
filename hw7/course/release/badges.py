"""Badges that open a released notebook on Colab, Kaggle and nbviewer, in notebooks and READMEs."""

import re
import subprocess
from collections.abc import Container
from pathlib import Path
from typing import NamedTuple

import nbformat

from helpers.errors import HomeworkError

READMES = ("README.md", "README.zh-CN.md")
SCREENSHOTS = "assets/screenshots"

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


def add_badges(notebook: nbformat.NotebookNode, repository: Repository, name: str) -> None:
    """Write the badges below the title of a released notebook."""
    title = next(cell for cell in notebook.cells if cell.cell_type == "markdown")
    head, _, rest = title.source.partition("\n")
    title.source = f"{head}\n\n{badges(repository, f'notebooks/{name}')}\n{rest}"


def readme_copy(text: str, repository: Repository, released: Container[str]) -> str:
    """Return a README for the released files: badges, and no link into what was not released."""

    def mended(link: re.Match[str]) -> str:
        path, place = link[1], link[2] or ""
        if path in released:
            end = f" {badges(repository, path)}" if path.endswith(".ipynb") else ""
            return f"]({path}{place}){end}"
        return f"](https://github.com/{repository.name}/blob/HEAD/{path}{place})"

    return _LINK.sub(mended, text)
