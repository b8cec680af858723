"""Execute notebooks on the offline models and store them with their outputs.

``python -m tools.execute_notebooks [FILES]`` is what ``make notebooks`` runs. The stored outputs
are the reference that nbval compares a fresh run with, so they carry nothing that changes from
run to run: no execution times, no widget state, no machine's name of its kernel.
"""

import argparse
import os
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

PROJECT = Path(__file__).resolve().parent.parent
NOTEBOOKS = PROJECT / "notebooks"

_METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def stored_notebooks() -> list[Path]:
    """Return every notebook of the kit, in reading order."""
    return sorted(NOTEBOOKS.rglob("[!.]*.ipynb"))


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


def clean(notebook: nbformat.NotebookNode) -> None:
    """Drop what differs between two equal runs."""
    notebook.metadata = nbformat.from_dict(_METADATA)
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number:02d}"
        cell.metadata = {key: cell.metadata[key] for key in ("tags",) if key in cell.metadata}
        for output in cell.get("outputs", []):
            if "metadata" in output:
                output.metadata = {}


def main() -> int:
    """Execute the notebooks named, or all of them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("notebooks", nargs="*", type=Path, help="default: all of them")
    arguments = parser.parse_args()
    os.environ["HW7_MODELS"] = "offline"
    os.environ["TQDM_DISABLE"] = "1"
    for path in arguments.notebooks or stored_notebooks():
        print(f"executing {path.name} ...", flush=True)
        execute_and_store(path.resolve())
    return 0


if __name__ == "__main__":
    sys.exit(main())
