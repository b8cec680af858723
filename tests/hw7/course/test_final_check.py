"""What is not on the list of what students get never leaves, whatever its name."""

import shutil
import zipfile

import nbformat
import pytest
from nbformat.v4 import new_code_cell

from helpers.errors import HomeworkError
from hw7.cli import main as hw7
from hw7.course.commands import release
from hw7.course.keys import load_conceptual, save_key
from hw7.course.release import bundles
from hw7.course.release.contents import ensure_no_instructor_files
from tests.support.made_submissions import QUESTIONS, made_key

URL = "https://example.org/hw7/"
pytestmark = pytest.mark.usefixtures("from_the_copy")


@pytest.mark.parametrize(
    "name",
    ["key.yaml", "key.txt", "key.yaml.bak", "notebooks/key.yml", "kaggle/innocent.json",
     "notebooks/solutions.ipynb", "notebooks/en/02_translation-Copy1.ipynb", "inside.zip",
     "notebooks/self_check.yaml.orig", "grades.csv", "hw7_ok.whl", "notebooks/packages/a.whl"],
)  # fmt: skip
def test_a_file_on_no_list_is_never_released_whatever_its_name(tmp_path, name):
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text("answers: {q1: {correct: B}}")
    with pytest.raises(HomeworkError, match="only instructors"):
        ensure_no_instructor_files(tmp_path)


def test_a_file_on_no_list_is_found_inside_the_classroom_zip(tmp_path):
    with zipfile.ZipFile(tmp_path / "hw7-classroom.zip", "w") as archive:
        archive.writestr("hw7-classroom/START.txt", "")
        archive.writestr("hw7-classroom/key.txt", "q1 B")
    with pytest.raises(HomeworkError, match=r"key\.txt"):
        ensure_no_instructor_files(tmp_path)


@pytest.mark.parametrize(
    ("source", "said"),
    [('q3 = "机器"', "holds answers"), ("# instructor only\nx = 1", "has cells"),
     ("<!-- instructor only -->", "has cells")],
)  # fmt: skip
def test_a_listed_notebook_with_answers_in_it_is_refused(tmp_path, notebook, source, said):
    notebook.cells.append(new_code_cell(source))
    (tmp_path / "notebooks").mkdir()
    nbformat.write(notebook, tmp_path / "notebooks/hw7_answers.ipynb")
    with pytest.raises(HomeworkError, match=said):
        ensure_no_instructor_files(tmp_path)


def test_what_an_instructor_left_in_the_checkout_stays_there(
    checkout, tmp_path, monkeypatch, capsys
):
    copy = tmp_path / "checkout"
    shutil.copytree(checkout, copy)
    key = "answers: {q1: {correct: B}}\nsalt: x\n"
    for name in (
        "assets/hw7/key.yaml", "assets/key.txt", "assets/hw7/key.yaml.bak", "helpers/key.yaml",
        "notebooks/self_check.yaml", "assets/gold/self_check.yaml",
    ):  # fmt: skip
        (copy / name).write_text(key, "utf-8")
    shutil.copy(copy / "notebooks/hw7_answers.ipynb", copy / "notebooks/solutions.ipynb")
    monkeypatch.setattr(release, "project_folder", lambda: copy)
    output = tmp_path / "dist"
    assert hw7(["release", "--url", URL, "-o", str(output)]) == 0
    assert "solutions.ipynb" in capsys.readouterr().out
    names = [path.name for path in output.rglob("*")]
    for archive in [*output.rglob("*.whl"), *output.rglob("*.zip")]:
        names += zipfile.ZipFile(archive).namelist()
    assert not [
        name for name in names if "key" in name or "self_check.y" in name or "solut" in name
    ]


def test_the_release_ends_with_the_final_check(built_before, tmp_path, monkeypatch, capsys):
    def leaky(folder, *arguments, **options):
        write_kaggle_folder(folder, *arguments, **options)
        (folder / "key.yaml").write_text("answers: {}")

    write_kaggle_folder = bundles.write_kaggle_folder
    monkeypatch.setattr(bundles, "write_kaggle_folder", leaky)
    assert hw7(["release", "--url", URL, "-o", str(tmp_path / "dist")]) == 1
    assert "kaggle/key.yaml" in capsys.readouterr().err
    assert not list((tmp_path / "dist").iterdir())


def test_self_check_file_is_handed_out_only_when_asked_for(
    released, built_before, project, tmp_path
):
    assert not list(released.rglob("self_check.yaml"))
    opened = project / "tools" / "answer_sheet" / "instructor_key.yaml"
    output = tmp_path / "open"
    assert hw7(["release", "--url", URL, "-o", str(output), "--self-check", str(opened)]) == 0
    written = output / "notebooks" / "self_check.yaml"
    assert load_conceptual(written, QUESTIONS) == load_conceptual(opened, QUESTIONS)
    assert "# " not in written.read_text("utf-8")


def test_a_whole_key_is_not_taken_for_a_self_check_file(tmp_path, capsys):
    save_key(made_key(salt="secret"), tmp_path / "self_check.yaml")
    words = ["release", "--url", URL, "--self-check", str(tmp_path / "self_check.yaml")]
    assert hw7([*words, "-o", str(tmp_path / "dist")]) == 1
    assert capsys.readouterr().err.count("\n") == 1
