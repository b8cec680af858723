"""What students are told: errors with what happened, why, and the next thing to type."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from functools import cache
from inspect import signature

# With a nearest name at hand, a longer list would only hide it.
_MOST_LISTED = 20


class HomeworkError(Exception):
    """Base of every error the kit raises on purpose; its first line is the whole message."""


class ModelNotFoundError(HomeworkError):
    """The model name is unknown, or its files are nowhere to be found."""


class DeviceError(HomeworkError):
    """The device asked for is not on this machine."""


class NotEnoughMemoryError(HomeworkError):
    """Neither the model nor the attribution fits into the memory there is."""


class TextError(HomeworkError):
    """The text is empty, too long, or has words the model does not know."""


class MethodError(HomeworkError):
    """The attribution method is unknown or does not run on this model."""


class TokenLookupError(HomeworkError, LookupError):
    """The token asked for is not in the heatmap, or occurs more than once."""


@contextmanager
def told_as(error: type[HomeworkError], refused: type[Exception] = ValueError) -> Iterator[None]:
    """Tell the student what a leaf refuses: the message of its error is a whole sentence."""
    try:
        yield
    except refused as refusal:
        raise error(str(refusal)) from refusal


def check_names(
    given: Iterable[object],
    known: Iterable[str],
    what: str,
    error: type[HomeworkError] = HomeworkError,
) -> None:
    """Refuse a name that is not known, with the nearest one that is.

    Args:
        given: The names to check.
        known: The names there are.
        what: What is named, such as ``"method"``.
        error: The error to raise.
    """
    known = list(dict.fromkeys(known))
    for name in given:
        if name not in known:
            hint = nearest(name, known)
            there = f" There are: {', '.join(map(repr, known))}." if known else " There are none."
            is_long = hint and len(known) > _MOST_LISTED
            raise error(f"Unknown {what} {name!r}.{hint}{'' if is_long else there}")


def settings_of(step: Callable[..., object]) -> list[str]:
    """Return the keywords of a function to which another passes its settings on."""
    parameters = signature(step).parameters.values()
    return [each.name for each in parameters if each.kind is each.KEYWORD_ONLY]


def nearest(name: object, known: Iterable[str]) -> str:
    """Return the question whether the most similar name was meant; nothing if none is similar."""
    near = get_close_matches(str(name).lower(), list(known), n=1, cutoff=0.5)
    return f" Did you mean {near[0]!r}?" if near else ""


def say(sentence: str) -> None:
    """Print what a student should know; what the console's encoding lacks is shown escaped.

    Consoles of Windows know one script (cp950, cp936, cp1252); a print of anything else would end
    in an error.
    """
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    print(sentence.encode(encoding, "backslashreplace").decode(encoding))


@cache
def say_once(sentence: str) -> None:
    """Say something the first time it is true."""
    say(sentence)
