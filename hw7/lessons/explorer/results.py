"""The explorer's results: the heatmap, looking scores up, saving files, and earlier runs.

All widgets are made once and filled again by each run: widgets made anew would stay in the
kernel's registry and in the page for ever.
"""

import html
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets

from helpers.errors import HomeworkError
from hw7.lessons.explorer.export import FORMATS, export

if TYPE_CHECKING:
    from helpers.explanation import Explanation

RUNS_KEPT = 5


def sentence_of(error: BaseException) -> str:
    """Return an error as one sentence; errors that are not ours name their kind."""
    lines = str(error).strip().splitlines() or [""]
    if isinstance(error, HomeworkError):
        return lines[0]
    return f"{type(error).__name__}: {lines[0]}".rstrip(": ")


class Message:
    """One line under a control; what it says is shown as text, never as HTML."""

    def __init__(self) -> None:
        self.widget = ipywidgets.HTML()

    def say(self, text: str) -> None:
        """Show a sentence."""
        self._show(text, "inherit")

    def complain(self, error: BaseException) -> None:
        """Show an error as one sentence."""
        self._show(sentence_of(error), "#c4460b")

    def _show(self, text: str, color: str) -> None:
        shown = html.escape(text)
        self.widget.value = f'<span class="hw7-message" style="color:{color}">{shown}</span>'


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

    def __init__(self) -> None:
        narrow, half = {"width": "160px"}, {"width": "260px"}
        self.method = ipywidgets.Dropdown(description="方法", layout=half)
        self.source = ipywidgets.Combobox(description="来源 X", placeholder="机器", layout=half)
        self.generated = ipywidgets.Combobox(
            description="生成 Y", placeholder="machine", layout=half
        )
        self.source_occurrence = ipywidgets.BoundedIntText(description="第几个 X", layout=narrow)
        self.occurrence = ipywidgets.BoundedIntText(description="第几个 Y", layout=narrow)
        self.button = ipywidgets.Button(description="查分 look up", button_style="info")
        self.answer = Message()
        self.button.on_click(lambda _: self.look_up())
        self._explanation: Explanation | None = None
        wrapped = {"flex_flow": "row wrap"}
        self.box = ipywidgets.VBox(
            [
                ipywidgets.HBox([self.source, self.source_occurrence], layout=wrapped),
                ipywidgets.HBox([self.generated, self.occurrence], layout=wrapped),
                ipywidgets.HBox([self.method, self.button], layout=wrapped),
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
        self.answer.say("X 对 Y 的重要性；X 留空则找对 Y 最重要的 token。0＝只出现一次")

    def look_up(self) -> None:
        """Answer the question that the fields ask."""
        try:
            self.answer.say(self._answer())
        except HomeworkError as error:
            self.answer.complain(error)

    def _answer(self) -> str:
        explanation, method = self._explanation, self.method.value
        if explanation is None or not self.generated.value:
            raise HomeworkError("先运行，再填生成的 token Y (run first, then fill in Y).")
        source, generated = self.source.value, self.generated.value
        occurrence = self.occurrence.value or None
        if not source:
            best = explanation.most_important(generated, method=method, occurrence=occurrence)
            return f"{method}：对 {generated} 最重要的是 {best}"
        importance = explanation.importance(
            source,
            generated,
            method=method,
            source_occurrence=self.source_occurrence.value or None,
            occurrence=occurrence,
        )
        return f"{method}：生成 {generated} 时 {source} 的重要性 importance = {importance:.3f}"


class Exports:
    """Buttons that write the current explanation into files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._explanation: Explanation | None = None
        self.buttons = {name: ipywidgets.Button(description=name) for name in FORMATS}
        self.message = Message()
        for name, button in self.buttons.items():
            button.on_click(lambda _, name=name: self.write(name))
        row = ipywidgets.HBox([*self.buttons.values()], layout={"flex_flow": "row wrap"})
        self.box = ipywidgets.VBox([row, self.message.widget])

    def take(self, explanation: "Explanation") -> None:
        """Write this explanation from now on."""
        self._explanation = explanation
        self.message.say("")

    def write(self, name: str) -> None:
        """Write the files of one format and name them."""
        try:
            if self._explanation is None:
                raise HomeworkError("还没有结果，先运行 (nothing to save yet; run first).")
            files = export(self._explanation, name, self._folder)
        except (HomeworkError, OSError) as error:
            self.message.complain(error)
        else:
            self.message.say("已保存 saved: " + ", ".join(str(file) for file in files))


class History:
    """The last runs, to show again or to compare."""

    def __init__(self) -> None:
        self._runs: deque[tuple[int, Explanation]] = deque(maxlen=RUNS_KEPT)
        self._count = 0
        wide = {"width": "98%", "max_width": "640px"}
        self.first = ipywidgets.Dropdown(description="运行 A", layout=wide)
        self.second = ipywidgets.Dropdown(description="运行 B", layout=wide)
        self.method = ipywidgets.Dropdown(description="方法", layout={"width": "260px"})
        self.button = ipywidgets.Button(description="比较 compare", button_style="info")
        self.message = Message()
        self.output = ipywidgets.Output()
        self.first.observe(self._offer_methods, names="value")
        self.button.on_click(lambda _: self.compare())
        row = ipywidgets.HBox([self.method, self.button], layout={"flex_flow": "row wrap"})
        self.box = ipywidgets.VBox([self.first, self.second, row, self.message.widget, self.output])

    def add(self, explanation: "Explanation") -> None:
        """Remember a run, and forget the oldest."""
        self._count += 1
        self._runs.append((self._count, explanation))
        names = [
            f"{number}. {one.input_text[:24]} → {one.generated_text[:30]}"
            for number, one in self._runs
        ]
        options = list(zip(names, range(len(names)), strict=True))
        self.first.options, self.second.options = options, options
        self.first.value, self.second.value = max(len(names) - 2, 0), len(names) - 1
        self._offer_methods()

    def _offer_methods(self, _change: Any = None) -> None:
        if self.first.value is not None:
            offer(self.method, self._runs[self.first.value][1].methods)

    def compare(self) -> None:
        """Compare the two runs chosen; a run with itself: its first two methods."""
        try:
            if self.first.value is None or self.second.value is None:
                raise HomeworkError("还没有结果，先运行 (nothing to compare yet; run first).")
            one, other = (self._runs[menu.value][1] for menu in (self.first, self.second))
            comparison = (
                one.compare(*_two_methods(one))
                if one is other
                else one.compare(other, method=self.method.value)
            )
        except HomeworkError as error:
            self.output.outputs = ()
            self.message.complain(error)
            return
        self.message.say(f"A − B：{comparison.first} − {comparison.second}")
        html_and_text = {
            "text/html": comparison.html(picture=False),
            "text/plain": comparison.facts_text(),
        }
        show_in(self.output, html_and_text)


def _two_methods(explanation: "Explanation") -> tuple[str, str]:
    if len(explanation.methods) < 2:
        raise HomeworkError("选两次运行，或用两种方法再运行 (choose two runs, or two methods).")
    return explanation.methods[0], explanation.methods[1]


class Results:
    """The tabs below the form."""

    def __init__(self, folder: Path) -> None:
        self.heatmap = ipywidgets.Output()
        self.look_up, self.exports, self.history = LookUp(), Exports(folder), History()
        self.box = ipywidgets.Tab(
            [self.heatmap, self.look_up.box, self.exports.box, self.history.box],
            titles=["热图 heatmap", "查分 look up", "导出 export", "历史 history"],
        )

    def take(self, explanation: "Explanation", *, hide_special: bool) -> None:
        """Show a new explanation in every tab."""
        show_in(self.heatmap, explanation.bundle(hide_special=hide_special, picture=False))
        self.look_up.take(explanation)
        self.exports.take(explanation)
        self.history.add(explanation)
        self.box.selected_index = 0
