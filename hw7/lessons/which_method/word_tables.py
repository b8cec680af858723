"""Scores from tokens to the words of a gold alignment."""

import unicodedata
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from helpers.errors import TextError
from hw7.text.spelling import INCOMPLETE, spelling_of, token_texts

if TYPE_CHECKING:
    import pandas
    from inseq.data import FeatureAttributionSequenceOutput

Span = tuple[int, int]


@dataclass(frozen=True)
class WordGroup:
    """The shortest run of tokens that spells whole words.

    Mostly it is one word; where the tokenizer has one token for two words (我喜欢), both words are
    in the group and get its score.

    Attributes:
        tokens: Positions of its tokens, ``(start, end)``.
        words: Positions of its words, ``(start, end)``.
    """

    tokens: Span
    words: Span


def word_groups(texts: Sequence[str], words: Sequence[str]) -> list[WordGroup]:
    """Match the tokens of a text with its words, character by character.

    White space, upper case and the width of characters (NFKC) do not count. A token that spells
    nothing, such as a lone space mark, belongs to what follows it.

    Args:
        texts: The text each token adds, see ``hw7.text.spelling.token_texts``.
        words: The words, in order.

    Raises:
        TextError: The tokens do not spell the words.
    """
    token_letters, word_letters = list(map(_letters, texts)), list(map(_letters, words))
    if "".join(token_letters) != "".join(word_letters) or not all(word_letters):
        raise TextError(
            f"The tokens {' | '.join(texts)} do not spell the words {' | '.join(words)}. Use words "
            "that the model knows, written as in the text."
        )
    token_ends = list(accumulate(map(len, token_letters)))
    word_ends = list(accumulate(map(len, word_letters)))
    shared_ends = sorted(set(token_ends) & set(word_ends))
    token_group = [
        min(bisect_right(shared_ends, end - len(letters)), len(shared_ends) - 1)
        for end, letters in zip(token_ends, token_letters, strict=True)
    ]
    word_group = [
        bisect_right(shared_ends, end - len(letters))
        for end, letters in zip(word_ends, word_letters, strict=True)
    ]
    return [
        WordGroup(_span_of(token_group, number), _span_of(word_group, number))
        for number in range(len(shared_ends))
    ]


def _letters(text: str) -> str:
    """Return what counts when tokens are compared with words."""
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


def _span_of(groups: Sequence[int], number: int) -> Span:
    start = groups.index(number)
    return start, start + groups.count(number)


def word_table(
    sequence: "FeatureAttributionSequenceOutput",
    tokenizer: Any,
    source_words: Sequence[str],
    target_words: Sequence[str],
) -> "pandas.DataFrame":
    """Return the scores of a translation word by word.

    The pieces of a source word add up, and the columns of a target word's pieces are averaged, so
    that every column still has the total it had.

    Args:
        sequence: Inseq's output, aggregated to `[source, generated]`, with its raw tokens.
        tokenizer: The model's tokenizer.
        source_words: The words of the source text.
        target_words: The words of the translation.

    Returns:
        `[source, target]`: one row per source word, then one per special token such as ``</s>``;
        one column per target word.

    Raises:
        TextError: The tokens do not spell the words.
    """
    import numpy
    import pandas

    special = set(tokenizer.all_special_tokens)
    source = [token.token for token in sequence.source]
    target = [token.token for token in sequence.target]
    special_rows = [place for place, token in enumerate(source) if token in special]
    rows = [
        *_one_per_word(placed_groups(source, source_words, tokenizer)),
        *((place, place + 1) for place in special_rows),
    ]
    scores = sequence.source_attributions.detach().cpu().double().numpy()
    by_word = numpy.stack([scores[start:end].sum(axis=0) for start, end in rows])
    first = sequence.attr_pos_start
    columns = _one_per_word(placed_groups(target, target_words, tokenizer))
    return pandas.DataFrame(
        numpy.stack(
            [by_word[:, start - first : end - first].mean(axis=1) for start, end in columns], axis=1
        ),
        index=pandas.Index([*source_words, *(source[place] for place in special_rows)]),
        columns=pandas.Index(target_words),
    ).rename_axis(index="source", columns="target")


def placed_groups(tokens: Sequence[str], words: Sequence[str], tokenizer: Any) -> list[WordGroup]:
    """Match words with the raw tokens of a sequence, leaving special tokens out.

    Raises:
        TextError: The tokens do not spell the words.
    """
    special = set(tokenizer.all_special_tokens)
    places = [place for place, token in enumerate(tokens) if token not in special]
    texts = spelled_texts([tokens[place] for place in places], tokenizer)
    return [
        WordGroup((places[group.tokens[0]], places[group.tokens[1] - 1] + 1), group.words)
        for group in word_groups(texts, words)
    ]


def spelled_texts(tokens: Sequence[str], tokenizer: Any) -> list[str]:
    """Return the text each raw token spells; a part of a character spells nothing yet."""
    texts = token_texts(tokens, spelling_of(tokenizer), set(tokenizer.all_special_tokens))
    return ["" if text == INCOMPLETE else text for text in texts]


def _one_per_word(groups: Sequence[WordGroup]) -> list[Span]:
    """Return the tokens of each word, in the order of the words."""
    return [group.tokens for group in groups for _ in range(*group.words)]
