"""Finding submitted files: nothing is unpacked, no link followed, nothing large read."""

import os
import stat
import tracemalloc
import zipfile
import zlib
from pathlib import Path

import pytest

from helpers.errors import HomeworkError
from hw7.course.grading import submissions
from hw7.course.grading.submissions import MAX_NOTEBOOK_BYTES, SubmissionError, find_submissions
from tests.support.made_submissions import as_bytes, sheet, write

CONTENT = as_bytes(sheet({"q1": '"B"'}))


def problems(source: Path) -> dict[str, str]:
    found = {}
    for file in find_submissions(source):
        try:
            file.read()
            found[file.path] = ""
        except SubmissionError as error:
            found[file.path] = str(error)
    return found


def zipped(path: Path, members: dict[str | zipfile.ZipInfo, bytes], **settings) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, **settings) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def test_a_folder_and_a_zip_of_it_give_the_same_files(tmp_path):
    write(tmp_path / "in" / "b1" / "hw7.ipynb", CONTENT)
    write(tmp_path / "in" / "王小明.ipynb", CONTENT)
    archive = zipped(tmp_path / "in.zip", {"b1/hw7.ipynb": CONTENT, "王小明.ipynb": CONTENT})
    assert (
        problems(tmp_path / "in") == problems(archive) == {"b1/hw7.ipynb": "", "王小明.ipynb": ""}
    )


def test_clutter_of_operating_systems_is_passed_over(tmp_path):
    for name in ("__MACOSX/a.ipynb", ".ipynb_checkpoints/a.ipynb", ".DS_Store", "b1.ipynb"):
        write(tmp_path / name, CONTENT)
    assert list(problems(tmp_path)) == ["b1.ipynb"]


def test_links_and_pipes_in_a_folder_are_not_opened(tmp_path):
    secret = write(tmp_path / "secret.ipynb", CONTENT)
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "link.ipynb").symlink_to(secret)
    (folder / "linked_folder").symlink_to(tmp_path)
    os.mkfifo(folder / "pipe.ipynb")
    found = problems(folder)
    assert "a link" in found["link.ipynb"] and "a link" in found["linked_folder"]
    assert "not a regular file" in found["pipe.ipynb"]


def test_a_file_replaced_by_a_link_after_listing_is_not_opened(tmp_path):
    path = write(tmp_path / "in" / "b1.ipynb", CONTENT)
    secret = write(tmp_path / "secret.ipynb", CONTENT)
    (file,) = find_submissions(path.parent)
    path.unlink()
    path.symlink_to(secret)
    with pytest.raises(SubmissionError, match="can't be opened"):
        file.read()


def test_200_megabytes_are_refused_by_size_without_reading(tmp_path):
    path = tmp_path / "b1.ipynb"
    with path.open("wb") as file:
        file.truncate(200_000_000)
    (file,) = find_submissions(tmp_path)
    assert "200,000,000 bytes" in file.problem


@pytest.mark.parametrize(
    "name",
    [
        "../evil.ipynb",
        "a/../../evil.ipynb",
        "/etc/evil.ipynb",
        "C:/evil.ipynb",
        "..\\evil.ipynb",
        "\\\\host\\evil.ipynb",
    ],
)
def test_a_zip_member_that_leads_outside_is_refused_and_nothing_is_written(tmp_path, name):
    folder = tmp_path / "inside"
    folder.mkdir()
    archive = zipped(folder / "in.zip", {name: CONTENT})
    before = sorted(tmp_path.rglob("*"))
    assert all("outside the zip" in problem for problem in problems(archive).values())
    assert sorted(tmp_path.rglob("*")) == before


def test_a_link_in_a_zip_is_refused(tmp_path):
    link = zipfile.ZipInfo("b1.ipynb")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    archive = zipped(tmp_path / "in.zip", {link: b"/etc/passwd"})
    assert "a link" in problems(archive)["b1.ipynb"]


def bomb(path: Path, declared_size: int) -> Path:
    """A zip of 10 MB whose member really unpacks to 10 GB of zeros and declares any size."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = packer.compress(bytes(1 << 24)) + packer.flush(zlib.Z_FULL_FLUSH)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("b1.ipynb", block * 600)
        member = archive.infolist()[0]
        member.compress_type, member.file_size = zipfile.ZIP_DEFLATED, declared_size
    return path


def test_ten_gigabytes_of_zeros_are_refused_by_declared_size(tmp_path):
    archive = bomb(tmp_path / "in.zip", 600 << 24)
    assert archive.stat().st_size < 20_000_000
    (file,) = find_submissions(archive)
    assert f"{600 << 24:,} bytes" in file.problem


def test_ten_gigabytes_that_declare_little_are_stopped_while_streaming(tmp_path):
    archive = bomb(tmp_path / "in.zip", MAX_NOTEBOOK_BYTES - 1)
    (file,) = find_submissions(archive)
    assert not file.problem, "the declared size must look harmless, or this tests nothing"
    tracemalloc.start()
    with pytest.raises(SubmissionError):
        file.read()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 * MAX_NOTEBOOK_BYTES  # of 10 GB: the content once and the decompressor's buffer


def test_an_encrypted_or_damaged_member_gets_its_own_line(tmp_path):
    archive = zipped(tmp_path / "in.zip", {"b1.ipynb": CONTENT, "b2.ipynb": CONTENT * 50})
    content = bytearray(archive.read_bytes())
    content[60:70] = b"\xff" * 10
    archive.write_bytes(bytes(content))
    found = problems(archive)
    assert found["b1.ipynb"] and not found["b2.ipynb"]


class NameIn(zipfile.ZipInfo):
    """A member as Windows writes it: the name in its code page, and no flag that says so."""

    encoding = "gb18030"

    def _encodeFilenameFlags(self):  # noqa: N802 (zipfile's own hook)
        return self.filename.encode(self.encoding), self.flag_bits


@pytest.mark.parametrize(
    ("encoding", "names"),
    [
        ("gb18030", ["王小明_7_assignsubmission_file_hw7.ipynb"]),
        ("gb18030", ["陈静.ipynb", "b1.ipynb", "欧阳娜娜_作业七.ipynb"]),
        ("big5", ["王小明_7_assignsubmission_file_hw7.ipynb"]),
        ("big5", ["陳靜.ipynb", "林美.ipynb", "許功蓋_作業七.ipynb"]),
        ("cp437", ["josé.ipynb", "Müller.ipynb"]),
        ("utf-8", ["王小明.ipynb", "陳靜.ipynb"]),
    ],
)
def test_names_in_the_code_page_of_a_windows_are_decoded(tmp_path, monkeypatch, encoding, names):
    monkeypatch.setattr(NameIn, "encoding", encoding)
    archive = zipped(tmp_path / "in.zip", {NameIn(name): CONTENT for name in names})
    assert sorted(problems(archive)) == sorted(names)


def test_a_name_beyond_all_measure_gets_its_own_line(tmp_path):
    names = {"e\u0301" * 20_000 + ".ipynb": CONTENT, " " * 60_000 + ".ipynb": CONTENT}
    archive = zipped(tmp_path / "in.zip", names)
    files = find_submissions(archive)
    assert [file.problem for file in files] == ["文件名太长 (name too long)"] * 2
    assert max(len(part) for file in files for part in file.parts) < 300


def test_too_many_files_in_one_folder_are_its_own_problem(tmp_path, monkeypatch):
    monkeypatch.setattr(submissions, "MAX_FILES", 3)
    for number in range(4):
        write(tmp_path / "b1" / f"{number}.ipynb", CONTENT)
    write(tmp_path / "b2" / "hw7.ipynb", CONTENT)
    found = problems(tmp_path)
    assert "4 entries" in found["b1"] and not found["b2/hw7.ipynb"]


def test_other_files_are_named_as_no_notebooks(tmp_path):
    write(tmp_path / "b1" / "report.pdf", b"%PDF")
    assert "not an .ipynb" in problems(tmp_path)["b1/report.pdf"]


@pytest.mark.parametrize(
    "make",
    [lambda p: p / "absent", lambda p: write(p / "x.zip", b"PK\x03\x04junk"), lambda p: p],
    ids=["absent", "no zip", "empty folder"],
)
def test_no_submissions_at_all_is_one_line(tmp_path, make):
    with pytest.raises(HomeworkError) as caught:
        find_submissions(make(tmp_path))
    assert "\n" not in str(caught.value)


def test_too_many_files_stop_before_any_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(submissions, "MAX_FILES", 3)
    archive = zipped(tmp_path / "in.zip", {f"{n}.ipynb": b"" for n in range(4)})
    with pytest.raises(HomeworkError, match="4 files"):
        find_submissions(archive)


def test_deep_folders_are_not_followed_for_ever(tmp_path):
    write(tmp_path.joinpath(*["d"] * 20, "b1.ipynb"), CONTENT)
    assert all("too deep" in problem for problem in problems(tmp_path).values())
