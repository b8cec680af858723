"""The picture: Chinese glyphs on every machine, sizes, files, the same bytes."""

import io
import warnings

import matplotlib
import numpy
import pytest
from matplotlib.figure import Figure
from matplotlib.ft2font import FT2Font
from PIL import Image

from helpers.environment import assets_folder
from helpers.errors import HomeworkError
from hw7.views import fonts
from hw7.views.fonts import BUNDLED_FAMILY, drawable, font_families
from tests.support.made_explanations import HOSTILE, SOURCE, made_explanation, many_tokens

FONT = assets_folder() / "fonts" / "HW7Sans-Regular.otf"


def texts_of(figure: Figure) -> list[str]:
    texts = [text.get_text() for axes in figure.axes for text in axes.texts]
    labels = [axes.get_xticklabels() + axes.get_yticklabels() for axes in figure.axes]
    return [*texts, *(label.get_text() for group in labels for label in group)]


def image_of(figure: Figure, dpi: float = 60) -> numpy.ndarray:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi)
    return numpy.asarray(Image.open(buffer).convert("RGB"))


def test_the_figure_is_returned_and_shows_every_token_and_score():
    explanation = made_explanation()
    figure = explanation.plot()
    assert isinstance(figure, Figure)
    texts = texts_of(figure)
    for token in SOURCE:
        assert token in texts
    score = explanation.table("saliency").to_numpy()[0, 0]
    assert f"{score:.2f}" in texts


def test_the_bundled_font_has_the_everyday_characters_of_both_scripts():
    known = FT2Font(str(FONT)).get_charmap()
    everyday = "".join(
        bytes([lead, trail]).decode("gb2312", errors="ignore")
        for lead in range(0xB0, 0xD8)
        for trail in range(0xA1, 0xFF)
    )
    assert len(everyday) == 3755
    text = everyday + "機器學習歡語臺灣，。！？「」《》…—あアé€→−ρ"
    assert [character for character in text if ord(character) not in known] == []


def test_the_bundled_font_is_small_and_its_licence_lies_beside_it():
    assert FONT.stat().st_size < 2_000_000
    licence = (FONT.parent / "OFL.txt").read_text()
    assert "SIL OPEN FONT LICENSE Version 1.1" in licence
    assert FT2Font(str(FONT)).family_name == BUNDLED_FAMILY


def test_chinese_is_drawn_without_any_system_font(monkeypatch):
    monkeypatch.setattr(fonts, "_SYSTEM_FAMILIES", ())
    font_families.cache_clear()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # matplotlib warns of a glyph that no font has
            image_of(made_explanation().plot())
    finally:
        font_families.cache_clear()


def test_two_characters_look_different_so_neither_is_an_empty_box():
    one, other = (
        image_of(made_explanation([token], ["x"], seed=1).plot()) for token in ("喜", "欢")
    )
    assert one.shape == other.shape
    assert (one != other).any()


def test_a_character_that_no_font_has_is_named():
    nobody_has_this = "\U000e0fff"
    assert drawable([f"a{nobody_has_this}"]) == ["a[U+E0FFF]"]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("is_translation", [True, False])
def test_hostile_tokens_are_drawn_without_error(is_translation):
    image_of(made_explanation(HOSTILE, HOSTILE, is_translation=is_translation).plot())


def test_dollar_signs_start_no_formula():
    figure = made_explanation(["$\\frac{", "$x$"], ["$y$"]).plot()
    image_of(figure)
    assert "$x$" in texts_of(figure)


@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_files_are_written_twice_with_the_same_bytes(tmp_path, ending):
    files = [tmp_path / f"{name}.{ending}" for name in ("one", "two")]
    for file in files:
        made_explanation().plot(file)
    assert files[0].stat().st_size > 1000
    assert files[0].read_bytes() == files[1].read_bytes()


def test_a_wrong_ending_names_the_right_ones(tmp_path):
    with pytest.raises(HomeworkError, match=r"\.png, \.svg or \.pdf"):
        made_explanation().plot(tmp_path / "heatmap.jpeg")


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(HomeworkError, match="no folder"):
        made_explanation().plot(tmp_path / "nowhere" / "heatmap.png")


@pytest.mark.parametrize("count", [1, 10, 60])
def test_sizes_stay_sensible(count):
    explanation = made_explanation(many_tokens(count), many_tokens(count))
    width, height = explanation.plot().get_size_inches()
    assert width <= 16
    assert height <= 32


def test_tokens_stay_inside_the_picture():
    explanation = made_explanation(["a-rather-long-token-of-the-source", "b"], ["longgenerated"])
    image = image_of(explanation.plot())
    edge = numpy.concatenate([image[:2].ravel(), image[-2:].ravel(), image[:, :2].ravel()])
    assert (edge == 255).all()


def test_hiding_special_tokens_is_said_on_the_picture():
    figure = made_explanation().plot(hide_special=True)
    notes = [text.get_text() for text in figure.texts]
    assert any("</s>" in note and "renormalised" in note for note in notes)
    assert "</s>" not in texts_of(figure)


def test_methods_share_one_scale():
    figure = made_explanation().plot()
    limits = {axes.images[0].get_clim() for axes in figure.axes if axes.images}
    assert len(limits) == 1


def test_scores_with_signs_have_zero_in_the_middle_of_their_scale():
    figure = made_explanation(methods=["occlusion"], signed=["occlusion"]).plot()
    low, high = figure.axes[0].images[0].get_clim()
    assert low == -high < 0


def test_a_notebook_shows_the_figure_as_the_value_of_a_cell():
    assert made_explanation().plot()._repr_png_().startswith(b"\x89PNG")


def test_matplotlib_settings_of_the_reader_stay_as_they_were():
    before = dict(matplotlib.rcParams)
    made_explanation().plot()
    assert dict(matplotlib.rcParams) == before
