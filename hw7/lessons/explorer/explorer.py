"""``explore(model)``: type a text, run, look, look up, save, compare; without writing code."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets

from helpers.attribution import explain
from helpers.explanation import Explanation
from hw7.lessons.explorer.background_run import BackgroundRun, Cancelled
from hw7.lessons.explorer.form import Form
from hw7.lessons.explorer.results import Message, Results

if TYPE_CHECKING:
    from inseq.models import AttributionModel


def explore(model: "AttributionModel", *, folder: str | Path = ".") -> "Explorer":
    """Return the explorer of a model; as the last line of a cell it is shown.

    Args:
        model: A model from ``load_model``.
        folder: Where the export buttons write their files.
    """
    return Explorer(model, Path(folder))


class Explorer:
    """A form, a Run and a Cancel button, and the results of the last run in tabs.

    Attributes:
        form: The input fields.
        results: The tabs.
        explanation: The last result, to go on with in code; None before the first run.
    """

    def __init__(self, model: "AttributionModel", folder: Path) -> None:
        self._model = model
        self._run: BackgroundRun | None = None
        self.explanation: Explanation | None = None
        self.form, self.results, self.status = Form(model), Results(folder), Message()
        self.run_button = ipywidgets.Button(
            description="运行 Run", button_style="primary", icon="play"
        )
        self.cancel_button = ipywidgets.Button(
            description="取消 Cancel", icon="stop", disabled=True
        )
        self.progress = ipywidgets.IntProgress(min=0, max=1, layout={"width": "220px"})
        self.run_button.on_click(lambda _: self.run())
        self.cancel_button.on_click(lambda _: self.cancel())
        controls = [self.run_button, self.cancel_button, self.progress, self.status.widget]
        self.box = ipywidgets.VBox(
            [
                self.form.box,
                ipywidgets.HBox(controls, layout={"flex_flow": "row wrap"}),
                self.results.box,
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
        # The model writes max_new_tokens times, then the methods pass over what it wrote.
        self.progress.max, self.progress.value = 2 * settings["max_new_tokens"], 0
        self.status.say("运行中 running…")
        self._run = BackgroundRun(
            self._model.model,
            lambda: explain(self._model, text, **settings),
            on_step=self._report,
            on_end=lambda result, error: self._finish(result, error, hide_special),
        )
        return self._run

    def cancel(self) -> None:
        """Stop the run; the kernel is free at once."""
        if self._run is not None:
            self._run.cancel()
            self.status.say("正在取消 cancelling…")

    def _report(self, passes: int, seconds: float) -> None:
        self.progress.value = min(passes, self.progress.max - 1)
        self.status.say(f"运行中 running… {seconds:.0f} s")

    def _finish(self, result: Any, error: BaseException | None, hide_special: bool) -> None:
        try:
            if isinstance(error, Cancelled):
                self.status.say("已取消 cancelled")
            elif error is not None:
                self.status.complain(error)
            else:
                self.explanation = result
                self.results.take(result, hide_special=hide_special)
                self.progress.value = self.progress.max
                self.status.say("完成 done")
        except Exception as failure:  # the thread has nobody else to tell
            self.status.complain(failure)
        finally:
            self._set_running(False)

    def _set_running(self, is_running: bool) -> None:
        self.run_button.disabled = is_running
        self.cancel_button.disabled = not is_running
