"""Grade a class: read every submitted file, choose one per student, mark it, note what is odd."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

from hw7.course.answer_sheet import question_cells
from hw7.course.grading.attempts import attempt_that_counts
from hw7.course.grading.flags import copies, false_claims, flags_against_key
from hw7.course.grading.identities import Identities, Identity
from hw7.course.grading.roster import ClassList, Student
from hw7.course.grading.submissions import SubmittedFile
from hw7.course.grading.submitted_notebook import ReadFile, SubmittedNotebook, read_file
from hw7.course.grading.tables import Ids
from hw7.course.keys import Key
from hw7.course.literals import Assignment
from hw7.course.marking import Mark, mark_answer
from hw7.course.questions import QuestionSet

MAX_FILES_OF_STUDENT = 50
MISSING = "没有提交 (nothing submitted)"
STRANGER = "不在名单里 (not in the roster)"
NOTHING = "一题都没有作答 (nothing answered)"
OTHER_DIGEST = "热图与答案的不同 (heatmap differs from the key's: other weights or versions?)"


@dataclass(frozen=True)
class Result:
    """The outcome for one student."""

    student: Student
    path: str  # of the file that counted; "" where none was readable
    marks: tuple[Mark, ...] = ()
    problem: str = ""  # why nothing could be marked
    is_late: bool | None = None  # None where no deadline or no time is known
    flags: tuple[str, ...] = ()  # what a human should look at; never shown to students
    notes: tuple[str, ...] = ()  # what was unusual but harmless
    remarks: tuple[str, ...] = ()  # further notes, for the instructor only


@dataclass(frozen=True)
class Grader:
    """Everything needed to grade a class."""

    questions: QuestionSet
    key: Key
    class_list: ClassList
    deadline: datetime | None = None  # a time without a zone is taken to be in its zone
    owner: Student | None = None  # of all files, where a platform runs the grader per student

    def grade(
        self,
        files: Sequence[SubmittedFile],
        *,
        is_archive: bool = False,
        progress: Callable[[Sequence[SubmittedFile]], Iterable[SubmittedFile]] = iter,
    ) -> list[Result]:
        """Grade all files and return one result per student, in the order of their ids.

        ``is_archive`` says that the files lie in a zip; ``progress`` wraps them in a bar.
        """
        identities = Identities(files, self.class_list, is_archive)
        files_of: dict[str, list[ReadFile]] = {}
        for file in progress(files):
            if identities.is_metadata(file):
                continue
            identity = Identity(self.owner) if self.owner else identities.identify(file.parts)
            found = files_of.setdefault(identity.student.id, [])
            if len(found) < MAX_FILES_OF_STUDENT:
                found.append(read_file(file, identity))
            else:
                found.append(ReadFile(file, identity, problem="文件太多，未读取 (too many files)"))
        chosen = {name: attempt_that_counts(found) for name, found in files_of.items()}
        claims = false_claims(files_of, self.class_list, is_sure=self.owner is not None)
        flags: dict[str, list[str]] = {}
        for name, flag in (*copies(chosen), *claims):
            flags.setdefault(name, []).append(flag)
        listed = [] if self.owner else self.class_list.students
        results = {student.id: Result(student, "", problem=MISSING) for student in listed}
        results |= {name: self._result(chosen[name], found) for name, found in files_of.items()}
        return [
            replace(result, flags=(*result.flags, *dict.fromkeys(flags.get(name, []))))
            for name, result in sorted(results.items())
        ]

    def _result(self, chosen: ReadFile, found: list[ReadFile]) -> Result:
        identity, notebook = chosen.identity, chosen.notebook
        flags = [] if identity.is_in_roster else [STRANGER]
        if identity.others:
            flags.append(f"与人合交 (handed in together with {', '.join(identity.others)})")
        if notebook is None:
            problem = "; ".join(f"{read.file.path}: {read.problem}" for read in found[:50])
            return Result(identity.student, "", problem=problem, flags=tuple(flags))
        flags += flags_against_key(notebook, self.key, self._key_id(identity.student.id))
        marks = tuple(self.marks(identity.student.id, self._with_prose(notebook)))
        if all(mark.answer.status == "unanswered" for mark in marks):
            flags.append(NOTHING)
        elif any(
            read.answers not in ({}, chosen.answers)
            for read in found
            if not (read.identity.name and read.identity.name.order)  # no platform ordered it
        ):
            flags.append("几个文件的答案不同 (several files whose answers differ)")
        return Result(
            identity.student,
            chosen.file.path,
            marks,
            is_late=self._is_late(chosen),
            flags=tuple(flags),
            notes=tuple(_notes(chosen, found)),
            remarks=tuple(self._remarks(notebook)),
        )

    @cached_property
    def _key_ids(self) -> Ids:
        return Ids(self.key.students)

    def _key_id(self, student_id: str) -> str:
        """Return an id as the key spells it."""
        return self._key_ids.find(student_id) or student_id

    def marks(self, student_id: str, given: Mapping[str, Assignment]) -> Iterator[Mark]:
        """Yield the marks for what a student answered to each question."""
        key_id = self._key_id(student_id)
        for question in self.key.personalised(self.questions, key_id).questions:
            answer = self.key.answer(question.id, key_id)
            yield mark_answer(question, given.get(question.id), answer)

    def _with_prose(self, notebook: SubmittedNotebook) -> dict[str, Assignment]:
        """Return the answers, those to text questions also from cells that are no code."""
        given = dict(notebook.assignments)
        note = "写在文字单元格里 (typed into a text cell)"
        for name, sheets in self._sheet_lines.items():
            lines = notebook.prose.get(name, "").splitlines()
            own = "\n".join(line for line in lines if _letters(line) not in sheets)
            if own.strip() and (name not in given or given[name].is_empty):
                given[name] = Assignment(name, own, note=note)
        return given

    @cached_property
    def _sheet_lines(self) -> dict[str, set[str]]:
        """The lines of a text question that are the sheet's own, as they are compared."""
        return {
            question.id: {
                _letters(line)
                for language in ("zh", "en")
                for cell in question_cells(question, language)
                for line in cell.source.splitlines()
            }
            for question in self.questions.questions
            if question.type == "text"
        }

    def _remarks(self, notebook: SubmittedNotebook) -> Iterator[str]:
        """Yield what an instructor should know of a sheet that is no suspicion.

        One heatmap that is not the key's means little (rounding changes 1 of 40 digests between
        float32 and float64), a whole class's that the key is for something else.
        """
        known = {*self.key.digests.values(), *(p.digest for p in self.key.students.values())}
        digest, model = notebook.record.get("digest"), notebook.record.get("model")
        if digest and known and digest not in known and model == self.key.model:
            yield OTHER_DIGEST
        if not self.class_list.students and (claimed := notebook.text_of("student_id")):
            yield f"答卷上的学号 (id in the sheet): {claimed[:80]}"
        for name, text in notebook.prose.items():
            if name not in notebook.assignments and re.search(rf"(?i){name}\s*[=＝]\s*\S", text):
                yield f"{name} 写在文字单元格里，没有读 (stands in a text cell, not read)"

    def _is_late(self, read: ReadFile) -> bool | None:
        """Tell whether a file was late: by the platform's mark, its time or the roster's.

        The time of a file says nothing where a platform named it: it may be that of zipping.
        """
        name = read.identity.name
        if name and name.is_late:
            return True
        submitted = read.identity.student.submitted_at or read.identity.submitted_at
        if submitted is None and name is None:
            submitted = read.file.modified
        if self.deadline is None or submitted is None:
            return name.is_late if name else None
        if submitted.tzinfo is None:
            submitted = submitted.replace(tzinfo=self.deadline.tzinfo)
        return submitted > self.deadline


def _notes(chosen: ReadFile, found: list[ReadFile]) -> Iterator[str]:
    """Yield what was unusual about the file that counts, and what became of the others."""
    others = [read for read in found if read is not chosen]
    if paths := "、".join(read.file.path for read in others if read.notebook):
        yield f"交了多个文件，算最新的有答案的 (the latest with answers counts, not {paths[:3000]})"
    yield from (f"{read.file.path}: {read.problem}" for read in others if read.problem)
    if chosen.notebook is not None:
        yield from chosen.notebook.notes
        for name in chosen.notebook.overwritten:
            yield f"{name} 多次赋值，以最后一次为准 (assigned again; the last one counts)"


def _letters(line: str) -> str:
    return re.sub(r"\W+", "", line)
