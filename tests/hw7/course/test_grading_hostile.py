"""Files made to hurt: each ends in a row, in bounded memory, and the others keep their marks."""

import ast
import json
import resource
import subprocess
import sys
from types import SimpleNamespace

import pytest

from helpers.environment import project_folder
from hw7.course import untrusted_code
from hw7.course.grading import submitted_notebook
from hw7.course.grading.submissions import SubmittedFile
from hw7.course.grading.submitted_notebook import GUARDED_FROM, ReadFile, read_file, read_notebook
from hw7.course.literals import read_assignments
from tests.support.hostile_notebooks import HOSTILE
from tests.support.made_submissions import (
    RIGHT,
    Class,
    as_bytes,
    code_cell,
    notebook,
    read_csv,
    sheet,
)


def test_hostile_files_end_in_rows_on_a_small_stack_and_nobody_else_is_touched(tmp_path):
    """All together in a process of its own, on the 4 MB of stack that a thread may have."""
    course = Class(tmp_path)
    course.hand_in("good.ipynb", sheet(RIGHT))
    for kind, content in HOSTILE.items():
        course.hand_in(f"{kind}.ipynb", content)
    words = [
        "grade",
        str(course.submissions),
        "--key",
        str(course.key_path),
        "-o",
        str(course.output),
    ]
    script = (
        "import sys\n"
        "from hw7.cli import main\n"
        "code = main(sys.argv[1:])\n"
        # The kernel's own mark: a child's ru_maxrss begins with its parent's.
        "peak = [line.split()[1] for line in open('/proc/self/status') if 'VmHWM' in line]\n"
        "print('\\n', *(int(kilobytes) // 1024 for kilobytes in peak))\n"
        "sys.exit(code)"
    )
    run = subprocess.run(
        [sys.executable, "-c", script, *words],
        capture_output=True,
        text=True,
        cwd=project_folder(),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_STACK, (1 << 22, 1 << 22)),
    )
    assert run.returncode == 0, run.stderr[-2000:]
    # 250 MB here, imports included; one of these files used to take 1.2 GB.
    assert int(run.stdout.split()[-1]) < 600, run.stdout[-500:]
    rows = read_csv(course.output)
    assert rows["good"]["score"] == "80"
    assert set(rows) == {"good", *HOSTILE}


def padded(content, byte):
    """A notebook of nearly the largest size, filled with one byte that is text in JSON."""
    data = content | {"metadata": {"x": "MARK"}}
    return as_bytes(data).replace(b"MARK", byte * ((19_000_000) // len(byte)))


@pytest.mark.parametrize("filling", [b"\\\\", b"x", b"\\n", "😀".encode(), b"[" * 10])
def test_the_largest_files_are_read_in_a_process_with_limits(filling):
    content = padded(sheet(RIGHT), filling)
    file = SubmittedFile(("b1.ipynb",), None, "", lambda: content)
    read = read_file(file, None)  # type: ignore[arg-type]
    assert read.notebook is not None and len(read.answers) == 10
    assert read.notebook == read_notebook(content), "with and without the process it reads the same"


@pytest.mark.parametrize("limit", ["CHILD_BYTES = 100_000_000", "CHILD_SECONDS = 0"])
def test_a_file_that_takes_too_much_is_its_own_problem(monkeypatch, limit):
    """The limits are made so tight that any large file meets them."""
    name, value = limit.split(" = ")
    real = subprocess.run

    def tight(command, **settings):
        script = (
            "import hw7.course.grading.submitted_notebook as m\n"
            f"m.{name} = {value}\nm._answer_parent()"
        )
        return real([sys.executable, "-c", script], **settings)

    monkeypatch.setattr(submitted_notebook.subprocess, "run", tight)
    content = padded(sheet(RIGHT), b"x")
    read = read_file(SubmittedFile(("b1.ipynb",), None, "", lambda: content), None)  # type: ignore[arg-type]
    assert read.notebook is None and "too much memory or time" in read.problem


def test_a_large_file_that_is_no_notebook_keeps_its_reason():
    content = b"[" * (GUARDED_FROM + 1)
    read = read_file(SubmittedFile(("b1.ipynb",), None, "", lambda: content), None)  # type: ignore[arg-type]
    assert "nested too deep" in read.problem and isinstance(read, ReadFile)


def test_every_attribute_of_a_notebook_survives_the_process(monkeypatch):
    monkeypatch.setattr(submitted_notebook, "GUARDED_FROM", 0)
    cells = [code_cell('q1 = "A"\nq1 = f(x)\nq4 = 0.5\nq8 = “好”\nq2 = 1; q2 = 2')]
    cells += [{"cell_type": "markdown", "source": "第 8 题\n\ud800text"}]
    cells += [code_cell("", [{"text": 'hw7-record: {"digest": "d"}'}])]
    content = json.dumps(notebook(cells)).encode()
    read = read_file(SubmittedFile(("b1.ipynb",), None, "", lambda: content), None)  # type: ignore[arg-type]
    assert read.notebook == read_notebook(content) and read.notebook.record == {"digest": "d"}
    assert read.notebook.prose and read.notebook.overwritten == ["q1", "q2"]


def test_an_error_of_our_own_costs_only_the_file_that_met_it(tmp_path, monkeypatch):
    real = submitted_notebook.read_notebook

    def fails_for_one(content):
        assert b"cursed" not in content
        return real(content)

    monkeypatch.setattr(submitted_notebook, "read_notebook", fails_for_one)
    course = Class(tmp_path)
    course.hand_in("b1.ipynb", sheet(RIGHT))
    course.hand_in("b2.ipynb", sheet({"q8": '"cursed"'}))
    rows = course.grade()
    assert rows["b1"]["score"] == "80" and "please report" in rows["b2"]["problem"]


def test_one_students_many_files_are_not_all_read(tmp_path):
    course = Class(tmp_path)
    for number in range(60):
        course.hand_in(f"b1/{number:02}.ipynb", sheet({"q1": '"B"'}))
    course.hand_in("b2/x.ipynb", sheet({"q1": '"B"'}))
    rows = course.grade()
    assert rows["b1"]["score"] == rows["b2"]["score"] == "10"
    assert "too many files" in rows["b1"]["notes"]


@pytest.mark.parametrize("kind", [kind for kind in HOSTILE if "code" in kind or "f-string" in kind])
def test_what_is_too_deep_never_reaches_the_parser(monkeypatch, kind):
    seen: list[str] = []

    def noted(source, filename):
        seen.append(source)
        raise SyntaxError

    monkeypatch.setattr(untrusted_code, "ast", SimpleNamespace(parse=noted, Module=ast.Module))
    for cell in HOSTILE[kind]["cells"]:
        read_assignments(cell["source"])
    assert not seen
