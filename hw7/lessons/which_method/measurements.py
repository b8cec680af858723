"""Compare attribution methods on gold sentences: one row of counts per method and sentence."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy

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
from hw7.lessons.which_method.scoring import (
    READINGS,
    ScoredSentence,
    Variant,
    layer_count,
    score_sentence,
)
from hw7.lessons.which_method.word_tables import placed_groups, word_table

if TYPE_CHECKING:
    import pandas
    from inseq.models import AttributionModel

RANDOM = "random"
RANDOM_REPEATS = 10


def sentence_scores(
    model: "AttributionModel", gold: GoldSentence, variants: Sequence[Variant]
) -> "dict[str, pandas.DataFrame]":
    """Return each variant's scores over one gold sentence, word by word, see ``word_table``."""
    generation = gold_generation(model, gold)
    scored = score_sentence(model, generation, gold, variants)
    return {variant.name: sentence.words for variant, sentence in scored}


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
    show_progress: bool = True,
) -> "pandas.DataFrame":
    """Measure plausibility and faithfulness of every variant, with random scores beside them.

    Args:
        model: A translator from ``load_model``.
        sentences: Gold sentences; the gold translation is what is explained.
        variants: What to compare, see ``standard_variants``.
        fractions: Shares of the source tokens to delete.
        random_repeats: How many random orders stand beside the methods.
        show_progress: Show a progress bar.

    Returns:
        One row per sentence and method (and repeat of ``random``) with the counts and sums that
        ``summarize`` divides: see ``plausibility_counts`` and ``faithfulness``.
    """
    import pandas

    rows: list[dict[str, object]] = []
    for number, gold, generation in _readable_sentences(model, sentences, show_progress):
        scored = dict(score_sentence(model, generation, gold, variants))
        found = {(variant.name, 0): sentence for variant, sentence in scored.items()}
        found |= _random_sentences(model, next(iter(scored.values())), gold, number, random_repeats)
        removable = removable_positions(model, generation)
        scores = {str(key): _token_scores(found[key], removable) for key in found}
        measured = faithfulness(model, generation, scores, fractions=fractions)
        for key, sentence in found.items():
            rows.append(
                {"method": key[0], "repeat": key[1], "sentence": number}
                | plausibility_counts(sentence.words, gold)
                | _faithfulness_sums(measured[measured["method"] == str(key)])
                | {"seconds": sentence.seconds, "one": 1}
            )
    return pandas.DataFrame(rows)


def evaluate_layers(
    model: "AttributionModel", sentences: Sequence[GoldSentence], *, show_progress: bool = True
) -> "pandas.DataFrame":
    """Measure how well each attention layer aligns, read at the output and at the input.

    Returns:
        One row per sentence, layer and reading, with the counts of ``plausibility_counts``.
    """
    import pandas

    from helpers.attribution import attribute

    rows: list[dict[str, object]] = []
    for number, gold, generation in _readable_sentences(model, sentences, show_progress):
        outputs = attribute(model, generation, ["attention"], show_progress=False)
        raw = outputs["attention"].sequence_attributions[0]
        layers = range(layer_count(raw))
        variants = [
            Variant(f"layer {layer}, {reading}", "attention", layer=layer, reading=reading)
            for reading in READINGS
            for layer in layers
        ]
        for variant, sentence in score_sentence(model, generation, gold, variants):
            place = {"layer": variant.layer, "reading": variant.reading}
            rows.append(
                {"method": variant.name, "repeat": 0, "sentence": number}
                | place
                | plausibility_counts(sentence.words, gold)
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
        counts[f"hits{ending}"] = len(links & gold.possible)
        counts["parked"] = len(gold.target_words) - errors["links"]
    counts["average_precision"] = sum(average_precisions(words, gold))
    counts["linked_words"] = len(gold.linked_words())
    counts["target_words"] = len(gold.target_words)
    return counts


def _faithfulness_sums(measured: "pandas.DataFrame") -> dict[str, float]:
    """Return the sums of one method over the generated tokens of a sentence."""
    names = ("comprehensiveness", "sufficiency")
    sums = {name: float(measured[name].sum()) for name in names}
    return sums | {"erased_tokens": len(measured)}


def _readable_sentences(
    model: "AttributionModel", sentences: Sequence[GoldSentence], show_progress: bool
) -> "Iterable[tuple[int, GoldSentence, Generation]]":
    """Yield the sentences whose tokens spell the gold words; say which were left out, and why."""
    with progress_bar(len(sentences), "Sentences", is_shown=show_progress) as bar:
        for number, gold in enumerate(sentences):
            generation = gold_generation(model, gold)
            try:
                _check_words(model, generation, gold)
            except TextError as error:
                print(f"Left out: {gold.source_text} {error}")
            else:
                yield number, gold, generation
            bar.update()


def _check_words(model: "AttributionModel", generation: Generation, gold: GoldSentence) -> None:
    """Refuse a sentence whose tokens do not spell its gold words.

    Raises:
        TextError: They do not.
    """
    for encoded, words in (
        (generation.sources, gold.source_words),
        (generation.targets, gold.target_words),
    ):
        ids = encoded.input_ids[0].tolist()
        placed_groups(model.tokenizer.convert_ids_to_tokens(ids), words, model.tokenizer)


def _token_scores(sentence: ScoredSentence, removable: Sequence[int]) -> numpy.ndarray:
    """Return the scores of the tokens that may be deleted, `[token, generated]`."""
    scores = sentence.tokens.source_attributions.detach().cpu().double().numpy()
    return scores[list(removable)]


def _random_sentences(
    model: "AttributionModel",
    pattern: ScoredSentence,
    gold: GoldSentence,
    number: int,
    repeats: int,
) -> Mapping[tuple[str, int], ScoredSentence]:
    """Return random scores in the shape of a method's."""
    import copy

    import torch

    found = {}
    for repeat in range(repeats):
        tokens = copy.copy(pattern.tokens)
        scores = random_scores(tuple(tokens.source_attributions.shape), [number, repeat])
        tokens.source_attributions = torch.from_numpy(scores)
        words = word_table(tokens, model.tokenizer, gold.source_words, gold.target_words)
        found[RANDOM, repeat] = ScoredSentence(tokens, words, 0.0)
    return found


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
