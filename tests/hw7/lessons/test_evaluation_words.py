"""Token scores on the words of a gold alignment."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.attribution import attribute
from helpers.errors import TextError
from helpers.generation import generate
from hw7.lessons.which_method import GoldSentence
from hw7.lessons.which_method.word_tables import WordGroup, word_groups, word_places
from tests.support.random_models import random_model, random_text


@pytest.fixture(scope="module")
def model():
    return random_model("marian")


@pytest.fixture(scope="module")
def case(model):
    """A translation, its scores `[source, generated]` and its words, one token each."""
    source, target = random_text(5), random_text(4, seed=1)
    generation = generate(model, source, target=target)
    raw = attribute(model, generation, ["saliency"])["saliency"].sequence_attributions[0]
    scores = raw.aggregate().source_attributions.double().numpy()
    return generation, scores, source.split(), target.split()


def table_of(model, generation, scores, source, target):
    gold = GoldSentence("", "", tuple(source), tuple(target), frozenset(), frozenset())
    return word_places(model, generation, gold).table(scores)


def test_one_token_a_word_gives_one_group_a_word():
    groups = word_groups([" I", " like", " tea"], ["I", "like", "tea"])
    assert groups == [WordGroup((n, n + 1), (n, n + 1)) for n in range(3)]


def test_pieces_of_a_word_are_put_together():
    assert word_groups([" sali", "ency", "."], ["saliency", "."]) == [
        WordGroup((0, 2), (0, 1)),
        WordGroup((2, 3), (1, 2)),
    ]


def test_a_token_of_two_words_puts_both_words_in_its_group():
    assert word_groups(["我喜欢", "机器"], ["我", "喜欢", "机器"]) == [
        WordGroup((0, 1), (0, 2)),
        WordGroup((1, 2), (2, 3)),
    ]


def test_a_lone_space_mark_belongs_to_the_word_behind_it():
    assert word_groups([" ", "我", " ", "们"], ["我", "们"]) == [
        WordGroup((0, 2), (0, 1)),
        WordGroup((2, 4), (1, 2)),
    ]


def test_width_and_case_do_not_count():
    assert len(word_groups([" i", ","], ["I", "，"])) == 2


def test_tokens_that_spell_something_else_are_refused():
    with pytest.raises(TextError, match="do not spell"):
        word_groups(["<unk>", "机器"], ["我", "机器"])


@given(st.data())
def test_groups_cover_all_tokens_and_words_however_the_text_is_cut(data):
    text = data.draw(st.text("ab我机", min_size=1, max_size=12))
    cuts = [
        sorted(data.draw(st.sets(st.integers(1, max(1, len(text) - 1)), max_size=6)))
        for _ in range(2)
    ]
    tokens, words = (
        [part for a, b in zip([0, *cut], [*cut, len(text)], strict=True) if (part := text[a:b])]
        for cut in cuts
    )
    groups = word_groups(tokens, words)
    assert [n for group in groups for n in range(*group.tokens)] == list(range(len(tokens)))
    assert [n for group in groups for n in range(*group.words)] == list(range(len(words)))
    for group in groups:
        assert "".join(tokens[slice(*group.tokens)]) == "".join(words[slice(*group.words)])


def test_word_table_of_whole_words_has_inseqs_scores(model, case):
    generation, scores, source, target = case
    table = table_of(model, generation, scores, source, target)
    assert list(table.index) == [*source, "</s>"]
    assert list(table.columns) == target
    assert table.to_numpy().tolist() == scores[:, :-1].tolist()


def test_pieces_of_a_source_word_add_up_and_those_of_a_target_word_are_averaged(model, case):
    generation, scores, source, target = case
    words = [source[0], source[1] + source[2], *source[3:]]
    written = [target[0] + target[1], *target[2:]]
    table = table_of(model, generation, scores, words, written)
    assert table.iat[1, 0] == pytest.approx(scores[1:3, 0:2].sum() / 2)
    assert table.iat[0, 1] == pytest.approx(scores[0, 2])
    assert table.iat[-1, -1] == pytest.approx(scores[-1, -2])
    # Sums of a few float32 scores.
    assert table.sum().to_numpy() == pytest.approx(1.0, abs=1e-6)


def test_words_that_share_a_token_share_its_scores(model, case):
    generation, scores, source, target = case
    words = [source[0][:1], source[0][1:], *source[1:]]
    table = table_of(model, generation, scores, words, target)
    assert len(table) == len(words) + 1
    assert table.iloc[0].tolist() == table.iloc[1].tolist()
