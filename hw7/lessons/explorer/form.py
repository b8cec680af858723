"""The explorer's form: what to explain and how."""

from typing import TYPE_CHECKING, Any

import ipywidgets

from helpers.attribution import SCORES
from helpers.generation import NEW_TOKENS
from hw7.engine.methods import working_methods
from hw7.lessons.explorer.wording import Wording
from hw7.text.limits import longest_target

if TYPE_CHECKING:
    from inseq.models import AttributionModel

TRANSLATION_EXAMPLES = ("我喜欢机器学习和人工智能。", "我喜欢学习。", "他喜欢人工智能。")
GENERATION_EXAMPLES = (
    "Hello world",
    "The first American president was",
    "The capital of France is",
    "人工智能是",
)
HOMEWORK_METHODS = ("saliency", "attention")
_MOST_TOKENS = 200
_FULL_WIDTH = {"width": "98%", "max_width": "900px"}
_WRAPPED = {"flex_flow": "row wrap"}
_TICK = {"width": "auto", "margin": "0 12px 0 2px"}


class Form:
    """The input fields, and the arguments of ``explain`` that they stand for."""

    def __init__(self, model: "AttributionModel", wording: Wording) -> None:
        self._wording = wording
        is_translation = model.is_encoder_decoder
        most = min(_MOST_TOKENS, longest_target(model))
        examples = TRANSLATION_EXAMPLES if is_translation else GENERATION_EXAMPLES
        self.examples = ipywidgets.Dropdown(
            options=[("…", ""), *((text, text) for text in examples)],
            layout={"width": "98%", "max_width": "360px"},
        )
        self.text = ipywidgets.Textarea(value=examples[0], rows=2, layout=_FULL_WIDTH)
        self.methods = {
            method: ipywidgets.Checkbox(
                value=method in HOMEWORK_METHODS, description=method, indent=False, layout=_TICK
            )
            for method in working_methods(model)
        }
        self.score = ipywidgets.Dropdown(options=SCORES, description="score")
        self.max_new_tokens = ipywidgets.BoundedIntText(
            # A translation is to end by itself.
            value=most if is_translation else NEW_TOKENS,
            min=1,
            max=most,
            layout={"width": "180px"},
        )
        self.target = ipywidgets.Text(layout=_FULL_WIDTH)
        self.contrast = ipywidgets.Text(layout=_FULL_WIDTH)
        for name in ("examples", "text", "max_new_tokens", "target", "contrast"):
            wording.label(getattr(self, name), name)
        wording.label(self.target, "target_empty", "placeholder")
        wording.label(self.contrast, "contrast_empty", "placeholder")
        self.words, self.allow_unknown, self.hide_special = (
            wording.label(ipywidgets.Checkbox(value=False, indent=False, layout=_TICK), name)
            for name in ("words", "allow_unknown", "hide_special")
        )
        self.examples.observe(self._take_example, names="value")
        self.box = self._laid_out()

    def _laid_out(self) -> Any:
        ticks = [self.words, self.allow_unknown, self.hide_special]
        fields = [self.target, self.contrast, ipywidgets.HBox(ticks, layout=_WRAPPED)]
        more = ipywidgets.Accordion(
            [ipywidgets.VBox([self._group("others"), *fields])], selected_index=None
        )
        self._wording.follow(lambda: more.set_title(0, self._wording.say("more")))
        return ipywidgets.VBox(
            [
                self.examples,
                self.text,
                self._group("homework"),
                ipywidgets.HBox([self.score, self.max_new_tokens], layout=_WRAPPED),
                more,
            ]
        )

    def _group(self, name: str) -> Any:
        """Return the homework's two methods, or all others, under a heading."""
        is_homework = name == "homework"
        boxes = [self.methods[m] for m in self.methods if (m in HOMEWORK_METHODS) == is_homework]
        heading = self._wording.label(ipywidgets.Label(), name, "value")
        return ipywidgets.HBox([heading, *boxes], layout=_WRAPPED)

    def _take_example(self, change: Any) -> None:
        if change["new"]:
            self.text.value = change["new"]

    def settings(self) -> dict[str, Any]:
        """Return the arguments for ``explain``, the model and the text left out."""
        return {
            "methods": [method for method, box in self.methods.items() if box.value],
            "score": self.score.value,
            "max_new_tokens": self.max_new_tokens.value,
            "words": self.words.value,
            "allow_unknown": self.allow_unknown.value,
            "target": self.target.value or None,
            "contrast": self.contrast.value or None,
        }
