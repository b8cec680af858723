"""Nothing submitted is executed, nothing foreign opened, nothing fetched: seen by an audit hook."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from hw7.course.grading.submissions import SubmissionError
from hw7.course.grading.submitted_notebook import read_notebook
from tests.support.made_submissions import RIGHT, Class, as_bytes, read_csv, sheet, version_3
from tests.support.mutated_notebooks import ATTACKS, CANARY, mutated_notebooks

PROJECT = Path(__file__).resolve().parents[3]
# HW7_FUZZ=20000 is the long run.
EXAMPLES = int(os.environ.get("HW7_FUZZ", "300"))


def audited(course, source):
    """Grade in a process of its own under the hook and return what it reports."""
    rehearsal = course.folder / "rehearsal"
    for number in range(60):  # enough for the progress bar, whose lock is made on first use
        path = rehearsal / f"b{number}.ipynb"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(as_bytes(sheet(RIGHT)))
    (rehearsal / "old.ipynb").write_bytes(as_bytes(version_3('q1 = "B"')))
    words = [str(source), "--key", str(course.key_path), "-o", str(course.output)]
    run = subprocess.run(
        [sys.executable, str(PROJECT / "tests/support/audited_grading.py"), str(rehearsal), *words],
        capture_output=True,
        text=True,
        cwd=PROJECT,
        env=os.environ | {"PYTHONPATH": str(PROJECT)},
        timeout=1200,
    )
    assert run.returncode == 0, run.stderr[-3000:]
    return json.loads(run.stdout.splitlines()[-1])


def test_the_hook_sees_what_it_must_see(tmp_path):
    """Without this, an empty list of findings would prove nothing."""
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from tests.support.audited_grading import Watch\n"
        "from pathlib import Path; import subprocess, socket\n"
        "w = Watch([], []); sys.addaudithook(w.hook); w.is_on = True\n"
        "exec('1'); open('/etc/hostname').close() if Path('/etc/hostname').exists() else None\n"
        "subprocess.run(['true']); socket.socket().close()\n"
        "import ast; ast.parse('1', '/dev/null/<answer>')\n"
        "w.is_on = False; print('\\n'.join(w.found))"
    )
    run = subprocess.run(
        [sys.executable, "-c", script, str(PROJECT)],
        capture_output=True,
        text=True,
        cwd=PROJECT,
        env=os.environ | {"PYTHONPATH": str(PROJECT)},
    )
    assert run.returncode == 0, run.stderr
    for event in ("exec", "compile '<string>'", "subprocess.Popen", "socket."):
        assert event in run.stdout
    assert "<answer>" not in run.stdout


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    """A class of attacks (b….ipynb) and of damaged notebooks (m….ipynb), and what the hook saw."""
    course = Class(tmp_path_factory.mktemp("class"))
    for number, attack in enumerate(ATTACKS):
        for question in ("q1", "q4", "q8", "student_id"):
            content = sheet({question: attack}, attack, f"%%time\n{attack}", f"!touch {CANARY}")
            course.hand_in(f"b{number}{question}.ipynb", content)
    damaged = []

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(mutated_notebooks())
    def keep(content):
        damaged.append(course.hand_in(f"m{len(damaged)}.ipynb", content))

    keep()
    return course, damaged, audited(course, course.submissions)


def test_strangers_files_are_graded_without_executing_opening_or_fetching(watched):
    course, damaged, report = watched
    assert report["found"] == [] and report["code"] == 0
    assert report["heavy"] == []
    files = len(ATTACKS) * 4 + len(damaged)
    assert report["opened"] > files and report["parsed"] > files
    assert not list(course.folder.rglob(CANARY)) and not (PROJECT / CANARY).exists()


def test_mutated_notebooks_all_end_in_a_row_or_in_a_line_that_says_why(watched):
    course, damaged, _ = watched
    assert len(damaged) >= EXAMPLES
    rows = read_csv(course.output)
    statuses = [rows[path.stem]["status"] for path in damaged]
    assert {"unreadable", "rubric"} <= set(statuses), "the mutations must both break and spare"
    named = " ".join(row["file"] + row["problem"] + row["notes"] for row in rows.values())
    for path in damaged:
        assert path.name in named
        try:
            read_notebook(path.read_bytes())
        except SubmissionError as error:
            assert str(error) and "\n" not in str(error)
