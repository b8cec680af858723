"""Hand out a file to each student: a table for mail merge, a zip for Moodle, one for Canvas."""

import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from hw7.course.grading.platform_names import platform_name
from hw7.course.grading.roster import Student
from hw7.course.reports.gradebook import as_csv, write_text

_MAIL = ("email", "e-mail", "email address", "mail", "电子邮件", "邮箱", "電子郵件", "信箱")
_MOODLES = "{}_{}_assignsubmission_file_/{}"  # how Moodle wants a student's folder named
_WHERE = {
    "Moodle": "for Moodle's “Upload multiple feedback files in a zip”",
    "Canvas": "for “Upload Submissions” of the assignment in Canvas / NTU COOL",
}
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
    write_text(table, as_csv(["student_id", "name", "email", "file"], rows))
    lacking = sum(not row["email"] for row in rows)
    note = f" ({lacking} without an address in a column email of the roster)"
    yield f"{table}: who gets which file, for a mail merge{note if lacking else ''}."
    members = {
        _MOODLES.format(s.name.replace("/", " "), s.numbers["Moodle"], files[s.id].name): (
            files[s.id]
        )
        for s in students
        if s.id in files and s.numbers["Moodle"]
    }
    if members:
        path = folder.with_name(f"{folder.name}.moodle.zip")
        write_zip(path, members)
        yield f"{path}: {len(members)} files for Moodle, Upload multiple feedback files in a zip."


def hand_back(files: Sequence[tuple[str, Path]], folder: Path) -> Iterator[str]:
    """Write the zip that gives pages back where submissions came from, and yield its line.

    Args:
        files: The path of each submission that counted, and the student's page.
        folder: Where the pages are; the zip goes beside it.
    """
    members: dict[str, dict[str, Path]] = {"Moodle": {}, "Canvas": {}}
    for path, page in files:
        *folders, last = path.split("/")
        by_folder = [found for part in folders if (found := platform_name(part, True))]
        by_name = platform_name(last, False)
        for found in (*by_folder, *([by_name] if by_name else [])):
            if found.platform == "Moodle":
                name = _MOODLES.format(found.name, found.number, page.name)
                members["Moodle"][name] = page
            elif found.platform.startswith(("Canvas", "NTU")) and found.own:
                # Canvas finds the submission by the numbers; what follows them is free.
                members["Canvas"][last.removesuffix(found.own) + page.name] = page
    for platform, pages in members.items():
        if pages:
            path_of_zip = folder.with_name(f"{folder.name}.{platform.lower()}.zip")
            write_zip(path_of_zip, pages)
            yield f"{path_of_zip}: {len(pages)} pages, {_WHERE[platform]}."


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
