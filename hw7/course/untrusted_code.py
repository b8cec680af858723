"""A stranger's code, never executed: its tree where that is harmless, its lines, its constants."""

import ast
import math
import os
import re
import textwrap
import unicodedata
import warnings
from operator import add, mul, sub, truediv

Constant = str | int | float | None

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
_NUMBERS = {"float", "int", "round", "Decimal", "float32", "float64"}
_OPERATORS = {ast.Add: add, ast.Sub: sub, ast.Mult: mul, ast.Div: truediv}


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


def folded(node: ast.expr) -> Constant:
    """Return the constant that an expression of constants stands for, as a person sees it.

    Sums, fractions, texts put together, ``float("0.03")``, ``"B".strip()``, one answer in brackets.

    Raises:
        ValueError: Anything else, and what is not finite.
    """
    match node:
        case ast.Constant(value=None | str()) as constant:
            return constant.value  # type: ignore[return-value]
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return number
        case ast.Constant(value=value) if value is ...:
            return None
        case ast.Tuple(elts=[one]) | ast.List(elts=[one]) | ast.Set(elts=[one]):
            return folded(one)
        case ast.Tuple(elts=[ast.Constant(value=whole), ast.Constant(value=decimals)]) if (
            type(whole) is type(decimals) is int and whole == 0
        ):
            return f"0,{decimals}"  # what Python makes of a decimal comma
        case ast.JoinedStr(values=parts):
            return "".join(str(folded(part)) for part in parts)
        case ast.FormattedValue(value=part, conversion=-1, format_spec=None):
            return folded(part)
        case ast.UnaryOp(op=ast.USub() | ast.UAdd() as sign, operand=operand):
            number = _number(folded(operand))
            return -number if isinstance(sign, ast.USub) else number
        case ast.BinOp(left=left, op=op, right=right):
            return _combined(folded(left), op, folded(right))
        case ast.Call(func=ast.Attribute(value=text, attr="strip" | "lstrip" | "rstrip"), args=[]):
            return str(folded(text)).strip()
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=[part, *_]):
            return _converted(name, folded(part))
    raise ValueError("no constant")


def _combined(left: Constant, op: ast.operator, right: Constant) -> Constant:
    if isinstance(left, str) and isinstance(right, str) and isinstance(op, ast.Add):
        return left + right
    if type(op) not in _OPERATORS:
        raise ValueError("no arithmetic of a person")
    return float(_OPERATORS[type(op)](_number(left), _number(right)))


def _converted(function: str, value: Constant) -> Constant:
    """Return what a type makes of a constant; ``round`` is left undone."""
    if function == "str":
        return str(value)
    if function not in _NUMBERS or value is None:
        raise ValueError("no type of a constant")
    number = float(value)
    if not math.isfinite(number):
        raise ValueError("not finite")
    return int(number) if function == "int" else number


def _number(value: Constant) -> int | float:
    if not isinstance(value, int | float):
        raise ValueError("no number")
    return value


def describe(node: ast.expr) -> str:
    """Name the kind of an expression that is no constant."""
    match node:
        case ast.JoinedStr():
            return "f 字符串 (an f-string)"
        case ast.Call():
            return "函数调用 (a call)"
        case ast.Name(id=name):
            return f"没有加引号的名字 {name[:40]} (a name without quotes)"
        case ast.Constant(value=value):
            return f"{type(value).__name__} 类型 (of type {type(value).__name__})"
        case ast.List() | ast.Tuple() | ast.Dict() | ast.Set():
            return "列表或字典 (a collection)"
    return "表达式 (an expression)"
