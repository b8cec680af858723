"""nbval compares what we think it compares: its rules are all loaded, and wrong scores fail."""

import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

PROJECT = Path(__file__).resolve().parents[2]
RULES = PROJECT / "tools" / "nbval_sanitize.cfg"

BROKEN_HELPERS = {
    "drops a column": "frame = frame.iloc[:, :-1]",
    "shifts the rows": "frame.index = [*frame.index[1:], frame.index[0]]",
    "adds to the scores": "frame.iloc[0] += 0.3",
}


BREAK_IT = """
import helpers.lookup as lookup
whole = vars(lookup).setdefault("whole", lookup.Scores.table)
def broken(self, *words, **settings):
    frame = whole(self, *words, **settings)
    {fault}
    return frame
lookup.Scores.table = broken
"""


def test_every_rule_is_loaded_by_nbval():
    from nbval.plugin import get_sanitize_patterns

    text = RULES.read_text(encoding="utf-8")
    written = re.findall(r"^regex: (.+)$", text, flags=re.MULTILINE)
    assert len(dict(get_sanitize_patterns(text))) == len(written) > 0


def test_rules_leave_scores_in_plain_text_alone():
    from nbval.plugin import get_sanitize_patterns

    line = "attention  平均 0.12，最大 0.25; machine ← 机器 0.45"
    for pattern, replacement in get_sanitize_patterns(RULES.read_text(encoding="utf-8")):
        assert re.sub(pattern, replacement, line) == line


def code_cells_of(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def place_of(cells: list[nbformat.NotebookNode], text: str) -> int:
    return next(number for number, cell in enumerate(cells) if text in cell.source)


@pytest.fixture(scope="module")
def failed(tmp_path_factory):
    """What nbval says of a notebook, and again of its look-ups after each fault, in one kernel.

    Returns:
        For each fault, and for "none" of them, the numbers of the cells that fail.
    """
    folder = tmp_path_factory.mktemp("nbval")
    notebook = nbformat.read(PROJECT / "notebooks" / "02_translation.ipynb", as_version=4)
    cells = code_cells_of(notebook)
    cells = cells[: place_of(cells, 'importance("') + 1]
    look_ups = cells[place_of(cells, "explanation.show()") :]
    notebook.cells, parts = list(cells), {"none": range(len(cells))}
    for name, fault in BROKEN_HELPERS.items():
        start = len(notebook.cells)
        notebook.cells.append(nbformat.v4.new_code_cell(BREAK_IT.format(fault=fault)))
        notebook.cells += [
            nbformat.from_dict(cell | {"id": f"{cell['id']}-{start}"}) for cell in look_ups
        ]
        parts[name] = range(start, len(notebook.cells))
    nbformat.write(notebook, folder / "short.ipynb")
    command = [sys.executable, "-m", "pytest", "-q", "-rfE", "-p", "no:cacheprovider", "--nbval"]
    options = ["--nbval-current-env", "--nbval-sanitize-with", str(RULES), "short.ipynb"]
    result = subprocess.run(
        [*command, *options],
        capture_output=True,
        text=True,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(PROJECT)},
        timeout=600,
        check=False,
    )
    numbers = [int(n) for n in re.findall(r"^(?:FAILED|ERROR) .*::Cell (\d+)", result.stdout, re.M)]
    assert f"{len(notebook.cells) - len(numbers)} passed" in result.stdout, result.stdout[-3000:]
    return {name: [n for n in numbers if n in part] for name, part in parts.items()}


@pytest.mark.bundled
def test_stored_notebook_passes(failed):
    assert failed["none"] == []


@pytest.mark.bundled
@pytest.mark.parametrize("fault", BROKEN_HELPERS)
def test_broken_helper_fails(failed, fault):
    assert failed[fault]
