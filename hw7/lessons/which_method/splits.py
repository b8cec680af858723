"""How a tokenizer cuts the words of gold sentences."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hw7.lessons.which_method.gold import GoldSentence
from hw7.lessons.which_method.measurements import gold_generation
from hw7.lessons.which_method.word_tables import placed_groups

if TYPE_CHECKING:
    import pandas
    from inseq.models import AttributionModel


def count_tokens(
    model: "AttributionModel", sentences: Sequence[GoldSentence]
) -> "pandas.DataFrame":
    """Count words, tokens, words of several tokens, and words that share one token.

    Returns:
        One row for the source and one for the target side.

    Raises:
        TextError: The model's tokens do not spell the gold words.
    """
    import pandas

    rows = {side: [0, 0, 0, 0] for side in ("source", "target")}
    for gold in sentences:
        generation = gold_generation(model, gold)
        sides = {
            "source": (generation.sources, gold.source_words),
            "target": (generation.targets, gold.target_words),
        }
        for side, (encoded, words) in sides.items():
            tokens = model.tokenizer.convert_ids_to_tokens(encoded.input_ids[0].tolist())
            for group in placed_groups(tokens, words, model.tokenizer):
                spelled, named = (end - start for start, end in (group.tokens, group.words))
                found = (named, spelled, named if spelled > named else 0, named if named > 1 else 0)
                rows[side] = [before + now for before, now in zip(rows[side], found, strict=True)]
    columns = ["words", "tokens", "words of several tokens", "words that share a token"]
    return pandas.DataFrame.from_dict(rows, orient="index", columns=columns)
