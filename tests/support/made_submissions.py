"""Submissions and a key made up for tests; nothing here loads a model."""

from __future__ import annotations

import csv
import datetime
import io
import json
from pathlib import Path
from typing import Any
from unittest.mock import patch

from hw7.cli import main
from hw7.course.keys import Key, KeyAnswer, load_conceptual, save_key
from hw7.course.questions import load_questions
from hw7.course.reports import item_analysis

QUESTIONS = load_questions()
RIGHT = {
    **{name: f'"{answer.correct}"' for name, answer in load_conceptual(None, QUESTIONS).items()},
    "q3": '"机器"',
    "q4": "0.03",
    "q8": '"The prompt, the verdict and the explanation, at some length."',
    "q10": '"It agrees, is stable over three runs, and differs from saliency."',
}


def made_key(**overrides: Any) -> Key:
    """A key whose look-up answers are made up; the real ones are tested in test_keys.py."""
    answers = load_conceptual(None, QUESTIONS) | {
        "q3": KeyAnswer(correct="机器", margin=0.2),
        "q4": KeyAnswer(value=0.03, tolerance=0.01),
    }
    facts: dict[str, Any] = {
        "model": "made-up",
        "versions": {},
        "date": datetime.date(2026, 1, 1),
        "questions": QUESTIONS.digest(),
        "tolerance": "made up",
        "answers": answers,
    }
    return Key(**(facts | overrides))


def code_cell(source: Any, outputs: list[Any] | None = None) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "source": source,
        "metadata": {},
        "outputs": outputs or [],
        "execution_count": None,
    }


def notebook(cells: list[Any]) -> dict[str, Any]:
    return {"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": cells}


def sheet(answers: dict[str, str], *extra: str) -> dict[str, Any]:
    """A notebook with one cell per answer, given as source code, and cells after them."""
    sources = [f"{name} = {code}  # @param" for name, code in answers.items()]
    return notebook([code_cell(source) for source in (*sources, *extra)])


def version_3(source: str) -> dict[str, Any]:
    cell = {"cell_type": "code", "input": source, "outputs": [], "language": "python"}
    return {"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": [{"cells": [cell]}]}


def as_bytes(content: Any) -> bytes:
    return json.dumps(content, ensure_ascii=False).encode()


def write(path: Path, content: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else as_bytes(content))
    return path


class Class:
    """A folder with submissions and a key, graded through the command line.

    The picture of the item analysis takes most of a run, so that it is drawn only when asked for.
    """

    def __init__(self, folder: Path, key: Key | None = None) -> None:
        self.folder = folder
        self.submissions = folder / "submissions"
        self.submissions.mkdir()
        self.key_path = folder / "key.yaml"
        self.output = folder / "out" / "grades.csv"
        save_key(key or made_key(), self.key_path)

    def hand_in(self, name: str, content: Any) -> Path:
        return write(self.submissions / name, content)

    def grade(
        self, *options: str, source: Path | None = None, picture: bool = False
    ) -> dict[str, dict[str, str]]:
        words = [str(source or self.submissions), "--key", str(self.key_path)]
        draw = item_analysis.draw if picture else lambda items, path: None
        with patch.object(item_analysis, "draw", draw):
            code = main(["grade", *words, "-o", str(self.output), *options])
        assert code == 0, "hw7 grade failed"
        return read_csv(self.output)


def read_csv(path: Path, column: str = "student_id") -> dict[str, dict[str, str]]:
    text = path.read_bytes().decode("utf-8-sig")
    return {row[column]: row for row in csv.DictReader(io.StringIO(text, newline=""))}
