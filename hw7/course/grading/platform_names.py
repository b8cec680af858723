"""The names that platforms give to submitted files, and whose a file is by them.

What a student chose is no part of that: any id in it is a claim, to be looked at by a human.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

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
