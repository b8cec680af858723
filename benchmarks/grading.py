"""Grade synthetic submissions and compare with merely loading them through nbformat.

``python -m benchmarks.grading [--students 1000]`` builds submissions out of the kit's own answer
sheet, outputs included, grades them with ``hw7 grade`` in a process of its own, and prints seconds
of processor, the largest memory, the ratio to ``nbformat.read`` of the same files in another
process, and which model libraries were imported. Then it does the same with each hostile file.
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
from tests.support.hostile_notebooks import HOSTILE
from tests.support.made_submissions import as_bytes, sheet

SHEET = Path(__file__).resolve().parent.parent / "notebooks" / "hw7_answers.ipynb"
MODEL_LIBRARIES = ["torch", "transformers", "inseq", "tokenizers"]
GRADE = """
import json, resource, sys
from hw7.cli import main
code = main(["grade", *sys.argv[1:]])
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
print("\\n" + json.dumps([peak, [name for name in {libraries} if name in sys.modules]]))
sys.exit(code)
"""
READ = """
import json, resource, sys, time
from pathlib import Path
from hw7.course.grading.submissions import find_submissions
from hw7.course.grading.submitted_notebook import read_file
used = {}
for file in find_submissions(Path(sys.argv[1])):
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    read_file(file, None)
    for who, before in zip((resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN), spent):
        after = resource.getrusage(who)
        seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        used[file.path] = used.get(file.path, 0) + seconds
peaks = [resource.getrusage(who).ru_maxrss // 1024 for who in (0, -1)]
print(json.dumps([used, *peaks]))
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


def measure_hostile(folder: Path) -> None:
    """Read each hostile file, and notebooks of nearly the largest size, and print what it took."""
    folder.mkdir()
    for kind, content in HOSTILE.items():
        (folder / f"{kind}.ipynb").write_bytes(as_bytes(content))
    for kind, filling in {"backslashes": b"\\\\", "pictograms": "😀".encode()}.items():
        large = as_bytes(sheet({}) | {"metadata": {"x": "MARK"}})
        large = large.replace(b"MARK", filling * (19_000_000 // len(filling)))
        (folder / f"19 MB of {kind}.ipynb").write_bytes(large)
    _, _, output = measured(READ, str(folder))
    used, peak, peak_of_child = json.loads(output.splitlines()[-1])
    for name, seconds in sorted(used.items(), key=lambda pair: -pair[1]):
        print(f"{seconds:6.2f} s  {name}")
    print(f"reading all of them: {peak} MB, and {peak_of_child} MB in the process for large files")


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
        _, load_used, _ = measured(LOAD, str(folder / "in"))
        _, used, output = measured(GRADE.format(libraries=MODEL_LIBRARIES), *words)
        peak, libraries = json.loads(output.splitlines()[-1])
        print(f"{students} submissions, {size / 1e6:.1f} MB, nbformat {nbformat.__version__}")
        print(f"hw7 grade, all reports:  {used:6.1f} s processor, {peak} MB")
        print(f"nbformat.read alone:     {load_used:6.1f} s processor")
        print(f"ratio:                   {used / load_used:6.2f}")
        print(f"model libraries loaded:  {libraries or 'none'}")
        measure_hostile(folder / "hostile")
    return 0


if __name__ == "__main__":
    sys.exit(main())
