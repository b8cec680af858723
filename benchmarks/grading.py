"""Grade 1,000 synthetic submissions and compare with merely loading them through nbformat.

``python -m benchmarks.grading [--students 1000]`` builds submissions out of the kit's own answer
sheet, outputs included, grades them with ``hw7 grade`` in a process of its own, and prints seconds
of wall clock and processor, the ratio to ``nbformat.read`` of the same files in another process,
and which model libraries were imported.
"""

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import nbformat

from hw7.course.keys import Key, KeyAnswer, load_conceptual, save_key
from hw7.course.questions import QuestionSet, load_questions

SHEET = Path(__file__).resolve().parent.parent / "notebooks" / "hw7_answers.ipynb"
MODEL_LIBRARIES = ["torch", "transformers", "inseq", "tokenizers"]
GRADE = """
import json, sys
from hw7.cli import main
code = main(["grade", *sys.argv[1:]])
print("\\n" + json.dumps([name for name in {libraries} if name in sys.modules]))
sys.exit(code)
"""
LOAD = """
import sys
from pathlib import Path
import nbformat
for path in Path(sys.argv[1]).iterdir():
    nbformat.read(path, as_version=4)
"""


def make_submissions(folder: Path, students: int, questions: QuestionSet) -> None:
    """Answer the sheet at random, reproducibly, as many times as there are students."""
    generator = random.Random(0)
    sheet = json.loads(SHEET.read_text("utf-8"))
    for number in range(students):
        for cell in sheet["cells"]:
            name = "".join(cell["source"]).split(" = ")[0]
            if cell["cell_type"] == "code" and name in {q.id for q in questions.questions}:
                cell["source"] = f"{name} = {_answer(questions, name, number, generator)!r}"
        name = f"学生{number}_{10_000 + number}_assignsubmission_file_hw7_answers.ipynb"
        (folder / name).write_text(json.dumps(sheet, ensure_ascii=False), "utf-8")


def _answer(questions: QuestionSet, name: str, number: int, generator: random.Random) -> str:
    question = questions[name]
    if question.type == "number":
        return f"{generator.random():.2f}"
    if question.type == "text":
        return f"这是学生 {number} 对 {name} 的回答。" * generator.randint(1, 40)
    return generator.choice([*question.options, *question.suggestions, ""])


def make_key(path: Path, questions: QuestionSet) -> None:
    """Write a key with made-up look-ups: no model is needed to measure the grader."""
    answers = load_conceptual(None, questions) | {
        "q3": KeyAnswer(correct="机器", margin=0.1),
        "q4": KeyAnswer(value=0.5, tolerance=0.25),
    }
    facts = {"model": "none", "versions": {}, "tolerance": "made up", "date": date(2026, 1, 1)}
    save_key(Key(questions=questions.digest(), answers=answers, **facts), path)


def measured(script: str, *words: str) -> tuple[float, float, str]:
    """Run a script in a process of its own; return wall seconds, processor seconds, output."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    run = subprocess.run([sys.executable, "-c", script, *words], capture_output=True, text=True)
    wall = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if run.returncode:
        raise SystemExit(run.stderr)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, used, run.stdout


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--students", type=int, default=1000)
    students = parser.parse_args().students
    questions = load_questions()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "in").mkdir()
        make_submissions(folder / "in", students, questions)
        make_key(folder / "key.yaml", questions)
        size = sum(path.stat().st_size for path in (folder / "in").iterdir())
        words = [str(folder / "in"), "--key", str(folder / "key.yaml")]
        words += ["-o", str(folder / "out" / "grades.csv")]
        load_wall, load_used, _ = measured(LOAD, str(folder / "in"))
        wall, used, output = measured(GRADE.format(libraries=MODEL_LIBRARIES), *words)
    print(f"{students} submissions, {size / 1e6:.1f} MB, nbformat {nbformat.__version__}")
    print(f"hw7 grade, all reports:  {wall:6.1f} s wall, {used:6.1f} s processor")
    print(f"nbformat.read alone:     {load_wall:6.1f} s wall, {load_used:6.1f} s processor")
    print(f"ratio, processor:        {used / load_used:6.2f}")
    print(f"model libraries loaded:  {json.loads(output.splitlines()[-1]) or 'none'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
