"""Turn a literal into an answer as a person marking by hand would, and say what was normalised."""

import math
import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

from hw7.course.literals import Value
from hw7.course.questions import Question

Status = Literal["accepted", "unanswered", "malformed"]

MAX_NUMBER_CHARACTERS = 64
_WRAPPING = " \t\n\u3000\"'`“”‘’「」『』《》〈〉()[]{}【】"
_TRAILING = ".。,，、;；:：!！"
_ABOUT = re.compile(r"^(?:约|大约|大概|about|approx\.?|~|≈|=)\s*|\s*左右$", re.IGNORECASE)
_CHINESE = {c: str(n) for n, c in enumerate("零一二三四五六七八九")} | {"〇": "0", "两": "2"}
_TENS = re.compile(r"([1-9])?十([1-9])?")
_PLAIN_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?")


@dataclass(frozen=True)
class Answer:
    """What one student answered to one question.

    Attributes:
        status: ``accepted`` means the format is legal, not that the answer is right.
        value: A letter or token, a number, or a text; None unless accepted.
        notes: What was normalised on the way.
        problem: Why it is malformed.
    """

    status: Status
    value: str | float | None = None
    notes: tuple[str, ...] = ()
    problem: str = ""


def interpret(question: Question, value: Value) -> Answer:
    """Read a literal as an answer to a question: right type, legal option, number in range."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return Answer("unanswered")
    if question.type == "number":
        return _number(question, value)
    if not isinstance(value, str):
        return _malformed(f"应该是带引号的文字，而不是 {_brief(value)} (text in quotes expected)")
    if question.type == "text":
        return Answer("accepted", value.strip())
    return _letter(question, value) if question.options else _token(question, value)


def _letter(question: Question, value: str) -> Answer:
    """Accept ``B``, ``b``, ``Ｂ``, ``(B)``, ``B。``, ``选B`` and the option's whole wording."""
    plain = unicodedata.normalize("NFKC", value).strip(_WRAPPING + _TRAILING)
    plain = re.sub(r"^(?:我选|选项|选择|选|答案|option|answer)\s*[::]?\s*", "", plain, flags=re.I)
    letter = plain.strip(_WRAPPING + _TRAILING).upper()
    for name, wording in question.options.items():
        if value.strip() in {wording.zh, wording.en}:
            return Answer("accepted", name, (f"选项原文读作 {name} (wording read as {name})",))
    if letter in question.options:
        notes = () if letter == value else (f"{_brief(value)} 读作 {letter} (read as {letter})",)
        return Answer("accepted", letter, notes)
    legal = "、".join(question.options)
    return _malformed(f"{_brief(value)} 不是选项 {legal} 之一 (not one of the options)")


def _token(question: Question, value: str) -> Answer:
    """Accept a token with quotes, blanks, SentencePiece's mark or an alias around or for it."""
    plain = unicodedata.normalize("NFKC", value).strip().lstrip("▁")
    stripped = plain.strip(_WRAPPING + _TRAILING)
    token = stripped or plain
    for spelling, aliases in question.aliases.items():
        if token in aliases:
            token = spelling
    if len(token) > 40 or "\n" in token:
        return _malformed("应该只写一个词元 (one token expected)")
    notes = () if token == value else (f"{_brief(value)} 读作 {token} (read as {token})",)
    return Answer("accepted", token, notes)


def _number(question: Question, value: Value) -> Answer:
    """Accept numbers and their usual spellings, in the question's range."""
    notes: tuple[str, ...] = ()
    try:
        number = parse_number(value) if isinstance(value, str) else float(value or 0)
    except OverflowError:
        number = math.inf
    if number is None:
        return _malformed(f"{_brief(value)} 不是数字 (not a number)")
    if not math.isfinite(number):
        return _malformed("无穷大或 NaN 不是答案 (infinity and NaN are no answers)")
    low, high = question.minimum, question.maximum
    if low is not None and high is not None and not low <= number <= high:
        return _malformed(f"{number:g} 不在 {low:g} 到 {high:g} 之间 (out of range)")
    if isinstance(value, str) and not _PLAIN_NUMBER.fullmatch(value):
        notes = (f"{_brief(value)} 读作 {number:g} (read as {number:g})",)
    return Answer("accepted", number, notes)


def parse_number(text: str) -> float | None:
    """Return the number a text stands for, or None.

    Understood besides Python's spelling: full-width digits and signs, a decimal comma, percent
    (``3%``, ``百分之三``), Chinese digits (``零点零三``, ``三``, ``十二``), ``约`` or ``~`` before.
    """
    is_ambiguous = any(unicodedata.category(character) == "No" for character in text)  # 0.03²
    if len(text) > MAX_NUMBER_CHARACTERS or is_ambiguous:
        return None
    plain = unicodedata.normalize("NFKC", text).strip(_WRAPPING)
    plain = _ABOUT.sub("", plain).strip(_WRAPPING).rstrip("。,，、;:!")
    divisor = 1.0
    if plain.startswith("百分之") or plain.endswith("%"):
        divisor, plain = 100.0, plain.removeprefix("百分之").removesuffix("%").strip()
    plain = _western_digits(plain)
    if plain.count(",") == 1 and "." not in plain and len(plain.split(",")[0].lstrip("+-")) <= 1:
        plain = plain.replace(",", ".")
    if plain.count(".") == 2:
        plain = plain.removesuffix(".")
    plain = re.sub(r"(?<=[\d.])\s+(?=[\d.])|(?<=[+-])\s+", "", plain)
    if not plain.isascii() or not _PLAIN_NUMBER.fullmatch(plain):
        return None
    return float(plain) / divisor


def _western_digits(text: str) -> str:
    """Rewrite Chinese digits up to ninety-nine, with or without decimals; leave the rest alone."""
    if not any(character in _CHINESE or character == "十" for character in text):
        return text
    text = "".join(_CHINESE.get(character, character) for character in text)
    text = text.replace("点", ".").replace("點", ".")
    return _TENS.sub(lambda tens: f"{tens[1] or 1}{tens[2] or 0}", text, count=1)


def _malformed(problem: str) -> Answer:
    return Answer("malformed", problem=problem)


def _brief(value: Value) -> str:
    """Return a value short enough for one line of a report."""
    try:
        text = str(value).replace("\n", " ")
    except ValueError:  # an integer beyond Python's limit for conversion to text
        return "一个很长的整数 (a very long integer)"
    return f"“{text[:40]}…”" if len(text) > 40 else f"“{text}”"
