"""Packages that came with the notebook, for hosts without a network."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_NAME = "packages"
_KAGGLE = Path("/kaggle/input")


def packages_beside_the_notebook() -> list[Path]:
    """Return the folders of wheels from a classroom zip or a Kaggle dataset; usually none."""
    here = Path.cwd()
    places = [here / _NAME, here.parent / _NAME, *_KAGGLE.rglob(_NAME)]
    return [folder for folder in places if any(folder.glob("*.whl"))]


@contextmanager
def offline_packages() -> Iterator[None]:
    """Let pip look there too while the context lasts, and nowhere else where they are."""
    folders = packages_beside_the_notebook()
    if not folders:
        yield
        return
    before = {name: os.environ.get(name) for name in ("PIP_FIND_LINKS", "PIP_NO_INDEX")}
    links = [folder.as_uri() for folder in folders] + (before["PIP_FIND_LINKS"] or "").split()
    os.environ.update(PIP_FIND_LINKS=" ".join(links), PIP_NO_INDEX="1")
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
