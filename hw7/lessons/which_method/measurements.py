"""Compare attribution methods on gold sentences: one row of counts per method and sentence."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from helpers.attribution import attribute
from helpers.environment import progress_bar
from helpers.errors import TextError
from helpers.generation import Generation, generate
from hw7.lessons.which_method.alignment import (
    average_precisions,
    error_counts,
    strongest_links,
    without_special,
)
from hw7.lessons.which_method.erasure import (
    FRACTIONS,
    faithfulness,
    random_scores,
    removable_positions,
)
from hw7.lessons.which_method.gold import GoldSentence
from hw7.lessons.which_method.scoring import READINGS, Variant, attention_scores, score_sentence
from hw7.lessons.which_method.word_tables import WordPlaces, word_places

if TYPE_CHECKING:
    import pandas
    from inseq.models import AttributionModel

RANDOM = "random"
RANDOM_REPEATS = 10


def sentence_scores(
    model: "AttributionModel", gold: GoldSentence, variants: Sequence[Variant]
) -> "dict[str, pandas.DataFrame]":
    """Return each variant's scores over one gold sentence word by word, see ``WordPlaces``."""
    generation = gold_generation(model, gold)
    places = word_places(model, generation, gold)
    scored = score_sentence(model, generation, variants)
    return {variant.name: places.table(scores) for variant, scores, _ in scored}


def gold_generation(model: "AttributionModel", gold: GoldSentence) -> Generation:
    """Return the gold translation as what the model is made to write."""
    return generate(model, gold.source_text, target=gold.target_text, allow_unknown=True)


def compare_methods(
    model: "AttributionModel",
    sentences: Sequence[GoldSentence],
    variants: Sequence[Variant],
    *,
    fractions: Sequence[float] = FRACTIONS,
    random_repeats: int = RANDOM_REPEATS,
) -> "pandas.DataFrame":
    """Measure plausibility and faithfulness of every variant, with random scores beside them.

    Args:
        model: A translator from ``load_model``.
        sentences: Gold sentences; the gold translation is what is explained.
        variants: What to compare, see ``standard_variants``.
        fractions: Shares of the source tokens to delete.
        random_repeats: How many random orders stand beside the methods.

    Returns:
        One row per sentence and method (and repeat of ``random``) with the counts and sums that
        ``summarize`` divides: see ``plausibility_counts`` and ``faithfulness``.
    """
    import pandas

    erased = ["comprehensiveness", "sufficiency"]
    rows: list[dict[str, object]] = []
    for number, gold, generation, places in _readable(model, sentences):
        found = {
            (variant.name, 0): (scores, seconds)
            for variant, scores, seconds in score_sentence(model, generation, variants)
        }
        shape = next(iter(found.values()))[0].shape
        for repeat in range(random_repeats):
            found[RANDOM, repeat] = random_scores(shape, [number, repeat]), 0.0
        removable = removable_positions(model, generation)
        measured = faithfulness(
            model,
            generation,
            {str(key): scores[removable] for key, (scores, _) in found.items()},
            fractions=fractions,
        ).groupby("method")
        sums, tokens = measured[erased].sum(), measured.size()
        for key, (scores, seconds) in found.items():
            rows.append(
                {"method": key[0], "repeat": key[1], "sentence": number}
                | plausibility_counts(places.table(scores), gold)
                | dict(zip(erased, sums.loc[str(key)].to_numpy(float), strict=True))
                | {"erased_tokens": int(tokens[str(key)]), "seconds": seconds, "one": 1}
            )
    return pandas.DataFrame(rows)


def evaluate_layers(
    model: "AttributionModel", sentences: Sequence[GoldSentence]
) -> "pandas.DataFrame":
    """Measure how well each attention layer aligns, read at the output and at the input.

    Returns:
        One row per sentence, layer and reading, with the counts of ``plausibility_counts``.
    """
    import pandas

    rows: list[dict[str, object]] = []
    for number, gold, generation, places in _readable(model, sentences):
        outputs = attribute(model, generation, ["attention"], show_progress=False)
        weights = outputs["attention"].sequence_attributions[0].source_attributions
        for reading in READINGS:
            for layer in range(weights.shape[2]):
                scores = attention_scores(weights, layer=layer, reading=reading).double().numpy()
                rows.append(
                    {"method": f"layer {layer}, {reading}", "repeat": 0, "sentence": number}
                    | {"layer": layer, "reading": reading}
                    | plausibility_counts(places.table(scores), gold)
                )
    return pandas.DataFrame(rows)


def plausibility_counts(table: "pandas.DataFrame", gold: GoldSentence) -> dict[str, float]:
    """Return the counts behind error rate, precision at 1 and average precision of one sentence.

    Counts that end in ``_with_end`` leave special tokens such as ``</s>`` among the candidates, as
    a heatmap shows them; ``parked`` counts target words whose strongest row is one of them.
    """
    words = without_special(table, gold)
    counts: dict[str, float] = {}
    for ending, rows in (("", words), ("_with_end", table)):
        links = strongest_links(rows, gold)
        errors = error_counts(links, gold.sure, gold.possible)
        counts[f"matched{ending}"] = errors["found_sure"] + errors["found_possible"]
        counts[f"drawn{ending}"] = errors["links"] + errors["sure"]
        if not ending:
            counts["hits"] = len(links & gold.possible)
        counts["parked"] = len(gold.target_words) - errors["links"]
    counts["average_precision"] = sum(average_precisions(words, gold))
    counts["linked_words"] = len(gold.linked_words())
    counts["target_words"] = len(gold.target_words)
    return counts


def _readable(
    model: "AttributionModel", sentences: Sequence[GoldSentence]
) -> Iterator[tuple[int, GoldSentence, Generation, WordPlaces]]:
    """Yield the sentences whose tokens spell the gold words; say which were left out, and why."""
    with progress_bar(len(sentences), "Sentences") as bar:
        for number, gold in enumerate(sentences):
            generation = gold_generation(model, gold)
            try:
                places = word_places(model, generation, gold)
            except TextError as error:
                print(f"Left out: {gold.source_text} {error}")
            else:
                yield number, gold, generation, places
            bar.update()


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

    rows = []
    for gold in sentences:
        places = word_places(model, gold_generation(model, gold), gold)
        for side, groups in (("source", places.source), ("target", places.target)):
            for group in groups:
                tokens, words = (end - start for start, end in group)
                several, shared = words * (tokens > words), words * (words > 1)
                rows.append((side, words, tokens, several, shared))
    columns = ["words", "tokens", "words of several tokens", "words that share a token"]
    return pandas.DataFrame(rows, columns=["side", *columns]).groupby("side").sum()
