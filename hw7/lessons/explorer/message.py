"""One line of the explorer: what it says, what went wrong, or files to download."""

import base64
import html
import mimetypes
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import ipywidgets

from hw7.lessons.explorer.wording import Wording

# Both read on any page: an error has a paper of its own, 7:1 in every theme.
_ERROR = "color:#8f2d00;background:#fff1e8;padding:2px 6px;border-radius:4px"


class Message:
    """One line under a control; what it says is shown as text, never as HTML."""

    def __init__(self, wording: Wording) -> None:
        self.widget = ipywidgets.HTML()
        self._wording = wording
        self._text: Callable[[], str] = str
        self._style = ""
        wording.follow(self._show)

    def say(self, key: str, **values: Any) -> None:
        """Show a sentence of the explorer."""
        self._set(lambda: html.escape(self._wording.say(key, **values)), "")

    def complain(self, error: BaseException) -> None:
        """Show an error as one sentence."""
        self._set(lambda: html.escape(self._wording.sentence_of(error)), _ERROR)

    def complain_of(self, key: str) -> None:
        """Show a sentence of the explorer as an error."""
        self._set(lambda: html.escape(self._wording.say(key)), _ERROR)

    def link(self, key: str, files: Sequence[Path]) -> None:
        """Show a sentence and files to click on, which are saved from the page itself."""
        links = " ".join(_link_to(file) for file in files)
        self._set(lambda: f"{html.escape(self._wording.say(key))} {links}", "")

    def clear(self) -> None:
        """Show nothing."""
        self._set(str, "")

    def _set(self, text: Callable[[], str], style: str) -> None:
        self._text, self._style = text, style
        self._show()

    def _show(self) -> None:
        self.widget.value = f'<span class="hw7-message" style="{self._style}">{self._text()}</span>'


def _link_to(file: Path) -> str:
    kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    content = base64.b64encode(file.read_bytes()).decode("ascii")
    name = html.escape(file.name)
    style = "color:inherit;text-decoration:underline"
    return f'<a style="{style}" download="{name}" href="data:{kind};base64,{content}">{name}</a>'
