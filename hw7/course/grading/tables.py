"""Tables as spreadsheets and platforms save them, and ids matched as a person would."""

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path

from helpers.errors import HomeworkError

Row = dict[str, str]

_SCIENTIFIC = re.compile(r"(\d)(?:\.(\d+))?e\+?(\d{1,2})")


def read_table(path: Path, kind: str) -> tuple[list[str], list[Row]]:
    """Return the columns and rows of a file separated by commas, semicolons or tabs.

    It is in UTF-8, or Excel's "Unicode text" in UTF-16; a line ``sep=;`` may lead it.

    Raises:
        HomeworkError: It can't be read, or is in another encoding.
    """
    try:
        content = path.read_bytes()
        is_utf_16 = content[:2] in {b"\xff\xfe", b"\xfe\xff"}
        text = content.decode("utf-16" if is_utf_16 else "utf-8-sig")
        declared = re.match(r'"?sep=(.)"?[ \t\r]*(?:\n|\Z)', text)
        table = text[declared.end() :] if declared else text
        separator = declared[1] if declared else max(",;\t", key=table.partition("\n")[0].count)
        reader = csv.DictReader(io.StringIO(table, newline=""), delimiter=separator)
        rows = [{str(k): v or "" for k, v in row.items() if isinstance(v, str)} for row in reader]
        return [str(name) for name in reader.fieldnames or []], rows
    except OSError as error:
        raise HomeworkError(f"The {kind} {path} can't be read: {error.strerror}.") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise HomeworkError(
            f"The {kind} {path} is no CSV in UTF-8. In Excel save it as “CSV UTF-8”."
        ) from error


def as_csv(columns: Sequence[str], rows: Iterable[Row], has_mark: bool = True) -> str:
    """Return a CSV; its byte order mark keeps Excel from garbling Chinese."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns)
    writer.writeheader()
    writer.writerows(rows)
    return ("\ufeff" if has_mark else "") + text.getvalue()


def write_text(path: Path, text: str | bytes) -> None:
    """Write a file in one step, so that a stopped run never leaves half a gradebook.

    Raises:
        HomeworkError: The folder can't be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.part")
        temporary.write_bytes(text.encode() if isinstance(text, str) else text)
        temporary.replace(path)
    except OSError as error:
        raise HomeworkError(f"{path} can't be written: {error.strerror}.") from error


def comparable(text: str) -> str:
    """Return a name or id as it is compared: plain width, lower case, no blanks or accents."""
    spread = unicodedata.normalize("NFKD", text[:200])
    kept = re.sub("[\u0300-\u036f\u200b-\u200f\u2060\ufeff]", "", spread)
    return re.sub(r"[\s,]+", "", unicodedata.normalize("NFC", kept)).casefold()


class Ids:
    """Finds the id that a spelling stands for, as a person would.

    Capitals, blanks and width never matter. Where a spreadsheet took an id for a number, leading
    zeros and the last digits may be gone (``1.2E+08``): that finds the only id it can stand for.
    """

    def __init__(self, ids: Iterable[str]) -> None:
        self._exact: dict[str, str] = {}
        self._numbers: dict[str, list[str]] = {}
        for known in ids:
            plain = comparable(known)
            self._exact[plain] = known
            if plain.isdecimal():
                self._numbers.setdefault(plain.lstrip("0"), []).append(known)

    def all_of(self, spelling: str) -> list[str]:
        """Return every id that a spelling may stand for: none, one, or several."""
        plain = comparable(spelling)
        if plain in self._exact:
            return [self._exact[plain]]
        if found := _SCIENTIFIC.fullmatch(comparable(spelling.replace(",", "."))):
            digits, length = len(found[2] or ""), int(found[3]) + 1
            rounded = f"{float(found[0]):.{digits}e}"
            return [
                known
                for number, group in self._numbers.items()
                if len(number) == length and f"{int(number):.{digits}e}" == rounded
                for known in group
            ]
        whole = re.sub(r"[.,]0+$", "", plain)
        return self._numbers.get(whole.lstrip("0"), []) if whole.isdecimal() else []

    def find(self, spelling: str) -> str | None:
        """Return the one id that a spelling stands for; None where there are none or several."""
        found = self.all_of(spelling)
        return found[0] if len(found) == 1 else None
