"""The constant that a stranger's expression stands for, worked out on the tree, never executed."""

import ast
import math
from operator import add, mul, sub, truediv

Constant = str | int | float | None

_NUMBERS = {"float", "int", "round", "Decimal", "float32", "float64"}
_OPERATORS = {ast.Add: add, ast.Sub: sub, ast.Mult: mul, ast.Div: truediv}


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
        case ast.Tuple(elts=[ast.Constant(value=0), ast.Constant(value=int() as decimals)]):
            return f"0,{decimals:d}"  # what Python makes of a decimal comma
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
