"""Grade a class: read every submitted file, choose one per student, mark it, note what is odd."""

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from hw7.course.grading.duplicates import suspicions
from hw7.course.grading.roster import ClassList, Identity, Student
from hw7.course.grading.submissions import SubmissionError, SubmittedFile
from hw7.course.grading.submitted_notebook import SubmittedNotebook, read_notebook
from hw7.course.keys import Key
from hw7.course.marking import Mark, mark_answer
from hw7.course.questions import QuestionSet

OTHER_DIGEST = "热图与答案的不同 (heatmap differs from the key's: other weights or versions?)"


@dataclass(frozen=True)
class Result:
    """The outcome for one student.

    Attributes:
        path: The file that counted; "" where none was readable.
        problem: Why nothing could be marked; empty when something was.
        is_late: None where no deadline or no time is known.
        flags: What a human should look at, such as a copied sheet.
        notes: What was unusual but harmless.
    """

    student: Student
    path: str
    marks: tuple[Mark, ...] = ()
    problem: str = ""
    is_late: bool | None = None
    flags: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def automatic_points(self) -> float:
        """The points of all questions a machine could mark."""
        return sum(mark.points for mark in self.marks if mark.points is not None)

    @property
    def pending_points(self) -> float:
        """The points of free texts that wait for a human."""
        return sum(mark.question.points for mark in self.marks if mark.points is None)


@dataclass(frozen=True)
class ReadFile:
    """One file after reading: either a notebook or a problem."""

    file: SubmittedFile
    identity: Identity
    content_digest: str = ""
    notebook: SubmittedNotebook | None = None
    problem: str = ""


def read_file(file: SubmittedFile, class_list: ClassList, owner: Student | None) -> ReadFile:
    """Read one file; whatever is wrong with it becomes its problem line.

    Args:
        file: The file as found.
        class_list: Judges whose it is.
        owner: The student all files belong to, where the platform already knows.
    """
    notebook, problem, digest = None, "", ""
    try:
        content = file.read()
        digest = hashlib.sha256(content).hexdigest()
        notebook = read_notebook(content)
    except SubmissionError as error:
        problem = str(error)
    claimed = notebook.student_id if notebook else ""
    identity = Identity(owner, "given") if owner else class_list.identify(file.parts, claimed)
    return ReadFile(file, identity, digest, notebook, problem)


@dataclass(frozen=True)
class Grader:
    """Everything needed to grade a class.

    Attributes:
        deadline: When submissions were due; a time without a zone is taken to be in its zone.
        owner: The student all files belong to, where the platform runs the grader per student.
    """

    questions: QuestionSet
    key: Key
    class_list: ClassList
    deadline: datetime | None = None
    owner: Student | None = None

    def grade(self, files: Iterable[SubmittedFile]) -> list[Result]:
        """Grade all files and return one result per student, in the order of their ids.

        One bad file never stops the run; students of the roster without a file are listed too.
        """
        files_of: dict[str, list[ReadFile]] = {}
        for file in files:
            read = read_file(file, self.class_list, self.owner)
            files_of.setdefault(read.identity.student.id, []).append(read)
        chosen = {name: max(found, key=_preference) for name, found in files_of.items()}
        flags = suspicions(chosen, self.key)
        results = [
            self._result(chosen[name], found, flags.get(name, []))
            for name, found in files_of.items()
        ]
        for student in [] if self.owner else self.class_list.students:
            if student.id not in files_of:
                results.append(Result(student, "", problem="没有提交 (nothing submitted)"))
        return sorted(results, key=lambda result: result.student.id)

    def _result(self, chosen: ReadFile, found: list[ReadFile], flags: list[str]) -> Result:
        student, notebook = chosen.identity.student, chosen.notebook
        if not chosen.identity.is_in_roster:
            flags = ["不在名单里 (not in the roster)", *flags]
        if notebook is None:
            problem = "; ".join(f"{read.file.path}: {read.problem}" for read in found[:50])
            return Result(student, "", problem=problem, flags=tuple(flags))
        return Result(
            student,
            chosen.file.path,
            self._marks(notebook, student.id),
            is_late=self._is_late(chosen),
            flags=tuple(flags),
            notes=(*_notes(chosen, found), *_digest_note(notebook, self.key)),
        )

    def _marks(self, notebook: SubmittedNotebook, student_id: str) -> tuple[Mark, ...]:
        return tuple(
            mark_answer(
                question,
                notebook.assignments.get(question.id),
                self.key.answer(question.id, student_id),
            )
            for question in self.key.personalised(self.questions, student_id).questions
        )

    def _is_late(self, read: ReadFile) -> bool | None:
        submitted = read.identity.student.submitted_at or read.file.modified
        if read.identity.is_late:
            return True
        if self.deadline is None or submitted is None:
            return None
        if submitted.tzinfo is None:
            submitted = submitted.replace(tzinfo=self.deadline.tzinfo)
        return submitted > self.deadline


def _preference(read: ReadFile) -> tuple[bool, bool, int, float, int, str]:
    """Order the files of one student: readable ones first, then the latest."""
    modified = read.file.modified
    attempt = re.search(r"-(\d{1,9})\.ipynb$", read.file.path)  # Canvas numbers later attempts
    return (
        read.notebook is not None,
        read.identity.source != "sheet",  # a mere claim displaces no file that bears the name
        read.identity.order,
        modified.timestamp() if modified else 0.0,
        int(attempt[1]) if attempt else 0,
        read.file.path,
    )


def _notes(chosen: ReadFile, found: list[ReadFile]) -> Iterator[str]:
    """Yield what was unusual about the file that counts, and what became of the others."""
    others = [read for read in found if read is not chosen]
    if any(read.notebook for read in others):
        paths = "、".join(read.file.path for read in others if read.notebook)
        yield f"交了多个文件，只算最新的 (several files, the latest counts, not {paths[:3000]})"
    for read in others:
        if read.problem:
            yield f"{read.file.path}: {read.problem}"
    assert chosen.notebook is not None  # noqa: S101 (the caller has checked)
    yield from chosen.notebook.notes
    for name in chosen.notebook.overwritten:
        yield f"{name} 多次赋值，以最后一次为准 (assigned again; the last one counts)"
    if chosen.identity.source == "file name" and chosen.notebook.student_id:
        yield f"答卷上的学号 (id in the sheet): {chosen.notebook.student_id[:80]}"
    if chosen.identity.source == "sheet":
        yield "学号取自答卷 (identified by the id in the sheet)"


def _digest_note(notebook: SubmittedNotebook, key: Key) -> tuple[str, ...]:
    """Return a note where the heatmap was not the key's: other weights, versions or hardware.

    One such student means little, for a score on the edge of rounding changes the digest (1 of 40
    sentences between float32 and float64); a whole class means that the key is for something else.
    """
    # Another student's digest is no other weights but a copy, and flagged as such.
    known = {*key.digests.values(), *(personal.digest for personal in key.students.values())}
    digest = notebook.record.get("digest")
    if digest and known and digest not in known and notebook.record.get("model") == key.model:
        return (OTHER_DIGEST,)
    return ()
