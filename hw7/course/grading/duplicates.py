"""Flag submissions that look copied. A flag asks a human to look; it takes no points."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping

from hw7.course.grading.claims import listed
from hw7.course.grading.submitted_notebook import ReadFile

MIN_TEXT_CHARACTERS = 20  # shorter free texts may agree by chance


def copies(chosen: Mapping[str, ReadFile]) -> dict[str, list[str]]:
    """Return the flags of each student whose file or text is another's.

    Args:
        chosen: The file that counts for each student id.
    """
    files: dict[str, list[str]] = defaultdict(list)
    texts: dict[tuple[str, str], dict[str, None]] = defaultdict(dict)
    for name, read in chosen.items():
        if read.answers:  # untouched sheets are alike without being copied
            files[read.content_digest].append(name)
        for question, answer in read.answers.items():
            text = re.sub(r"\W+", "", str(answer.value or answer.typed)).casefold()
            if len(text) >= MIN_TEXT_CHARACTERS:
                texts[question, text][name] = None
    flags: dict[str, list[str]] = defaultdict(list)
    _flag(flags, files.values(), "文件与别人完全相同 (file identical to that of {})")
    groups = [list(members) for members in texts.values()]
    _flag(flags, groups, "文字答案与别人相同 (free text identical to that of {})")
    return flags


def _flag(flags: dict[str, list[str]], groups: Iterable[list[str]], text: str) -> None:
    for members in groups:
        for position, name in enumerate(members):
            # Only a window is listed, so that a class of copies does not make a report of n².
            others = members[:position][-3:] + members[position + 1 :][:3]
            flag = text.format(listed(others))
            if others and flag not in flags[name]:
                flags[name].append(flag)
