"""Derive the students' answer sheet from the instructor's master notebook.

``python -m tools.build_answer_sheet`` writes ``notebooks/hw7_answers.ipynb`` and the English one
below ``en/``, executed on the offline models, as the kit's notebooks are stored;
``--check`` only tells whether the stored sheets are current.
"""

import argparse
import os
import sys
from pathlib import Path

import nbformat

from hw7.course.answer_sheet import Language, build_answer_sheet, load_master
from hw7.course.questions import load_questions
from tools.execute_notebooks import NOTEBOOKS, execute_and_store

STORED: dict[Language, Path] = {
    "zh": NOTEBOOKS / "hw7_answers.ipynb",
    "en": NOTEBOOKS / "en" / "hw7_answers.ipynb",
}


def derive(language: Language = "zh") -> nbformat.NotebookNode:
    """Return the common answer sheet in one language, not executed."""
    questions = load_questions()
    sentences = [question.query.sentence for question in questions.look_ups if question.query]
    return build_answer_sheet(load_master(), questions, sentence=sentences[0], language=language)


def is_current(path: Path = STORED["zh"], language: Language = "zh") -> bool:
    """Tell whether a stored sheet has exactly the cells that the master gives."""
    if not path.is_file():
        return False
    stored = nbformat.read(path, as_version=4)
    return _facts(stored) == _facts(derive(language))


def _facts(notebook: nbformat.NotebookNode) -> list[tuple[str, str, list[str]]]:
    return [(c.cell_type, c.source, list(c.metadata.get("tags", []))) for c in notebook.cells]


def main() -> int:
    """Write and execute the answer sheet, or check the stored one."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="only tell whether they are current")
    if parser.parse_args().check:
        current = {path: is_current(path, language) for language, path in STORED.items()}
        for path, is_so in current.items():
            print(f"{path.relative_to(NOTEBOOKS)} is {'current' if is_so else 'out of date'}")
        return 0 if all(current.values()) else 1
    os.environ["HW7_MODELS"] = "offline"
    os.environ["TQDM_DISABLE"] = "1"
    for language, path in STORED.items():
        nbformat.write(derive(language), path)
    execute_and_store(STORED["zh"])  # the English one gets the same outputs
    print("wrote the answer sheet in both languages")
    return 0


if __name__ == "__main__":
    sys.exit(main())
