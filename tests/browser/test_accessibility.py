"""Everybody can read the heatmap: axe-core finds nothing, headers and names are there."""

import base64
import io
import re
from dataclasses import replace

import pytest

from helpers.environment import font_file
from hw7.views.component import page_html, sheet_html
from hw7.views.fonts import MOST_EMBEDDED, embedded_font
from hw7.views.notes import Note
from tests.browser.axe import violations
from tests.support.made_explanations import GENERATED, SOURCE, made_explanation, many_tokens


def opened(open_page, explanation, **settings):
    return open_page(page_html("heatmap", explanation.html(picture=False)), **settings)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1280])
def test_axe_finds_nothing_on_a_heatmap(open_page, scheme, width):
    page = opened(open_page, made_explanation(is_translation=False), scheme=scheme, width=width)
    assert violations(page) == []
    page.locator("tbody td").nth(3).click()
    assert violations(page) == []


def test_axe_finds_nothing_on_a_large_heatmap_and_on_a_comparison(open_page):
    large = made_explanation(many_tokens(60), many_tokens(60))
    assert violations(opened(open_page, large)) == []
    compared = made_explanation().compare("saliency", "attention")
    assert violations(open_page(page_html("difference", compared.html()))) == []


def test_axe_finds_nothing_on_the_static_page(open_page):
    page = open_page(page_html("heatmap", made_explanation().html()))
    page.locator(".hw7").evaluate("root => root.removeAttribute('data-ready')")
    assert violations(page) == []


def test_a_score_has_a_row_and_a_column_header(open_page):
    page = opened(open_page, made_explanation())
    table = page.get_by_role("table").first
    assert table.get_by_role("columnheader").all_inner_texts() == GENERATED
    assert table.get_by_role("rowheader").all_inner_texts() == SOURCE


def test_a_pinned_token_says_so_to_screen_readers(open_page):
    page = opened(open_page, made_explanation())
    pressed = page.locator('.hw7-panel[aria-label="saliency"] [aria-pressed="true"]')
    assert pressed.count() == 0
    page.get_by_role("button", name="machine", exact=True).first.click()
    assert pressed.all_inner_texts() == ["machine"]


@pytest.mark.parametrize(("scheme", "word"), [("light", "dark"), ("dark", "bright")])
def test_what_is_called_darkest_or_brightest_is_so(open_page, scheme, word):
    page = opened(open_page, made_explanation(), scheme=scheme)
    panel = page.locator('.hw7-panel[aria-label="saliency"]')
    assert f"{word}est" in panel.locator(".hw7-state").inner_text()
    assert f"{word}er is more important" in panel.locator(".hw7-legend").inner_text()
    shades = panel.locator("tbody td").evaluate_all(
        "all => all.map(one => getComputedStyle(one).backgroundColor)"
    )
    light = [sum(map(int, re.findall(r"\d+", shade)[:3])) for shade in shades]
    scores = made_explanation().table("saliency").to_numpy()
    strongest = scores[:, 0].argmax() * len(GENERATED)
    extreme = min(light) if word == "dark" else max(light)
    assert light[strongest] == extreme


def test_signs_and_chinese_are_not_turned_in_a_vertical_header(open_page):
    tokens = ["a-rather-long-token", "。", "机器学习模型", "I"]
    page = opened(open_page, made_explanation(SOURCE, tokens, methods=["saliency"]))
    styles = page.locator(".hw7-head > div").evaluate_all(
        """all => all.map(one => [getComputedStyle(one).writingMode,
                                  getComputedStyle(one).textOrientation])"""
    )
    assert styles[0] == ["vertical-rl", "mixed"]
    assert styles[2] == ["vertical-rl", "upright"]
    assert [mode for mode, _ in (styles[1], styles[3])] == ["horizontal-tb"] * 2


def characters_of(encoded: str) -> set[str]:
    ttlib = pytest.importorskip("fontTools.ttLib")
    return set(map(chr, ttlib.TTFont(io.BytesIO(base64.b64decode(encoded))).getBestCmap()))


def test_a_page_brings_the_chinese_characters_it_shows(open_page):
    html = made_explanation().html(picture=False)
    encoded = re.search(r"data:font/woff;base64,([^)]+)", html)[1]
    assert characters_of(encoded) >= {*"我喜欢机器学习和人工智能。"}
    page = open_page(page_html("heatmap", html))
    page.wait_for_function("document.fonts.check('13px \"HW7 Sans\"', '我')")
    faces = page.evaluate("document.fonts.load('13px \"HW7 Sans\"', '我').then(all => all.length)")
    assert faces == 1


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_page_in_a_given_language_brings_the_characters_of_its_own_words(open_page, language):
    html = made_explanation().html(picture=False, language=language)
    page = open_page(page_html("heatmap", html), locale="de-DE")
    if language == "en":
        page.get_by_role("button", name="中文", exact=True).click()
    page.locator("tbody td").first.click()
    shown = page.locator(".hw7").inner_text()
    assert "已固定" in shown
    encoded = re.search(r"data:font/woff;base64,([^)]+)", html)[1]
    assert {one for one in shown if one > "\u2e7f"} <= characters_of(encoded)
    assert len(encoded) < 40_000


def test_without_a_chinese_font_a_page_offers_no_chinese(open_page):
    html = page_html("heatmap", made_explanation().html(picture=False))
    every_box_alike = "CanvasRenderingContext2D.prototype.fillText = () => {};"
    page = open_page(
        html.replace("<head>", f"<head><script>{every_box_alike}</script>"), locale="zh-CN"
    )
    assert "pin" in page.locator(".hw7-state").first.inner_text()
    assert page.get_by_role("button", name=re.compile("^(中文|English)$")).count() == 0


def test_the_font_in_a_page_is_small_however_long_the_text_is():
    text = "".join(chr(code) for code in range(0x4E00, 0x5600))
    encoded = embedded_font(text, font_file())
    assert len(encoded) < 30_000
    assert len(characters_of(encoded)) <= MOST_EMBEDDED


@pytest.mark.parametrize("tokens", [["a", "b"], ["😀", "𠮷"]])
def test_a_page_without_characters_of_the_font_brings_none(tokens):
    assert "@font-face" not in made_explanation(tokens, ["c"]).html(picture=False)


@pytest.mark.parametrize(("locale", "word"), [("en-US", "pinned"), ("zh-CN", "已固定")])
def test_hints_are_in_one_language_and_can_be_switched(open_page, locale, word):
    explanation = made_explanation()
    html = page_html("heatmap", explanation.html(picture=False, language=locale[:2]))
    page = open_page(html, locale="de-DE")
    page.locator("tbody td").first.click()
    assert word in page.locator(".hw7-state").first.inner_text()
    page.get_by_role("button", name=re.compile("^(中文|English)$")).click()
    page.locator("tbody td").first.click()
    assert word not in page.locator(".hw7-state").first.inner_text()


@pytest.mark.parametrize(("language", "said"), [("zh", "截断。"), ("en", "cut.")])
def test_notes_are_in_the_language_of_the_page(open_page, language, said):
    sheet = replace(made_explanation().sheet(language=language), notes=[Note("截断", "cut")])
    page = open_page(page_html("heatmap", sheet_html(sheet, "facts", picture=False)))
    assert page.locator(".hw7-note").inner_text() == said
