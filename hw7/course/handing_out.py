"""Hand out a file to each student: a table for mail merge, a zip for Moodle, one for Canvas."""

import csv
import io
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from hw7.course.grading.roster import Student
from hw7.course.reports.gradebook import write_text

_MAIL = ("email", "e-mail", "email address", "mail", "电子邮件", "邮箱", "電子郵件", "信箱")
_MOODLE = "identifier"  # of Moodle's grading worksheet: "Participant 4711"
_TIME = (2020, 2, 2, 0, 0, 0)  # the same files give the same bytes


def hand_out(students: Sequence[Student], files: Mapping[str, Path], folder: Path) -> Iterator[str]:
    """Write what sends each student an own file, and yield a line of the screen for each way.

    Args:
        students: The class, with the roster's columns.
        files: Each student's file by id.
        folder: Where the files are; the table and the zip go beside it.
    """
    table = folder.with_name(f"{folder.name}.csv")
    rows = [
        {"student_id": s.id, "name": s.name, "email": _cell(s, *_MAIL), "file": str(files[s.id])}
        for s in students
        if s.id in files
    ]
    text = io.StringIO()
    writer = csv.DictWriter(text, ["student_id", "name", "email", "file"], lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(table, "\ufeff" + text.getvalue())
    lacking = sum(not row["email"] for row in rows)
    note = f" ({lacking} without an address: the roster has none in a column email)"
    yield f"{table}: who gets which file, for a mail merge{note if lacking else ''}."
    members = {
        f"{s.name}_{number}_assignsubmission_file_/{files[s.id].name}": files[s.id]
        for s in students
        if s.id in files and (number := _cell(s, _MOODLE).rpartition(" ")[2]).isdigit()
    }
    if members:
        path = folder.with_name(f"{folder.name}.moodle.zip")
        write_zip(path, members)
        yield f"{path}: {len(members)} files for Moodle, Upload multiple feedback files in a zip."


def hand_back(files: Mapping[str, tuple[str, Path]], folder: Path) -> Iterator[str]:
    """Write the zip that gives feedback back to where submissions came from.

    Args:
        files: By student, the path of the submission that counted and the file with feedback.
        folder: Where the files are; the zip goes beside it.
    """
    moodle = {
        f"{path.split('/')[0]}/{file.name}": file
        for path, file in files.values()
        if "_assignsubmission_file" in path.split("/")[0]
    }
    canvas = {
        f"{path.rpartition('.')[0]}.html": file
        for path, file in files.values()
        if path.count("_") >= 3 and "/" not in path
    }
    for name, members in (("moodle", moodle), ("canvas", canvas)):
        if members:
            path = folder.with_name(f"{folder.name}.{name}.zip")
            write_zip(path, members)
            yield f"{path}: {len(members)} pages to upload as feedback files of the assignment."


def write_zip(path: Path, members: Mapping[str, Path]) -> None:
    """Write files into a zip under the names given; the same files give the same bytes."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, file in sorted(members.items()):
            entry = zipfile.ZipInfo(name, _TIME)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(entry, file.read_bytes())


def _cell(student: Student, *columns: str) -> str:
    """Return the first of these columns that the roster has, whatever its capitals."""
    for name, value in student.row.items():
        if name.strip().casefold() in columns:
            return value.strip()
    return ""
