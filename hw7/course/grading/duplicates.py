"""Flag submissions that look copied. A flag asks a human to look; it takes no points."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from hw7.course.grading.roster import comparable
from hw7.course.keys import Key
from hw7.course.literals import Assignment

if TYPE_CHECKING:
    from hw7.course.grading.class_run import ReadFile

MIN_TEXT_CHARACTERS = 20  # shorter free texts may agree by chance


def suspicions(chosen: "Mapping[str, ReadFile]", key: Key) -> dict[str, list[str]]:
    """Return the flags of each student.

    Args:
        chosen: The file that counts for each student id.
        key: Tells whose sentence each explanation's digest belongs to.
    """
    flags: dict[str, list[str]] = defaultdict(list)
    for name, read in chosen.items():
        flags[name].extend(_own_flags(name, read, key))
    _flag_groups(flags, _same_files(chosen), "文件与别人完全相同 (file identical to that of {})")
    _flag_groups(
        flags, _same_texts(chosen), "文字答案与别人相同 (free text identical to that of {})"
    )
    return flags


def _own_flags(name: str, read: "ReadFile", key: Key) -> Iterator[str]:
    """Yield what is odd about one submission, compared with the key."""
    notebook = read.notebook
    if notebook is None:
        return
    if key.students and name not in key.students:
        yield "答案里没有这个学生的句子 (no personal sentence in the key; the common one was used)"
    claimed = notebook.student_id
    is_known = read.identity.source != "file name"
    if claimed and is_known and comparable(claimed) != comparable(name):
        yield f"答卷是 {claimed[:80]} 的 (the sheet was made for {claimed[:80]})"
    model = notebook.record.get("model", "")
    if model and model != key.model:
        yield f"模型不同 (explained {model}, but the key is for {key.model})"
    digest = notebook.record.get("digest", "")
    owners = [other for other, personal in key.students.items() if personal.digest == digest]
    if digest and owners and name not in owners:
        yield f"解释属于别人的句子 (explanation of the sentence given to {_listed(owners)})"


def _same_files(chosen: "Mapping[str, ReadFile]") -> Iterator[list[str]]:
    groups: dict[str, list[str]] = defaultdict(list)
    for name, read in chosen.items():
        if read.notebook is not None and _has_answers(read.notebook.assignments):
            groups[read.content_digest].append(name)
    yield from groups.values()


def _has_answers(assignments: Mapping[str, Assignment]) -> bool:
    """Tell whether anything was answered: untouched sheets are alike without being copied."""
    return any(a.value not in {None, ""} for a in assignments.values() if a.name != "student_id")


def _same_texts(chosen: "Mapping[str, ReadFile]") -> Iterator[list[str]]:
    groups: dict[tuple[str, str], dict[str, None]] = defaultdict(dict)
    for name, read in chosen.items():
        for assignment in (read.notebook.assignments if read.notebook else {}).values():
            text = re.sub(r"\W+", "", assignment.value) if isinstance(assignment.value, str) else ""
            if len(text) >= MIN_TEXT_CHARACTERS and assignment.name != "student_id":
                groups[assignment.name, text.casefold()][name] = None
    for members in groups.values():
        yield list(members)


def _flag_groups(flags: dict[str, list[str]], groups: Iterator[list[str]], text: str) -> None:
    for members in groups:
        if len(members) < 2:
            continue
        for position, name in enumerate(members):
            # Only a window is listed, so that a class of copies does not make a report of n².
            others = members[:position][-3:] + members[position + 1 :][:3]
            flag = text.format(_listed(others))
            if flag not in flags[name]:
                flags[name].append(flag)


def _listed(names: list[str]) -> str:
    return ", ".join(names[:5]) + (" …" if len(names) > 5 else "")
