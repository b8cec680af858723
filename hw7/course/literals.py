"""Read the literal that a stranger's code assigns to q1, q2, …, without executing anything."""

import ast
import re
import textwrap
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from hw7.course import untrusted_code
from hw7.course.untrusted_code import Constant, answer_lines, parsed, without_magic

MAX_CELL_CHARACTERS = 200_000
MAX_TEXT_CHARACTERS = 30_000  # a cell of Excel holds 32,767
_LINES_TRIED = 20  # of an answer in a cell that is no Python

_CELL_MAGIC = re.compile(r"\s*%%(?!time\b|timeit\b|capture\b)\w")
_PARAMETER = re.compile(r"[ \t]*#[ \t]*@param.*")
_QUOTES = "\"'`“”„〝〞「」『』《》‘’＂＇"
_AFTER = " \t\n，。,;；."
_NUMBER_LIKE = re.compile(r"[\d零〇一二三四五六七八九十两点點百分之.,%+\-\s。;]+")
_CONDITIONAL = "写在 if 或循环里，可能没有执行 (inside an if or a loop)"
_OVERRIDES = re.compile("[\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True)
class Assignment:
    """One ``q3 = …`` found in a cell."""

    name: str  # "q3", "student_id" or "sentence"
    value: Constant = None  # None stands for no answer
    problem: str = ""  # why the right-hand side can't be read
    note: str = ""  # what was accepted although Python would not have
    typed: str = ""  # the right-hand side as it was typed, where ``value`` does not say it
    later: str = ""  # what was typed for the same name afterwards and can't be read

    @property
    def is_empty(self) -> bool:
        """Whether nothing was answered."""
        return not self.problem and (self.value is None or not str(self.value).strip())


def read_assignments(source: str) -> list[Assignment]:
    """Return the assignments to answers in one code cell of a stranger, in order.

    It is never compiled or executed: Python's parser sees it where it is short enough to be
    harmless, and only literals are taken out of the tree. Where it is not, or is no Python, the
    lines that start with ``q3 =`` are read.
    """
    if not untrusted_code.NAME.search(source[:MAX_CELL_CHARACTERS]) or _CELL_MAGIC.match(source):
        return []
    if len(source) > MAX_CELL_CHARACTERS:
        problem = f"单元格太长 (cell of {len(source):,} characters, only its beginning was read)"
        return [
            Assignment(name, problem=problem, typed=printable(text[:MAX_TEXT_CHARACTERS]))
            for name, text, _ in answer_lines(source[:MAX_CELL_CHARACTERS])
        ]
    source = source.replace("\r\n", "\n").replace("\r", "\n")
    if source[:1].isspace():
        source = textwrap.dedent(source)  # Jupyter forgives a cell that is indented as a whole
    for attempt in (source, without_magic(source)):
        if (found := _read_python(attempt)) is not None:
            return found
    return [found for line in answer_lines(source) for found in _read_line(*line)]


def last_assignments(sources: Iterable[str]) -> dict[str, Assignment]:
    """Return the last answer to each name in code cells, as ``last_of`` has it."""
    return last_of(found for source in sources for found in read_assignments(source))[0]


def last_of(assignments: Iterable[Assignment]) -> tuple[dict[str, Assignment], list[str]]:
    """Return the last answer to each name, and the names whose answer changed.

    What is empty never displaces an answer, as in a template appended at the end; what can't be
    read never displaces what can, but is kept beside it.
    """
    last: dict[str, Assignment] = {}
    changed: dict[str, None] = {}
    for assignment in assignments:
        earlier = last.get(assignment.name)
        if earlier is None or earlier.is_empty:
            last[assignment.name] = assignment
        elif not assignment.is_empty:
            if (earlier.value, earlier.typed) != (assignment.value, assignment.typed):
                changed[assignment.name] = None
            is_less = bool(assignment.problem) and not earlier.problem
            last[assignment.name] = (
                replace(earlier, later=assignment.typed) if is_less else assignment
            )
    return last, list(changed)


def _read_python(source: str) -> list[Assignment] | None:
    """Return what code assigns to answers, None where it is no Python or might hurt the parser."""
    lines = source.encode("utf-8", "replace").split(b"\n")
    return None if (tree := parsed(source)) is None else list(_read_block(tree.body, lines))


def _read_block(
    nodes: Iterable[ast.AST], lines: list[bytes], is_conditional: bool = False
) -> Iterator[Assignment]:
    """Yield what statements assign to answers; names inside functions and classes are others."""
    for node in nodes:
        for target, value in _assigned(node):
            for found in _read_target(target, value, lines):
                if is_conditional:
                    typed = f"if …: {found.typed or found.value}"
                    found = Assignment(found.name, problem=_CONDITIONAL, typed=typed)
                yield found
        if isinstance(node, ast.With | ast.Try):
            yield from _read_block(node.body, lines, is_conditional)
        elif isinstance(node, ast.If | ast.For | ast.While):
            yield from _read_block([*node.body, *node.orelse], lines, True)


def _assigned(node: ast.AST) -> Iterator[tuple[ast.expr, ast.expr | None]]:
    """Yield the targets of one statement with their values, None for ``+=`` and its like."""
    if isinstance(node, ast.AnnAssign) and node.value is not None:
        yield node.target, node.value
    elif isinstance(node, ast.AugAssign):
        yield node.target, None
    elif isinstance(node, ast.Assign):
        yield from ((target, node.value) for target in node.targets)
    elif isinstance(node, ast.Expr):
        yield from ((n.target, n.value) for n in ast.walk(node) if isinstance(n, ast.NamedExpr))


def _read_target(
    target: ast.expr, value: ast.expr | None, lines: list[bytes]
) -> Iterator[Assignment]:
    if isinstance(target, ast.Tuple | ast.List):
        values = value.elts if isinstance(value, ast.Tuple | ast.List) else []
        is_pairwise = len(values) == len(target.elts)
        for position, element in enumerate(target.elts):
            yield from _read_target(element, values[position] if is_pairwise else None, lines)
    elif isinstance(target, ast.Name) and (name := untrusted_code.answer_name(target.id)):
        note = "" if target.id == name else f"变量名写成 {target.id} (spelled {target.id})"
        if value is None:
            problem = "不是一个简单的赋值 (no plain assignment)"
            yield Assignment(name, problem=problem, typed=target.id)
        else:
            yield _read_value(name, value, note, lines)


def _typed(lines: list[bytes], node: ast.expr) -> str:
    """Return the source of a node, cut to what a gradebook can hold."""
    last = node.end_lineno or node.lineno
    picked = lines[node.lineno - 1 : last]
    picked[-1] = picked[-1][: node.end_col_offset]
    picked[0] = picked[0][node.col_offset :]
    return printable(b"\n".join(picked).decode("utf-8", "replace")[:MAX_TEXT_CHARACTERS])


def _read_value(name: str, node: ast.expr, note: str, lines: list[bytes]) -> Assignment:
    if isinstance(node, ast.Name) and not node.id.isascii():
        return Assignment(name, node.id, note="没有加引号 (without quotes)")
    try:
        value = untrusted_code.folded(node)
    except (ValueError, TypeError, ArithmeticError, RecursionError):
        problem = f"请直接写出答案，这里是{untrusted_code.describe(node)}"
        return Assignment(name, problem=problem, typed=_typed(lines, node))
    if isinstance(value, str):
        return _text(name, value, note)
    if not isinstance(node, ast.Constant | ast.UnaryOp):
        note = note or f"{_typed(lines, node)[:40]} 读作 {value} (read as {value})"
    return Assignment(name, value, note=note)


def _text(name: str, value: str, note: str) -> Assignment:
    if len(value) > MAX_TEXT_CHARACTERS:
        note = f"共 {len(value):,} 字，只保留开头 (cut from {len(value):,} characters)"
    return Assignment(name, printable(value[:MAX_TEXT_CHARACTERS]), note=note)


def _read_line(name: str, text: str, place: str) -> Iterator[Assignment]:
    """Read one answer of a cell that is no Python, as a person would."""
    if place:
        yield Assignment(name, problem=_CONDITIONAL, typed=printable(text[:200]))
        return
    lines = without_magic(text).split("\n")
    for count in range(1, min(len(lines), _LINES_TRIED) + 1):
        if (found := _read_python("\n".join(lines[:count]))) is not None:
            yield from found
            return
    right = _PARAMETER.sub("", re.split("[=＝]", text, maxsplit=1)[1].strip()[:MAX_TEXT_CHARACTERS])
    note = "全角符号已按半角读取 (full-width punctuation read as plain)"
    for part in (right.split("\n")[0].split("#")[0].strip(), right.strip()):
        bare = part.rstrip(_AFTER)
        if len(bare) > 1 and bare[0] in _QUOTES and bare[-1] in _QUOTES:
            yield _text(name, bare.strip(_QUOTES), note)
            return
        if len(part) < 100 and _NUMBER_LIKE.fullmatch(unicodedata.normalize("NFKC", part)):
            yield Assignment(name, part, note=note)
            return
    yield Assignment(name, problem="不是合法的 Python (not valid Python)", typed=printable(right))


def printable(text: str) -> str:
    """Return text without control characters, lone surrogates and direction overrides.

    They could garble a terminal, a gradebook or a page; line breaks and tabs stay.
    """
    if text.replace("\n", "").replace("\t", "").isprintable():
        return text  # at the speed of C, and true of nearly all
    kept = (c for c in text if c in "\n\t" or unicodedata.category(c) not in {"Cc", "Cs", "Cn"})
    return _OVERRIDES.sub("", "".join(kept))
