"""Execute notebooks and write each as an executed .ipynb and one self-contained .html."""

import argparse
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from helpers.environment import project_folder
from helpers.errors import HomeworkError
from helpers.explanation import FACTS_MIME

_DEFAULT = ("01_setup.ipynb", "02_translation.ipynb", "03_generation.ipynb")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add = parser.add_argument
    add("notebooks", nargs="*", type=Path, help="default: notebooks 01 to 03")
    add("-o", "--output", type=Path, default=Path("build"), help="default: build/")
    add("--models", choices=["offline", "full"], help="default: HW7_MODELS decides")
    add("--timeout", type=int, default=1800, help="seconds a cell may take (default: 1800)")


def run(arguments: argparse.Namespace) -> int:
    """Execute the notebooks; return 1 where one of them failed."""
    if arguments.models:
        os.environ["HW7_MODELS"] = arguments.models
    # Progress bars of the cells would be stored in the page; this command has its own.
    os.environ.setdefault("TQDM_DISABLE", "1")
    folder = (project_folder() or Path.cwd()) / "notebooks"
    paths = arguments.notebooks or [folder / name for name in _DEFAULT]
    if not arguments.notebooks and not all(path.is_file() for path in paths):
        raise HomeworkError("Name the notebooks: hw7 run 01_setup.ipynb -o build/")
    arguments.output.mkdir(parents=True, exist_ok=True)
    failures, facts = [], []
    for path in paths:
        notebook, failure = execute(path, arguments.timeout)
        target = arguments.output / path.name
        page = write(notebook, target)
        print(f"wrote {target} and {page}")
        outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
        facts += [o.data[FACTS_MIME] for o in outputs if FACTS_MIME in o.get("data", {})]
        if failure:
            failures.append(f"{path.name}: {failure}")
    if facts:
        print("\n".join(summary(facts)))
    for failure in failures:
        print(f"hw7 run: {failure}", file=sys.stderr)
    return 1 if failures else 0


def execute(path: Path, timeout: int) -> tuple[Any, str | None]:
    """Execute one notebook in its own folder; return it and one line on the failure, or None."""
    try:
        import nbformat
        from nbclient import NotebookClient
        from nbclient.exceptions import CellExecutionError, CellTimeoutError
        from tqdm import tqdm
    except ImportError as error:
        raise HomeworkError(
            f"Executing notebooks needs {error.name}. "
            "Type: pip install 'hw7-attribution-kit[notebook]'"
        ) from error
    try:
        notebook = nbformat.read(path, as_version=4)
        # What Colab and other programs store here is not what the page's writer expects: the state
        # of widgets, which executing gives anew, and the name of a kernel that is not here.
        notebook.metadata.pop("widgets", None)
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        notebook.metadata["kernelspec"] = kernel
        nbformat.validate(notebook, relax_add_props=True)
    except (OSError, ValueError, nbformat.ValidationError) as error:
        reason = str(error).splitlines()[0]
        raise HomeworkError(f"{path} cannot be read as a notebook: {reason}") from error
    cells = sum(cell.cell_type == "code" for cell in notebook.cells)
    # disable=False: the bar is wanted here although the environment silences those of the cells.
    with tqdm(total=cells, desc=path.name, unit="cell", disable=False) as bar:
        client = NotebookClient(
            notebook,
            timeout=timeout,
            # ipykernel warns about its own transport on every start.
            extra_arguments=["--Application.log_level=ERROR"],
            resources={"metadata": {"path": str(path.resolve().parent)}},
            on_cell_executed=lambda **_: bar.update(),
        )
        try:
            client.execute()
        except CellExecutionError as error:
            return notebook, f"{error.ename}: {error.evalue}".splitlines()[0]
        except CellTimeoutError:
            return notebook, f"a cell took longer than {timeout} seconds; see --timeout"
    return notebook, None


def write(notebook: Any, target: Path) -> Path:
    """Write an executed notebook and, beside it, a page that fetches nothing; return the page."""
    import nbformat
    from nbconvert import HTMLExporter

    nbformat.write(notebook, target)
    exporter = HTMLExporter(
        embed_images=True, mathjax_url="", require_js_url="", jquery_url="", mermaid_js_url=""
    )
    page, _ = exporter.from_notebook_node(notebook, {"metadata": {"name": target.stem}})
    # What is left are tags of the page template that load scripts from another server.
    page = re.sub(r'<script src="[^"]*"[^>]*></script>', "", page)
    html = target.with_suffix(".html")
    html.write_text(page, encoding="utf-8")
    return html


def summary(facts: Sequence[dict[str, Any]]) -> list[str]:
    """Return five lines on what was explained: models, sentences, translation, both methods."""
    translations = [fact for fact in facts if fact["is_translation"]]
    first = (translations or list(facts))[-1]
    lines = [
        f"Models:      {', '.join(dict.fromkeys(fact['model'] for fact in facts))}",
        f"Sentences:   {' | '.join(dict.fromkeys(fact['input'] for fact in facts))}",
        f"{'Translation' if translations else 'Generation'}: {first['generated']}",
    ]
    for method in ("saliency", "attention"):
        rows = first["strongest"].get(method, [])
        pairs = ", ".join(f"{generated} ← {source}" for generated, source, _ in rows)
        lines.append(f"{method.capitalize()}:".ljust(13) + pairs)
    return lines
