"""Groups of tokens that fold and unfold, and the probabilities above the map."""

from dataclasses import replace

import numpy
import pytest

from hw7.views.component import page_html, sheet_html
from hw7.views.levels import Axis, Outline, merged
from hw7.views.sheet import Step
from tests.support.made_explanations import made_explanation

PROMPT = ["<a>", "sys", "<b>", "Wha", "t", "is", "this", "?", "Say", "!"]
ANSWER = ["It", "is", "a", "c", "at", "."]
SPECIAL = [True] * 3 + [False] * (len(PROMPT) + len(ANSWER) - 3)
TURNS = ["user"] * len(PROMPT) + ["answer"] * len(ANSWER)


def axis(tokens, words, sentences, turns, labels, special):
    numbers = {"token": [*range(len(tokens))], "word": words, "sentence": sentences, "turn": turns}
    return Axis({"token": tokens, **labels}, numbers, TURNS[: len(tokens)], special)


@pytest.fixture
def sheet():
    made = made_explanation(PROMPT, ANSWER, is_translation=False, methods=["saliency"]).sheet()
    template = "user template"
    asked = ["What", "is", "this", "?", "Say", "!"]
    answered = ["It", "is", "a", "cat", "."]
    rows = axis(
        [*PROMPT, *ANSWER],
        [0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10, 11],
        [0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 3, 3, 3, 3, 3, 3],
        [0] * 3 + [1] * 7 + [2] * 6,
        {
            "word": [template, *asked, *answered],
            "sentence": [template, "What is this?", "Say!", "It is a cat."],
            "turn": [template, "user", "answer"],
        },
        SPECIAL,
    )
    columns = rows.kept(range(len(PROMPT), len(PROMPT) + len(ANSWER)))
    return replace(made, outline=Outline(rows, columns, [*range(len(ANSWER))], len(PROMPT)))


def opened(open_page, sheet):
    return open_page(page_html("levels", sheet_html(sheet, "facts", picture=False)))


def sides(page) -> list[str]:
    return page.locator(".hw7-side bdi").all_inner_texts()


def cells(page) -> numpy.ndarray:
    texts = page.locator("tbody td").all_inner_texts()
    shown = numpy.array([float((text or "nan").replace("−", "-")) for text in texts])
    return shown.reshape(len(sides(page)), -1)


ROUNDED = 0.005001  # two decimals


def test_a_template_starts_folded_and_the_text_does_not(open_page, sheet):
    page = opened(open_page, sheet)
    assert sides(page) == ["user template", *PROMPT[3:], *ANSWER[:-1]]


def test_the_rows_of_a_group_add_up(open_page, sheet):
    page = opened(open_page, sheet)
    expected = sheet.layers[0].scores[:3].sum(axis=0)
    numpy.testing.assert_allclose(cells(page)[0], expected, atol=ROUNDED)


def test_a_group_shows_its_share_of_all_columns(open_page, sheet):
    page = opened(open_page, sheet)
    share = 100 * sheet.layers[0].scores[:3].sum(axis=0).mean()
    shown = float(page.locator(".hw7-side i").first.inner_text().strip(" %"))
    assert shown == pytest.approx(share, abs=0.501)


def test_a_click_unfolds_and_another_folds_again(open_page, sheet):
    page = opened(open_page, sheet)
    page.get_by_role("button", name="unfold user template").click()
    assert sides(page) == [*PROMPT, *ANSWER[:-1]]
    numpy.testing.assert_allclose(cells(page), sheet.layers[0].scores[:-1], atol=ROUNDED)
    page.get_by_role("button", name="fold user template", exact=True).click()
    assert sides(page)[0] == "user template"


@pytest.mark.parametrize("level", ["word", "sentence", "turn"])
def test_a_level_of_the_page_is_the_level_of_the_table(open_page, sheet, level):
    page = opened(open_page, sheet)
    page.get_by_role("button", name=f"{level}s", exact=True).click()
    scores, labels = merged(sheet.layers[0].scores, sheet.outline, level, "sum")
    kept = [row for row, line in enumerate(scores) if not numpy.isnan(line).all()]
    assert sides(page) == [labels[row] for row in kept]
    assert page.locator(".hw7-head bdi").all_inner_texts() == sheet.outline.columns.labels[level]
    numpy.testing.assert_allclose(cells(page), scores[kept], atol=ROUNDED)


def test_a_turn_is_drilled_into_level_by_level(open_page, sheet):
    page = opened(open_page, sheet)
    page.get_by_role("button", name="turns", exact=True).click()
    page.locator(".hw7-side").get_by_role("button", name="unfold user", exact=True).click()
    assert sides(page)[:3] == ["user template", "What is this?", "Say!"]
    page.get_by_role("button", name="unfold What is this?").click()
    assert sides(page)[1:5] == ["What", "is", "this", "?"]
    page.get_by_role("button", name="unfold What", exact=True).click()
    assert sides(page)[1:4] == ["Wha", "t", "is"]
    # Every column is divided among the rows without a rest; each was rounded to two decimals.
    rest = 1 - numpy.nansum(cells(page), axis=0)
    numpy.testing.assert_allclose(rest, 0, atol=ROUNDED * len(sides(page)))


def test_a_level_without_groups_of_its_own_is_not_offered(open_page):
    explanation = made_explanation(["a", "b"], ["c", "d"])
    page = opened(open_page, explanation.sheet(language="en"))
    assert page.locator(".hw7-level").count() == 1  # the switch of the language


def test_a_fold_button_pins_nothing_and_answers_to_the_keyboard(open_page, sheet):
    page = opened(open_page, sheet)
    page.get_by_role("button", name="unfold user template").press("Enter")
    assert sides(page)[0] == "<a>"
    assert page.locator(".hw7[data-pinned]").count() == 0


def test_each_generated_token_has_its_probability_and_its_rivals_on_hover(open_page, sheet):
    chances = [0.9, 0.125, 0.5, 0.03, 1.0, 0.4]
    steps = [Step(chance, [(f"rival{place}", 0.02)]) for place, chance in enumerate(chances)]
    page = opened(open_page, replace(sheet, steps=steps))
    row = page.get_by_role("row", name="probability")
    assert row.get_by_role("cell").all_inner_texts() == [f"{chance:.2f}" for chance in chances]
    page.get_by_role("columnheader", name="is", exact=True).hover()
    state = page.locator(".hw7-state").inner_text()
    assert "probability 0.125" in state
    assert "rival1 0.020" in state
    assert "rival0" not in state


def test_without_probabilities_there_is_no_row_of_them(open_page, sheet):
    assert opened(open_page, sheet).get_by_role("row", name="probability").count() == 0
