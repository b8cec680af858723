"""``Explanation``: the scores over one generation as heatmaps, comparisons and files."""

from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from helpers.environment import font_file
from helpers.errors import HomeworkError, MethodError, check_names, settings_of, told_as
from helpers.lookup import Scores, choose_level, choose_method
from hw7.engine.saved_scores import FORMAT, digest_of, read_scores, write_scores
from hw7.views.axes import single_column
from hw7.views.labels import shortened
from hw7.views.levels import OWN_PART, Outline
from hw7.views.notes import notes_on

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from hw7.views.comparison import Comparison
    from hw7.views.sheet import Language, Scale, Sheet

FACTS_MIME = "application/vnd.hw7.facts+json"
"""MIME type of an explanation's facts, which ``hw7 run`` collects from executed notebooks."""


class Explanation(Scores):
    """The scores of every method, and what can be made of them.

    It holds no reference to the model, so it stays usable after ``release(model)``.
    """

    def show(self, **settings: Any) -> None:
        """Show one heatmap per method, as of ``html``; in a script, their facts."""
        from hw7.views.component import show_bundle

        check_names(settings, settings_of(self.html), "setting of show")
        show_bundle(self.bundle(**settings))

    def bundle(self, **settings: Any) -> dict[str, Any]:
        """Return what a notebook stores of the heatmaps, by MIME type; settings as of ``html``."""
        return {
            "text/html": self.html(**settings),
            "text/plain": self.facts_text(),
            FACTS_MIME: self.facts(),
        }

    def html(
        self,
        *,
        hide_special: bool = False,
        picture: bool = True,
        level: str | None = None,
        turn: str | None = None,
        scale: "Scale" = "column",
        language: "Language | None" = None,
    ) -> str:
        """Return the heatmaps as HTML that fetches nothing: same explanation, same bytes.

        Args:
            hide_special: Start without special tokens such as ``</s>``, the others renormalised.
            picture: Embed the static picture that is shown where scripts are stripped.
            level: ``token``, ``word``, ``sentence`` or ``turn``.
            turn: Only the rows of this turn, such as ``user``.
            scale: Color each ``column`` by its own highest score, or all on one ``common`` scale.
            language: Of the hints, ``zh`` or ``en``; None leaves it to the reader's browser.
        """
        from hw7.views.component import sheet_html

        sheet = self.sheet(level=level, turn=turn, scale=scale, language=language)
        return sheet_html(sheet, self.facts_text(), hide_special=hide_special, picture=picture)

    def plot(
        self, path: str | Path | None = None, *, hide_special: bool = False, **settings: Any
    ) -> "Figure":
        """Return a matplotlib figure with one map per method, Chinese glyphs included.

        Args:
            path: Also save it, as ``.png``, ``.svg`` or ``.pdf``.
            hide_special: As of ``html``.
            settings: ``level``, ``turn`` and ``scale`` as of ``html``.

        Raises:
            HomeworkError: The path ends in something else, or its folder does not exist.
        """
        from hw7.views.excerpts import without_special_tokens
        from hw7.views.picture import figure_of
        from hw7.views.picture_files import save_figure

        check_names(settings, settings_of(self.sheet), "setting of plot")
        sheet = self.sheet(**settings)
        figure = figure_of(without_special_tokens(sheet) if hide_special else sheet)
        if path is not None:
            with told_as(HomeworkError):
                save_figure(figure, path)
        return figure

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
        from hw7.views.comparison import compare_layers, compare_sheets

        if isinstance(first, str):
            if second is None:
                raise MethodError(
                    f"{first!r} is to be compared with what? Name two methods, for example "
                    "compare('saliency', 'attention'), or give another explanation."
                )
            names = [choose_method(self.methods, name) for name in (first, second)]
            return compare_layers(self.sheet(), *names, hide_special=hide_special)
        name = choose_method(self.methods, method or second)
        name = choose_method(first.methods, name)
        with told_as(HomeworkError):
            return compare_sheets(self.sheet(), first.sheet(), name, hide_special=hide_special)

    def sheet(
        self,
        *,
        level: str | None = None,
        turn: str | None = None,
        scale: "Scale" = "column",
        language: "Language | None" = None,
    ) -> "Sheet":
        """Return the scores of all methods laid out for drawing, see ``table``.

        Raises:
            HomeworkError: There is no such scale.
        """
        from hw7.views.explained import sheet_of
        from hw7.views.sheet import check_scale

        with told_as(HomeworkError):
            check_scale(scale)
        level = choose_level(level or self.level)
        return sheet_of(
            self.outline,
            level,
            turn,
            {name: self.table(name, level=level, turn=turn) for name in self.methods},
            self._whole.get("whole_answer"),
            self.aggregation,
            self.token_probabilities,
            self._info("attention", "head_weights").get("head_weights"),
            title=self.model_name,
            digest=self.digest(),
            notes=self.notes(level),
            font=font_file(),
            scale=scale,
            language=language,
        )

    def notes(self, level: str) -> list[str]:
        """Return the sentences that must be read with the heatmap of a level."""
        return notes_on(
            self.outline,
            level,
            self.aggregation,
            is_cut=not self.is_complete,
            has_own_part=OWN_PART in self.table(self.methods[0], level=level).index,
            explained=self._explained(),
            outputs=[output.info for output in self.attributions.values()],
        )

    @property
    def whole_answer(self) -> "Explanation":
        """All that is explained as one column, as ``explain(..., whole_answer=True)`` gives it.

        Raises:
            HomeworkError: It was not computed: the text is short, or ``saliency`` not asked for.
        """
        from hw7.engine.answer_column import answer_column

        info, outline = self._whole, self.outline
        if not info:
            raise HomeworkError(
                "This explanation holds no scores of the whole answer. "
                "Type: explain(model, text, whole_answer=True)."
            )
        scores = info["whole_answer"]
        name = self._explained() if outline.is_partial else None
        outline = single_column(outline.rows.kept(range(len(scores))), name)
        column = answer_column(outline, scores, log_likelihood=info["log_likelihood"])
        whole: dict[str, Any] = {"token_probabilities": (), "attributions": {"saliency": column}}
        return replace(self, score="log-likelihood", **whole)

    def _explained(self) -> str:
        return shortened(" ".join(self.outline.columns.labels["word"]))

    def digest(self) -> str:
        """Return a SHA-256 over model, texts, tokens and scores rounded to three decimals."""
        return digest_of(self._origin(), {name: self.table(name) for name in self.methods})

    def save(self, path: str | Path) -> None:
        """Write a zip that holds the texts and, for each method, Inseq's own JSON file.

        Raises:
            HomeworkError: There is no such folder, or it cannot be written to.
        """
        origin = self._origin() | {"token_probabilities": self.token_probabilities}
        with told_as(HomeworkError, OSError):
            write_scores(path, origin, self.attributions)

    @classmethod
    def load(cls, path: str | Path) -> "Explanation":
        """Read what ``save`` wrote.

        Raises:
            HomeworkError: The file is missing, or is not an explanation.
        """

        def made(attributions: Any, texts: dict[str, Any]) -> "Explanation":
            for output in attributions.values():
                Outline.read(output.info["outline"])
            return cls(attributions=attributions, **texts)

        with told_as(HomeworkError):
            return read_scores(path, made)

    def _origin(self) -> dict[str, Any]:
        """Return what identifies the explanation, without its scores."""
        names = {field.name for field in fields(self)} - {"attributions", "token_probabilities"}
        texts = {name: getattr(self, name) for name in sorted(names)}
        return {"format": FORMAT, **texts, "methods": self.methods}

    def __repr__(self) -> str:
        return (
            f"Explanation({self.input_text!r} → {self.generated_text!r}, "
            f"model={self.model_name}, methods={self.methods})"
        )
