"""The gold alignments that are shipped, and how gold files are read."""

import json

import pytest

from helpers.errors import HomeworkError
from hw7.lessons.which_method import load_gold, split_gold


@pytest.fixture(scope="module")
def handmade(project):
    return load_gold(project / "assets" / "gold" / "zh-en.jsonl")


def test_there_are_sixty_different_handmade_pairs(handmade):
    assert len({sentence.source_text for sentence in handmade}) == len(handmade) == 60


def test_handmade_words_spell_their_sentences(handmade):
    for sentence in handmade:
        assert "".join(sentence.source_words) == sentence.source_text
        assert "".join(sentence.target_words) == sentence.target_text.replace(" ", "")


def test_every_handmade_word_is_linked(handmade):
    for sentence in handmade:
        assert {source for source, _ in sentence.possible} == set(range(len(sentence.source_words)))
        assert sentence.linked_words() == list(range(len(sentence.target_words)))


def test_handmade_punctuation_is_linked_to_punctuation(handmade):
    marks = {"。": ".", "？": "?", "！": "!"}
    for sentence in handmade:
        last = (len(sentence.source_words) - 1, len(sentence.target_words) - 1)
        assert last in sentence.sure
        assert marks[sentence.source_words[-1]] == sentence.target_words[-1]


def test_the_handmade_gold_knows_sure_and_possible_links(handmade):
    assert all(sentence.sure <= sentence.possible for sentence in handmade)
    assert any(sentence.sure < sentence.possible for sentence in handmade)


def test_the_bundled_gold_spells_its_sentences(project):
    sentences = load_gold(project / "assets" / "models" / "tiny-zh-en" / "heldout.jsonl")
    heldout = [sentence for sentence in sentences if sentence.split == "heldout"]
    assert len(split_gold(heldout)[1]) >= 200
    for sentence in heldout:
        assert "".join(sentence.source_words) == sentence.source_text
        assert sentence.sure == sentence.possible


def test_development_and_test_split_share_no_sentence(handmade):
    development, test = split_gold(handmade)
    assert len(development) == 12
    assert not {s.source_text for s in development} & {s.source_text for s in test}
    assert len(development) + len(test) == len(handmade)


RECORD = {
    "source": "我来。",
    "target": "I come.",
    "source_words": ["我", "来", "。"],
    "target_words": ["I", "come", "."],
    "alignment": [[0, 0], [1, 1]],
    "possible": [[2, 2]],
}


def test_possible_links_include_the_sure_ones(tmp_path):
    file = tmp_path / "gold.jsonl"
    file.write_text(json.dumps(RECORD) + "\n\n", encoding="utf-8")
    (sentence,) = load_gold(file)
    assert sentence.sure == {(0, 0), (1, 1)}
    assert sentence.possible == {(0, 0), (1, 1), (2, 2)}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"alignment": [[3, 0]]}, "Line 2 .* outside"),
        ({"alignment": [[0]]}, "Line 2 "),
        ({"source_words": None}, "Line 2 "),
    ],
)
def test_a_damaged_line_is_named(tmp_path, change, message):
    file = tmp_path / "gold.jsonl"
    lines = [json.dumps(RECORD), json.dumps({**RECORD, **change})]
    file.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(HomeworkError, match=message):
        load_gold(file)


def test_a_line_that_is_no_json_is_named(tmp_path):
    file = tmp_path / "gold.jsonl"
    file.write_text('{"source":', encoding="utf-8")
    with pytest.raises(HomeworkError, match="Line 1 "):
        load_gold(file)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(HomeworkError, match="nothing"):
        load_gold(tmp_path / "nothing.jsonl")
