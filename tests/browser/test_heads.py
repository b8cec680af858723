"""The head browser and the line of the whole answer: they show the engine's numbers."""

import numpy
import pytest

from helpers import explain
from hw7.engine.head_weights import MOST_CHARACTERS
from hw7.views.component import page_html
from tests.browser.axe import violations
from tests.support.chat_models import chat, chat_model

QUESTION, REPLY = chat("Which capital?"), "Paris. It is the city."


@pytest.fixture(scope="module")
def answer():
    return explain(
        chat_model(), chat=QUESTION, target=REPLY, methods=["attention", "saliency"], heads=True
    )


@pytest.fixture
def page(open_page, answer):
    return open_page(page_html("heads", answer.html(picture=False)), width=1280)


def scores_of(text):
    return [float(part.rsplit(" ", 1)[1]) for part in text.split("←")[1].split(" · ")]


def test_there_is_a_thumbnail_for_each_layer_and_head(page):
    page.get_by_role("tab", name="attention").click()
    thumbs = page.locator(".hw7-thumb")
    assert thumbs.count() == 2 * 4
    assert thumbs.nth(5).get_attribute("aria-label").startswith("layer 1 · head 1: P ←")


def test_arrows_walk_over_layers_and_heads_and_tell_the_scores(page):
    page.get_by_role("tab", name="attention").click()
    page.locator(".hw7-thumb").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    told = page.locator(".hw7-heads .hw7-state").inner_text()
    assert told.startswith("layer 1 · head 1: P ←")
    assert told == page.locator(".hw7-thumb:focus").get_attribute("aria-label")
    assert page.locator('.hw7-thumb[tabindex="0"]').count() == 1


def test_thumbnails_follow_the_pinned_column_and_their_mean_is_the_heatmap(page, answer):
    page.get_by_role("tab", name="attention").click()
    page.locator('.hw7-panel[aria-label="attention"] th.hw7-head').nth(2).click()
    labels = page.locator(".hw7-thumb").evaluate_all("all => all.map((one) => one.ariaLabel)")
    assert all(": r ← " in label for label in labels)
    first_layers = page.evaluate("document.querySelectorAll('.hw7-thumb canvas')[0].width")
    rows = page.locator('.hw7-panel[aria-label="attention"] tbody th.hw7-side').count()
    assert first_layers == rows
    best = numpy.mean([max(scores_of(label)) for label in labels])
    assert best >= answer.table("attention").iloc[:, 2].max() - 0.001


@pytest.mark.parametrize(("width", "scheme"), [(400, "dark"), (1280, "light")])
def test_axe_finds_nothing_on_the_heads(open_page, answer, width, scheme):
    html = page_html("heads", answer.html(picture=False))
    page = open_page(html, width=width, scheme=scheme)
    page.get_by_role("tab", name="attention").click()
    assert violations(page) == []


def test_line_of_the_whole_answer_is_colored_by_its_own_scores(page, answer):
    page.get_by_role("tab", name="saliency").click()
    line = page.locator(".hw7-line").filter(has_text="whole answer")
    assert line.count() == 1
    words = line.locator(".hw7-token")
    texts = words.all_inner_texts()
    whole = answer.whole_answer.table("saliency").iloc[:, 0]
    place = texts.index("W")
    words.nth(place).hover()
    score = whole.iloc[list(whole.index).index("W")]
    state = page.locator('.hw7-panel[aria-label="saliency"] > .hw7-state').inner_text()
    assert f"whole answer {score:.3f}" in state


def test_too_many_heads_are_left_out_with_a_sentence(monkeypatch):
    monkeypatch.setattr("hw7.engine.head_weights.MOST_CHARACTERS", 100)
    made = explain(chat_model(), chat=QUESTION, target="Pa", methods=["attention"], heads=True)
    assert made.sheet().heads is None
    assert any("heads left out" in note for note in made.notes("token"))
    assert MOST_CHARACTERS == 200_000
