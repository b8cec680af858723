"""``explore(model)``: type a text, run, look, look up, save, compare; without writing code."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets

from helpers import explain
from helpers.environment import font_file
from helpers.errors import HomeworkError
from helpers.explanation import Explanation
from hw7.lessons.explorer.background_run import BackgroundRun, Cancelled
from hw7.lessons.explorer.form import GENERATION_EXAMPLES, TRANSLATION_EXAMPLES, Form
from hw7.lessons.explorer.message import Message
from hw7.lessons.explorer.results import Results
from hw7.lessons.explorer.wording import ERRORS, TEXTS, Wording
from hw7.views.fonts import embedded_font
from hw7.views.sheet import Language

if TYPE_CHECKING:
    from inseq.models import AttributionModel

_LANGUAGES = (("中文", "zh"), ("English", "en"))
_STYLE = """<style>
@font-face { font-family: "HW7 Sans"; src: url(data:font/woff;base64,FONT); }
.hw7-explorer,
.hw7-explorer :is(label, button, input, select, textarea, li, .widget-label, .widget-html) {
  font-family: system-ui, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "HW7 Sans",
    sans-serif;
}
</style>"""


def explore(
    model: "AttributionModel", *, folder: str | Path = ".", language: Language = "zh"
) -> "Explorer":
    """Return the explorer of a model; as the last line of a cell it is shown.

    Args:
        model: A model from ``load_model``.
        folder: Where the export buttons write their files.
        language: Of labels, hints and errors, ``zh`` or ``en``; a switch changes it.

    Raises:
        HomeworkError: There is no such language.
    """
    if language not in ("zh", "en"):
        raise HomeworkError(f"There is no language {language!r}. Write 'zh' or 'en'.")
    return Explorer(model, Path(folder), language)


class Explorer:
    """A form, a Run and a Cancel button, and the results of the last run in tabs.

    Attributes:
        form: The input fields.
        results: The tabs.
        explanation: The last result, to go on with in code; None before the first run.
    """

    def __init__(self, model: "AttributionModel", folder: Path, language: Language) -> None:
        self._model = model
        self._run: BackgroundRun | None = None
        self.explanation: Explanation | None = None
        self.wording = Wording(language)
        self.language = ipywidgets.ToggleButtons(
            options=_LANGUAGES, value=language, style={"button_width": "80px"}
        )
        self.language.observe(lambda change: self.wording.switch(change["new"]), names="value")
        self.form = Form(model, self.wording)
        self.results, self.status = Results(folder, self.wording), Message(self.wording)
        self.run_button = ipywidgets.Button(button_style="primary", icon="play")
        self.cancel_button = ipywidgets.Button(icon="stop", disabled=True)
        self.wording.label(self.run_button, "run")
        self.wording.label(self.cancel_button, "cancel")
        self.progress = ipywidgets.IntProgress(min=0, max=1, layout={"width": "220px"})
        self.run_button.on_click(lambda _: self.run())
        self.cancel_button.on_click(lambda _: self.cancel())
        controls = [self.run_button, self.cancel_button, self.progress, self.status.widget]
        self.box = ipywidgets.VBox(
            [
                self.language,
                self.form.box,
                ipywidgets.HBox(controls, layout={"flex_flow": "row wrap"}),
                self.results.box,
                ipywidgets.HTML(_style()),
            ]
        )
        self.box.add_class("hw7-explorer")

    def _repr_mimebundle_(self, **_settings: Any) -> Any:
        return self.box._repr_mimebundle_()

    def run(self) -> BackgroundRun | None:
        """Explain what the form says, in the background; None where a run is under way."""
        if self._run is not None and self._run.is_running:
            return None
        settings = self.form.settings()
        text, hide_special = self.form.text.value, self.form.hide_special.value
        self._set_running(True)
        # First the model writes, one pass a token; then the methods report what they have done.
        self.progress.max, self.progress.value = 2 * settings["max_new_tokens"], 0
        self._scoring_since: float | None = None
        self.status.say("working", seconds=0)
        self._run = BackgroundRun(
            self._model.model,
            lambda: explain(self._model, text, show_progress=self._report_scores, **settings),
            on_step=self._report_pass,
            on_end=lambda result, error: self._finish(result, error, hide_special),
        )
        return self._run

    def cancel(self) -> None:
        """Stop the run; the kernel is free at once."""
        if self._run is not None:
            self._run.cancel()
            self.status.say("cancelling")

    def _report_pass(self, passes: int, seconds: float) -> None:
        if self._scoring_since is not None:
            return
        half = self.progress.max // 2
        self.progress.value = min(passes, self.progress.max - 1)
        if self.form.target.value or passes > half:
            self.status.say("working", seconds=seconds)
        else:
            self.status.say("writing", count=passes, seconds=seconds)

    def _report_scores(self, done: int, total: int) -> None:
        now = time.monotonic()
        if self._scoring_since is None:
            self._scoring_since = now
        spent = now - self._scoring_since
        half = self.progress.max // 2
        self.progress.value = half + half * done // max(total, 1) - (done == total)
        if 0 < done < total:
            self.status.say("scoring", seconds=spent, left=spent * (total - done) / done)

    def _finish(self, result: Any, error: BaseException | None, hide_special: bool) -> None:
        try:
            if error is not None:
                self.results.clear()
            if isinstance(error, Cancelled):
                self.status.say("cancelled")
            elif error is not None:
                self.status.complain(error)
            else:
                self.explanation = result
                self.results.take(result, hide_special=hide_special)
                self.progress.value = self.progress.max
                self.status.say("done")
        except Exception as failure:  # the thread has nobody else to tell
            self.status.complain(failure)
        finally:
            self._set_running(False)

    def _set_running(self, is_running: bool) -> None:
        self.run_button.disabled = is_running
        self.cancel_button.disabled = not is_running


def _style() -> str:
    """Return a style with the characters of the explorer's own words, where a machine has none."""
    words = str((_LANGUAGES, TEXTS, ERRORS, TRANSLATION_EXAMPLES, GENERATION_EXAMPLES))
    return _STYLE.replace("FONT", embedded_font("", font_file(), always=words))
