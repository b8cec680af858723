"""What an explanation can be turned into for the eye: a heatmap, a figure, a comparison."""

from typing import TYPE_CHECKING, cast

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
        from hw7.views.comparison import compare

        return compare(cast("Explanation", self), first, second, method, hide_special=hide_special)
