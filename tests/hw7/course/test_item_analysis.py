"""Discrimination against an independent computation."""

import numpy as np
import pandas as pd
import pytest

from hw7.course.reports.item_analysis import discrimination


def test_discrimination_is_the_item_rest_correlation_as_pandas_computes_it():
    shares = np.random.default_rng(0).integers(0, 2, size=(50, 10)).astype(float)
    frame = pd.DataFrame(shares)
    for column in range(10):
        expected = frame[column].corr(frame.drop(columns=column).sum(axis=1))
        assert discrimination(shares, column) == pytest.approx(expected, abs=1e-12)


def test_students_whose_points_are_unknown_are_left_out():
    shares = np.array([[1, 1, 1], [0, 0, 0], [1, 0, 1], [np.nan, 1, 0]], dtype=float)
    assert discrimination(shares, 0) == pytest.approx(discrimination(shares[:3], 0))


@pytest.mark.parametrize("column", [[1, 1, 1], [0, 0, 0], [np.nan, np.nan, 1]])
def test_without_variation_there_is_no_discrimination(column):
    shares = np.array([column, [0, 1, 1], [1, 0, 1]], dtype=float).T
    assert discrimination(shares, 0) is None
