"""Errors written for students: what happened, why, and the next thing to type."""

import sys
from functools import cache


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
