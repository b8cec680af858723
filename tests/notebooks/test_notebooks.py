"""The stored notebooks are ones that nbval really compares, and that students can read."""

import re
from itertools import pairwise
from pathlib import Path

import nbformat
import pytest

from tools.execute_notebooks import stored_notebooks

PROJECT = Path(__file__).resolve().parents[2]
NOTEBOOKS = stored_notebooks()
MOST_BYTES = 300_000
MOST_LINES = 15

pytestmark = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def code_cells(path):
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


def is_ignored(cell):
    return "nbval-ignore-output" in cell.metadata.get("tags", [])


def test_every_code_cell_is_stored_executed_in_order(path):
    # nbval runs a cell without an execution count, but never compares it.
    counts = [cell.execution_count for cell in code_cells(path)]
    assert counts == list(range(1, len(counts) + 1))


def test_many_cells_are_compared(path):
    # Notebooks 04 and 05 show seconds, samples and long tables, which differ between machines.
    cells = code_cells(path)
    compared = [cell for cell in cells if not is_ignored(cell)]
    assert len(compared) >= len(cells) / 3
    assert sum(bool(cell.outputs) for cell in compared) >= 4


def test_no_stored_error_and_no_stored_warning(path):
    for cell in code_cells(path):
        for output in cell.outputs:
            assert output.output_type != "error"
            assert output.get("name") != "stderr", output.get("text")


def test_cells_are_short(path):
    for cell in code_cells(path):
        lines = [line for line in cell.source.splitlines() if line.strip()]
        assert len(lines) <= MOST_LINES, cell.source


def test_every_code_cell_follows_a_sentence(path):
    if path.stem == "hw7_answers":
        pytest.skip("in the answer sheet the check of an answer follows the answer")
    cells = nbformat.read(path, as_version=4).cells
    for before, cell in pairwise(cells):
        if cell.cell_type == "code":
            assert before.cell_type == "markdown", cell.source


def test_bootstrap_cell_is_the_same_in_all_notebooks(path):
    assert code_cells(path)[0].source == code_cells(NOTEBOOKS[0])[0].source


def test_stored_notebook_is_small(path):
    assert path.stat().st_size < MOST_BYTES


def test_a_stored_heatmap_keeps_its_picture_and_facts_where_scripts_are_stripped(path):
    shown = [output.get("data", {}) for cell in code_cells(path) for output in cell.outputs]
    pages = [data for data in shown if "data-hw7" in data.get("text/html", "")]
    for data in pages:
        static = re.sub(r"<(style|script)\b.*?</\1>", "", data["text/html"], flags=re.S)
        assert re.search(r'<img src="data:image/png;base64,[^"]{1000,}" alt="[^"]', static)
        assert re.search(r"<pre>.*\S.*</pre>", static, re.S)
    assert pages or path.stem in ("04_llm_explanation", "05_which_method")


def test_outputs_hold_no_path_of_this_machine(path):
    text = path.read_text(encoding="utf-8")
    assert str(PROJECT) not in text
    assert not re.search(r"/(home|root|Users)/\w+", text)
