"""Gold word alignments: which source word each target word translates, as people drew them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from helpers.environment import assets_folder
from helpers.errors import HomeworkError

if TYPE_CHECKING:
    from inseq.models import AttributionModel

Link = tuple[int, int]
"""A source word's and a target word's position, counted from 0."""

BUNDLED_TRANSLATOR = "tiny-zh-en"


@dataclass(frozen=True)
class GoldSentence:
    """One sentence pair with its gold links.

    Och and Ney (2003), "A Systematic Comparison of Various Statistical Alignment Models", tell
    sure links from possible ones: a method must find the sure ones, and may find the possible
    ones, among which the sure ones are.
    """

    source_text: str
    target_text: str
    source_words: tuple[str, ...]  # joined, they spell the text
    target_words: tuple[str, ...]  # punctuation stands alone
    sure: frozenset[Link]
    possible: frozenset[Link]
    split: str = ""  # such as heldout

    def linked_words(self) -> list[int]:
        """Return the target words that have a source word at all, by position."""
        return sorted({target for _, target in self.possible})


def load_gold(path: str | Path) -> list[GoldSentence]:
    """Read gold alignments, one JSON object a line.

    A line has ``source``, ``target``, ``source_words``, ``target_words``, ``alignment`` (the sure
    links, pairs of positions counted from 0) and, where there are any, ``possible`` (further
    links) and ``split``.

    Raises:
        HomeworkError: The file is missing, or a line is not such an object; names the line.
    """
    path = Path(path)
    if not path.is_file():
        raise HomeworkError(f"There is no gold alignment {path.name!r}. Give a file that exists.")
    sentences = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            sentences.append(_sentence_of(json.loads(line)))
        except (KeyError, TypeError, ValueError) as error:
            raise HomeworkError(
                f"Line {number} of {path.name} is no gold sentence ({error}). Mend it, or fetch "
                "the file again."
            ) from error
    return sentences


def _sentence_of(record: dict) -> GoldSentence:
    source_words, target_words = tuple(record["source_words"]), tuple(record["target_words"])
    sure, further = (
        frozenset((int(source), int(target)) for source, target in links)
        for links in (record["alignment"], record.get("possible", ()))
    )
    for source, target in sure | further:
        if not (0 <= source < len(source_words) and 0 <= target < len(target_words)):
            raise ValueError(f"the link {source}-{target} points outside the sentence")
    return GoldSentence(
        source_text=record["source"],
        target_text=record["target"],
        source_words=source_words,
        target_words=target_words,
        sure=sure,
        possible=sure | further,
        split=record.get("split", ""),
    )


def gold_for(model: "AttributionModel") -> list[GoldSentence]:
    """Return the gold alignments that suit a translator.

    The bundled translator knows the alignment of its held-out sentences from the grammar that
    wrote them; any other Chinese-English translator gets the 60 pairs aligned by hand.
    """
    if not model.is_encoder_decoder:
        raise HomeworkError(
            f"{model.model_name} is no translator, so it has no word alignment. "
            "Type: model = load_model('translation')"
        )
    if model.model_name == BUNDLED_TRANSLATOR:
        sentences = load_gold(assets_folder() / "models" / BUNDLED_TRANSLATOR / "heldout.jsonl")
        return [sentence for sentence in sentences if sentence.split == "heldout"]
    return load_gold(assets_folder() / "gold" / "zh-en.jsonl")


def split_gold(
    sentences: Sequence[GoldSentence],
) -> tuple[list[GoldSentence], list[GoldSentence]]:
    """Return a development split, each fifth sentence, and a test split, all the others.

    Whatever is chosen by looking at results, such as the best layer, is chosen on the first.
    """
    test = [sentence for place, sentence in enumerate(sentences) if place % 5]
    return list(sentences[::5]), test
