"""What the explorer says, in the language its reader chose; errors name the fields of the form."""

import json
import re
from collections.abc import Callable
from importlib import resources
from typing import Any

from helpers.errors import HomeworkError
from hw7.views.sheet import Language

_FILE = resources.files("hw7.lessons.explorer").joinpath("texts.json")
_CONTENT = json.loads(_FILE.read_text(encoding="utf-8"))
TEXTS: dict[str, tuple[str, str]] = _CONTENT["texts"]
"""Each text of the explorer in Chinese and in English."""
ERRORS: list[tuple[str, str, str]] = _CONTENT["errors"]
"""A pattern of the kit's errors, which name arguments, and sentences that name the fields."""


class Wording:
    """The language of one explorer, and everything in it that has to follow a switch."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self._followers: list[Callable[[], None]] = []

    def say(self, key: str, **values: Any) -> str:
        """Return a text of the explorer."""
        return TEXTS[key][self.language == "en"].format(**values)

    def follow(self, refresh: Callable[[], None]) -> None:
        """Call now, and again after each switch."""
        self._followers.append(refresh)
        refresh()

    def label(self, widget: Any, key: str, attribute: str = "description") -> Any:
        """Let a text of the explorer stand on a widget, and return the widget."""
        self.follow(lambda: setattr(widget, attribute, self.say(key)))
        return widget

    def switch(self, language: Language) -> None:
        """Say everything in another language."""
        self.language = language
        for refresh in self._followers:
            refresh()

    def sentence_of(self, error: BaseException) -> str:
        """Return an error as one sentence whose advice can be followed in the form.

        Errors that are not the kit's name their kind; what has no sentence of its own here is
        shown as it is.
        """
        line = (str(error).strip().splitlines() or [""])[0]
        if not isinstance(error, HomeworkError):
            return f"{type(error).__name__}: {line}".rstrip(": ")
        for pattern, *texts in ERRORS:
            if found := re.search(pattern, line):
                values = {
                    name: re.sub(r"\w*occurrence=", "#", value)
                    for name, value in found.groupdict().items()
                }
                return texts[self.language == "en"].format(**values)
        return line if self.language == "en" else f"出错了：{line}"
