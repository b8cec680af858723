"""The published run of the homework's real models, as tables and as heatmaps."""

import json

import numpy
import pandas
import pytest

from helpers.environment import assets_folder
from helpers.errors import HomeworkError
from hw7.lessons.published import (
    _published_sheet,
    compare_with_published,
    published_scores,
    show_published,
)
from tests.support.made_explanations import made_explanation


def raw(model, method):
    file = assets_folder() / "reference" / f"{model}.{method}.json"
    return json.loads(file.read_text(encoding="utf-8"))


def both(model):
    return {method: published_scores(model, method) for method in ("saliency", "attention")}


@pytest.mark.parametrize("method", ["saliency", "attention"])
@pytest.mark.parametrize("model", ["opus-mt-zh-en", "qwen3-0.6b"])
def test_each_published_score_stands_at_its_row_and_column(model, method):
    written, table = raw(model, method), published_scores(model, method)
    assert list(table.index) == written["attributed"]
    assert list(table.columns) == written["generated"]
    for row, numbers in enumerate(written["scores"]):
        for column, number in enumerate(numbers):
            shown = table.iat[row, column]
            assert shown != shown if number is None else shown == number


def test_what_the_homework_asks_reads_as_published():
    # hw7.md: saliency puts 机器 first for "machine" with 0.447; attention 机器 -> artificial 0.03.
    assert both("opus-mt-zh-en")["saliency"]["machine"].idxmax() == "机器"
    assert both("opus-mt-zh-en")["saliency"].at["机器", "machine"] == 0.447
    assert both("opus-mt-zh-en")["attention"].at["机器", "artificial"] == 0.03


def test_a_run_that_was_not_published_is_refused_with_those_there_are():
    with pytest.raises(HomeworkError, match=r"opus-mt-zh-en\.saliency"):
        published_scores("opus-mt-en-zh", "saliency")


@pytest.mark.parametrize(("model", "first_generated"), [("opus-mt-zh-en", None), ("qwen3-0.6b", 2)])
def test_a_sheet_says_where_the_prompt_ends(model, first_generated):
    # Qwen3's prompt is Hello world; a translation's source is a text of its own.
    for method, table in both(model).items():
        sheet = _published_sheet(model, method, table)
        assert sheet.first_generated_row == first_generated


def test_the_published_run_of_qwen3_explains_two_different_texts():
    saliency, attention = both("qwen3-0.6b").values()
    assert list(saliency.columns) != list(attention.columns)


def test_published_heatmaps_show_as_text_where_no_notebook_renders_them(capsys):
    show_published("opus-mt-zh-en")
    assert "machine ← 机器 0.45" in capsys.readouterr().out


def test_only_tokens_that_both_runs_have_once_are_compared():
    scores = numpy.array([[0.9, 0.2, 0.9, 0.6], [0.1, 0.8, 0.1, 0.4]])
    ours = made_explanation(
        ["我", "你"], ["I", "you", "I", "and"], methods=["saliency"], scores=[scores]
    )
    published = pandas.DataFrame(
        [[0.5, 0.7, 0.8, 0.9], [0.4, 0.3, 0.2, 0.1]],
        index=pandas.Index(["我", "你"], name="source"),
        columns=pandas.Index(["I", "you", "and", "and"], name="generated"),
    )
    (row,) = compare_with_published(ours, published, "saliency").to_dict("records")
    assert row == {
        "generated": "you",
        "strongest source (this run)": "你",
        "score (this run)": 0.8,
        "strongest source (published)": "我",
        "score (published)": 0.7,
    }
