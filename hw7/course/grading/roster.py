"""The class list: its students by id, by the platform's number, and by name."""

import hashlib
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from dateutil.parser import ParserError, UnknownTimezoneWarning, parse

from helpers.errors import HomeworkError
from hw7.course.grading.tables import Ids, comparable, read_table

_ID_COLUMNS = (
    "student_id", "student id", "sis user id", "学号", "學號", "id number", "sis login id",
    "email address", "id",
)  # fmt: skip
_NAME_COLUMNS = ("name", "student", "student name", "full name", "姓名", "名字")
_MIN_WORD = 4  # shorter ids, as in "hw 12.ipynb", are found only where they are the whole name
_FIRST_HAN = "\u2e80"
_COPY = re.compile(r"(?:\s*\(\d+\)|-Copy\d+)*(?:\.ipynb)?$", re.I)


@dataclass(frozen=True)
class Student:
    """One student of the class, with the roster's own columns as ``row``."""

    id: str
    name: str = ""
    submitted_at: datetime | None = None
    row: Mapping[str, str] = field(default_factory=dict)

    @property
    def numbers(self) -> dict[str, str]:
        """The student's number on each platform that the roster is an export of."""
        moodle = re.search(r"\d+$", self.row.get("Identifier", ""))
        is_canvas = "Student" in self.row and "ID" in self.row
        canvas = self.row["ID"].strip() if is_canvas else ""
        return {"Canvas": canvas, "NTU COOL": canvas, "Moodle": moodle[0] if moodle else ""}


def load_roster(path: Path) -> list[Student]:
    """Read a CSV with a column of ids, and names if any; a Canvas gradebook export works as it is.

    Raises:
        HomeworkError: The file is unreadable, not UTF-8, has no column of ids, or an id twice.
    """
    names, rows = read_table(path, "roster")
    columns = {name.strip().lower(): name for name in names}
    id_columns = [columns[name] for name in _ID_COLUMNS if name in columns]
    name_column = next((columns[name] for name in _NAME_COLUMNS if name in columns), "")
    students = [
        Student(
            # A Canvas without SIS ids leaves that column empty: the next one tells students apart.
            id=next((row[c].strip() for c in id_columns if row.get(c, "").strip()), ""),
            name=row.get(name_column, "").strip(),
            submitted_at=parse_time(stated) if (stated := row.get("submitted_at")) else None,
            row=row,
        )
        for row in rows
        if "points possible" not in row.get(name_column, "").lower()
    ]
    students = [student for student in students if student.id]
    if not students:
        raise HomeworkError(f"The roster {path} needs a column `student_id` and a row below it.")
    seen = set()
    for student in students:
        if re.fullmatch(r"\d([.,]\d+)?E\+\d+", student.id):
            raise HomeworkError(
                f"A spreadsheet has shortened the id {student.id} in the roster {path}. "
                "Export it again and use it unopened."
            )
        if comparable(student.id) in seen:
            raise HomeworkError(f"The roster {path} lists {student.id} twice.")
        seen.add(comparable(student.id))
    return students


def parse_time(text: str) -> datetime:
    """Read a time such as ``2026-05-01T23:59``, ``2026/5/1 23:59+08:00``, ``1 May 2026, 11:59 PM``.

    Raises:
        HomeworkError: It is no such time, leaves a part out, or may be of two days (5/1/2026).
    """
    stated = re.sub(r"^(\d{4})[年/.-](\d+)[月/.-](\d+)日?", r"\1-\2-\3", text.strip())
    # What a text leaves out is taken from the default, so two of them tell whether it does.
    defaults = (datetime(2001, 1, 1), datetime(2002, 2, 2, 2, 2))
    orders = (False,) if re.match(r"\d{4}-", stated) else (True, False)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", UnknownTimezoneWarning)
            found = {parse(stated, default=d, dayfirst=order) for d in defaults for order in orders}
    except (ParserError, OverflowError, UnknownTimezoneWarning, TypeError):
        found = set()
    if len(found) != 1:
        raise HomeworkError(f"{text!r} is no time; write it as 2026-05-01T23:59+08:00.")
    return found.pop()


def file_stem(student_id: str) -> str:
    """Return a file name for a student id that can't leave its folder or clash with another's."""
    plain = re.sub(r"[^\w\-]", "_", student_id)[:60]
    if plain == student_id and plain.casefold() == student_id:
        return plain
    return f"{plain or 'student'}-{hashlib.sha256(student_id.encode()).hexdigest()[:8]}"


class ClassList:
    """Finds students by what a platform or an instructor wrote.

    Without students every file name is believed.
    """

    def __init__(self, students: Sequence[Student] = ()) -> None:
        self.students = list(students)
        self._by_id = {student.id: student for student in self.students}
        self._ids = Ids(self._by_id)
        self._odd_ids = [(comparable(s.id), s) for s in self.students if re.search(r"\W|_", s.id)]
        # The platforms whose own numbers of the students the roster knows.
        self.numbered_platforms = {p for s in self.students for p, n in s.numbers.items() if n}
        self._by_key: dict[str, Student | None] = {}
        for student in self.students:
            for key in _keys(student):
                clashes = self._by_key.get(key, student) is not student
                self._by_key[key] = None if clashes else student

    def student(self, student_id: str) -> Student | None:
        """Return the student with an id, however it is spelled."""
        found = self._ids.find(student_id)
        return self._by_id[found] if found else None

    def numbered(self, platform: str, number: str) -> Student | None:
        """Return the student with a platform's number."""
        return self._by_key.get(f"{platform}#{number}")

    def named(self, name: str) -> Student | None:
        """Return the only student of a name, in either order of its parts."""
        words = _words(name)
        in_order, sorted_words = "".join(words), "".join(sorted(words))
        return self._by_key.get(f"name {in_order}") or self._by_key.get(f"words {sorted_words}")

    def logged_in_as(self, login: str) -> Student | None:
        """Return the student with a login, or with it as id."""
        return self._by_key.get(f"login {comparable(login)}") or self.student(login)

    def written_as(self, text: str) -> Student | None:
        """Return the student that a folder or file which no platform named is called after."""
        plain = _COPY.sub("", text)
        if whole := self.student(plain) or self._by_key.get(f"file {comparable(plain)}"):
            return whole
        found = self.mentioned_in(plain)
        return found[0] if len(found) == 1 else None

    def mentioned_in(self, text: str) -> list[Student]:
        """Return the students whose id, or name of more than one part, stands in a text."""
        text = _COPY.sub("", text)[:255]
        words = [word for word in re.split(r"[\W_]+", text) if word]
        found = [self.student(word) for word in words if len(word) >= _MIN_WORD]
        plain = comparable(text)
        found += [self._by_key.get(f"file {plain}")]
        found += [s for odd, s in self._odd_ids if len(odd) >= _MIN_WORD and odd in plain]
        # A single word of Latin letters, such as May, is no name that tells a student.
        names = [word for word in words if len(word) > 1 and min(word) >= _FIRST_HAN]
        names += [" ".join(words[i : i + n]) for n in (2, 3, 4) for i in range(len(words) - n + 1)]
        found += [self.named(name) for name in names]
        return list({student.id: student for student in found if student}.values())


def _keys(student: Student) -> Iterator[str]:
    """Yield what a student is found by besides the id."""
    yield from (f"{platform}#{number}" for platform, number in student.numbers.items() if number)
    yield f"file {comparable('hw7_' + file_stem(student.id))}"
    login = student.row.get("SIS Login ID", "") or student.row.get("Email address", "")
    if login:
        yield f"login {comparable(login)}"
        yield f"login {comparable(login.split('@')[0])}"
    if words := _words(student.name):
        family, comma, given = student.name.partition(",")
        yield f"name {''.join(words)}"
        if comma:
            yield f"name {''.join(_words(given) + _words(family))}"
        yield f"words {''.join(sorted(words))}"


def _words(name: str) -> list[str]:
    return [word for part in re.split(r"[\s,·・]+", name) if (word := comparable(part))]
