"""Execute the Chinese notebooks on the offline models and store both editions with outputs.

``python -m tools.execute_notebooks [FILES]`` is what ``make notebooks`` runs. The stored outputs
are the reference that nbval compares a fresh run with, so they carry nothing that changes from
run to run: no execution times, no widget state, no machine's name of its kernel. The English
edition has the same code, so it is given the same outputs without a run of its own.
"""

import argparse
import os
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

PROJECT = Path(__file__).resolve().parent.parent
NOTEBOOKS = PROJECT / "notebooks"
ENGLISH = NOTEBOOKS / "en"

_METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
# Tags steer nbval; the others fold a cell, in Jupyter and in Colab.
_KEPT = ("tags", "jupyter", "cellView")
ENGLISH_FORM = ', language="en"'
"""All that the code of the English edition has of its own: the explorer starts in English."""


def stored_notebooks() -> list[Path]:
    """Return every notebook of the kit, in reading order."""
    return sorted(NOTEBOOKS.rglob("[!.]*.ipynb"))


def executed_notebooks() -> list[Path]:
    """Return the notebooks that are executed: the Chinese edition."""
    return sorted(NOTEBOOKS.glob("*.ipynb"))


def execute_and_store(path: Path) -> None:
    """Execute one notebook in its own folder and write it back without run-dependent metadata."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=900,
        kernel_name="python3",
        # ipykernel warns about its own transport on every start.
        extra_arguments=["--Application.log_level=ERROR"],
        resources={"metadata": {"path": path.parent}},
    )
    client.execute()
    clean(notebook)
    nbformat.write(notebook, path)
    twin = ENGLISH / path.name
    if path.parent == NOTEBOOKS and twin.is_file():
        nbformat.write(with_outputs_of(nbformat.read(twin, as_version=4), notebook), twin)


def with_outputs_of(
    notebook: nbformat.NotebookNode, executed: nbformat.NotebookNode
) -> nbformat.NotebookNode:
    """Return a notebook with the outputs of one that has the same code.

    Raises:
        ValueError: The code differs; the message shows the first cell that does.
    """
    for cell, run in zip(notebook.cells, executed.cells, strict=True):
        if cell.cell_type != run.cell_type:
            raise ValueError(f"a {cell.cell_type} cell stands where a {run.cell_type} cell was run")
        if cell.cell_type == "code":
            if cell.source.replace(ENGLISH_FORM, "") != run.source:
                raise ValueError(f"this cell differs from the one that was run: {cell.source!r}")
            cell.outputs, cell.execution_count = run.outputs, run.execution_count
    clean(notebook)
    return notebook


def clean(notebook: nbformat.NotebookNode) -> None:
    """Drop what differs between two equal runs."""
    notebook.metadata = nbformat.from_dict(_METADATA)
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number:02d}"
        cell.metadata = {key: cell.metadata[key] for key in _KEPT if key in cell.metadata}
        if "nbval-skip" in cell.metadata.get("tags", []):
            cell.outputs = []  # a widget without its kernel shows nothing
        for output in cell.get("outputs", []):
            if "metadata" in output:
                output.metadata = {}


def main() -> int:
    """Execute the notebooks named, or all of the Chinese edition."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("notebooks", nargs="*", type=Path, help="default: the Chinese edition")
    arguments = parser.parse_args()
    os.environ["HW7_MODELS"] = "offline"
    os.environ["TQDM_DISABLE"] = "1"
    for path in arguments.notebooks or executed_notebooks():
        print(f"executing {path.name} ...", flush=True)
        execute_and_store(path.resolve())
    return 0


if __name__ == "__main__":
    sys.exit(main())
