"""Write the current bootstrap cell into every stored notebook; its output stays what it was.

``python -m tools.refresh_bootstrap`` after a change of ``hw7.course.answer_sheet``.
"""

import sys
from pathlib import Path

import nbformat

from hw7.course.answer_sheet import BOOTSTRAP, FOLDED, bootstrap_cell
from tools.execute_notebooks import stored_notebooks


def refresh(path: Path) -> bool:
    """Bring one notebook up to date; return whether it had another cell."""
    notebook = nbformat.read(path, as_version=4)
    cell = bootstrap_cell(notebook, path.name)
    if cell.source == BOOTSTRAP and FOLDED.items() <= cell.metadata.items():
        return False
    cell.source = BOOTSTRAP
    cell.metadata.update(FOLDED)
    nbformat.write(notebook, path)
    return True


def main() -> int:
    """Refresh all notebooks; the master of the answer sheets takes the cell from its source."""
    for path in stored_notebooks():
        print(f"{path.name}: {'refreshed' if refresh(path) else 'current'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
