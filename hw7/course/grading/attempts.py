"""Which of one student's files counts."""

import re
from collections.abc import Sequence

from hw7.course.grading.submitted_notebook import ReadFile

# Browsers and platforms number what is handed in again; Jupyter's -Copy is a copy, not an attempt.
_ATTEMPT = re.compile(r"(?:\s*\((\d{1,9})\)|-(\d{1,9}))?\.ipynb$", re.I)


def attempt_that_counts(files: Sequence[ReadFile]) -> ReadFile:
    """Return the latest file with answers; without any, the latest that can be read, or the last.

    A file that bears the student's name and nothing else goes before one that merely contains it;
    then the platform's own number of the file decides, its time, and the number at its end.
    """
    best = max(file.rank for file in files)
    attempts: dict[str, list[ReadFile]] = {}
    for file in files:
        if file.rank == best:
            attempts.setdefault(_ATTEMPT.sub("", file.file.path), []).append(file)
    return max((max(group, key=_numbered_order) for group in attempts.values()), key=_order)


def _numbered_order(file: ReadFile) -> tuple[object, ...]:
    """Order the attempts at one name: by their number before their time."""
    found = _ATTEMPT.search(file.file.path)
    number = int(found[1] or found[2] or 0) if found else 0
    return (*_order(file)[:2], number, *_order(file))


def _order(file: ReadFile) -> tuple[bool, int, float, str]:
    # A platform may write the time of zipping, so it orders only what no platform has numbered.
    modified = file.file.modified
    order = file.identity.name.order if file.identity.name else 0
    return (
        file.identity.is_exact,
        order,
        modified.timestamp() if modified and not order else 0.0,
        file.file.path,
    )
