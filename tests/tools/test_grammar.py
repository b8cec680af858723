"""The grammar behind the bundled translator: deterministic, aligned, and honest about its split."""

import random
import re
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.train_tiny_translator import english
from tools.train_tiny_translator.corpus import heldout_pairs, training_pairs
from tools.train_tiny_translator.frequencies import scores_of
from tools.train_tiny_translator.grammar import LONGEST_SOURCE, Grammar, sample_pair
from tools.train_tiny_translator.holdout import (
    HOMEWORK_SENTENCE,
    held_out_pairs,
    is_held_out_pair,
    outside_sentences,
    split_of,
    without_closing_mark,
)
from tools.train_tiny_translator.lexicon import all_words, words_of
from tools.train_tiny_translator.nouns import compound
from tools.train_tiny_translator.patterns import Literal, Slot, read_patterns
from tools.train_tiny_translator.terminals import TERMINALS
from tools.train_tiny_translator.words import NoFit, SentencePair


def draw(seed: int, count: int) -> list[SentencePair]:
    grammar = Grammar(random.Random(seed))
    return [sample_pair(grammar) for _ in range(count)]


@pytest.fixture(scope="module")
def pairs() -> list[SentencePair]:
    return draw(seed=3, count=4000)


def test_same_seed_draws_same_sentences():
    assert draw(seed=5, count=200) == draw(seed=5, count=200)
    assert draw(seed=5, count=200) != draw(seed=6, count=200)


def test_training_sentences_are_deterministic_under_a_seed():
    assert training_pairs(9, 300) == training_pairs(9, 300)


@settings(max_examples=200, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_every_sentence_is_well_formed(seed):
    (pair,) = draw(seed, 1)
    assert 0 < len(pair.source_words) <= LONGEST_SOURCE
    assert len(pair.source_content) == len(pair.source_words)
    assert len(pair.target_content) == len(pair.target_words)
    assert all(word and " " not in word for word in pair.source_words + pair.target_words)
    assert pair.target_words[0][0].isupper() or pair.target_words[0].isdigit()
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


def test_at_least_3000_chinese_words():
    assert len({word.chinese for word in all_words()}) >= 3000


def test_at_least_400_words_of_computing():
    kinds = ("tech", "modifier", "head", "term", "collocation")
    assert len({word.chinese for kind in kinds for word in words_of(kind)}) >= 400


def test_no_word_is_listed_with_marks_of_the_format():
    for word in all_words():
        assert word.english or word.kind in ("surname", "given"), word
        assert not re.search(r"[@/!|*]", word.chinese + word.english), word


@pytest.mark.parametrize("block", sorted(read_patterns()))
def test_patterns_are_consistent(block):
    patterns = read_patterns()
    assert block not in TERMINALS
    for pattern in patterns[block]:
        slots = [item for item in pattern.source if isinstance(item, Slot)]
        literals = [item for item in pattern.source if isinstance(item, Literal)]
        labels = [slot.label for slot in slots]
        named = {option for item in literals for option in item.options}
        named |= {slot.particle for slot in slots}
        assert len(labels) == len(set(labels)), pattern
        assert not any("*" in option for option in named), pattern
        for slot in slots:
            assert slot.symbol in patterns or slot.symbol in TERMINALS, slot
            assert not slot.fits or slot.fits in labels, slot
        for item in pattern.target:
            assert not item.label or item.label in labels, pattern
            assert named.issuperset(item.links), pattern
            assert not item.agrees or item.agrees in [*labels, "singular", "plural"], pattern


def test_homework_terms_recombine():
    generator = random.Random(1)
    terms = []
    while len(terms) < 3000:
        try:
            terms.append([word.text for word in compound(generator).source])
        except NoFit:
            continue
    for first in ("机器", "人工"):
        assert len({term[1] for term in terms if term[0] == first}) >= 4
    for last in ("学习", "智能"):
        assert len({term[0] for term in terms if term[-1] == last}) >= 4


def test_technical_terms_link_word_by_word():
    generator = random.Random(2)
    phrases = []
    while len(phrases) < 50:
        try:
            phrases.append(compound(generator))
        except NoFit:
            continue
    for phrase in phrases:
        linked = [word.sources[0] for word in phrase.target]
        assert list(dict.fromkeys(linked)) == phrase.source
        assert all(len(word.sources) == 1 for word in phrase.target)


def test_a_longer_known_word_beats_the_words_in_it():
    scores = scores_of({"北京", "大学", "北京大学", "学", "大"}, set())
    assert scores["北京大学"] > scores["北京"] + scores["大学"]
    assert scores["大学"] > scores["大"] + scores["学"]


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


def test_sentences_written_by_hand_are_never_trained_on():
    trained = {without_closing_mark(pair.source_text) for pair in training_pairs(7, 8_000)}
    assert len(outside_sentences()) >= 150
    assert not outside_sentences() & trained


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
    nouns = [word.chinese for word in words_of("thing")]
    verbs = [word.chinese for word in words_of("vt")]
    held_out = [(n, v) for n in nouns for v in verbs if is_held_out_pair(n, v)]
    assert held_out == [(n, v) for n in nouns for v in verbs if is_held_out_pair(v, n)]
    assert 0.004 < len(held_out) / (len(nouns) * len(verbs)) < 0.008


def test_held_out_sentences_carry_their_split():
    drawn = heldout_pairs(7, {"heldout": 20, "heldout_combination": 20})
    assert [split for split, _ in drawn].count("heldout") == 20
    assert all(split_of(pair) == split for split, pair in drawn)


def test_sentences_with_unseen_pairs_are_as_long_as_the_others():
    drawn = heldout_pairs(7, {"heldout": 30, "heldout_combination": 30})
    lengths = [
        sorted(max(7, len(pair.source_words)) for split, pair in drawn if split == name)
        for name in ("heldout", "heldout_combination")
    ]
    assert lengths[0] == lengths[1] and lengths[0][-1] <= 16


def test_before_a_skill_hui_is_never_will(pairs):
    skills = {word.chinese for word in words_of("vskill")}
    found = 0
    for pair in pairs:
        for place, (word, after) in enumerate(pairwise(pair.source_words)):
            if word == "会" and after in skills:
                found += 1
                written = {pair.target_words[t].lower() for s, t in pair.alignment if s == place}
                assert "will" not in written, pair.source_text
    assert found


@pytest.mark.parametrize(
    ("found", "form"),
    [
        (english.plural("box"), "boxes"),
        (english.plural("child"), "children"),
        (english.plural("person in charge"), "people in charge"),
        (english.plural("bookshelf"), "bookshelves"),
        (english.finite("study", "present", "singular"), "studies"),
        (english.finite("be", "past", "plural"), "were"),
        (english.finite("can", "present", "singular"), "can"),
        (english.inflected("understand", "past"), "understood"),
        (english.inflected("write", "participle"), "written"),
        (english.inflected("stop", "ing"), "stopping"),
        (english.compared("hot", 0), "hotter"),
        (english.compared("important", 1), "most important"),
        (english.compared("good", 0), "better"),
        (english.more_and_more("hot"), "hotter and hotter"),
        (english.more_and_more("important"), "more and more important"),
        (english.adverb("easy"), "easily"),
        (english.adverb("good"), "well"),
        (english.ordinal("twenty-one"), "twenty-first"),
        (english.ordinal("twelve"), "twelfth"),
    ],
)
def test_english_forms(found, form):
    assert found == form
