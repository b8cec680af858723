"""A stranger's cell as a tree where that is harmless, else its lines that start with ``q3 =``."""

import ast
import os
import re
import textwrap
import unicodedata
import warnings

MAX_BLOCK_CHARACTERS = 1_000  # of top-level code outside strings: bounds the parser's recursion
MAX_BLOCK_BRACKETS = 60  # each costs the parser about twenty calls
MAX_ANSWERS_IN_CELL = 300

# Where Python meets a syntax error it opens the file of this name to quote the line: none such.
_FILENAME = f"{os.devnull}/<answer>"
NAME = re.compile(r"[qQｑＱ][\d０-９]|student_id|sentence")
_ANSWER = re.compile(r"[qQ](\d{1,2})|student_id|sentence")
_TIMING = re.compile(r"^([ \t]*)%{1,2}(?:timeit|time|capture)\b(?:[ \t]+-\w+(?:[ \t]+\d+)?)*", re.M)
_SHELL = re.compile(r"^[ \t]*[!%?].*$", re.M)
_INVISIBLE = re.compile("[\u200b-\u200f\u2060\ufeff]")
_F_STRING = re.compile(r"(?<!\w)(?:[fFtT][rR]?|[rR][fFtT])[\"']")
_STRING_OR_COMMENT = re.compile(
    r'''\#[^\n]*|"""[^\\"]*(?:(?:\\.|"(?!""))[^\\"]*)*(?:"""|\\?\Z)'''
    r"""|'''[^\\']*(?:(?:\\.|'(?!''))[^\\']*)*(?:'''|\\?\Z)"""
    r"""|"[^"\\\n]*(?:\\.[^"\\\n]*)*(?:"|(?=\n)|\\?\Z)"""
    r"""|'[^'\\\n]*(?:\\.[^'\\\n]*)*(?:'|(?=\n)|\\?\Z)""",
    re.DOTALL,
)
_START = re.compile(
    r"^(?P<indent>[ \t\xa0\u3000]*)[>*•(-]?[ \t]*"
    r"(?P<name>[qQｑＱ][\d０-９]{1,2}|student_id|sentence)"
    r"[ \t\xa0\u3000]*(?::[ \t]*\w+[ \t]*)?:?[=＝](?![=＝])",
    re.M,
)


def parsed(source: str) -> ast.Module | None:
    """Parse code in which nothing nests deep; None for other code and for what is no Python."""
    # What stands in braces of an f-string is code too, and may hold quotes of its own.
    code = source if _F_STRING.search(source) else _STRING_OR_COMMENT.sub('""', source)
    for block in re.split(r"\n(?=[^\s#)\]}])", code):
        brackets = block.count("(") + block.count("[") + block.count("{")
        if len(block) > MAX_BLOCK_CHARACTERS or brackets > MAX_BLOCK_BRACKETS:
            return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)  # a stranger's "\d" is not our warning
            return ast.parse(source, filename=_FILENAME)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return None


def without_magic(source: str) -> str:
    """Return a cell as Python would like it: no magic lines, no blanks from a text editor."""
    source = _SHELL.sub("", _TIMING.sub(r"\1", source))
    return textwrap.dedent(_INVISIBLE.sub("", source.replace("\xa0", " ").replace("\u3000", " ")))


def answer_lines(source: str) -> list[tuple[str, str, str]]:
    """Return name, text and place ("", "loop" or "function") of what starts with ``q3 =``."""
    starts = list(_START.finditer(source))[-MAX_ANSWERS_IN_CELL:]
    ends = [*[found.start() for found in starts[1:]], len(source)][: len(starts)]
    return [
        (answer_name(start["name"]), source[start.start() : end].strip(" \t\n\xa0\u3000"), place)
        for start, end in zip(starts, ends, strict=True)
        if (place := _place(source, start)) != "function"
    ]


def _place(source: str, start: re.Match[str]) -> str:
    """Tell what an indented line belongs to, judged by the lines above it."""
    indent = len(start["indent"])
    for line in reversed(source[max(0, start.start() - 10_000) : start.start()].split("\n")):
        depth = len(line) - len(line.lstrip())
        if not indent:
            break
        if line.strip() and depth < indent:
            code = line.split("#")[0].strip()
            if re.match(r"(?:async\s+)?def\b|class\b", code):
                return "function"
            if code.endswith(":"):
                return "loop"
            indent = depth
    return ""


def answer_name(name: str) -> str:
    """Return the answer that a variable's name stands for, however it is spelled; "" for none."""
    found = _ANSWER.fullmatch(unicodedata.normalize("NFKC", name))
    return "" if not found else f"q{int(found[1])}" if found[1] else name
