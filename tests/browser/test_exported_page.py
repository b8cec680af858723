"""The heatmap in an exported HTML file: no kernel, no network, only the browser."""

import re

import numpy
import pytest

from hw7.views.component import page_html
from hw7.views.excerpts import without_special_tokens
from hw7.views.labels import printable
from tests.support.made_explanations import (
    GENERATED,
    HOSTILE,
    SOURCE,
    made_explanation,
    many_tokens,
)

BACKGROUND = "element => getComputedStyle(element).backgroundColor"


def page_of(explanation, **options) -> str:
    return page_html("heatmap", explanation.html(**options))


def panel(page, name="saliency"):
    return page.locator(f'.hw7-panel[aria-label="{name}"]')


def generated(page, token, name="saliency"):
    return panel(page, name).locator(".hw7-line").nth(1).locator(".hw7-token", has_text=token).first


def sources(page, name="saliency"):
    return panel(page, name).locator(".hw7-line").nth(0).locator(".hw7-token")


def cell_texts(page, name="saliency") -> list[str]:
    return panel(page, name).locator("tbody td").all_inner_texts()


def written(scores) -> list[str]:
    texts = [f"{score:.2f}".replace("-0.00", "0.00") for score in scores.ravel().tolist()]
    return [text.replace("-", "−").replace("nan", "") for text in texts]


@pytest.mark.parametrize("is_translation", [True, False])
def test_cells_show_the_scores_that_python_writes(open_page, is_translation):
    explanation = made_explanation(is_translation=is_translation)
    page = open_page(page_of(explanation))
    page.get_by_role("tab", name="side by side").click()
    for method in explanation.methods:
        table = explanation.table(method).dropna(how="all")  # the last token written is no source
        assert cell_texts(page, method) == written(table.to_numpy())


def test_signed_scores_show_their_signs(open_page):
    explanation = made_explanation(methods=["occlusion"], signed=["occlusion"])
    page = open_page(page_of(explanation))
    assert cell_texts(page, "occlusion") == written(explanation.table("occlusion").to_numpy())


def test_hovering_a_generated_token_shades_what_it_looked_at(open_page):
    explanation = made_explanation()
    page = open_page(page_of(explanation))
    generated(page, "machine").hover()
    strongest = explanation.most_important("machine", method="saliency")
    colors = sources(page).evaluate_all(f"all => all.map({BACKGROUND})")
    brightness = [sum(map(int, re.findall(r"\d+", color)[:3])) for color in colors]
    scores = explanation.table("saliency")["machine"].to_numpy()
    order = sorted(range(len(scores)), key=lambda row: -scores[row])
    assert [brightness[row] for row in order] == sorted(brightness)
    score = explanation.importance(strongest, "machine", method="saliency")
    assert f"machine ← {strongest} {score:.3f}" in panel(page).locator(".hw7-state").inner_text()


def test_hovering_ends_with_the_pointer(open_page):
    page = open_page(page_of(made_explanation()))
    before = sources(page).evaluate_all(f"all => all.map({BACKGROUND})")
    generated(page, "machine").hover()
    assert sources(page).evaluate_all(f"all => all.map({BACKGROUND})") != before
    page.mouse.move(1270, 890)
    assert sources(page).evaluate_all(f"all => all.map({BACKGROUND})") == before


def test_a_click_pins_and_a_second_one_releases(open_page):
    page = open_page(page_of(made_explanation()))
    generated(page, "machine").click()
    pinned = sources(page).evaluate_all(f"all => all.map({BACKGROUND})")
    generated(page, "like").hover()
    assert sources(page).evaluate_all(f"all => all.map({BACKGROUND})") == pinned
    assert "pinned" in panel(page).locator(".hw7-state").inner_text()
    generated(page, "machine").click()
    page.mouse.move(1270, 890)
    assert "pinned" not in panel(page).locator(".hw7-state").inner_text()


def test_a_pinned_cell_stays_the_one_described(open_page):
    page = open_page(page_of(made_explanation()))
    panel(page).locator("tbody td").nth(2 * len(GENERATED) + 4).click()
    described = panel(page).locator(".hw7-state").inner_text()
    panel(page).locator("tbody td").nth(0).hover()
    assert panel(page).locator(".hw7-state").inner_text() == described


def test_exact_halves_are_rounded_as_python_rounds_them(open_page):
    halves = [0.125, 0.375, 0.625, 0.875, 0.0, 0.5, 0.145, 0.155]
    scores = numpy.array([halves]).astype("float32")
    made = made_explanation(["a"], list("bcdefghi"), methods=["saliency"], scores=[scores])
    page = open_page(page_of(made))
    assert cell_texts(page) == [f"{score:.2f}" for score in scores[0].tolist()]


def cell_shades(page) -> numpy.ndarray:
    colors = panel(page).locator("tbody td").evaluate_all(f"all => all.map({BACKGROUND})")
    light = [sum(map(int, re.findall(r"\d+", color)[:3])) for color in colors]
    return numpy.array(light).reshape(-1, len(GENERATED))


def test_each_column_is_colored_by_its_own_highest_score(open_page):
    page = open_page(page_of(made_explanation()))
    scores = made_explanation().table("saliency").to_numpy()
    shades = cell_shades(page)
    for column in range(len(GENERATED)):
        order = scores[:, column].argsort()[::-1]
        assert (numpy.diff(shades[order, column]) >= 0).all()
    assert len(set(shades[scores.argmax(axis=0), range(len(GENERATED))])) == 1
    assert "each column" in panel(page).locator(".hw7-legend").inner_text()


@pytest.mark.parametrize("is_switched", [True, False])
def test_a_switch_or_an_argument_colors_all_columns_on_one_scale(open_page, is_switched):
    explanation = made_explanation()
    page = open_page(page_of(explanation, **({} if is_switched else {"scale": "common"})))
    if is_switched:
        page.get_by_label("one scale").check()
    tables = [explanation.table(method).to_numpy() for method in explanation.methods]
    shades = cell_shades(page).ravel()
    assert (numpy.diff(shades[tables[0].ravel().argsort()[::-1]]) >= 0).all()
    legend = panel(page).locator(".hw7-legend").inner_text()
    assert f"{max(table.max() for table in tables):.2f}" in legend
    assert cell_texts(page) == written(tables[0])


def test_hovering_a_cell_names_both_tokens_and_the_score(open_page):
    explanation = made_explanation()
    page = open_page(page_of(explanation))
    panel(page).locator("tbody td").nth(2 * len(GENERATED) + 4).hover()
    score = explanation.table("saliency").iat[2, 4]
    expected = f"{GENERATED[4]} ← {SOURCE[2]} {score:.3f}"
    assert panel(page).locator(".hw7-state").inner_text() == expected


def test_methods_answer_to_the_same_hover(open_page):
    page = open_page(page_of(made_explanation()))
    generated(page, "machine").hover()
    for method in ("saliency", "attention"):
        assert "machine ←" in panel(page, method).locator(".hw7-state").inner_text()


def test_tabs_choose_a_method_by_mouse_and_keyboard(open_page):
    page = open_page(page_of(made_explanation()))
    page.get_by_role("tab", name="attention").click()
    assert not panel(page, "saliency").is_visible()
    assert panel(page, "attention").is_visible()
    page.keyboard.press("ArrowLeft")
    assert panel(page, "saliency").is_visible()
    assert page.get_by_role("tab", name="saliency").get_attribute("aria-selected") == "true"


def test_the_keyboard_reaches_tokens_and_pins_them(open_page):
    page = open_page(page_of(made_explanation()))
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.dataset.column") is not None:
            break
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.textContent") == GENERATED[2]
    page.keyboard.press("Enter")
    assert "pinned" in panel(page).locator(".hw7-state").inner_text()
    page.keyboard.press("Escape")
    assert "pinned" not in panel(page).locator(".hw7-state").inner_text()


def test_arrow_keys_walk_over_the_cells(open_page):
    page = open_page(page_of(made_explanation()))
    panel(page).locator(".hw7-frame").focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowDown"):
        page.keyboard.press(key)
    assert f"{GENERATED[1]} ← {SOURCE[1]}" in panel(page).locator(".hw7-state").inner_text()


@pytest.mark.parametrize(("scheme", "is_dark"), [("light", False), ("dark", True)])
def test_the_theme_follows_the_system(open_page, scheme, is_dark):
    page = open_page(page_of(made_explanation()), scheme=scheme)
    paper = page.locator(".hw7").evaluate(BACKGROUND)
    assert (sum(map(int, re.findall(r"\d+", paper)[:3])) < 200) == is_dark


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_score_can_be_read_on_its_cell(open_page, scheme):
    page = open_page(page_of(made_explanation()), scheme=scheme)
    ratios = (
        panel(page)
        .locator("tbody td")
        .evaluate_all(
            """all => {
            const part = (c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
            const light = (text) => {
                const [r, g, b] = text.match(/[\\d.]+/g).map((c) => part(c / 255));
                return 0.2126 * r + 0.7152 * g + 0.0722 * b;
            };
            return all.map((cell) => {
                const style = getComputedStyle(cell);
                const [a, b] = [light(style.color), light(style.backgroundColor)].sort();
                return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
            });
        }"""
        )
    )
    assert min(ratios) >= 4.5  # WCAG AA


def test_hiding_special_tokens_gives_the_scores_that_python_gives(open_page):
    explanation = made_explanation()
    page = open_page(page_of(explanation))
    page.get_by_label("hide special").check()
    sheet = without_special_tokens(explanation.sheet())
    # Python and the page round after different sums of nine terms.
    for text, score in zip(cell_texts(page), sheet.layers[0].scores.ravel(), strict=True):
        assert float(text) == pytest.approx(score, abs=0.00501)
    note = page.locator(".hw7-note").inner_text()
    assert "</s>" in note
    assert "renormalised" in note
    page.get_by_label("hide special").uncheck()
    assert cell_texts(page) == written(explanation.table("saliency").to_numpy())


def test_a_page_can_start_with_special_tokens_hidden(open_page):
    page = open_page(page_of(made_explanation(), hide_special=True))
    assert len(cell_texts(page)) == (len(SOURCE) - 1) * (len(GENERATED) - 1)
    assert "renormalised" in page.locator(".hw7-note").inner_text()


@pytest.mark.parametrize("is_translation", [True, False])
def test_hostile_tokens_are_shown_as_text(open_page, is_translation):
    page = open_page(page_of(made_explanation(HOSTILE, HOSTILE, is_translation=is_translation)))
    shown = sources(page).evaluate_all("all => all.map(one => one.textContent)")
    assert shown == [printable(token) for token in HOSTILE]
    assert page.locator(".hw7 img:not(.hw7-static img)").count() == 0
    page.locator(".hw7-token").nth(1).hover()
    assert "onerror=alert(2)" in panel(page).locator(".hw7-state").inner_text()


def test_a_right_to_left_token_does_not_turn_its_neighbours(open_page):
    page = open_page(page_of(made_explanation(["a", "שלום", "b"], ["x"])))
    places = sources(page).evaluate_all("all => all.map(one => one.getBoundingClientRect().left)")
    assert places == sorted(places)


def test_heatmaps_on_one_page_do_not_disturb_each_other(open_page):
    same, other = made_explanation(), made_explanation(seed=7)
    html = "".join(one.html() for one in (same, same, other))
    page = open_page(page_html("three", html))
    assert page.locator(".hw7[data-ready]").count() == 3
    first = page.locator(".hw7").nth(0)
    first.locator(".hw7-token", has_text="machine").first.click()
    assert page.locator(".hw7[data-pinned]").count() == 1


def test_headings_stay_in_sight_at_200_tokens(open_page):
    tokens = many_tokens(200)
    page = open_page(page_of(made_explanation(tokens, tokens, methods=["saliency"])))
    frame = panel(page).locator(".hw7-frame")
    frame.evaluate("element => element.scrollTo(1500, 1500)")
    box = frame.bounding_box()
    head = panel(page).locator(".hw7-head").nth(130).bounding_box()
    side = panel(page).locator(".hw7-side").nth(130).bounding_box()
    assert box["y"] - 1 <= head["y"] < box["y"] + 130
    assert box["x"] - 1 <= side["x"] < box["x"] + 10


def test_every_token_of_200_can_be_reached_and_read(open_page):
    tokens = many_tokens(200)
    explanation = made_explanation(tokens, tokens, methods=["saliency"])
    page = open_page(page_of(explanation))
    panel(page).locator(".hw7-frame").focus()
    page.keyboard.press("Home")
    page.keyboard.press("End")
    expected = f"</s> ← {tokens[0]} {explanation.table('saliency').iat[0, 199]:.3f}"
    assert panel(page).locator(".hw7-state").inner_text() == expected


@pytest.mark.parametrize("count", [10, 60, 200])
@pytest.mark.parametrize("width", [400, 1280])
def test_nothing_sticks_out_of_the_page(open_page, width, count):
    tokens = many_tokens(count)
    page = open_page(page_of(made_explanation(tokens, tokens)), width=width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_without_scripts_a_picture_is_shown(open_page):
    page = open_page(page_of(made_explanation()), scripts=False)
    picture = page.locator(".hw7-static img")
    assert picture.is_visible()
    assert picture.bounding_box()["width"] > 300
    assert "machine" in page.locator(".hw7-static pre").inner_text()


def test_rank_correlations_are_listed_beside_a_difference(open_page):
    comparison = made_explanation().compare("saliency", "attention")
    page = open_page(page_html("comparison", comparison.html()))
    name = "saliency − attention"
    page.get_by_role("tab", name=name).click()
    assert cell_texts(page, name) == written(comparison.difference.to_numpy())
    listed = panel(page, name).locator(".hw7-line").nth(2).inner_text()
    for token, correlation in zip(
        GENERATED, comparison.rank_correlation["rank correlation"], strict=True
    ):
        assert f"{token} {correlation:.2f}" in listed
