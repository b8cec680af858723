"""nbval compares what we think it compares: its rules are all loaded, and wrong scores fail."""

import os
import re
import shutil
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


def run_nbval(notebook: Path, folder: Path, prelude: str = "") -> subprocess.CompletedProcess[str]:
    """Run nbval on a notebook, with code that every kernel executes when it starts."""
    (folder / "sitecustomize.py").write_text(prelude, encoding="utf-8")
    environment = {
        **os.environ,
        "PYTHONPATH": str(folder),
        "HW7_MODELS": "offline",
        "TQDM_DISABLE": "1",
    }
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--nbval"]
    options = ["--nbval-current-env", "--nbval-sanitize-with", str(RULES), str(notebook)]
    return subprocess.run(
        [*command, *options],
        capture_output=True,
        text=True,
        cwd=folder,
        env=environment,
        timeout=600,
        check=False,
    )


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


@pytest.fixture(scope="module")
def short_notebook(tmp_path_factory):
    """The translation notebook up to its first look-up: enough to see a wrong score."""
    folder = tmp_path_factory.mktemp("nbval")
    notebook = nbformat.read(PROJECT / "notebooks" / "02_translation.ipynb", as_version=4)
    last = next(
        number
        for number, cell in enumerate(notebook.cells)
        if cell.cell_type == "code" and "importance(" in cell.source
    )
    notebook.cells = notebook.cells[: last + 1]
    nbformat.write(notebook, folder / "short.ipynb")
    return folder / "short.ipynb"


@pytest.mark.bundled
def test_stored_notebook_passes(short_notebook, tmp_path):
    shutil.copy(short_notebook, tmp_path)
    result = run_nbval(tmp_path / "short.ipynb", tmp_path)
    assert result.returncode == 0, result.stdout[-3000:]
    cells = nbformat.read(short_notebook, as_version=4).cells
    assert f"{sum(cell.cell_type == 'code' for cell in cells)} passed" in result.stdout


@pytest.mark.bundled
@pytest.mark.parametrize("fault", BROKEN_HELPERS)
def test_broken_helper_fails(short_notebook, tmp_path, fault):
    shutil.copy(short_notebook, tmp_path)
    prelude = f"""
import helpers.lookup as lookup
original = lookup.Scores.table
def broken(self, *words, **settings):
    frame = original(self, *words, **settings)
    {BROKEN_HELPERS[fault]}
    return frame
lookup.Scores.table = broken
"""
    result = run_nbval(tmp_path / "short.ipynb", tmp_path, prelude)
    assert result.returncode == 1, result.stdout[-3000:]
