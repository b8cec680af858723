"""Files of explanations, and their fingerprints."""

import json
import zipfile

import numpy
import pytest

from helpers import Explanation, explain
from helpers.errors import HomeworkError
from tests.support.made_explanations import made_explanation, made_scores
from tests.support.random_models import random_model


@pytest.fixture
def saved(tmp_path):
    file = tmp_path / "explanation.zip"
    made_explanation().save(file)
    return file


def rewritten(saved, **members):
    """Return the saved file with some members replaced; None leaves one out."""
    with zipfile.ZipFile(saved) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    other = saved.with_name("other.zip")
    with zipfile.ZipFile(other, "w") as archive:
        for name, data in (content | members).items():
            if data is not None:
                archive.writestr(name, data)
    return other


def test_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(HomeworkError, match=r"nowhere.*cannot be written.*explanation\.save"):
        made_explanation().save(tmp_path / "nowhere" / "explanation.zip")


@pytest.mark.parametrize(
    "facts",
    [
        None,
        b"",
        b"[]",
        b"3",
        b"\xff\xfe",
        b"{}",
        b'{"format": "another"}',
        b'{"format": "hw7-explanation-1"}',
        b'{"format": "hw7-explanation-1", "methods": ["saliency"]}',
        b'{"format": "hw7-explanation-1", "methods": ["no"], "input_text": "a"}',
    ],
)
def test_zip_of_something_else_is_refused_in_one_sentence(saved, facts):
    with pytest.raises(HomeworkError, match="is not a saved explanation") as error:
        Explanation.load(rewritten(saved, **{"explanation.json": facts}))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("scores", [None, b"", b"[]", b"{}", b"not json"])
def test_scores_of_something_else_are_refused(saved, scores):
    with pytest.raises(HomeworkError, match="is not a saved explanation"):
        Explanation.load(rewritten(saved, **{"saliency.json": scores}))


def test_scores_that_inseq_saved_by_itself_are_refused(saved, tmp_path):
    output = made_explanation().attribution("saliency")
    del output.info["outline"]
    output.save(tmp_path / "inseq.json")
    scores = (tmp_path / "inseq.json").read_bytes()
    with pytest.raises(HomeworkError, match="is not a saved explanation"):
        Explanation.load(rewritten(saved, **{"saliency.json": scores}))


@pytest.mark.parametrize("content", [b"", b"PK", b"not a zip", b"PK\x03\x04" + b"\0" * 50])
def test_file_that_is_no_zip_is_refused(tmp_path, content):
    (tmp_path / "file.zip").write_bytes(content)
    with pytest.raises(HomeworkError, match=r"file\.zip is not a saved explanation"):
        Explanation.load(tmp_path / "file.zip")


def test_file_that_is_missing_and_folder_are_refused(tmp_path):
    for place in (tmp_path / "missing.zip", tmp_path):
        with pytest.raises(HomeworkError, match="is not a saved explanation"):
            Explanation.load(place)


def test_file_saved_before_there_were_probabilities_loads(saved):
    with zipfile.ZipFile(saved) as archive:
        facts = json.loads(archive.read("explanation.json"))
    del facts["token_probabilities"], facts["is_complete"]
    loaded = Explanation.load(rewritten(saved, **{"explanation.json": json.dumps(facts)}))
    assert loaded.is_complete
    with pytest.raises(HomeworkError, match="holds no probabilities"):
        loaded.probabilities()


def nudged(amount):
    """Return two explanations whose scores differ by an amount in one place, and one like them."""
    scores = numpy.round(made_scores(9, 9), 2)
    other = scores.copy()
    other[4, 5] += amount
    return [made_explanation(methods=["saliency"], scores=[each]) for each in (scores, other)]


@pytest.mark.parametrize(("amount", "is_same"), [(1e-5, True), (4e-4, True), (0.002, False)])
def test_digest_tells_scores_apart_from_the_third_decimal_on(amount, is_same):
    one, other = nudged(amount)
    assert (one.digest() == other.digest()) == is_same


def test_digest_does_not_tell_zero_from_minus_zero():
    scores = numpy.zeros((9, 9))
    one = made_explanation(methods=["saliency"], scores=[scores])
    other = made_explanation(methods=["saliency"], scores=[-scores])
    assert one.digest() == other.digest()


def test_digest_tells_texts_tokens_and_completeness_apart():
    from dataclasses import replace

    whole = made_explanation()
    others = [
        replace(whole, input_text="other"),
        replace(whole, is_complete=False),
        replace(whole, score="logit"),
        made_explanation(generated=["He", *whole.table("saliency").columns[1:]]),
    ]
    assert len({one.digest() for one in (whole, *others)}) == 5


def test_half_a_character_has_a_digest_and_is_saved(tmp_path):
    from dataclasses import replace

    hostile = replace(made_explanation(), input_text="a \ud83d", generated_text="\udc00")
    hostile.save(tmp_path / "half.zip")
    assert Explanation.load(tmp_path / "half.zip").digest() == hostile.digest()
    assert hostile.digest() != made_explanation().digest()


@pytest.mark.parametrize("family", ["gpt2", "marian"])
@pytest.mark.parametrize("method", ["saliency", "attention", "occlusion"])
def test_inseqs_own_show_works_on_an_attribution(family, method, tmp_path):
    model = random_model(family)
    explanation = explain(
        model, "w1 w2", target=" w3 w4", methods=[method], words=True, show_progress=False
    )
    html = explanation.attribution(method).show(display=False, return_html=True)
    assert "w3" in html
    explanation.save(tmp_path / "explanation.zip")
    again = Explanation.load(tmp_path / "explanation.zip").attribution(method)
    assert "w3" in again.show(display=False, return_html=True)


def test_occurrences_are_those_of_their_own_side():
    scores = numpy.arange(16, dtype=float).reshape(4, 4)
    tokens = ["the", "cat", "the", "dog"]
    explanation = made_explanation(tokens, tokens, methods=["saliency"], scores=[scores])
    assert explanation.importance("the", "the", source_occurrence=1, occurrence=2) == 2
    assert explanation.importance("the", "the", source_occurrence=2, occurrence=1) == 8
    assert explanation.importance("cat", "the", occurrence=2) == 6
    assert explanation.importance("the", "cat", source_occurrence=2) == 9
    assert explanation.importance("cat", "dog") == 7
    assert explanation.importance("dog", "cat") == 13


def test_the_same_scores_are_the_same_bytes(tmp_path):
    model = random_model("gpt2")
    for name in ("one.zip", "two.zip"):
        made = explain(model, "w1 w2", target=" w3", methods=["saliency", "lime"])
        made.save(tmp_path / name)
    one, two = (tmp_path / name for name in ("one.zip", "two.zip"))
    assert one.read_bytes() == two.read_bytes()
    with zipfile.ZipFile(one) as archive:
        assert {info.date_time[0] for info in archive.infolist()} == {1980}
