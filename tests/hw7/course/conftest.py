"""A release and a key with personal questions, made once for all tests of the course."""

import shutil
import zipfile

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from hw7.cli import main as hw7
from hw7.course.commands import release
from hw7.course.key_queries import Explainer
from hw7.course.release import bundles
from tests.support.made_submissions import QUESTIONS, Class


@pytest.fixture(scope="session")
def checkout(tmp_path_factory, project):
    """A copy of this checkout to release from, so that nobody edits it meanwhile."""
    copy = tmp_path_factory.mktemp("checkout")
    for name in ("helpers", "hw7", "assets", "notebooks"):
        ignored = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")
        shutil.copytree(project / name, copy / name, ignore=ignored)
    for name in ("pyproject.toml", "README.md", "LICENSE", "hw7_setup.py"):
        shutil.copy(project / name, copy)
    return copy


@pytest.fixture(scope="session")
def released(tmp_path_factory, checkout):
    """A release, built once."""
    output = tmp_path_factory.mktemp("release") / "dist"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(release, "project_folder", lambda: checkout)
        assert hw7(["release", "--url", "https://example.org/hw7/", "-o", str(output)]) == 0
    return output


@pytest.fixture
def from_the_copy(checkout, monkeypatch):
    """Let ``hw7 release`` build from the copy."""
    monkeypatch.setattr(release, "project_folder", lambda: checkout)


@pytest.fixture
def notebook():
    cells = [
        new_markdown_cell("# title"),
        new_code_cell('KIT_ADDRESS = ""\nimport helpers', execution_count=1),
        new_code_cell("1 + 1", execution_count=2, outputs=[nbformat.v4.new_output("stream")]),
    ]
    return new_notebook(cells=cells)


@pytest.fixture(scope="session")
def wheel(released):
    return next(released.glob("hw7_*.whl"))


@pytest.fixture
def built_before(wheel, monkeypatch):
    """Let a release take the wheel that was built for all tests, which is the slow part of it."""
    monkeypatch.setattr(
        bundles, "build_wheel", lambda staged, output: shutil.copy2(wheel, output / wheel.name)
    )


@pytest.fixture(scope="session")
def site(wheel, tmp_path_factory):
    """The unpacked students' wheel, as pip would lay it out."""
    folder = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture(scope="session")
def explainer(project):
    """The bundled translator and what it explained so far."""
    folder = str(project / "assets/models/tiny-zh-en")
    return Explainer({"translation": folder}, QUESTIONS.look_ups)


@pytest.fixture(scope="session")
def class_key(tmp_path_factory):
    """A key with personal questions for 12 students, made by the command."""
    folder = tmp_path_factory.mktemp("key")
    roster = "student_id,name\n" + "".join(f"b{n},学生{n}\n" for n in range(12))
    (folder / "roster.csv").write_text(roster, "utf-8")
    words = ["--model", "offline", "--students", str(folder / "roster.csv"), "--salt", "test"]
    assert hw7(["key", *words, "-o", str(folder / "key.yaml")]) == 0
    return folder


@pytest.fixture
def course(tmp_path):
    return Class(tmp_path)
