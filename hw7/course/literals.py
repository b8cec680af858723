"""Read the literal that a stranger's code assigns to q1, q2, …, without executing anything."""

import ast
import re
import textwrap
import unicodedata
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

from hw7.course.statements import Statement, split_statements

MAX_CELL_CHARACTERS = 200_000
MAX_CODE_CHARACTERS = 500  # of one statement outside strings: bounds the parser's recursion
MAX_TEXT_CHARACTERS = 20_000

Value = str | int | float | None

CHINESE_DIGITS = "零〇一二三四五六七八九十两点點百分之"
_NAME = re.compile(r"(?<![\w.])[qQ](\d{1,2})(?!\w)")
_START_OF_ANSWER = re.compile(r"^[qQ](\d{1,2})[ \t]*[=＝](?!=)", re.MULTILINE)
_BROKEN_ANSWER = re.compile(r"\s*[qQｑＱ](\d{1,2})\s*[=＝](?!=)\s*(.*)", re.DOTALL)
_QUOTED = re.compile(r"(?s)[“”„〝「『《‘’＂＇](.*)[“”〞」』》‘’＂＇]")
_NUMBER_LIKE = re.compile(rf"[\d{CHINESE_DIGITS}.,%+\-\s。;]+")


@dataclass(frozen=True)
class Assignment:
    """One ``q3 = …`` found in a cell.

    Attributes:
        name: ``"q3"``, or ``"student_id"``.
        value: The literal, when ``problem`` is empty; None stands for no answer.
        problem: Why the right-hand side can't be read; empty when it can.
        note: What was accepted although Python would not have.
    """

    name: str
    value: Value = None
    problem: str = ""
    note: str = ""


def read_assignments(source: str) -> list[Assignment]:
    """Return the assignments to answers in one code cell, in order.

    Args:
        source: The cell's code, from a stranger. It is never compiled or executed: only single
            short statements reach the parser, and only literals are taken out of its tree.
    """
    if len(source) > MAX_CELL_CHARACTERS:
        problem = f"单元格太长，未读取 (cell of {len(source):,} characters, not read)"
        names = dict.fromkeys(f"q{int(n)}" for n in _START_OF_ANSWER.findall(source))
        return [Assignment(name, problem=problem) for name in names]
    if source[:1].isspace():
        source = textwrap.dedent(source)  # Jupyter forgives a cell that is indented as a whole
    return [
        assignment
        for statement in split_statements(source)
        for assignment in _read_statement(statement)
    ]


def last_assignments(sources: list[str]) -> tuple[dict[str, Assignment], list[str]]:
    """Return the last assignment to each name over all cells, and the names that changed."""
    last: dict[str, Assignment] = {}
    changed: dict[str, None] = {}
    for source in sources:
        for assignment in read_assignments(source):
            earlier = last.get(assignment.name)
            has_answer = earlier is not None and (
                earlier.problem or earlier.value not in {None, ""}
            )
            if earlier is not None and has_answer and earlier.value != assignment.value:
                changed[assignment.name] = None
            last[assignment.name] = assignment
    return last, list(changed)


def _read_statement(statement: Statement) -> Iterator[Assignment]:
    code = unicodedata.normalize("NFKC", statement.code)
    if "=" not in code or not (_NAME.search(code) or "student_id" in code):
        return
    if len(statement.code) > MAX_CODE_CHARACTERS:
        if found := _BROKEN_ANSWER.match(statement.text):
            yield Assignment(
                f"q{int(found[1])}", problem="请直接写出答案，这里的代码太长 (too much code)"
            )
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)  # a stranger's "\d" is not our warning
            # In the mode for files, CPython looks for a file of that name to quote in the error.
            body = ast.parse(statement.text + "\n", filename="<answer>", mode="single").body
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        yield from _read_broken(statement, error)
        return
    for node in body:
        for assignment in _read_node(node):
            if statement.is_indented:
                problem = "写在 if、循环或函数里 (indented: not at the start of the line)"
                assignment = Assignment(assignment.name, problem=problem)
            yield assignment


def _read_node(node: ast.stmt) -> Iterator[Assignment]:
    """Yield what one statement assigns to answers; anything but an assignment yields nothing."""
    if isinstance(node, ast.AnnAssign) and node.value is not None:
        yield from _read_target(node.target, node.value)
    elif isinstance(node, ast.AugAssign):
        name, _ = _answer_name(node.target)
        if name:
            yield Assignment(name, problem="用了 += 之类的运算 (augmented assignment)")
    elif isinstance(node, ast.Assign):
        for target in node.targets:
            yield from _read_target(target, node.value)


def _read_target(target: ast.expr, value: ast.expr) -> Iterator[Assignment]:
    if isinstance(target, ast.Tuple | ast.List):
        is_pairwise = isinstance(value, ast.Tuple | ast.List) and len(value.elts) == len(
            target.elts
        )
        for position, element in enumerate(target.elts):
            if is_pairwise:
                yield from _read_target(element, value.elts[position])  # type: ignore[attr-defined]
            elif name := _answer_name(element)[0]:
                yield Assignment(name, problem="一次给多个变量赋值 (several answers at once)")
        return
    name, note = _answer_name(target)
    if name:
        yield _read_value(name, value, note)


def _answer_name(target: ast.expr) -> tuple[str, str]:
    """Return the answer a name stands for ("" for none) and a note when its spelling is unusual."""
    if not isinstance(target, ast.Name):
        return "", ""
    if target.id == "student_id":
        return target.id, ""
    found = _NAME.fullmatch(target.id)
    if not found:
        return "", ""
    name = f"q{int(found[1])}"
    return name, "" if target.id == name else f"变量名写成 {target.id} (spelled {target.id})"


def _read_value(name: str, node: ast.expr, note: str) -> Assignment:
    while isinstance(node, ast.Tuple | ast.List) and len(node.elts) == 1:
        node, note = node.elts[0], note or "去掉了多余的括号 (brackets removed)"
    if decimal := _decimal_comma(node):
        return Assignment(name, decimal, note="小数点写成了逗号 (decimal comma)")
    sign = 1
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        sign, node = (-1 if isinstance(node.op, ast.USub) else 1), node.operand
        if not (isinstance(node, ast.Constant) and type(node.value) in {int, float}):
            return Assignment(name, problem="请直接写出答案，这里是表达式 (an expression)")
    if isinstance(node, ast.Constant):
        value = node.value
        if value is None or value is ...:
            return Assignment(name, None, note=note)
        if isinstance(value, str):
            return _text(name, value, note)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return Assignment(name, sign * value, note=note)
    if isinstance(node, ast.Name) and set(node.id) <= set(CHINESE_DIGITS):
        return Assignment(name, node.id, note="中文数字没有加引号 (Chinese digits without quotes)")
    return Assignment(name, problem=f"请直接写出答案，这里是{_describe(node)}")


def _decimal_comma(node: ast.expr) -> str:
    """Return ``"0,5"`` for the tuple that Python makes of ``0,5``, and "" for anything else."""
    if not isinstance(node, ast.Tuple) or len(node.elts) != 2:
        return ""
    parts = [part.value for part in node.elts if isinstance(part, ast.Constant)]
    decimals = [str(part) for part in parts if type(part) is int and part < 10**12]
    return ",".join(decimals) if len(decimals) == 2 and decimals[0] == "0" else ""


def _text(name: str, value: str, note: str) -> Assignment:
    if len(value) > MAX_TEXT_CHARACTERS:
        return Assignment(name, problem=f"文字太长 (text of {len(value):,} characters)")
    return Assignment(name, printable(value), note=note)


def _read_broken(statement: Statement, error: Exception) -> Iterator[Assignment]:
    """Read ``q3 = “机器”`` or ``q4 = 0，03`` as a person would, though Python can't."""
    found = _BROKEN_ANSWER.match(statement.text)
    if not found:
        return
    name, right = f"q{int(found[1])}", found[2].strip()
    note = "全角符号已按半角读取 (full-width punctuation read as plain)"
    quoted = _QUOTED.fullmatch(right)
    if statement.is_indented or len(right) > MAX_TEXT_CHARACTERS:
        yield Assignment(name, problem="不是合法的 Python (not valid Python)")
    elif quoted:
        yield _text(name, quoted[1], note)
    elif _NUMBER_LIKE.fullmatch(unicodedata.normalize("NFKC", right)):
        yield Assignment(name, right, note=note)
    else:
        reason = error.msg if isinstance(error, SyntaxError) else type(error).__name__
        yield Assignment(name, problem=f"不是合法的 Python (not valid Python: {reason})")


def _describe(node: ast.expr) -> str:
    if isinstance(node, ast.JoinedStr):
        return "f 字符串 (an f-string)"
    if isinstance(node, ast.Call):
        return "函数调用 (a call)"
    if isinstance(node, ast.Name):
        return f"没有加引号的名字 {node.id[:40]} (a name without quotes)"
    if isinstance(node, ast.Constant):
        return f"{type(node.value).__name__} 类型 (of type {type(node.value).__name__})"
    if isinstance(node, ast.List | ast.Tuple | ast.Dict | ast.Set):
        return "列表或字典 (a collection)"
    return "表达式 (an expression)"


def printable(text: str) -> str:
    """Return text without control characters, lone surrogates and direction overrides.

    They could garble a terminal, a gradebook or a page; line breaks and tabs stay.
    """
    kept = (
        character
        for character in text
        if character in "\n\t" or unicodedata.category(character) not in {"Cc", "Cs", "Cn"}
    )
    return re.sub("[\u202a-\u202e\u2066-\u2069]", "", "".join(kept))
