"""The explorer's results: the heatmap, looking scores up, saving files, and earlier runs.

All widgets are made once and filled again by each run: widgets made anew would stay in the
kernel's registry and in the page for ever.
"""

from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets

from helpers.errors import HomeworkError
from hw7.lessons.explorer.export import FORMATS, export
from hw7.lessons.explorer.message import Message
from hw7.lessons.explorer.wording import Wording

if TYPE_CHECKING:
    from helpers.explanation import Explanation

RUNS_KEPT = 5
_WRAPPED = {"flex_flow": "row wrap"}


def show_in(output: Any, bundle: dict[str, Any]) -> None:
    """Put a MIME bundle into an Output widget, from any thread."""
    # Capturing with `with output:` would catch what other threads print, and lose its own.
    output.outputs = ({"output_type": "display_data", "data": bundle, "metadata": {}},)


def offer(menu: Any, options: Sequence[str]) -> None:
    """Fill a menu, keeping the choice where it is still there, else choosing the first."""
    chosen = menu.value
    menu.options = tuple(options)
    menu.value = chosen if chosen in options else options[0]


class LookUp:
    """Answers "how important was X for Y" and "what mattered most for Y"."""

    def __init__(self, wording: Wording) -> None:
        narrow, half = {"width": "160px"}, {"width": "260px"}
        label = wording.label
        self.method = label(ipywidgets.Dropdown(layout=half), "method")
        asked = {"layout": half, "style": {"description_width": "96px"}}
        self.source = label(ipywidgets.Combobox(placeholder="机器", **asked), "source")
        self.generated = label(ipywidgets.Combobox(placeholder="machine", **asked), "generated")
        self.source_occurrence = label(ipywidgets.BoundedIntText(layout=narrow), "which_source")
        self.occurrence = label(ipywidgets.BoundedIntText(layout=narrow), "which_generated")
        self.button = label(ipywidgets.Button(button_style="info"), "look_up")
        self.answer = Message(wording)
        self.button.on_click(lambda _: self.look_up())
        self._explanation: Explanation | None = None
        self.box = ipywidgets.VBox(
            [
                ipywidgets.HBox([self.source, self.source_occurrence], layout=_WRAPPED),
                ipywidgets.HBox([self.generated, self.occurrence], layout=_WRAPPED),
                ipywidgets.HBox([self.method, self.button], layout=_WRAPPED),
                self.answer.widget,
            ]
        )

    def take(self, explanation: "Explanation") -> None:
        """Offer the tokens of an explanation."""
        self._explanation = explanation
        scores = explanation.table(explanation.methods[0])
        self.source.options = tuple(dict.fromkeys(map(str, scores.index)))
        self.generated.options = tuple(dict.fromkeys(map(str, scores.columns)))
        offer(self.method, explanation.methods)
        self.source.value = self.generated.value = ""
        self.source_occurrence.value = self.occurrence.value = 0
        self.answer.say("look_up_hint")

    def look_up(self) -> None:
        """Answer the question that the fields ask."""
        if self._explanation is None or not self.generated.value:
            self.answer.complain_of("run_first")
            return
        try:
            self._answer(self._explanation)
        except HomeworkError as error:
            self.answer.complain(error)

    def _answer(self, explanation: "Explanation") -> None:
        method, source, generated = self.method.value, self.source.value, self.generated.value
        occurrence = self.occurrence.value or None
        asked = {"method": method, "generated": generated}
        if not source:
            best = explanation.most_important(generated, method=method, occurrence=occurrence)
            self.answer.say("strongest", source=best, **asked)
            return
        score = explanation.importance(
            source,
            generated,
            method=method,
            source_occurrence=self.source_occurrence.value or None,
            occurrence=occurrence,
        )
        self.answer.say("importance", source=source, score=score, **asked)


class Exports:
    """Buttons that write the current explanation into files."""

    def __init__(self, folder: Path, wording: Wording) -> None:
        self._folder = folder
        self._explanation: Explanation | None = None
        self.buttons = {name: ipywidgets.Button(description=name) for name in FORMATS}
        self.message = Message(wording)
        for name, button in self.buttons.items():
            button.on_click(lambda _, name=name: self.write(name))
        row = ipywidgets.HBox([*self.buttons.values()], layout=_WRAPPED)
        self.box = ipywidgets.VBox([row, self.message.widget])

    def take(self, explanation: "Explanation") -> None:
        """Write this explanation from now on."""
        self._explanation = explanation
        self.message.clear()

    def write(self, name: str) -> None:
        """Write the files of one format, and offer them for download."""
        if self._explanation is None:
            self.message.complain_of("run_first_save")
            return
        try:
            self.message.link("saved", export(self._explanation, name, self._folder))
        except (HomeworkError, OSError) as error:
            self.message.complain(error)


class History:
    """The last runs, to show again or to compare."""

    def __init__(self, wording: Wording, show_again: "Callable[[Explanation], None]") -> None:
        self._runs: deque[tuple[int, Explanation]] = deque(maxlen=RUNS_KEPT)
        self._count = 0
        self._wording = wording
        self._show = show_again
        wide = {"width": "98%", "max_width": "640px"}
        label = wording.label
        self.first = label(ipywidgets.Dropdown(layout=wide), "first_run")
        self.second = label(ipywidgets.Dropdown(layout=wide), "second_run")
        self.method = label(ipywidgets.Dropdown(layout={"width": "260px"}), "method")
        self.button = label(ipywidgets.Button(button_style="info"), "compare")
        self.again = label(ipywidgets.Button(), "show_again")
        self.message = Message(wording)
        self.output = ipywidgets.Output()
        self.first.observe(self._offer_methods, names="value")
        self.button.on_click(lambda _: self.compare())
        self.again.on_click(lambda _: self._show_again())
        row = ipywidgets.HBox([self.method, self.button, self.again], layout=_WRAPPED)
        self.box = ipywidgets.VBox([self.first, self.second, row, self.message.widget, self.output])

    def add(self, explanation: "Explanation") -> None:
        """Remember a run, and forget the oldest; offer the last two of the same sentence."""
        self._count += 1
        self._runs.append((self._count, explanation))
        names = [
            f"{number}. {one.input_text[:24]} → {one.generated_text[:30]}"
            for number, one in self._runs
        ]
        options = list(zip(names, range(len(names)), strict=True))
        self.first.options, self.second.options = options, options
        text = explanation.input_text
        same = [place for place, (_, one) in enumerate(self._runs) if one.input_text == text]
        self.first.value, self.second.value = same[-2:][0], same[-1]
        self._offer_methods()

    def _offer_methods(self, _change: Any = None) -> None:
        if self.first.value is not None:
            offer(self.method, self._runs[self.first.value][1].methods)

    def _show_again(self) -> None:
        if self._runs:
            self._show(self._runs[self.second.value][1])

    def compare(self) -> None:
        """Compare the two runs chosen; a run with itself: its first two methods."""
        self.output.outputs = ()
        if not self._runs:
            self.message.complain_of("run_first_compare")
            return
        one, other = (self._runs[menu.value][1] for menu in (self.first, self.second))
        if one is other and len(one.methods) < 2:
            self.message.complain_of("one_method")
            return
        try:
            comparison = (
                one.compare(*one.methods[:2])
                if one is other
                else one.compare(other, method=self.method.value)
            )
        except HomeworkError as error:
            self.message.complain(error)
            return
        self.message.say("difference", first=comparison.first, second=comparison.second)
        page = comparison.html(picture=False, language=self._wording.language)
        show_in(self.output, {"text/html": page, "text/plain": comparison.facts_text()})


class Results:
    """The tabs below the form."""

    def __init__(self, folder: Path, wording: Wording) -> None:
        self.heatmap = ipywidgets.Output()
        self._wording = wording
        self._shown: tuple[Explanation, bool] | None = None
        self.look_up, self.exports = LookUp(wording), Exports(folder, wording)
        self.history = History(wording, self.show_again)
        self.box = ipywidgets.Tab(
            [self.heatmap, self.look_up.box, self.exports.box, self.history.box]
        )
        wording.follow(self._speak)

    def _speak(self) -> None:
        for place, name in enumerate(("heatmap", "look_up", "export", "history")):
            self.box.set_title(place, self._wording.say(name))
        self._draw()

    def _draw(self) -> None:
        if self._shown is None:
            self.heatmap.outputs = ()
            return
        explanation, hide_special = self._shown
        bundle = explanation.bundle(
            hide_special=hide_special, picture=False, language=self._wording.language
        )
        show_in(self.heatmap, bundle)

    def take(self, explanation: "Explanation", *, hide_special: bool) -> None:
        """Show a new explanation in every tab."""
        self.history.add(explanation)
        self.show_again(explanation, hide_special=hide_special)

    def show_again(self, explanation: "Explanation", *, hide_special: bool = False) -> None:
        """Show an explanation in every tab but the history, which has it."""
        self._shown = explanation, hide_special
        self._draw()
        self.look_up.take(explanation)
        self.exports.take(explanation)
        self.box.selected_index = 0

    def clear(self) -> None:
        """Take the map away: under an error it would be read as the new sentence's."""
        self._shown = None
        self._draw()
