"""Flag what a human should look at: copies, and claims that can't be so. A flag takes no points."""

import re
from collections.abc import Iterator, Mapping

from hw7.course.grading.roster import ClassList
from hw7.course.grading.submitted_notebook import ReadFile, SubmittedNotebook
from hw7.course.grading.tables import Ids
from hw7.course.keys import Key

MIN_TEXT_CHARACTERS = 20  # shorter free texts may agree by chance
_SAME_FILE = "文件与别人完全相同 (file identical to that of {})"
_SAME_TEXT = "文字答案与别人相同 (free text identical to that of {})"


def copies(chosen: Mapping[str, ReadFile]) -> Iterator[tuple[str, str]]:
    """Yield student and flag wherever a file that counts, or a text in it, is another's."""
    alike: dict[tuple[str, ...], list[str]] = {}
    for name, read in chosen.items():
        if read.answers:  # untouched sheets are alike without being copied
            alike.setdefault((_SAME_FILE, read.content_digest), []).append(name)
        for question, answer in read.answers.items():
            text = re.sub(r"\W+", "", str(answer.value or answer.typed)).casefold()
            if len(text) >= MIN_TEXT_CHARACTERS:
                alike.setdefault((_SAME_TEXT, question, text), []).append(name)
    for (flag, *_), group in alike.items():
        for position, name in enumerate(group):
            # Only a window is listed, so that a class of copies does not make a report of n².
            if others := group[:position][-3:] + group[position + 1 :][:3]:
                yield name, flag.format(_listed(others))


def false_claims(
    files_of: Mapping[str, list[ReadFile]], class_list: ClassList, *, is_sure: bool
) -> Iterator[tuple[str, str]]:
    """Yield student and flag wherever a file bears the id or name of another student.

    Both are flagged: whoever handed it in, and whose name it bears. Without a class list those who
    handed something in are the class, and other ids may be right, unless ``is_sure``.
    """
    known = class_list
    if not class_list.students:
        known = ClassList([files[0].identity.student for files in files_of.values()])
    used_by: dict[str, dict[str, None]] = {}
    for name, files in files_of.items():
        is_own = Ids([name]).find
        for read in files:
            for other in known.mentioned_in(read.identity.own):
                if other.id != name:
                    yield name, f"文件名里写着 {other.id} (file name bears {other.id})"
                    used_by.setdefault(other.id, {})[name] = None
            for claimed in read.notebook.claimed_ids if read.notebook else ():
                owner = known.student(claimed)
                if not is_own(claimed) and (owner or class_list.students or is_sure):
                    yield name, f"答卷是 {claimed} 的 (the sheet was made for {claimed})"
                    if owner:
                        used_by.setdefault(owner.id, {})[name] = None
    for name, others in used_by.items():
        names = _listed(list(others))
        yield name, f"{names} 交的文件写着这位学生 (a file handed in by {names} bears this id)"


def flags_against_key(notebook: SubmittedNotebook, key: Key, key_id: str) -> Iterator[str]:
    """Yield what is odd about a sheet of the student whom the key calls ``key_id``."""
    own = key.students.get(key_id)
    if key.students and own is None:
        yield "答案里没有这个学生的句子 (no personal sentence in the key; the common one was used)"
    model = notebook.record.get("model", "")
    if model and model != key.model:
        yield f"模型不同 (explained {model}, but the key is for {key.model})"
    digest = notebook.record.get("digest", "")
    sentence = notebook.record.get("sentence", "") or notebook.text_of("sentence")
    owners = [name for name, personal in key.students.items() if personal.digest == digest]
    if digest and owners and key_id not in owners:
        yield f"解释属于别人的句子 (explanation of the sentence given to {_listed(owners)})"
    elif own and (digest in key.digests.values() or sentence in key.digests):
        yield "交的是公共答题纸，不是自己的 (the common sheet instead of the personal one)"


def _listed(names: list[str]) -> str:
    """Return the first few names."""
    return ", ".join(names[:5]) + (" …" if len(names) > 5 else "")
