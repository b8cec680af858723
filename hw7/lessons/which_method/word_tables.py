"""Scores from tokens to the words of a gold alignment."""

import unicodedata
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from helpers.errors import TextError
from hw7.text.spelling import INCOMPLETE, spelling_of, token_texts

if TYPE_CHECKING:
    import numpy
    import pandas
    from inseq.models import AttributionModel

    from helpers.generation import Generation
    from hw7.lessons.which_method.gold import GoldSentence

Span = tuple[int, int]


class WordGroup(NamedTuple):
    """The shortest run of tokens that spells whole words, as positions ``(start, end)``.

    Mostly it is one word; where the tokenizer has one token for two words (我喜欢), both words are
    in the group and get its score.
    """

    tokens: Span
    words: Span


def word_groups(texts: Sequence[str], words: Sequence[str]) -> list[WordGroup]:
    """Match the tokens of a text with its words, character by character.

    White space, upper case and the width of characters (NFKC) do not count. A token that spells
    nothing, such as a lone space mark, belongs to what follows it. `texts` are what each token
    adds, see ``hw7.text.spelling.token_texts``.

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
    cuts = [
        (bisect_left(token_ends, end) + 1, bisect_left(word_ends, end) + 1)
        for end in sorted(set(token_ends) & set(word_ends))
    ]
    cuts[-1] = (len(texts), len(words))
    return [
        WordGroup((token, next_token), (word, next_word))
        for (token, word), (next_token, next_word) in pairwise([(0, 0), *cuts])
    ]


def _letters(text: str) -> str:
    """Return what counts when tokens are compared with words."""
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


@dataclass(frozen=True)
class WordPlaces:
    """Where the words of a gold sentence stand among the tokens of a translation.

    Rows and columns of a word table are labels with their tokens; the source words are followed
    by special tokens such as ``</s>``.
    """

    source: list[WordGroup]
    target: list[WordGroup]
    rows: list[tuple[str, Span]]
    columns: list[tuple[str, Span]]

    def table(self, scores: "numpy.ndarray") -> "pandas.DataFrame":
        """Return scores `[source, generated]` word by word, `[source word, target word]`.

        The pieces of a source word add up, and the columns of a target word's pieces are averaged,
        so that every column still has the total it had.
        """
        import numpy
        import pandas

        by_word = numpy.stack([scores[slice(*span)].sum(axis=0) for _, span in self.rows])
        columns = [by_word[:, slice(*span)].mean(axis=1) for _, span in self.columns]
        return pandas.DataFrame(
            numpy.stack(columns, axis=1),
            index=pandas.Index([label for label, _ in self.rows], name="source"),
            columns=pandas.Index([label for label, _ in self.columns], name="target"),
        )


def word_places(
    model: "AttributionModel", generation: "Generation", gold: "GoldSentence"
) -> WordPlaces:
    """Find the words of a gold sentence among its tokens.

    Raises:
        TextError: The model's tokens do not spell the words.
    """
    tokenizer = model.tokenizer
    read, written = (
        tokenizer.convert_ids_to_tokens(ids.tolist())
        for ids in (
            generation.sources.input_ids[0],
            generation.targets.input_ids[0, generation.first :],
        )
    )
    special = set(tokenizer.all_special_tokens)
    source = _placed_groups(read, gold.source_words, tokenizer)
    target = _placed_groups(written, gold.target_words, tokenizer)
    ends = [(token, (at, at + 1)) for at, token in enumerate(read) if token in special]
    rows, columns = (
        [(words[at], group.tokens) for group in groups for at in range(*group.words)]
        for groups, words in ((source, gold.source_words), (target, gold.target_words))
    )
    return WordPlaces(source, target, [*rows, *ends], columns)


def _placed_groups(tokens: Sequence[str], words: Sequence[str], tokenizer: Any) -> list[WordGroup]:
    """Match words with raw tokens, special tokens left out."""
    special = set(tokenizer.all_special_tokens)
    places = [place for place, token in enumerate(tokens) if token not in special]
    texts = spelled_texts([tokens[place] for place in places], tokenizer)
    return [
        WordGroup((places[start], places[end - 1] + 1), words_there)
        for (start, end), words_there in word_groups(texts, words)
    ]


def spelled_texts(tokens: Sequence[str], tokenizer: Any) -> list[str]:
    """Return the text each raw token spells; a part of a character spells nothing yet."""
    texts = token_texts(tokens, spelling_of(tokenizer), set(tokenizer.all_special_tokens))
    return ["" if text == INCOMPLETE else text for text in texts]
