"""The class list, and whose a submitted file is, judged by its name."""

import csv
import io
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from helpers.errors import HomeworkError
from hw7.course.literals import printable

_ID_COLUMNS = ("student_id", "student id", "sis user id", "sis login id", "学号", "學號", "id")
_NAME_COLUMNS = ("name", "student", "student name", "姓名", "名字")
_MOODLE = re.compile(r"(?P<name>.+?)_(?P<number>\d+)_assignsubmission_file(?:_.*)?", re.DOTALL)
_CANVAS = re.compile(
    r"(?P<name>.+?)(?P<late>_LATE)?_(?P<number>\d+)_(?P<submission>\d+)_.+", re.DOTALL
)


@dataclass(frozen=True)
class Student:
    """One student of the class.

    Attributes:
        submitted_at: The time in the roster's ``submitted_at`` column, where it has one.
        row: The roster's own columns, which a Canvas import must repeat unchanged.
    """

    id: str
    name: str = ""
    submitted_at: datetime | None = None
    row: Mapping[str, str] = field(default_factory=dict)

    @property
    def canvas_id(self) -> str:
        """The number Canvas and NTU COOL put into file names; "" when the roster has none."""
        return self.row.get("ID", "") if "SIS User ID" in self.row else ""


@dataclass(frozen=True)
class Identity:
    """Whose a file is, and from what that was judged.

    Attributes:
        is_in_roster: False where there is a roster and this student is not on it.
        is_late: Canvas marked the file as late.
        order: Orders the files of one student: Canvas's number of the submission.
    """

    student: Student
    source: str
    is_in_roster: bool = True
    is_late: bool = False
    order: int = 0


def load_roster(path: Path) -> list[Student]:
    """Read a CSV with a column of ids, and names if any; a Canvas gradebook export works as it is.

    Raises:
        HomeworkError: The file is unreadable, not UTF-8, has no column of ids, or an id twice.
    """
    try:
        rows = list(csv.DictReader(io.StringIO(path.read_text("utf-8-sig"), newline="")))
    except OSError as error:
        raise HomeworkError(f"The roster {path} can't be read: {error.strerror}.") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise HomeworkError(f"The roster {path} is not CSV in UTF-8; save it as such.") from error
    columns = {str(name).strip().lower(): name for name in (rows[0] if rows else {})}
    id_column = next((columns[name] for name in _ID_COLUMNS if name in columns), None)
    name_column = next((columns[name] for name in _NAME_COLUMNS if name in columns), None)
    if id_column is None:
        raise HomeworkError(f"The roster {path} needs a column `student_id` and a row below it.")
    students = [
        Student(
            id=(row[id_column] or "").strip(),
            name=(row.get(name_column or "") or "").strip(),
            submitted_at=parse_time(stated) if (stated := row.get("submitted_at")) else None,
            row={str(key): value or "" for key, value in row.items() if isinstance(value, str)},
        )
        for row in rows
        if (row[id_column] or "").strip() and "points possible" not in str(row.values()).lower()
    ]
    seen: set[str] = set()
    for student in students:
        if comparable(student.id) in seen:
            raise HomeworkError(f"The roster {path} lists {student.id} twice.")
        seen.add(comparable(student.id))
    return students


def parse_time(text: str) -> datetime:
    """Read a time such as ``2026-05-01T23:59`` or ``2026-05-01 23:59+08:00``.

    Raises:
        HomeworkError: It is no such time.
    """
    try:
        return datetime.fromisoformat(re.sub("[zZ]$", "+00:00", text.strip()))
    except ValueError as error:
        raise HomeworkError(f"{text!r} is no time; write it as 2026-05-01T23:59+08:00.") from error


def comparable(text: str) -> str:
    """Return a name or id as it is compared: plain width, lower case, no blanks."""
    return re.sub(r"[\s,]+", "", unicodedata.normalize("NFKC", text)).casefold()


class ClassList:
    """Finds the student a file belongs to.

    Args:
        students: The roster, or the students the key has sentences for; empty when neither is
            there, and every file name is believed.
    """

    def __init__(self, students: Sequence[Student] = ()) -> None:
        self.students = list(students)
        self._by_id = {comparable(student.id): student for student in self.students}
        self._by_canvas_id = {s.canvas_id: s for s in self.students if s.canvas_id}
        names = [comparable(student.name) for student in self.students]
        self._by_name = {
            name: student
            for name, student in zip(names, self.students, strict=True)
            if name and names.count(name) == 1
        }

    def student(self, student_id: str) -> Student | None:
        """Return the student with an id, however it is spelled."""
        return self._by_id.get(comparable(student_id))

    def identify(self, parts: Sequence[str], claimed_id: str = "") -> Identity:
        """Judge whose file this is.

        Args:
            parts: The path below the submissions folder, as Moodle, Canvas or a person named it.
            claimed_id: The ``student_id`` written in the sheet; believed last, and only where it
                stands in the class list: anybody can claim anything.
        """
        moodle = next((found for part in parts if (found := _MOODLE.fullmatch(part))), None)
        canvas = None if moodle else _CANVAS.fullmatch(parts[-1])
        platform = moodle or canvas
        is_late = bool(canvas and canvas["late"])
        order = int(canvas["submission"]) if canvas and len(canvas["submission"]) < 19 else 0
        for student, source in self._candidates(parts, canvas, platform, claimed_id):
            if student is not None:
                return Identity(student, source, is_late=is_late, order=order)
        name = printable(platform["name"] if platform else "")
        number = platform["number"] if platform else ""
        stem = parts[0] if len(parts) > 1 else parts[0].rpartition(".")[0] or parts[0]
        identifier = f"{name}_{number}" if platform else printable(stem)
        student = Student(identifier[:80], name or identifier[:80])
        return Identity(student, "file name", not self.students, is_late, order)

    def _candidates(
        self,
        parts: Sequence[str],
        canvas: re.Match[str] | None,
        platform: re.Match[str] | None,
        claimed_id: str,
    ) -> list[tuple[Student | None, str]]:
        words = [word for part in parts for word in re.split(r"[\W_]+", part) if word]
        whole = [parts[0], parts[0].rpartition(".")[0]]
        by_id = {s.id: s for word in (*words, *whole) if (s := self.student(word)) is not None}
        name = platform["name"] if platform else ""
        return [
            (next(iter(by_id.values())) if len(by_id) == 1 else None, "id in the file name"),
            (self._by_canvas_id.get(canvas["number"]) if canvas else None, "Canvas id"),
            (self._by_name.get(comparable(name)), "name in the file name"),
            (
                next(
                    (self._by_name[n] for w in words if (n := comparable(w)) in self._by_name), None
                ),
                "name in the file name",
            ),
            (self.student(claimed_id), "sheet"),
        ]
