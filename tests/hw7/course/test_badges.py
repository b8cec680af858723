"""Badges lead to the released notebooks, in both languages; nothing links to what is not there."""

import re
import subprocess

import nbformat
import pytest

from helpers.errors import HomeworkError
from hw7.cli import main as hw7
from hw7.course.release import student_notebooks
from hw7.course.release.student_notebooks import (
    Repository,
    badges,
    readme_copy,
    repository_named,
    repository_of,
)


@pytest.mark.parametrize(
    ("text", "name", "branch"),
    [("ntu/hw7", "ntu/hw7", "main"), ("n-t.u/h_w.7@spring/26", "n-t.u/h_w.7", "spring/26")],
)
def test_a_repository_is_named_as_on_github(text, name, branch):
    assert repository_named(text) == Repository(name, branch)


@pytest.mark.parametrize("text", ["", "hw7", "a/b/c", "https://github.com/a/b", "a/b@", "a b/c"])
def test_what_names_no_repository_is_refused_in_one_line(text):
    with pytest.raises(HomeworkError, match="OWNER/NAME") as caught:
        repository_named(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("remote", "name"),
    [
        ("https://github.com/ntu/hw7.git", "ntu/hw7"),
        ("git@github.com:ntu/hw7.git", "ntu/hw7"),
        ("ssh://git@github.com/ntu/hw7", "ntu/hw7"),
        ("https://gitlab.com/ntu/hw7.git", None),
        ("/srv/hw7.git", None),
    ],
)
def test_the_git_remote_names_the_repository(tmp_path, remote, name):
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    subprocess.run(["git", "-C", str(tmp_path), "remote", "add", "origin", remote], check=True)
    assert repository_of(tmp_path) == (Repository(name) if name else None)


def test_badges_open_the_file_on_each_host():
    text = badges(Repository("ntu/hw7", "b"), "notebooks/en/01_setup.ipynb")
    targets = re.findall(r"svg\)\]\((\S+)\)(?: |$)", text)
    where = "github.com/ntu/hw7/blob/b/notebooks/en/01_setup.ipynb"
    assert targets == [
        f"https://colab.research.google.com/{where.replace('.com', '')}",
        f"https://kaggle.com/kernels/welcome?src=https://{where}",
        f"https://nbviewer.org/{where.replace('.com', '')}",
    ]


def test_a_readme_links_to_nothing_that_was_not_released():
    text = "[a](notebooks/a.ipynb) [b](docs/b.md#part) ![p](assets/p.png) [w](https://x) [s](#s)"
    copy = readme_copy(text, Repository("ntu/hw7"), {"notebooks/a.ipynb", "assets/p.png"})
    assert "[a](notebooks/a.ipynb) [![Colab]" in copy
    assert "[b](https://github.com/ntu/hw7/blob/HEAD/docs/b.md#part)" in copy
    assert "![p](assets/p.png) [w](https://x) [s](#s)" in copy


def test_a_release_for_a_repository_needs_no_url_and_bears_badges_in_both_languages(
    built_before, tmp_path
):
    output = tmp_path / "dist"
    assert hw7(["release", "--repository", "ntu/hw7@spring", "-o", str(output)]) == 0
    for name in ("01_setup.ipynb", "en/hw7_answers.ipynb"):
        cells = nbformat.read(output / "notebooks" / name, as_version=4).cells
        title = cells[0].source.splitlines()
        assert title[0].startswith("# ") and f"blob/spring/notebooks/{name})" in title[2]
        code = next(cell.source for cell in cells if cell.cell_type == "code")
        (wheel,) = output.glob("hw7_*.whl")
        address = f"https://raw.githubusercontent.com/ntu/hw7/spring/{wheel.name}"
        assert f'KIT_ADDRESS = "{address}"' in code
    for name in ("README.md", "README.zh-CN.md"):
        text = (output / name).read_text("utf-8")
        assert "colab.research.google.com/github/ntu/hw7/blob/spring/notebooks/01_setup" in text
        for link in re.findall(r"\]\((?!https?://|#)([^)#]+)", text):
            assert (output / link).is_file(), link


def test_without_url_and_repository_a_release_is_refused_in_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(student_notebooks, "repository_of", lambda checkout: None)
    assert hw7(["release", "-o", str(tmp_path / "dist")]) == 1
    error = capsys.readouterr().err
    assert "--repository OWNER/NAME" in error and error.count("\n") == 1
