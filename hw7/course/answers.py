"""Turn what was typed into an answer as a person marking by hand would, and say what was read."""

import math
import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from hw7.course.literals import Assignment
from hw7.course.questions import Question
from hw7.course.untrusted_code import Constant

Status = Literal["accepted", "unanswered", "malformed"]

MAX_NUMBER_CHARACTERS = 64
MAX_CHOICE_CHARACTERS = 400  # normalising combining marks takes time quadratic in the length
MAX_TOKEN_CHARACTERS = 40
_WRAPPING = " \t\n\u3000\"'`“”‘’「」『』《》〈〉()[]{}【】"
_TRAILING = ".。,，、;；:：!！"
_LEADING = re.compile(
    r"^(?:the )?(?:我选|选项|选择|选|答案|词元|重要性|分数|option|answer|token|importance|score)"
    r"\s*(?:是|为|is)?\s*[:=]?\s*",
    re.I,
)
_BRACKETS = re.compile(r"(?<=.)\s*[(\[].*", re.DOTALL)
_SCORE = re.compile(r"(?<=.)[\s:=,/]+(?:\d*\.\d+%?|\d+%)$")
_BEFORE_NUMBER = re.compile(r"[^\d.:=]{1,20}[:=]\s*")
_ABOUT = re.compile(r"^(?:约|大约|大概|about|approx\.?|~|≈|=)\s*|\s*左右$", re.IGNORECASE)
_CHINESE = "零〇一二三四五六七八九两"
_WESTERN = str.maketrans(_CHINESE + "点點", "001234567892..")
_TENS = re.compile(r"([1-9])?十([1-9])?")
_PLAIN_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?")
_FRACTION = re.compile(r"(\d{1,9})\s*/\s*([1-9]\d{0,8})")


@dataclass(frozen=True)
class Answer:
    """What one student answered to one question."""

    status: Status  # accepted: the format is legal, not that the answer is right
    value: str | float | None = None  # a letter or token, a number, or a text; where accepted
    notes: tuple[str, ...] = ()  # what was normalised on the way
    problem: str = ""  # why it is malformed
    typed: str = ""  # what stands in the sheet, where it is malformed


def interpret(question: Question, given: Assignment | Constant) -> Answer:
    """Read what was typed as an answer to a question as this student was asked it.

    The answer sheet, its self-check and the grader all call this, so that they agree.
    """
    found = given if isinstance(given, Assignment) else Assignment(question.id, given)
    if found.is_empty:
        return Answer("unanswered")
    notes: tuple[str, ...] = (found.note,) if found.note else ()
    if question.type == "text":
        return _free_text(found, notes)
    if found.problem:
        is_answer = found.typed in (*question.options, *question.suggestions)
        if question.type == "number":
            is_answer = parse_number(found.typed) is not None  # such as ~0.03
        if len(found.typed) < MAX_TOKEN_CHARACTERS and is_answer:
            note = "没有加引号 (without quotes)"
            return interpret(question, Assignment(found.name, found.typed, note=note))
        return Answer("malformed", None, notes, found.problem, found.typed)
    if found.later:
        notes += (f"后来写的读不出，未算 (later typed, not counted): {_brief(found.later)}",)
    if question.type == "number":
        answer = _number(question, found.value)
    elif isinstance(found.value, str):
        answer = (_letter if question.options else _token)(question, found.value)
    else:
        answer = _malformed("应该是带引号的文字 (text in quotes expected)")
    typed = "" if answer.status == "accepted" else _shown(found.value)
    return Answer(answer.status, answer.value, (*notes, *answer.notes), answer.problem, typed)


def _free_text(found: Assignment, notes: tuple[str, ...]) -> Answer:
    """Accept anything: whatever a text question got, a human reads it as it was typed."""
    if found.problem:
        notes += (f"照原样给老师 (as typed: {found.problem})",)
        return Answer("accepted", found.typed or "?", notes)
    later = f"\n{found.later}" if found.later else ""
    return Answer("accepted", _shown(found.value).strip() + later, notes)


def _plain(text: str) -> str:
    """Return text in plain width without what can't be seen, such as a byte order mark."""
    seen = "".join(c for c in text if unicodedata.category(c) != "Cf")
    return unicodedata.normalize("NFKC", seen)


def _letter(question: Question, value: str) -> Answer:
    """Accept ``B``, ``ｂ``, ``(B)``, ``选B。``, ``B. wording``, and the option's whole wording."""
    for name, wording in question.options.items():
        if value.strip() in {wording.zh, wording.en}:
            return Answer("accepted", name, (f"选项原文读作 {name} (wording read as {name})",))
    plain = _plain(value[:MAX_CHOICE_CHARACTERS]).strip(_WRAPPING + _TRAILING)
    plain = _LEADING.sub("", plain).strip(_WRAPPING + _TRAILING)
    letter, rest = plain[:1].upper(), plain[1:].strip()
    others = re.findall(r"(?<![A-Za-z])[A-Z](?![A-Za-z])", rest if len(rest) > 4 else rest.upper())
    is_alone = not plain[1:2].isalnum() or not plain[1:2].isascii()
    if letter in question.options and is_alone and not set(others) & set(question.options):
        return _accepted(letter, value)
    legal = "、".join(question.options)
    return _malformed(f"{_brief(value)} 不是选项 {legal} 之一 (not one of the options)")


def _token(question: Question, value: str) -> Answer:
    """Accept a token with quotes, blanks, its score, SentencePiece's mark, or in other characters.

    Where exactly one on offer is the same in simplified characters and lower case, it is meant.
    """
    plain = _plain(value[:MAX_CHOICE_CHARACTERS]).strip().lstrip("▁_")
    token = plain.strip(_WRAPPING + _TRAILING) or plain
    if token not in question.suggestions:
        bare = _SCORE.sub("", _BRACKETS.sub("", _LEADING.sub("", token)))
        token = bare.strip(_WRAPPING + _TRAILING) or token
    if len(token) > MAX_TOKEN_CHARACTERS or "\n" in token:
        return _malformed("应该只写一个词元 (one token expected)")
    meant = [one for one in question.suggestions if simplified(one) == simplified(token)]
    if token not in meant and len(meant) == 1:
        token = meant[0]
    return _accepted(token, value)


def _accepted(meant: str, value: str) -> Answer:
    """Accept what was meant, with a note where something else was typed."""
    notes = () if meant == value else (f"{_brief(value)} 读作 {meant} (read as {meant})",)
    return Answer("accepted", meant, notes)


@lru_cache(maxsize=4096)
def simplified(token: str) -> str:
    """Return a token as tokens are compared: simplified characters, lower case, no blanks."""
    return "".join(str(_converter().convert(token)).casefold().split())


@lru_cache(maxsize=1)
def _converter() -> Any:
    from opencc import OpenCC  # reads its dictionaries

    return OpenCC("t2s")


def _number(question: Question, value: Constant) -> Answer:
    """Accept numbers and their usual spellings, in the question's range."""
    try:
        number = parse_number(value) if isinstance(value, str) else float(value or 0)
    except OverflowError:
        number = math.inf
    if number is None:
        return _malformed(f"{_brief(value)} 不是数字 (not a number)")
    low, high = question.minimum or 0.0, question.maximum or 0.0  # a number's are never None
    if not low <= number <= high:
        return _malformed(f"{number:g} 不在 {low:g} 到 {high:g} 之间 (out of range)")
    is_plain = not isinstance(value, str) or _PLAIN_NUMBER.fullmatch(value)
    notes = () if is_plain else (f"{_brief(value)} 读作 {number:g} (read as {number:g})",)
    return Answer("accepted", number, notes)


def parse_number(text: str) -> float | None:
    """Return the number a text stands for, or None.

    Understood besides Python's spelling: full-width digits and signs, a decimal comma, percent
    (``3%``, ``百分之三``), fractions, Chinese digits (``零点零三``, ``十二``), ``约`` before.
    """
    is_ambiguous = any(unicodedata.category(character) == "No" for character in text[:100])  # 0.03²
    if len(text) > MAX_NUMBER_CHARACTERS or is_ambiguous:
        return None
    plain = _LEADING.sub("", _BRACKETS.sub("", _plain(text).strip(_WRAPPING)))
    plain = _ABOUT.sub("", _BEFORE_NUMBER.sub("", plain, count=1))
    plain = plain.strip(_WRAPPING).rstrip("。,，、;:!")
    if fraction := _FRACTION.fullmatch(plain):
        return int(fraction[1]) / int(fraction[2])
    divisor = 1.0
    if plain.startswith("百分之") or plain.endswith("%"):
        divisor, plain = 100.0, plain.removeprefix("百分之").removesuffix("%").strip()
    if set(plain) & {*_CHINESE, "十"}:  # up to ninety-nine, with or without decimals
        western = plain.translate(_WESTERN)
        plain = _TENS.sub(lambda tens: f"{tens[1] or 1}{tens[2] or 0}", western, count=1)
    if plain.count(",") == 1 and "." not in plain and len(plain.split(",")[0].lstrip("+-")) <= 1:
        plain = plain.replace(",", ".")
    if plain.count(".") == 2:
        plain = plain.removesuffix(".")
    plain = re.sub(r"(?<=[\d.])\s+(?=[\d.])|(?<=[+-])\s+", "", plain)
    if not plain.isascii() or not _PLAIN_NUMBER.fullmatch(plain):
        return None
    return float(plain) / divisor


def _malformed(problem: str) -> Answer:
    return Answer("malformed", problem=problem)


def _shown(value: Constant) -> str:
    try:
        return str(value)
    except ValueError:  # an integer beyond Python's limit for conversion to text
        return "一个很长的整数 (a very long integer)"


def _brief(value: Constant) -> str:
    """Return a value short enough for one line of a report."""
    text = _shown(value).replace("\n", " ")
    return f"“{text[:40]}…”" if len(text) > 40 else f"“{text}”"
