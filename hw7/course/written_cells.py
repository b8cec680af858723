"""The code cells of the notebook that is open: as they were run, and as they are written."""

import json
import os
import sys
from pathlib import Path
from typing import Any

from hw7.course.literals import read_assignments


def executed_cells() -> list[str]:
    """Return the source of the cells run so far, in order; none outside a notebook.

    Of a cell that was run again, recognised by the answers it sets, only the last run counts, as
    only its last text stands in the notebook.
    """
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if shell is None:
        return []
    sources = [str(source) for source in shell.history_manager.input_hist_raw]
    names = [tuple(sorted({found.name for found in read_assignments(s)})) for s in sources]
    return [s for n, s in enumerate(sources) if not names[n] or names[n] not in names[n + 1 :]]


def written_cells(executed: list[str]) -> list[str] | None:
    """Return the code cells as they are written, None where the notebook can't be reached.

    The last cell executed must stand in it: a kernel may have been started from another notebook.
    """
    notebook = _colabs_notebook() or _notebook_file()
    cells = notebook.get("cells", []) if isinstance(notebook, dict) else []
    code = ["".join(cell.get("source", "")) for cell in cells if cell.get("cell_type") == "code"]
    return code if executed and executed[-1].strip() in {c.strip() for c in code} else None


def _colabs_notebook() -> Any:
    """Return the notebook as it stands on Colab's page, saved or not; None elsewhere."""
    if "google.colab" not in sys.modules:
        return None
    try:
        from google.colab import _message

        return _message.blocking_request("get_ipynb", timeout_sec=10)["ipynb"]
    except Exception:  # a private function of Colab's: whatever it does, the cells run are there
        return None


def _notebook_file() -> Any:
    """Return the notebook as saved, where Jupyter or VS Code says which file it is."""
    shell = sys.modules["IPython"].get_ipython()
    named = (os.environ.get("JPY_SESSION_NAME"), shell.user_ns.get("__vsc_ipynb_file__"))
    for name in filter(None, named):
        path = Path(str(name))
        for place in (path, Path.cwd() / path.name):
            try:
                if place.suffix == ".ipynb" and place.is_file():
                    return json.loads(place.read_text("utf-8"))
            except (OSError, ValueError):
                continue  # half written or unreadable: what was run is shown instead
    return None
