"""Derive the students' answer sheet from the instructor's master notebook.

``python -m tools.build_answer_sheet`` writes ``notebooks/hw7_answers.ipynb`` and executes it on the
offline models, as the kit's notebooks are stored; ``--check`` only tells whether the stored sheet
is current.
"""

import argparse
import os
import sys
from pathlib import Path

import nbformat

from hw7.course.answer_sheet import build_answer_sheet, load_master
from hw7.course.questions import load_questions
from tools.execute_notebooks import NOTEBOOKS, execute_and_store

STORED = NOTEBOOKS / "hw7_answers.ipynb"


def derive() -> nbformat.NotebookNode:
    """Return the common answer sheet, not executed."""
    questions = load_questions()
    sentences = [question.query.sentence for question in questions.look_ups if question.query]
    return build_answer_sheet(load_master(), questions, sentence=sentences[0])


def is_current(path: Path = STORED) -> bool:
    """Tell whether the stored sheet has exactly the cells that the master gives."""
    if not path.is_file():
        return False
    stored = nbformat.read(path, as_version=4)
    return _facts(stored) == _facts(derive())


def _facts(notebook: nbformat.NotebookNode) -> list[tuple[str, str, list[str]]]:
    return [(c.cell_type, c.source, list(c.metadata.get("tags", []))) for c in notebook.cells]


def main() -> int:
    """Write and execute the answer sheet, or check the stored one."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="only tell whether it is current")
    if parser.parse_args().check:
        print(f"{STORED.name} is {'current' if is_current() else 'out of date'}")
        return 0 if is_current() else 1
    os.environ["HW7_MODELS"] = "offline"
    os.environ["TQDM_DISABLE"] = "1"
    nbformat.write(derive(), STORED)
    execute_and_store(STORED)
    print(f"wrote {STORED.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
