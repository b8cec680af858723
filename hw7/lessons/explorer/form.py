"""The explorer's form: what to explain and how."""

from typing import TYPE_CHECKING, Any

import ipywidgets

from helpers.attribution import SCORES
from helpers.generation import NEW_TOKENS
from helpers.methods import working_methods
from helpers.texts import longest_target

if TYPE_CHECKING:
    from inseq.models import AttributionModel

TRANSLATION_EXAMPLES = ("我喜欢机器学习和人工智能。", "我喜欢学习。", "他喜欢人工智能。")
GENERATION_EXAMPLES = (
    "Hello world",
    "The first American president was",
    "The capital of France is",
    "人工智能是",
)
_METHODS_CHOSEN = ("saliency", "attention")
_MOST_TOKENS = 200
_FULL_WIDTH = {"width": "98%", "max_width": "900px"}


class Form:
    """The input fields, and the arguments of ``explain`` that they stand for."""

    def __init__(self, model: "AttributionModel") -> None:
        is_translation = model.is_encoder_decoder
        most = min(_MOST_TOKENS, longest_target(model))
        examples = TRANSLATION_EXAMPLES if is_translation else GENERATION_EXAMPLES
        self.examples = ipywidgets.Dropdown(
            options=[("例句 examples…", ""), *((text, text) for text in examples)],
            layout={"max_width": "360px"},
        )
        self.text = ipywidgets.Textarea(
            value=examples[0], description="文本 text", rows=2, layout=_FULL_WIDTH
        )
        self.methods = {
            method: ipywidgets.Checkbox(
                value=method in _METHODS_CHOSEN,
                description=method,
                indent=False,
                layout={"width": "auto", "margin": "0 12px 0 2px"},
            )
            for method in working_methods(model)
        }
        self.score = ipywidgets.Dropdown(options=SCORES, description="score")
        self.max_new_tokens = ipywidgets.BoundedIntText(
            # A translation is to end by itself.
            value=most if is_translation else NEW_TOKENS,
            min=1,
            max=most,
            description="最多 tokens",
            layout={"width": "180px"},
        )
        self.target = ipywidgets.Text(
            description="指定输出",
            placeholder="留空：模型自己写 (empty: the model's own continuation)",
            layout=_FULL_WIDTH,
        )
        self.contrast = ipywidgets.Text(
            description="对比 contrast",
            placeholder="留空：不对比 (another continuation to compare with)",
            layout=_FULL_WIDTH,
        )
        self.words = ipywidgets.Checkbox(
            value=False, description="按词合并 words", indent=False, layout={"width": "auto"}
        )
        self.hide_special = ipywidgets.Checkbox(
            value=False,
            description="隐藏特殊 token (hide special)",
            indent=False,
            layout={"width": "auto"},
        )
        self.examples.observe(self._take_example, names="value")
        self.box = self._laid_out()

    def _laid_out(self) -> Any:
        wrapped = {"flex_flow": "row wrap"}
        options = [self.target, self.contrast]
        options.append(ipywidgets.HBox([self.words, self.hide_special], layout=wrapped))
        return ipywidgets.VBox(
            [
                self.examples,
                self.text,
                ipywidgets.HBox([*self.methods.values()], layout=wrapped),
                ipywidgets.HBox([self.score, self.max_new_tokens], layout=wrapped),
                ipywidgets.Accordion(
                    [ipywidgets.VBox(options)], titles=["更多 more"], selected_index=None
                ),
            ]
        )

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
            "target": self.target.value or None,
            "contrast": self.contrast.value or None,
            "show_progress": False,
        }
