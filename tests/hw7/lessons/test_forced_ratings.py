"""A model held to the tuple format rates every word, and the numbers are its own."""

import pytest
import torch

from hw7.lessons.self_explanation import parse_importances, tuple_prompt, words_of
from hw7.lessons.self_explanation.forced_ratings import RATINGS, _slots, rate_every_word

REVIEW = "A dull film."

pytestmark = pytest.mark.bundled


@pytest.fixture(scope="module")
def reply(generator):
    return rate_every_word(generator, REVIEW)


def test_every_word_is_rated_once_in_order_and_nothing_had_to_be_mended(reply):
    parsed = parse_importances(reply)
    assert [word for word, _ in parsed.pairs] == words_of(REVIEW)
    assert parsed.label in (0, 1)
    assert not parsed.repairs


def test_the_first_rating_is_the_models_most_probable_one(generator, reply):
    # Recomputed without generate: the probability of each rating as a whole, token by token.
    prompt = generator.encode([tuple_prompt(generator, REVIEW).text]).input_ids
    ways = _slots(generator, words_of(REVIEW))[0]
    prefixes = [()]
    while len(prefixes[0]) < min(map(len, ways)):
        here = len(prefixes[0])
        allowed = sorted({way[here] for way in ways if tuple(way[:here]) == prefixes[0]})
        best = allowed[0]
        if len(allowed) > 1:
            ids = torch.cat([prompt, torch.tensor([list(prefixes[0])], dtype=prompt.dtype)], dim=1)
            with torch.no_grad():
                logits = generator.model(ids).logits[0, -1].tolist()
            best = max(allowed, key=logits.__getitem__)
        prefixes = [(*prefixes[0], best)]
    written = generator.tokenizer.decode(prefixes[0])
    assert reply.removeprefix(tuple_prompt(generator, REVIEW).reply_start).startswith(written)
    assert parse_importances(reply).pairs[0][1] in {float(rating) for rating in RATINGS}


def test_no_way_to_go_on_is_the_beginning_of_another(generator):
    for slot in _slots(generator, words_of(REVIEW)):
        for way in slot:
            assert not any(other is not way and other[: len(way)] == way for other in slot)
