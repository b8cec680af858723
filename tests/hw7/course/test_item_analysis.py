"""Discrimination against an independent computation."""

import numpy as np
import pandas as pd
import pytest

from hw7.course.reports.item_analysis import discrimination


def test_discrimination_is_the_item_rest_correlation_as_numpy_computes_it():
    frame = pd.DataFrame(np.random.default_rng(0).integers(0, 2, size=(50, 10)).astype(float))
    for column in range(10):
        own, rest = frame[column], frame.drop(columns=column).sum(axis=1)
        expected = np.corrcoef(own, rest)[0, 1]
        assert discrimination(frame, column) == pytest.approx(expected, abs=1e-12)


def test_students_whose_points_are_unknown_are_left_out():
    shares = pd.DataFrame([[1, 1, 1], [0, 0, 0], [1, 0, 1], [np.nan, 1, 0]], dtype=float)
    assert discrimination(shares, 0) == pytest.approx(discrimination(shares[:3], 0))


@pytest.mark.parametrize("column", [[1, 1, 1], [0, 0, 0], [np.nan, np.nan, 1]])
def test_without_variation_there_is_no_discrimination(column):
    shares = pd.DataFrame({0: column, 1: [0, 1, 1], 2: [1, 0, 1]}, dtype=float)
    assert np.isnan(discrimination(shares, 0))
