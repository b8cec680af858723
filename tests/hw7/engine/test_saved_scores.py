"""Files of scores and their fingerprints, from made outputs and without a model."""

import pandas
import pytest
import torch

from hw7.engine.saved_scores import FORMAT, digest_of, read_scores, write_scores
from tests.support.made_explanations import made_explanation

ORIGIN = {"format": FORMAT, "input_text": "我", "methods": ["saliency", "attention"]}


@pytest.fixture
def attributions():
    return made_explanation(methods=ORIGIN["methods"]).attributions


@pytest.fixture
def saved(tmp_path, attributions):
    write_scores(tmp_path / "scores.zip", ORIGIN, attributions)
    return tmp_path / "scores.zip"


def test_each_method_comes_back_with_its_own_scores(saved, attributions):
    found, texts = read_scores(saved, lambda outputs, texts: (outputs, texts))
    assert texts == {"input_text": "我"}
    assert list(found) == ORIGIN["methods"]
    for method, output in found.items():
        scores = output.sequence_attributions[0].source_attributions
        expected = attributions[method].sequence_attributions[0].source_attributions
        # Inseq's file keeps float32 as decimal text.
        torch.testing.assert_close(scores, expected.to(scores), rtol=1e-5, atol=1e-6)


def test_file_of_another_format_is_refused(tmp_path, attributions):
    write_scores(tmp_path / "other.zip", ORIGIN | {"format": "another"}, attributions)
    with pytest.raises(ValueError, match=r"other\.zip is not a saved explanation \(KeyError\)"):
        read_scores(tmp_path / "other.zip", lambda *_: pytest.fail("was made"))


def test_what_is_made_may_refuse_what_was_read(saved):
    def refuse(*_):
        raise TypeError("a setting is missing")

    with pytest.raises(ValueError, match=r"not a saved explanation \(TypeError\)"):
        read_scores(saved, refuse)


def test_place_that_cannot_be_written_is_named(tmp_path, attributions):
    with pytest.raises(OSError, match=r"nowhere.*cannot be written.*No such file"):
        write_scores(tmp_path / "nowhere" / "scores.zip", ORIGIN, attributions)


def table(score: float = 0.5, row: str = "a", column: str = "b") -> pandas.DataFrame:
    return pandas.DataFrame([[score]], index=[row], columns=[column])


def test_digest_is_the_same_for_what_rounding_or_order_alone_tells_apart():
    one = digest_of({"x": 1, "y": 2}, {"saliency": table(0.5004)})
    assert one == digest_of({"y": 2, "x": 1}, {"saliency": table(0.4996)})
    assert digest_of({}, {"a": table(-0.0001)}) == digest_of({}, {"a": table(0.0)})


@pytest.mark.parametrize(
    ("origin", "tables"),
    [
        ({"x": 2}, {"saliency": table()}),
        ({"x": 1}, {"attention": table()}),
        ({"x": 1}, {"saliency": table(0.501)}),
        ({"x": 1}, {"saliency": table(float("nan"))}),
        ({"x": 1}, {"saliency": table(row="c")}),
        ({"x": 1}, {"saliency": table(column="c")}),
    ],
)
def test_digest_differs_with_texts_methods_scores_and_tokens(origin, tables):
    assert digest_of(origin, tables) != digest_of({"x": 1}, {"saliency": table()})
