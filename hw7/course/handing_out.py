"""Hand out a file to each student: a table for mail merge, a zip for Moodle, one for Canvas."""

import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from hw7.course.grading.identities import platform_name
from hw7.course.grading.roster import Student
from hw7.course.grading.tables import as_csv, write_text

_MAIL = ("email", "e-mail", "email address", "mail", "电子邮件", "邮箱", "電子郵件", "信箱")
_MOODLES = "{}_{}_assignsubmission_file_/{}"  # how Moodle wants a student's folder named
_WHERE = {
    "Moodle": "for Moodle's “Upload multiple feedback files in a zip”",
    "Canvas": "for “Upload Submissions” of the assignment in Canvas / NTU COOL",
}
_TIME = (2020, 2, 2, 0, 0, 0)  # the same files give the same bytes


def hand_out(students: Sequence[Student], files: Mapping[str, Path], folder: Path) -> Iterator[str]:
    """Write beside a folder what sends each student an own file of it, by the student's id.

    Yield a line of the screen for each way.
    """
    table = folder.with_name(f"{folder.name}.csv")
    rows = [
        {"student_id": s.id, "name": s.name, "email": _address(s), "file": str(files[s.id])}
        for s in students
    ]
    write_text(table, as_csv(["student_id", "name", "email", "file"], rows))
    lacking = sum(not row["email"] for row in rows)
    note = f" ({lacking} without an address in a column email of the roster)"
    yield f"{table}: who gets which file, for a mail merge{note if lacking else ''}."
    members: dict[str, Path | bytes] = {
        _MOODLES.format(s.name.replace("/", " "), number, files[s.id].name): files[s.id]
        for s in students
        if (number := s.numbers["Moodle"])
    }
    if members:
        path = folder.with_name(f"{folder.name}.moodle.zip")
        write_zip(path, members)
        yield f"{path}: {len(members)} files, {_WHERE['Moodle']}."


def hand_back(files: Sequence[tuple[str, Path]], folder: Path) -> Iterator[str]:
    """Write beside a folder of pages the zip that gives them back, and yield its line.

    With each page comes the path of the submission that counted, for where that came from.
    """
    members: dict[str, dict[str, Path | bytes]] = {"Moodle": {}, "Canvas": {}}
    for path, page in files:
        *folders, last = path.split("/")
        for found in (*(platform_name(f, True) for f in folders), platform_name(last, False)):
            if found is None:
                continue
            if found.platform == "Moodle":
                name = _MOODLES.format(found.name, found.number, page.name)
                members["Moodle"][name] = page
            elif found.platform.startswith(("Canvas", "NTU")) and found.own:
                # Canvas finds the submission by the numbers; what follows them is free.
                members["Canvas"][last.removesuffix(found.own) + page.name] = page
    for platform, pages in members.items():
        if pages:
            archive = folder.with_name(f"{folder.name}.{platform.lower()}.zip")
            write_zip(archive, pages)
            yield f"{archive}: {len(pages)} pages, {_WHERE[platform]}."


def write_zip(path: Path, members: Mapping[str, Path | bytes]) -> None:
    """Write files into a zip under the names given; the same files give the same bytes."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in sorted(members.items()):
            entry = zipfile.ZipInfo(name, _TIME)
            is_packed = name.endswith((".whl", ".zip"))
            entry.compress_type = zipfile.ZIP_STORED if is_packed else zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content if isinstance(content, bytes) else content.read_bytes())


def _address(student: Student) -> str:
    """Return what the first column of addresses in the roster holds, whatever its capitals."""
    cells = student.row.items()
    return next((value.strip() for name, value in cells if name.strip().casefold() in _MAIL), "")
