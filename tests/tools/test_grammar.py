"""The grammar behind the bundled translator: deterministic, aligned, and honest about its split."""

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.train_tiny_translator.chooser import Chooser
from tools.train_tiny_translator.corpus import heldout_pairs, training_pairs
from tools.train_tiny_translator.english import past, plural, present_participle, third_person
from tools.train_tiny_translator.holdout import (
    HOMEWORK_SENTENCE,
    held_out_pairs,
    is_held_out_pair,
    split_of,
)
from tools.train_tiny_translator.lexicon import load_lexicon
from tools.train_tiny_translator.noun_phrases import content_of, listing
from tools.train_tiny_translator.sentences import LONGEST_SOURCE, sample_pair
from tools.train_tiny_translator.words import SentencePair


def draw(seed: int, count: int, *, is_free: bool = False) -> list[SentencePair]:
    chooser = Chooser(random.Random(seed), is_free=is_free)
    return [sample_pair(chooser) for _ in range(count)]


@pytest.fixture(scope="module")
def pairs() -> list[SentencePair]:
    return draw(seed=3, count=4000)


def test_same_seed_draws_same_sentences():
    assert draw(seed=5, count=200) == draw(seed=5, count=200)
    assert draw(seed=5, count=200) != draw(seed=6, count=200)


def test_training_sentences_are_deterministic_under_a_seed():
    assert training_pairs(9, 300) == training_pairs(9, 300)


@settings(max_examples=200, deadline=None)
@given(seed=st.integers(0, 2**32), is_free=st.booleans())
def test_every_sentence_is_well_formed(seed, is_free):
    (pair,) = draw(seed, 1, is_free=is_free)
    assert 0 < len(pair.source_words) <= LONGEST_SOURCE
    assert len(pair.source_content) == len(pair.source_words)
    assert len(pair.target_content) == len(pair.target_words)
    assert all(word and " " not in word for word in pair.source_words + pair.target_words)
    assert pair.target_words[0][0].isupper()
    for source, target in pair.alignment:
        assert 0 <= source < len(pair.source_words)
        assert 0 <= target < len(pair.target_words)


def test_every_content_word_is_aligned_to_a_content_word(pairs):
    for pair in pairs:
        for target, is_content in enumerate(pair.target_content):
            sources = [source for source, other in pair.alignment if other == target]
            if is_content:
                assert any(pair.source_content[source] for source in sources), pair.target_text


def test_every_source_content_word_is_translated(pairs):
    for pair in pairs:
        aligned = {source for source, _ in pair.alignment}
        for source, is_content in enumerate(pair.source_content):
            assert not is_content or source in aligned, pair.source_text


def test_word_order_differs_between_the_languages(pairs):
    crossing = sum(
        any(a < c and b > d for a, b in pair.alignment for c, d in pair.alignment) for pair in pairs
    )
    assert crossing / len(pairs) > 0.5


def test_one_source_sentence_has_one_translation(pairs):
    translations: dict[str, str] = {}
    for pair in pairs:
        assert translations.setdefault(pair.source_text, pair.target_text) == pair.target_text


def test_english_has_clean_spacing_and_articles(pairs):
    for pair in pairs:
        assert not re.search(r"\s[.,?!]|  |\s'", pair.target_text), pair.target_text
        assert not re.search(r"\ba [aeio]", pair.target_text), pair.target_text


@pytest.mark.parametrize(
    "chinese",
    [
        "把",
        "在",
        "比",
        "正在",
        "了",
        "没有",
        "不",
        "会",
        "吗",
        "什么",
        "因为",
        "、",
        "和",
        "有",
        "对",
        "跟",
    ],
)
def test_construction_occurs_often(pairs, chinese):
    assert sum(chinese in pair.source_words for pair in pairs) > 20


def test_at_least_300_chinese_words(pairs):
    assert len({word for pair in pairs for word in pair.source_words}) >= 300


def test_no_noun_dominates_its_kind():
    chooser = Chooser(random.Random(1))
    drawn = [chooser.thing(("thing",)).noun.chinese for _ in range(2000)]
    most = max(drawn.count(noun) for noun in set(drawn))
    assert most < 3 * len(drawn) / len(set(drawn))


def test_homework_terms_recombine():
    compounds = load_lexicon().compounds
    heads = {chinese: {head.chinese for head in found} for (chinese, _), found in compounds.items()}
    assert len(heads["机器"]) >= 4
    assert len(heads["人工"]) >= 4
    for head in ("学习", "智能"):
        assert sum(head in found for found in heads.values()) >= 4


def test_technical_terms_link_word_by_word():
    chooser = Chooser(random.Random(2))
    for _ in range(50):
        thing = chooser.compound()
        phrase = content_of(thing, is_plural=False)
        linked = [word.sources for word in phrase.target]
        assert linked == [(word,) for word in phrase.source]


def test_lists_never_repeat_an_item():
    chooser = Chooser(random.Random(4))
    for _ in range(200):
        words = [word.text for word in listing(chooser).source if word.is_content]
        assert len(words) == len(set(words))


def test_homework_sentence_is_never_trained_on():
    pair = SentencePair(
        source_words=("我", "喜欢", "机器", "学习", "和", "人工", "智能", "。"),
        target_words=("I",),
        alignment=(),
        source_content=(False, True, True, True, False, True, True, False),
        target_content=(False,),
    )
    assert pair.source_text == HOMEWORK_SENTENCE
    assert split_of(pair) == "homework"
    assert held_out_pairs(pair) == []


def test_training_sentences_contain_no_held_out_pair_and_no_held_out_sentence():
    for pair in training_pairs(7, 4000):
        assert split_of(pair) == "train"
        words = [
            word for word, flag in zip(pair.source_words, pair.source_content, strict=True) if flag
        ]
        assert not any(
            is_held_out_pair(first, second)
            for first in words
            for second in words
            if first != second
        )


def test_held_out_pairs_do_not_depend_on_order():
    lexicon = load_lexicon()
    nouns = [noun.chinese for noun in lexicon.nouns["thing"]]
    verbs = [verb.chinese for verb in lexicon.verbs]
    held_out = [(n, v) for n in nouns for v in verbs if is_held_out_pair(n, v)]
    assert held_out == [(n, v) for n in nouns for v in verbs if is_held_out_pair(v, n)]
    assert 0.005 < len(held_out) / (len(nouns) * len(verbs)) < 0.05


def test_held_out_sentences_carry_their_split():
    drawn = heldout_pairs(7, {"heldout": 20, "heldout_combination": 20})
    assert [split for split, _ in drawn].count("heldout") == 20
    assert all(split_of(pair) == split for split, pair in drawn)


@pytest.mark.parametrize(
    ("inflect", "word", "form"),
    [
        (plural, "box", "boxes"),
        (plural, "story", "stories"),
        (plural, "key", "keys"),
        (plural, "watch", "watches"),
        (third_person, "study", "studies"),
        (third_person, "listen to", "listens to"),
        (third_person, "teach", "teaches"),
        (past, "use", "used"),
        (past, "study", "studied"),
        (present_participle, "write", "writing"),
        (present_participle, "study", "studying"),
    ],
)
def test_regular_inflection(inflect, word, form):
    assert inflect(word) == form
