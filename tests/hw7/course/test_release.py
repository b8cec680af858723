"""What students get: stamped notebooks, bundles, checksums."""

import json
import shutil
import subprocess
import zipfile

import nbformat
import pytest

from helpers.errors import HomeworkError
from hw7.cli import main as hw7
from hw7.course.answer_sheet import BOOTSTRAP, bootstrap_cell, stamped_bootstrap
from hw7.course.commands import release
from hw7.course.release.bundles import target_options, write_manifest
from hw7.course.release.student_notebooks import (
    install_address,
    write_student_notebooks,
)
from tools.execute_notebooks import stored_notebooks

WHEEL = "hw7_attribution_kit-0.1.0-py3-none-any.whl"
URL = "https://example.org/hw7/"
pytestmark = pytest.mark.usefixtures("from_the_copy")


def notebooks_in(checkout):
    return sorted((checkout / "notebooks").glob("*.ipynb"))


def test_release_consists_of_wheel_notebooks_kaggle_folder_zip_and_manifest(released, wheel):
    names = {path.name for path in released.iterdir()}
    assert names == {wheel.name, "notebooks", "kaggle", "hw7-classroom.zip", "SHA256SUMS"}


def test_every_stored_notebook_is_released_stamped_and_without_outputs(released, wheel, checkout):
    for path in notebooks_in(checkout):
        copy = nbformat.read(released / "notebooks" / path.name, as_version=4)
        cells = [cell for cell in copy.cells if cell.cell_type == "code"]
        assert cells[0].source == stamped_bootstrap(URL + wheel.name)
        assert not any(cell.outputs or cell.execution_count for cell in cells)


def test_released_notebooks_differ_from_the_stored_ones_in_nothing_else(released, checkout):
    for path in notebooks_in(checkout):
        stored = nbformat.read(path, as_version=4).cells
        copy = nbformat.read(released / "notebooks" / path.name, as_version=4).cells
        changed = [(a, b) for a, b in zip(stored, copy, strict=True) if a.source != b.source]
        ((before, after),) = changed
        lines = zip(before.source.splitlines(), after.source.splitlines(), strict=True)
        assert [a for a, b in lines if a != b] == ['KIT_ADDRESS = ""']


def test_stored_notebooks_carry_the_current_bootstrap_cell():
    for path in stored_notebooks():
        cells = nbformat.read(path, as_version=4).cells
        first = next(cell for cell in cells if cell.cell_type == "code")
        assert first.source == BOOTSTRAP, "type: python -m tools.refresh_bootstrap"


def test_classroom_zip_holds_wheel_beside_notebooks_and_right_checksums(released, tmp_path):
    with zipfile.ZipFile(released / "hw7-classroom.zip") as archive:
        archive.extractall(tmp_path)
    folder = tmp_path / "hw7-classroom"
    assert list(folder.glob("hw7_*.whl"))
    assert {p.name for p in folder.glob("*.ipynb")} >= {"01_setup.ipynb", "02_translation.ipynb"}
    assert_checksums(folder)


def test_manifest_covers_every_released_file(released):
    names = assert_checksums(released)
    files = {p.relative_to(released).as_posix() for p in released.rglob("*") if p.is_file()}
    assert names == files - {"SHA256SUMS"}


def test_manifest_shows_a_changed_file(tmp_path):
    (tmp_path / "a.txt").write_text("a")
    write_manifest(tmp_path)
    (tmp_path / "a.txt").write_text("b")
    with pytest.raises(subprocess.CalledProcessError):
        assert_checksums(tmp_path)


def assert_checksums(folder):
    if shutil.which("sha256sum") is None:
        pytest.skip("sha256sum is not here; install coreutils to check the manifest's form")
    command = ["sha256sum", "--strict", "--check", "SHA256SUMS"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return {line.removesuffix(": OK") for line in done.stdout.splitlines()}


def test_kaggle_metadata_has_what_kaggle_asks_for(released):
    metadata = json.loads((released / "kaggle" / "dataset-metadata.json").read_text())
    assert 6 <= len(metadata["title"]) <= 50
    assert metadata["id"].count("/") == 1
    assert metadata["licenses"] == [{"name": "Apache 2.0"}]


def test_second_release_has_the_same_bytes_replaces_the_first_and_leaves_other_files(
    released, tmp_path
):
    again = tmp_path / "again"
    shutil.copytree(released, again)
    (again / "SHA256SUMS").write_text("old")
    (again / "notes.txt").write_text("mine")
    (again / "hw7_attribution_kit-0.0.9-py3-none-any.whl").write_text("old")
    assert hw7(["release", "--url", URL, "-o", str(again)]) == 0
    assert (again / "notes.txt").read_text() == "mine"
    assert len(list(again.glob("hw7_*.whl"))) == 1
    assert (again / "SHA256SUMS").read_text() == (released / "SHA256SUMS").read_text()


def test_failed_release_leaves_the_earlier_one_alone(released, capsys):
    before = (released / "SHA256SUMS").read_text()
    assert hw7(["release", "--url", "nonsense", "-o", str(released)]) == 1
    assert capsys.readouterr().err.count("\n") == 1
    assert (released / "SHA256SUMS").read_text() == before
    assert not list(released.glob(".release.*"))


def test_release_from_an_installed_package_is_refused_in_one_line(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(release, "project_folder", lambda: None)
    assert hw7(["release", "--url", URL, "-o", str(tmp_path)]) == 1
    error = capsys.readouterr().err
    assert "source checkout" in error
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("https://example.org/hw7/", f"https://example.org/hw7/{WHEEL}"),
        (f"https://example.org/{WHEEL}", f"https://example.org/{WHEEL}"),
        ("git+https://example.org/owner/kit", "git+https://example.org/owner/kit"),
        ("git+https://example.org/owner/kit@v1", "git+https://example.org/owner/kit@v1"),
    ],
)
def test_address_is_the_wheels_the_folders_or_the_repositorys(url, address):
    assert install_address(url, WHEEL) == address


@pytest.mark.parametrize(
    "url",
    ["", "example.org/kit/", "https://example.org/kit", "ftp://example.org/kit/", "https:///x/",
     'https://example.org/"+evil+"/', "https://example.org/a b/"],
)  # fmt: skip
def test_address_that_pip_cannot_install_from_is_refused(url):
    with pytest.raises(HomeworkError, match="--url"):
        install_address(url, WHEEL)


def test_notebook_without_the_bootstrap_cell_is_refused(notebook):
    del notebook.cells[1]
    with pytest.raises(HomeworkError, match="bootstrap cell"):
        bootstrap_cell(notebook, "x.ipynb")


def test_folder_without_notebooks_is_refused(tmp_path):
    with pytest.raises(HomeworkError, match="no notebook"):
        write_student_notebooks(tmp_path, tmp_path / "out", URL)


@pytest.mark.parametrize("target", ["", "2.7", "three", "3.x", ":win_amd64"])
def test_target_that_is_no_python_version_is_refused(target):
    with pytest.raises(HomeworkError, match="--packages-for"):
        target_options(target)


def test_target_options_name_version_and_platform():
    options = target_options("3.12:win_amd64")
    assert "--python-version=3.12" in options
    assert [o for o in options if o.startswith("--platform")] == ["--platform=win_amd64"]
    assert "--platform=manylinux_2_17_x86_64" in target_options("3.11")
