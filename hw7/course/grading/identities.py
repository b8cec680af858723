"""Whose a file is: the platform's account of it decides, and nothing that a student can choose."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import yaml

from helpers.errors import HomeworkError
from hw7.course.grading.platform_names import PlatformName, platform_name, student_level
from hw7.course.grading.roster import ClassList, Student, parse_time
from hw7.course.grading.submissions import SubmittedFile
from hw7.course.grading.tables import comparable
from hw7.course.literals import printable
from hw7.course.questions import SAFE_LOADER

METADATA = "submission_metadata.yml"


@dataclass(frozen=True)
class Identity:
    """Whose a file is."""

    student: Student
    name: PlatformName | None = None  # what the platform said of the file, if one named it
    own: str = ""  # what the student chose of the path
    is_in_roster: bool = True  # or there is no roster
    is_exact: bool = True  # named by the student's id and nothing else, as b12902001.ipynb
    submitted_at: datetime | None = None  # by the platform
    others: tuple[str, ...] = ()  # who handed it in together with the student


class Identities:
    """Tells whose the files of one download, a zip or a folder, are."""

    def __init__(
        self, files: Sequence[SubmittedFile], class_list: ClassList, is_archive: bool
    ) -> None:
        paths = [file.parts for file in files]
        self._class_list = class_list
        self._level = student_level(paths, class_list.written_as, is_archive)
        lists = [file for file in files if self.is_metadata(file)]
        self._metadata = _read_metadata(lists[-1]) if lists else {}

    def is_metadata(self, file: SubmittedFile) -> bool:
        """Tell whether a file is Gradescope's list of who handed in what, and no student's."""
        return file.parts[-1] == METADATA and len(file.parts) == self._level + 1

    def identify(self, parts: Sequence[str]) -> Identity:
        """Say whose file this is, judged by its path below the submissions folder."""
        position = min(self._level, len(parts) - 1)
        is_folder = position < len(parts) - 1
        below = "/".join(parts[position + 1 :])
        name = platform_name(parts[position], is_folder)
        if name is None:
            return self._plain(parts[position], is_folder, below)
        own = f"{name.own} {below}".strip()
        login = name.name.partition("_")[0]
        if name.platform == "Gradescope" and name.name in self._metadata:
            return self._submitter(name, own)
        student = self._of_platform(name)
        if student and login != name.name and self._class_list.logged_in_as(login) is student:
            # The login before the name is NTU COOL's, which marks nobody late.
            name = replace(name, platform="NTU COOL", login=login, is_late=None)
        if student is not None:
            return Identity(student, name, own)
        known = name.login or f"{name.name}_{name.number}".removesuffix("_")
        known = name.name if name.platform == "Gradescope" else known
        student = Student(_as_id(known), printable(name.name)[:80])
        return Identity(student, name, own, not self._class_list.students)

    def _of_platform(self, name: PlatformName) -> Student | None:
        """Return whom a platform's number, login or name stands for in the class list."""
        students = self._class_list
        if name.platform in students.numbered_platforms:
            return students.numbered(name.platform, name.number)
        if name.login:
            return students.logged_in_as(name.login)
        # Some put the login before the name: the first part, if the rest is the student's name.
        login, _, rest = name.name.partition("_")
        logged_in = students.logged_in_as(login) if rest else None
        if logged_in and (not logged_in.name or students.named(rest) is logged_in):
            return logged_in
        is_nameless = not any(student.name for student in students.students)
        return students.student(name.number) if is_nameless else students.named(name.name)

    def _submitter(self, name: PlatformName, own: str) -> Identity:
        entry, students = self._metadata[name.name], self._class_list
        entry = entry if isinstance(entry, dict) else {}
        people = []
        for stated in (s for s in entry.get(":submitters") or [] if isinstance(s, dict)):
            sid, email, called = (str(stated.get(f":{k}") or "") for k in ("sid", "email", "name"))
            known = students.student(sid) or students.logged_in_as(email) or students.named(called)
            unknown = Student(_as_id(sid or email or name.name), printable(called)[:80])
            people.append(known or unknown)
        people = people or [Student(name.name)]
        created = str(entry.get(":created_at") or "")
        return Identity(
            people[0],
            name,
            own,
            not students.students or people[0] in students.students,
            submitted_at=parse_time(created) if created else None,
            others=tuple(person.id for person in people[1:]),
        )

    def _plain(self, part: str, is_folder: bool, below: str) -> Identity:
        student = self._class_list.written_as(part)
        stem = part if is_folder else part.rpartition(".")[0] or part
        if student is None:
            return Identity(Student(_as_id(stem)), None, below, not self._class_list.students)
        spellings = {comparable(stem), comparable(stem.removeprefix("hw7_"))}
        return Identity(student, None, below, is_exact=comparable(student.id) in spellings)


def _as_id(text: str) -> str:
    """Return a name as an id that no other name gives."""
    shown = printable(text)[:80]
    if shown == text:
        return shown
    digest = hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
    return f"{shown}-{digest[:8]}"


def _read_metadata(file: SubmittedFile) -> dict[str, Any]:
    """Read Gradescope's list, which it wrote; a student's file of that name lies deeper."""
    try:
        content = yaml.load(file.open_and_read(), SAFE_LOADER)  # noqa: S506
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        sentence = f"{file.path} can't be read: download the submissions again."
        raise HomeworkError(sentence) from error
    return content if isinstance(content, dict) else {}
