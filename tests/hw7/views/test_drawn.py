"""What the eye reads off a picture: which number and which color stand between which two tokens.

Everything is read back from what was drawn: the texts by where they stand on the canvas, the
colors from the pixels of ``plot()``, of the exported file and of the static picture of a page.
"""

import base64
import io
import re
from dataclasses import replace

import numpy
import pytest
from matplotlib.colors import to_rgb
from PIL import Image

from hw7.views.picture import figure_of
from hw7.views.sheet import Step
from tests.support.made_explanations import made_explanation

SOURCE = ["我", "喜欢", "机器", "</s>"]
GENERATED = ["I", "like", "machine"]
# No row or column, read backwards or turned, gives another one.
SCORES = numpy.array(
    [[0.61, 0.12, 0.30], [0.22, 0.05, 0.41], [0.07, 0.80, 0.19], [0.10, 0.03, 0.10]]
)
SIGNED = SCORES - 0.25


@pytest.fixture
def explanation():
    return made_explanation(
        SOURCE, GENERATED, methods=["saliency", "occlusion"], scores=[SCORES, SIGNED]
    )


def places_of(figure, axes) -> dict[str, tuple[float, float]]:
    """Return where each token stands, in pixels from the top left; rows and columns apart."""
    height = figure.bbox.height
    found = {}
    for text in axes.texts:
        x, y = axes.transData.transform(text.get_position())
        box = axes.bbox
        if x < box.x0:
            found["row", text.get_text()] = height - y
        elif y > box.y1 and text.get_text() in GENERATED:
            found["column", text.get_text()] = x
    return found


def numbers_of(figure, axes) -> dict[tuple[str, str], float]:
    """Return each number by the two tokens it stands between."""
    places = places_of(figure, axes)
    found = {}
    for text in axes.texts:
        if not re.fullmatch(r"[−\d.]+", text.get_text()):
            continue
        x, y = axes.transData.transform(text.get_position())
        pair = tuple(
            min(tokens, key=lambda token, k=kind, at=at: abs(places[k, token] - at))
            for kind, tokens, at in (
                ("row", SOURCE, figure.bbox.height - y),
                ("column", GENERATED, x),
            )
        )
        found[pair] = float(text.get_text().replace("−", "-"))
    return found


def colors_of(image, figure, axes) -> dict[tuple[str, str], tuple[int, ...]]:
    """Return the color between two tokens, from the corner of the cell that no number covers."""
    places = places_of(figure, axes)
    cell = axes.bbox.width / len(GENERATED), axes.bbox.height / len(SOURCE)
    grown = image.width / figure.bbox.width
    return {
        (source, generated): image.getpixel(
            (
                int((places["column", generated] - 0.42 * cell[0]) * grown),
                int((places["row", source] - 0.40 * cell[1]) * grown),
            )
        )
        for source in SOURCE
        for generated in GENERATED
    }


def darkness(color) -> int:
    return -sum(color)


def luminance(color) -> float:
    """Return the relative luminance of WCAG 2.1 of red, green and blue from 0 to 1."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in color]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def blueness(color) -> int:
    return color[2] - color[0]


def plotted(explanation, tmp_path, **options):
    figure = explanation.plot(**options)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=figure.dpi)
    return figure, Image.open(buffer).convert("RGB")


def exported(explanation, tmp_path, **options):
    figure = explanation.plot(tmp_path / "heatmap.png", **options)
    return figure, Image.open(tmp_path / "heatmap.png").convert("RGB")


def static(explanation, tmp_path, **options):
    encoded = re.search(r"data:image/png;base64,([^\"]+)", explanation.html(**options))[1]
    picture = Image.open(io.BytesIO(base64.b64decode(encoded))).convert("RGB")
    return explanation.plot(**options), picture


WAYS = pytest.mark.parametrize("way", [plotted, exported, static])


def maps_of(figure):
    return [axes for axes in figure.axes if axes.texts]


@pytest.mark.parametrize("method", [0, 1])
def test_every_number_stands_between_its_tokens(explanation, method):
    figure = explanation.plot()
    scores = (SCORES, SIGNED)[method]
    expected = {
        (source, generated): round(float(scores[row, column]), 2) + 0
        for row, source in enumerate(SOURCE)
        for column, generated in enumerate(GENERATED)
    }
    assert numbers_of(figure, maps_of(figure)[method]) == expected


def test_every_number_can_be_read_on_its_color(explanation, tmp_path):
    figure, image = plotted(explanation, tmp_path)
    for axes in maps_of(figure):
        colors = colors_of(image, figure, axes)
        for text in axes.texts:
            if re.fullmatch(r"[−\d.]+", text.get_text()):
                column, row = map(round, text.get_position())
                behind = luminance([part / 255 for part in colors[SOURCE[row], GENERATED[column]]])
                light, dark = sorted([behind, luminance(to_rgb(text.get_color()))], reverse=True)
                # The least contrast of WCAG 2.1 for text, level AA.
                assert (light + 0.05) / (dark + 0.05) >= 4.5


def test_tokens_stand_in_the_order_of_the_text(explanation):
    figure = explanation.plot()
    for axes in maps_of(figure):
        places = places_of(figure, axes)
        rows = sorted(SOURCE, key=lambda token: places["row", token])
        columns = sorted(GENERATED, key=lambda token: places["column", token])
        assert (rows, columns) == (SOURCE, GENERATED)


@WAYS
def test_in_a_column_a_higher_score_is_darker(explanation, tmp_path, way):
    figure, image = way(explanation, tmp_path)
    colors = colors_of(image, figure, maps_of(figure)[0])
    for column, generated in enumerate(GENERATED):
        by_score = sorted(range(len(SOURCE)), key=lambda row: SCORES[row, column])
        shades = [darkness(colors[SOURCE[row], generated]) for row in by_score]
        assert shades == sorted(shades)
        # The palette of the static picture may give two pale neighbours one color.
        assert len(set(shades)) >= len(SOURCE) - 1
        assert shades[-1] - shades[0] > 300


@WAYS
def test_the_highest_score_of_every_column_has_the_strongest_color(explanation, tmp_path, way):
    figure, image = way(explanation, tmp_path)
    colors = colors_of(image, figure, maps_of(figure)[0])
    highest = [(SOURCE[row], GENERATED[column]) for column, row in enumerate(SCORES.argmax(axis=0))]
    reds = [colors[pair][0] for pair in highest]
    assert max(reds) - min(reds) <= 4  # the palette of the static picture rounds


@WAYS
def test_on_a_common_scale_only_the_highest_of_all_has_the_strongest_color(
    explanation, tmp_path, way
):
    figure, image = way(explanation, tmp_path, scale="common")
    colors = colors_of(image, figure, maps_of(figure)[0])
    order = sorted(colors, key=lambda pair: darkness(colors[pair]))
    assert order[-1] == ("机器", "like")
    assert darkness(colors["机器", "like"]) - darkness(colors["喜欢", "machine"]) > 100


@WAYS
def test_scores_below_zero_are_orange_and_those_above_are_blue(explanation, tmp_path, way):
    figure, image = way(explanation, tmp_path)
    colors = colors_of(image, figure, maps_of(figure)[1])
    for row, source in enumerate(SOURCE):
        for column, generated in enumerate(GENERATED):
            if abs(SIGNED[row, column]) > 0.05:
                assert (blueness(colors[source, generated]) > 0) == (SIGNED[row, column] > 0)


def test_the_picture_says_which_scale_it_has(explanation):
    notes = [
        " ".join(text.get_text() for text in explanation.plot(scale=scale).texts)
        for scale in ("column", "common")
    ]
    assert "each column" in notes[0]
    assert "one scale" in notes[1]


def test_the_row_of_the_last_token_written_is_left_out():
    explanation = made_explanation(["a", "b"], ["c", "d"], is_translation=False)
    figure = explanation.plot()
    drawn = [text.get_text() for text in maps_of(figure)[0].texts]
    assert (drawn.count("c"), drawn.count("d")) == (2, 1)
    assert maps_of(figure)[0].images[0].get_array().shape == (3, 2)


def test_each_column_bears_the_probability_of_its_token(explanation):
    chances = [0.91, 0.37, 0.52]
    sheet = replace(explanation.sheet(), steps=[Step(chance, []) for chance in chances])
    figure = figure_of(sheet)
    axes = maps_of(figure)[0]
    columns = places_of(figure, axes)
    for token, chance in zip(GENERATED, chances, strict=True):
        (text,) = [text for text in axes.texts if text.get_text() == f"{chance:.2f}"]
        x, y = axes.transData.transform(text.get_position())
        assert x == pytest.approx(columns["column", token])
        assert y > axes.bbox.y1
