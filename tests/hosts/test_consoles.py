"""Consoles that know one script: files are whole and in UTF-8, the screen shows what it can."""

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.made_submissions import RIGHT, Class, sheet

PROJECT = Path(__file__).parents[2]
CODE_PAGES = ("cp950", "cp936", "cp1252")
STUDENT = "b11901001_林小明"
each_code_page = pytest.mark.parametrize("code_page", CODE_PAGES)


def run(code_page: str, folder: Path, *words: str) -> "subprocess.CompletedProcess[bytes]":
    """Run Python as a pipe of such a console does; files opened in its encoding are reported."""
    environment = {
        **os.environ, "PYTHONIOENCODING": code_page, "PYTHONWARNDEFAULTENCODING": "1",
        "PYTHONPATH": str(PROJECT), "HW7_MODELS": "offline", "TQDM_DISABLE": "1",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-W", "default::EncodingWarning", *words],
        cwd=folder,
        env=environment,
        capture_output=True,
    )
    said = done.stderr.decode(code_page).splitlines()
    assert not any("UnicodeEncodeError" in line or "Traceback" in line for line in said), said
    ours = (str(PROJECT / "helpers"), str(PROJECT / "hw7"))
    assert not [line for line in said if "EncodingWarning" in line and line.startswith(ours)]
    done.stdout.decode(code_page)  # what was written is that encoding
    return done


def hw7(code_page: str, folder: Path, *words: str) -> str:
    done = run(code_page, folder, "-m", "hw7.cli", *words)
    assert done.returncode == 0, done.stderr.decode(code_page)
    return done.stdout.decode(code_page)


@each_code_page
def test_grade_writes_all_its_files_in_utf_8(tmp_path, code_page):
    course = Class(tmp_path)
    course.hand_in(f"{STUDENT}.ipynb", sheet(RIGHT))
    course.hand_in("b11901002_Zoë_Ångström_😀.ipynb", sheet(RIGHT))
    course.hand_in("b11901003_陳.ipynb", {"not": "a notebook"})
    said = hw7(code_page, tmp_path, "grade", "submissions", "--key", "key.yaml", "-o", "成績.csv")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "成績.csv").read_text("utf-8-sig"))))
    assert len(rows) == 3
    assert any("林小明" in ",".join(row.values()) for row in rows)
    pages = list(tmp_path.rglob("*.html"))
    assert len(pages) >= 3
    assert all("</html>" in page.read_text(encoding="utf-8") for page in pages)
    assert said


@each_code_page
def test_run_executes_a_notebook_with_any_script_in_it(tmp_path, code_page):
    notebook = {
        "nbformat": 4, "nbformat_minor": 4, "metadata": {},
        "cells": [
            {
                "cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None,
                "source": "print('机器學習 ← שלום 😀')",
            }
        ],
    }  # fmt: skip
    (tmp_path / "作業.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    hw7(code_page, tmp_path, "run", "作業.ipynb", "-o", "輸出")
    for name in ("作業.ipynb", "作業.html"):
        assert "机器學習 ← שלום 😀" in (tmp_path / "輸出" / name).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("code_page", "said"),
    [("cp950", "和 人工"), ("cp936", "喜欢 机器"), ("cp1252", "\\u673a\\u5668")],
)
def test_an_explanation_is_shown_with_what_the_console_lacks_escaped(tmp_path, code_page, said):
    program = "from tests.support.made_explanations import made_explanation as made; made().show()"
    done = run(code_page, tmp_path, "-c", program)
    assert said in done.stdout.decode(code_page)
    assert "machine" in done.stdout.decode(code_page)


@pytest.mark.bundled
def test_the_doctor_speaks_on_any_console(tmp_path):
    done = run("cp1252", tmp_path, "-m", "hw7.cli", "doctor")
    assert done.returncode in (0, 1)
    assert b"homework" in done.stdout.splitlines()[-1]


@pytest.mark.bundled
def test_a_key_is_written_whole(tmp_path, generator):
    said = hw7("cp1252", tmp_path, "key", "--model", "offline", "-o", "鑰匙.yaml")
    assert "机器" in (tmp_path / "鑰匙.yaml").read_text(encoding="utf-8")
    assert "\\u673a\\u5668" in said


def test_a_download_tells_its_failure_on_any_console(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    done = run("cp1252", tmp_path, "-m", "hw7.cli", "download", "translation", "--to", "模型")
    assert done.returncode == 8
    assert b"does not answer" in done.stderr


def test_a_model_folder_with_a_foreign_name_can_be_announced(tmp_path):
    program = "from helpers.errors import say; say('Loading 模型 on cpu')"
    done = run("cp1252", tmp_path, "-c", program)
    assert done.stdout.decode("cp1252").strip() == "Loading \\u6a21\\u578b on cpu"
