"""Whose a file is: the platform's account of it decides, and nothing that a student can choose.

Any id in the student's part of a name is a claim, to be looked at by a human.
"""

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import yaml

from helpers.errors import HomeworkError
from hw7.course.grading.roster import ClassList, Student, parse_time
from hw7.course.grading.submissions import SubmittedFile
from hw7.course.grading.tables import comparable
from hw7.course.literals import printable
from hw7.course.questions import SAFE_LOADER

METADATA = "submission_metadata.yml"
# Canvas: lib/content_zipper.rb of instructure/canvas-lms, get_filename and add_upload_submission.
# Moodle: mod/assign/locallib.php, download_submissions. NTU COOL is a Canvas that puts the login
# first. Gradescope: folders beside submission_metadata.yml.
_NAMINGS = {
    "NTU COOL": r"(?P<login>[^_#]+)#_(?P<name>.+?)_(?P<number>\d+)_(?P<order>\d{1,18})_(?P<own>.+)",
    "Canvas, anonymous": r"(?P<late>LATE_)?(?P<name>anon_[^_]+)(?P<late2>_LATE)?_"
    r"(?P<order>\d{1,18})_(?P<own>.+)",
    "Moodle": r"(?P<name>.+?)_(?P<number>\d+)_assignsubmission_(?:file|onlinetext)_?(?P<own>.*)",
    "Canvas": r"(?P<name>.+?)(?P<late>_LATE)?_(?P<number>\d+)_"
    r"(?:(?P<order>\d{1,18})_(?P<own>.+)|(?:text|link)\.html)",
    "Gradescope": r"(?P<name>submission_(?P<number>\d+))",
}
_PATTERNS = {name: re.compile(pattern, re.DOTALL) for name, pattern in _NAMINGS.items()}
_FOLDERS = {"Moodle", "Gradescope"}
MAX_LEVEL = 3


@dataclass(frozen=True)
class PlatformName:
    """One name taken apart."""

    platform: str
    name: str  # the student's, as the platform wrote it
    number: str = ""  # the platform's number of the student
    login: str = ""
    is_late: bool | None = None  # False where the platform would have marked it, else None
    order: int = 0  # the platform's number of the file, which orders those of one student
    own: str = ""  # the part that the student chose


def platform_name(part: str, is_folder: bool) -> PlatformName | None:
    """Take one part of a path apart; None where no platform gave it.

    Where several naming schemes fit, the one whose number comes first is the platform's: what
    follows it is the student's and may imitate another.
    """
    found = {
        match.start("number" if match.groupdict().get("number") else "order"): (platform, match)
        for platform, pattern in reversed(_PATTERNS.items())
        if (platform in _FOLDERS if is_folder else platform != "Gradescope")
        if (match := pattern.fullmatch(part))
    }
    if not found:
        return None
    platform, match = found[min(found)]
    parts = match.groupdict(default="")
    is_late = bool(parts.pop("late", "")) | bool(parts.pop("late2", ""))
    order = int(parts.pop("order", "") or 0)
    marks_late = platform.startswith("Canvas")
    return PlatformName(platform, **parts, is_late=is_late if marks_late else None, order=order)


def student_level(
    paths: Sequence[Sequence[str]], is_student: Callable[[str], object], is_archive: bool
) -> int:
    """Return which part of the paths names the students: 0 for the first.

    That is the first at which a platform or the class list (``is_student``) knows anybody. Where
    nobody is known, it is the second if all files lie in one folder: that of a zip (``is_archive``)
    is the class's, that of a folder too if it holds folders.
    """
    for level in range(MAX_LEVEL):
        parts = ((path[level], len(path) > level + 1) for path in paths if len(path) > level)
        if any(platform_name(part, is_folder) or is_student(part) for part, is_folder in parts):
            return level
    is_shared = len({path[0] for path in paths}) == 1 and all(len(path) > 1 for path in paths)
    return int(is_shared and (is_archive or any(len(path) > 2 for path in paths)))


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
