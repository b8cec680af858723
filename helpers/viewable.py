"""What an explanation can be turned into for the eye: a heatmap, a figure, a comparison."""

from typing import TYPE_CHECKING, cast

from helpers.errors import MethodError
from helpers.lookup import choose_method

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.figure import Figure

    from helpers.explanation import Explanation
    from hw7.views.comparison import Comparison


class Viewable:
    """The views of an ``Explanation``, which inherits from this class."""

    def show(self, *, hide_special: bool = False) -> None:
        """Show one heatmap per method, all over the same generation.

        Args:
            hide_special: Leave out special tokens such as ``</s>`` and renormalise the others.
        """
        from helpers.heatmap import display_explanation

        display_explanation(cast("Explanation", self), hide_special=hide_special)

    def plot(self, path: "str | Path | None" = None, *, hide_special: bool = False) -> "Figure":
        """Return a matplotlib figure with one map per method, Chinese glyphs included.

        Args:
            path: Also save it, as ``.png``, ``.svg`` or ``.pdf``.
            hide_special: Leave out special tokens such as ``</s>`` and renormalise the others.

        Raises:
            HomeworkError: The path ends in something else, or its folder does not exist.
        """
        from helpers.heatmap import plot_explanation

        return plot_explanation(cast("Explanation", self), path, hide_special=hide_special)

    def compare(
        self,
        first: "str | Explanation",
        second: str | None = None,
        *,
        method: str | None = None,
        hide_special: bool = False,
    ) -> "Comparison":
        """Compare two methods, or this explanation with one of almost the same text.

        ``explanation.compare("saliency", "attention")`` and
        ``explanation.compare(other, method="saliency")`` both give the map of differences (the
        first minus the second) and the rank correlation of each generated token.

        Args:
            first: A method's name, or another explanation.
            second: The other method's name.
            method: For two explanations, the method to compare, where there is more than one.
            hide_special: Leave out special tokens such as ``</s>`` and renormalise the others.

        Raises:
            MethodError: No such method; the message lists those there are.
            HomeworkError: One explanation is a translation and the other is not.
        """
        from helpers.heatmap import compare_explanations, sheet_of
        from hw7.views.comparison import compare_layers

        explanation = cast("Explanation", self)
        if not isinstance(first, str):
            return compare_explanations(
                explanation, first, method or second, hide_special=hide_special
            )
        if second is None:
            raise MethodError(
                f"{first!r} is to be compared with what? Name two methods, for example "
                "compare('saliency', 'attention'), or give another explanation."
            )
        names = [choose_method(explanation.methods, name) for name in (first, second)]
        return compare_layers(sheet_of(explanation), *names, hide_special=hide_special)
