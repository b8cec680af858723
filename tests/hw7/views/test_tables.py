"""Tables: Inseq's numbers stand between the right tokens."""

import numpy

from hw7.views.tables import likeliest_of, scores_of, table_of
from tests.support.made_explanations import made_explanation

SOURCE, GENERATED = ["a", "b"], ["c", "d", "e"]
SCORES = numpy.array([[0.1, 0.2, 0.3], [0.9, 0.8, 0.7]])


def output_and_outline():
    made = made_explanation(SOURCE, GENERATED, methods=["saliency"], scores=[SCORES])
    return made.attribution("saliency"), made.outline


def test_scores_stand_between_their_tokens():
    table = table_of(*output_and_outline(), "token", "token", "sum")
    assert (list(table.index), list(table.columns)) == (SOURCE, GENERATED)
    numpy.testing.assert_allclose(table, SCORES, rtol=1e-6)


def test_only_the_explained_columns_are_taken():
    output, outline = output_and_outline()
    numpy.testing.assert_allclose(
        scores_of(output, outline.explaining([0, 2])), SCORES[:, [0, 2]], rtol=1e-6
    )


def test_columns_may_have_a_level_of_their_own():
    table = table_of(*output_and_outline(), "token", "turn", "sum")
    numpy.testing.assert_allclose(table.to_numpy()[:, 0], SCORES.mean(axis=1), rtol=1e-6)


def test_rivals_stand_beside_what_was_written():
    token = {"generated": "c", "probability": 0.5, "rank": 1, "rivals": [["x", 0.25], ["y", 0.125]]}
    assert likeliest_of([token], 1).to_dict("records") == [
        {"generated": "c", "probability": 0.5, "rank": 1, "rival 1": "x", "probability 1": 0.25}
    ]
