"""Find submitted files in a folder or zip. Nothing is unpacked to disk and no link is followed."""

import os
import stat
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath

from helpers.errors import HomeworkError
from hw7.course.literals import printable

MAX_NOTEBOOK_BYTES = 20_000_000
MAX_FILES = 20_000
MAX_DEPTH = 12
MAX_NAME = 255  # characters of one part of a path
# Code pages and the first bytes of their common characters.
_ENCODINGS = {"gb18030": (0xB0, 0xD7), "big5": (0xA4, 0xC6), "cp437": (0, 0xFF)}
_CLUTTER = {"__MACOSX", ".ipynb_checkpoints", ".DS_Store", "Thumbs.db", "desktop.ini"}
_LINK = "是链接，未读取 (a link, not followed)"
_IRREGULAR = "不是普通文件 (not a regular file)"


class SubmissionError(HomeworkError):
    """One submitted file can't be read; the message is its line in the report."""


@dataclass(frozen=True)
class SubmittedFile:
    """One file as it was found; its content is read only when asked for."""

    parts: tuple[str, ...]  # its path below the submissions folder
    modified: datetime | None  # without a time zone where it comes from a zip
    problem: str  # why it will not be read
    open_and_read: Callable[[], bytes] = bytes

    @property
    def path(self) -> str:
        """The path as shown in reports."""
        return printable("/".join(self.parts))

    def read(self) -> bytes:
        """Return the content.

        Raises:
            SubmissionError: It is too large, a link, damaged, or no notebook by its name.
        """
        if self.problem:
            raise SubmissionError(self.problem)
        return self.open_and_read()


def find_submissions(source: Path) -> list[SubmittedFile]:
    """List the files of a folder or zip, sorted by path, without reading them.

    Raises:
        HomeworkError: There is no such folder or zip, or it holds no file, or too many.
    """
    if source.is_dir():
        files = list(_walk(source, ()))
    elif zipfile.is_zipfile(source):
        files = _list_zip(source)
    else:
        raise HomeworkError(f"{source} is neither a folder nor a zip of submissions.")
    if not files:
        raise HomeworkError(f"There is no file in {source}.")
    return sorted(files, key=lambda file: file.parts)


def _walk(folder: Path, parts: tuple[str, ...]) -> Iterator[SubmittedFile]:
    entries, problem = [], ""
    try:
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except OSError as error:
        problem = f"文件夹打不开 (folder can't be opened: {error.strerror})"
    if len(entries) > MAX_FILES:
        problem = f"文件太多，未读取 ({len(entries):,} entries; at most {MAX_FILES:,} are read)"
    if problem and not parts:
        raise HomeworkError(f"{folder}: {problem}.")
    if problem:
        yield SubmittedFile(parts, None, problem)
        return
    for entry in (entry for entry in entries if entry.name not in _CLUTTER):
        here = (*parts, entry.name)
        if entry.is_symlink():
            yield SubmittedFile(here, None, _LINK)
        elif not entry.is_dir(follow_symlinks=False):
            yield _file_of_folder(entry, here)
        elif len(here) > MAX_DEPTH:
            yield SubmittedFile(here, None, "文件夹嵌套太深 (folders nested too deep)")
        else:
            yield from _walk(Path(entry.path), here)


def _file_of_folder(entry: os.DirEntry[str], parts: tuple[str, ...]) -> SubmittedFile:
    facts = entry.stat(follow_symlinks=False)
    try:
        modified = datetime.fromtimestamp(facts.st_mtime).astimezone()
    except (OverflowError, OSError, ValueError):  # a date beyond the calendar
        modified = None
    is_regular = stat.S_ISREG(facts.st_mode)
    problem = _problem(parts, facts.st_size) if is_regular else _IRREGULAR
    path = Path(entry.path)
    return SubmittedFile(parts, modified, problem, lambda: _read_regular_file(path))


def _read_regular_file(path: Path) -> bytes:
    # Between listing and reading the file may have been replaced by a link or a pipe.
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        with os.fdopen(os.open(path, flags | getattr(os, "O_BINARY", 0)), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise SubmissionError(_IRREGULAR)
            content = file.read(MAX_NOTEBOOK_BYTES + 1)
    except OSError as error:
        raise SubmissionError(f"打不开 (can't be opened: {error.strerror})") from error
    if problem := _too_large(len(content)):
        raise SubmissionError(problem)
    return content


def _list_zip(source: Path) -> list[SubmittedFile]:
    try:
        archive = zipfile.ZipFile(source)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise HomeworkError(f"The zip {source} is damaged: {error}") from error
    members = archive.infolist()
    if len(members) > MAX_FILES:
        raise HomeworkError(f"{source} has {len(members):,} files; at most {MAX_FILES:,} are read.")
    files = [
        _file_of_zip(archive, member, name)
        for member, name in zip(members, member_names(members), strict=True)
        if not member.is_dir()
    ]
    return [file for file in files if not _CLUTTER & set(file.parts)]


def _file_of_zip(archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str) -> SubmittedFile:
    parts = tuple(part[: MAX_NAME + 1] for part in PurePosixPath(name).parts if part != "/")
    parts = parts or (name[: MAX_NAME + 1],)
    problem = _problem(parts, member.file_size)
    if stat.S_ISLNK(member.external_attr >> 16):
        problem = _LINK
    if ".." in parts or name.startswith("/") or name[1:2] == ":" or "\x00" in name:
        problem = "路径指向压缩包之外，未读取 (path leads outside the zip)"
    if member.flag_bits & 1:
        problem = "加密了，未读取 (encrypted)"
    try:
        modified = datetime(*member.date_time)
    except ValueError:
        modified = None
    return SubmittedFile(parts, modified, problem, lambda: _read_member(archive, member))


def _read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    content = bytearray()
    try:
        with archive.open(member) as stream:
            while piece := stream.read(1 << 20):
                content += piece
                if problem := _too_large(len(content)):  # the declared size lied
                    raise SubmissionError(problem)
    except SubmissionError:
        raise
    except Exception as error:  # each decompressor (zlib, lzma, bz2) has exceptions of its own
        raise SubmissionError(f"压缩包损坏 (damaged in the zip: {error})") from error
    return bytes(content)


def member_names(members: Sequence[zipfile.ZipInfo]) -> list[str]:
    """Return the members' names; Windows stores Chinese ones in its own code page, unsaid.

    The code page is judged by all names together: the one in which most characters are common.
    """
    stored = {}
    for member in members:
        if not (member.flag_bits & 0x800 or member.filename.isascii()):
            with suppress(UnicodeError):  # zipfile read that name from an extra field
                stored[member.filename] = member.filename.encode("cp437")
    raw = b"/".join(sorted(stored.values()))
    encoding = max(_ENCODINGS, key=lambda name: _commonness(raw, name))
    names = (m.filename for m in members)
    decoded = (_decoded(stored[name], encoding) if name in stored else name for name in names)
    return [name.replace("\\", "/") for name in decoded]


def _decoded(name: bytes, encoding: str) -> str:
    try:
        return name.decode("utf-8")
    except UnicodeError:
        return name.decode(encoding)


def _commonness(raw: bytes, encoding: str) -> float:
    """Return which share of the characters are common in a code page; half in that of DOS."""
    first, last = _ENCODINGS[encoding]
    try:
        text = raw.decode(encoding)
    except UnicodeError:
        return -1.0
    stored = [character.encode(encoding) for character in text if not character.isascii()]
    common = sum(len(code) / 2 for code in stored if len(code) < 3 and first <= code[0] <= last)
    return common / max(len(stored), 1)


def _problem(parts: tuple[str, ...], size: int) -> str:
    """Return why a file is not read, judged by its name and size in bytes; "" when it is."""
    if max(map(len, parts)) > MAX_NAME:
        return "文件名太长 (name too long)"
    if not parts[-1].lower().endswith(".ipynb"):
        return "不是 .ipynb 文件 (not an .ipynb file)"
    return _too_large(size)


def _too_large(size: int) -> str:
    limit = MAX_NOTEBOOK_BYTES // 1_000_000
    is_large = size > MAX_NOTEBOOK_BYTES
    return f"文件太大 ({size:,} bytes; at most {limit} MB are read)" if is_large else ""
