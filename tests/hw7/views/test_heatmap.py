"""The HTML heatmap: exact scores, escaped tokens, the same bytes, nothing fetched."""

import base64
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from helpers.explanation import FACTS_MIME
from hw7.views.component import page_html, sheet_html
from hw7.views.excerpts import without_special_tokens
from hw7.views.labels import is_special, printable
from hw7.views.sheet import Step
from tests.support.made_explanations import (
    GENERATED,
    HOSTILE,
    SOURCE,
    made_explanation,
    made_scores,
    many_tokens,
)


def data_of(html: str) -> dict:
    start = html.index('})({"identity"') + 3
    return json.loads(html[start : html.rindex(");</script>")])


def unpacked(text: str) -> numpy.ndarray:
    return numpy.frombuffer(base64.b64decode(text), "<f4")


class Elements(HTMLParser):
    """Every element of a page, and the text of scripts."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))


def test_the_page_holds_every_score_as_float32():
    explanation = made_explanation()
    for layer in data_of(explanation.html(picture=False))["layers"]:
        expected = explanation.table(layer["name"]).to_numpy().ravel().astype(numpy.float32)
        numpy.testing.assert_array_equal(unpacked(layer["scores"]), expected)


def test_a_token_not_yet_written_has_no_score():
    explanation = made_explanation(["a", "b"], ["c", "d"], is_translation=False)
    layer = data_of(explanation.html(picture=False))["layers"][0]
    is_missing = numpy.isnan(unpacked(layer["scores"])).reshape(4, 2)
    numpy.testing.assert_array_equal(is_missing, numpy.isnan(explanation.table("saliency")))


def test_the_same_explanation_gives_the_same_bytes():
    assert made_explanation().html() == made_explanation().html()


def test_two_explanations_have_ids_of_their_own():
    ids = {
        dict(Elements(made_explanation(seed=seed).html()).tags[1][1])["id"] for seed in (1, 2, 3)
    }
    assert len(ids) == 3


@pytest.mark.parametrize("is_translation", [True, False])
def test_hostile_tokens_add_no_element(is_translation):
    hostile = made_explanation(HOSTILE, HOSTILE, is_translation=is_translation).html()
    harmless = made_explanation(is_translation=is_translation).html()
    names = [tag for tag, _ in Elements(hostile).tags]
    assert names == [tag for tag, _ in Elements(harmless).tags]
    assert names.count("script") == 1
    attributes = {name for _, found in Elements(hostile).tags for name in found}
    assert attributes <= {"class", "id", "data-hw7", "src", "alt"}


def test_hostile_tokens_reach_the_page_as_they_are_or_visibly():
    html = made_explanation(HOSTILE, HOSTILE).html(picture=False)
    assert data_of(html)["rows"]["tokens"] == [printable(token) for token in HOSTILE]
    html.encode("utf-8")


ENDINGS = [
    "</script>",
    "</SCRIPT >",
    "<!--<script>",
    "-->",
    "</style>",
    "\u2028",
    "})({",
    "{{ 7*7 }}",
]


@given(st.text() | st.sampled_from(ENDINGS))
@example("<!--<script>")
@example("</script>")
def test_no_text_can_end_the_script(text):
    made = made_explanation([text, "x"], ["y"]).sheet()
    sheet = replace(made, title=text, notes=[text], steps=[Step(0.5, [(text, 0.1)])])
    html = sheet_html(sheet, text, picture=False)
    assert data_of(html)["rows"]["tokens"][0] == printable(text)
    assert data_of(html)["title"] == text
    assert data_of(html)["probabilities"][0][1] == [printable(text), 0.1]
    assert len(re.findall("</script", html, re.IGNORECASE)) == 1
    assert html.count("<!--") == 0
    html.encode("utf-8")


def test_nothing_is_fetched():
    page = page_html("title", made_explanation().html())
    for _, attributes in Elements(page).tags:
        for name in ("src", "href", "srcset", "action", "data"):
            assert (attributes.get(name) or "data:").startswith("data:")
    page = page.replace("url(data:", "")
    for word in ("url(", "@import", "fetch(", "XMLHttpRequest", "import(", "http://", "https://"):
        assert word not in page


def test_without_script_and_style_a_picture_and_the_facts_remain():
    html = made_explanation().html()
    stripped = re.sub(r"<(style|script)>.*?</\1>", "", html, flags=re.DOTALL)
    assert re.search(r'<img src="data:image/png;base64,iVBOR', stripped)
    assert "saliency: I ← " in stripped


def test_hiding_special_tokens_keeps_the_total_of_each_column():
    sheet = without_special_tokens(made_explanation().sheet())
    assert sheet.rows == SOURCE[:-1]
    assert sheet.columns == GENERATED[:-1]
    assert sheet.hidden == ["</s>"]
    for layer in sheet.layers:
        # Float sums of nine terms.
        numpy.testing.assert_allclose(layer.scores.sum(axis=0), 1.0, atol=1e-12)


def test_hiding_special_tokens_keeps_the_order_of_the_others():
    whole = made_explanation().sheet()
    hidden = without_special_tokens(whole)
    for before, after in zip(whole.layers, hidden.layers, strict=True):
        expected = before.scores[:-1, :-1].argsort(axis=0)
        numpy.testing.assert_array_equal(after.scores.argsort(axis=0), expected)


def test_scores_with_signs_are_not_rescaled():
    explanation = made_explanation(methods=["occlusion"], signed=["occlusion"])
    sheet = without_special_tokens(explanation.sheet())
    whole = explanation.table("occlusion").to_numpy()
    numpy.testing.assert_array_equal(sheet.layers[0].scores, whole[:-1, :-1])


def test_scores_that_are_no_shares_have_a_scale_of_their_own():
    scores = [made_scores(9, 9), 5 * made_scores(9, 9, seed=1)]
    sheet = made_explanation(methods=["saliency", "occlusion"], scores=scores).sheet()
    shares, others = sheet.layers
    assert (shares.is_share, others.is_share) == (True, False)
    common = replace(sheet, scale="common")
    assert set(common.ends_of_scale(shares)) == {shares.highest}
    assert set(common.ends_of_scale(others)) == {others.highest}
    hidden = without_special_tokens(sheet)
    numpy.testing.assert_array_equal(hidden.layers[1].scores, scores[1][:-1, :-1])


def test_a_prompt_that_starts_with_a_special_token_still_ends_where_it_ended():
    explanation = made_explanation(["<bos>", "a", "b"], ["c", "d"], is_translation=False)
    sheet = without_special_tokens(explanation.sheet())
    assert (sheet.rows, sheet.first_generated_row) == (["a", "b", "c", "d"], 2)


def test_a_text_of_special_tokens_only_is_left_as_it_is():
    sheet = made_explanation(["</s>"], ["</s>"]).sheet()
    assert without_special_tokens(sheet) == sheet


@pytest.mark.parametrize(
    "token", ["</s>", "<s>", "<pad>", "<|im_start|>", "<|endoftext|>", "[CLS]", ">>eng<<"]
)
def test_special_tokens_are_known(token):
    assert is_special(token)


@pytest.mark.parametrize(
    "token", ["<script>", "s", "<", "machine", "", "</b>", "[x]", "<|", "a</s>"]
)
def test_other_tokens_are_not_special(token):
    assert not is_special(token)


def test_only_scores_below_zero_make_a_scale_diverge():
    explanation = made_explanation(methods=["saliency", "occlusion"], signed=["occlusion"])
    assert [layer.is_signed for layer in explanation.sheet().layers] == [False, True]


def test_the_bundle_keeps_the_facts_for_the_command_line():
    bundle = made_explanation().bundle()
    assert set(bundle) == {"text/html", "text/plain", FACTS_MIME}
    assert bundle[FACTS_MIME]["strongest"]["saliency"][0][0] == "I"


def test_a_small_heatmap_takes_less_than_a_fourth_of_a_notebook():
    # 300 kB a notebook, at most four heatmaps in each.
    assert len(made_explanation().html().encode()) < 65_000


def test_made_scores_are_what_the_tests_think_they_are():
    scores = made_scores(5, 3, prompt=2)
    numpy.testing.assert_allclose(numpy.nansum(scores, axis=0), 1.0)
    assert len(many_tokens(60)) == 60
