"""The explorer, driven without a browser: run, cancel, errors, look-up, files, history, memory."""

import base64
import gc
import io
import json
import re
import threading
import time
import warnings
from functools import partial

import pandas
import pytest
import torch
from inseq import FeatureAttributionOutput

from helpers import explain
from helpers.errors import HomeworkError
from hw7.lessons import explore
from hw7.lessons.explorer.background_run import BackgroundRun, Cancelled
from hw7.lessons.explorer.results import RUNS_KEPT
from hw7.lessons.explorer.wording import ERRORS, TEXTS, Wording
from tests.support.random_models import random_model, random_text

_SECONDS = 120  # far more than a run takes; a run that hangs fails the test


@pytest.fixture(scope="module")
def model():
    return random_model("marian")


@pytest.fixture
def explorer(model, tmp_path):
    made = explore(model, folder=tmp_path, language="en")
    made.form.text.value = random_text(4)
    made.form.max_new_tokens.value = 4
    return made


def finished(explorer):
    run = explorer.run()
    assert run.wait(_SECONDS), "the run did not end"
    return explorer


def tensors_alive() -> int:
    gc.collect()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # asking torch's deprecated objects for their class
        return sum(isinstance(one, torch.Tensor) for one in gc.get_objects())


def message(explorer) -> str:
    return explorer.status.widget.value


def test_a_run_gives_what_explain_gives(explorer, model):
    found = finished(explorer).explanation
    expected = explain(model, random_text(4), max_new_tokens=4, show_progress=False)
    assert found.digest() == expected.digest()
    assert "Done" in message(explorer)


def test_a_run_shows_the_heatmap_in_its_tab(explorer):
    (shown,) = finished(explorer).results.heatmap.outputs
    assert 'class="hw7"' in shown["data"]["text/html"]


def test_the_form_passes_every_choice_on(explorer):
    form = explorer.form
    form.methods["attention"].value = False
    form.methods["input_x_gradient"].value = True
    form.score.value = "logit"
    form.target.value = "w1 w2"
    explanation = finished(explorer).explanation
    assert explanation.methods == ["saliency", "input_x_gradient"]
    assert (explanation.score, explanation.generated_text) == ("logit", "w1 w2")


def test_an_example_fills_the_text(explorer):
    explorer.form.examples.value = explorer.form.examples.options[1][1]
    assert explorer.form.text.value == explorer.form.examples.options[1][1]


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [("text", " ", "empty"), ("text", "not known at all", "does not know")],
)
def test_an_error_is_one_sentence_in_the_widget(explorer, field, value, words):
    getattr(explorer.form, field).value = value
    finished(explorer)
    assert words in message(explorer)
    assert "\n" not in message(explorer)
    assert "Traceback" not in message(explorer)
    assert not explorer.run_button.disabled


def test_no_method_chosen_is_an_error_in_the_widget(explorer):
    for box in explorer.form.methods.values():
        box.value = False
    assert "Tick at least one method" in message(finished(explorer))


def test_messages_show_markup_as_text(explorer):
    explorer.form.text.value = "<img src=x onerror=alert(1)>"
    assert "<img" not in message(finished(explorer))


def test_other_errors_name_their_kind_and_keep_one_line():
    sentence_of = Wording("en").sentence_of
    assert sentence_of(ValueError("first\nsecond")) == "ValueError: first"
    assert sentence_of(HomeworkError("first\nsecond")) == "first"
    assert sentence_of(KeyError()) == "KeyError"


def is_chinese(text: str) -> bool:
    return any("\u4e00" <= character <= "\u9fff" for character in text)


def test_every_text_is_chinese_in_one_language_and_not_in_the_other():
    for chinese, english in [*TEXTS.values(), *(texts for _, *texts in ERRORS)]:
        assert is_chinese(chinese)
        assert not is_chinese(english)
        names = re.findall(r"{(\w+)", chinese)
        assert sorted(names) == sorted(re.findall(r"{(\w+)", english))


def errors_of_the_kit(model):
    """Return errors that the form can bring about, raised by the kit itself."""
    word = random_text(1)
    unsure = random_model("marian")
    unsure.model.config.least_confidence = 1.0
    tries = [
        lambda: explain(unsure, word),
        lambda: explain(model, word, target="w1", contrast="w1"),
        lambda: explain(model, word, target=random_text(300)),
        lambda: explain(model, "w1 \ud800"),
        lambda: explain(model, " "),
        lambda: explain(model, "unheard of"),
        lambda: explain(model, word, target=" "),
        lambda: explain(model, word, contrast=" "),
        lambda: explain(model, word, contrast="w1", score="crossentropy"),
        lambda: explain(model, random_text(2000)),
        lambda: explain(model, word, methods=[]),
        lambda: explain(model, word, methods=["reagent"]),
    ]
    explanation = explain(model, "w1 w1 w2", target="w3 w3 w4", show_progress=False)
    asked = [("w9", "w4"), ("w2", "w9"), ("w1", "w4"), ("w2", "w3")]
    tries += [
        partial(explanation.importance, source, generated, method="saliency")
        for source, generated in asked
    ]
    tries += [
        lambda: explanation.most_important("w4", method="saliency", occurrence=3),
        lambda: explanation.most_important("w4", method="lime"),
    ]
    for attempt in tries:
        with pytest.raises(HomeworkError) as caught:
            attempt()
        yield caught.value


def test_errors_name_the_fields_of_the_form_in_both_languages(model):
    for error in errors_of_the_kit(model):
        english, chinese = (Wording(language).sentence_of(error) for language in ("en", "zh"))
        assert is_chinese(chinese)
        assert "出错了" not in chinese, f"no sentence of its own: {error}"
        for sentence in (english, chinese):
            # An argument is no advice in a form, and a line of code can't be typed there.
            assert not re.search(r"\w+=|explain\(", sentence), sentence


def test_the_advice_against_unknown_words_can_be_followed(explorer):
    explorer.form.text.value = "not known at all"
    assert explorer.form.allow_unknown.description in message(finished(explorer))
    explorer.form.allow_unknown.value = True
    assert "Done" in message(finished(explorer))


def test_a_switch_changes_the_language_of_everything_at_once(explorer):
    explorer.form.text.value = ""
    finished(explorer)
    assert not is_chinese(message(explorer))
    explorer.language.value = "zh"
    labels = [explorer.run_button.description, explorer.form.text.description]
    labels += [explorer.results.box.get_title(0), explorer.results.look_up.button.description]
    assert all(map(is_chinese, [*labels, message(explorer)]))


def test_the_map_speaks_the_language_of_the_explorer(explorer):
    finished(explorer)

    def page():
        return explorer.results.heatmap.outputs[0]["data"]["text/html"]

    assert '"language":"en"' in page()
    explorer.language.value = "zh"
    assert '"language":"zh"' in page()


def test_an_unknown_language_is_refused(model):
    with pytest.raises(HomeworkError, match="'zh' or 'en'"):
        explore(model, language="fr")


def test_the_map_of_the_sentence_before_is_gone_under_an_error(explorer):
    finished(explorer)
    explorer.form.text.value = "not known at all"
    finished(explorer)
    assert explorer.results.heatmap.outputs == ()
    explorer.results.history.again.click()
    assert len(explorer.results.heatmap.outputs) == 1


def test_the_time_left_is_told_while_scores_are_computed(explorer):
    explorer.form.max_new_tokens.value = 60
    explorer.form.methods["integrated_gradients"].value = True
    said = []
    explorer.status.widget.observe(lambda change: said.append(change["new"]), names="value")
    explorer.run().wait(_SECONDS)
    times = [int(found[1]) for text in said if (found := re.search(r"about (\d+) s left", text))]
    assert times
    assert all(left < _SECONDS for left in times)
    assert explorer.progress.value == explorer.progress.max


def test_methods_stand_in_two_groups(explorer):
    groups = [
        [box for box in group.children if box in explorer.form.methods.values()]
        for group in all_boxes(explorer.form.box)
    ]
    groups = [[box.description for box in group] for group in groups if group]
    assert groups[0] == ["saliency", "attention"]
    assert len(groups) == 2
    assert sorted([*groups[0], *groups[1]]) == sorted(explorer.form.methods)


def all_boxes(widget):
    if hasattr(widget, "children"):
        yield widget
        for child in widget.children:
            yield from all_boxes(child)


def test_a_second_run_waits_until_the_first_has_ended(explorer):
    explorer.form.max_new_tokens.value = 30
    first = explorer.run()
    assert explorer.run() is None
    assert first.wait(_SECONDS)


def test_cancel_ends_a_long_run_and_leaves_the_model_as_it_was(explorer, model):
    before = finished(explorer).explanation.digest()
    hooks = [len(module._forward_pre_hooks) for module in model.model.modules()]
    explorer.form.methods["integrated_gradients"].value = True
    explorer.form.max_new_tokens.value = 150
    run = explorer.run()
    while run.is_running and explorer.progress.value == 0:
        time.sleep(0.01)
    explorer.cancel()
    assert run.wait(_SECONDS)
    assert "Cancelled" in message(explorer)
    assert explorer.cancel_button.disabled
    assert hooks == [len(module._forward_pre_hooks) for module in model.model.modules()]
    explorer.form.methods["integrated_gradients"].value = False
    explorer.form.max_new_tokens.value = 4
    assert finished(explorer).explanation.digest() == before


def test_cancel_returns_at_once_and_other_threads_go_on(model):
    layer, inputs = torch.nn.Linear(4, 4), torch.zeros(1, 4)
    is_going = threading.Event()

    def work():
        while True:
            layer(inputs)
            is_going.set()

    ends = []
    run = BackgroundRun(layer, work, on_step=lambda *_: None, on_end=lambda *end: ends.append(end))
    assert is_going.wait(_SECONDS)
    layer(inputs)  # the same model in the main thread
    run.cancel()
    assert run.wait(_SECONDS)
    assert isinstance(ends[0][1], Cancelled)
    assert not layer._forward_pre_hooks


def test_a_released_model_is_said_to_be_released(tmp_path):
    from helpers import release

    model = random_model("gpt2")
    explorer = explore(model, folder=tmp_path, language="en")
    release(model)
    explorer.form.text.value = "w1 w2"
    assert "released" in message(finished(explorer))


def test_looking_up_answers_how_important_x_was_for_y(explorer):
    explorer.form.target.value = "w1 w2 w3"
    explanation = finished(explorer).explanation
    scores = explanation.table("attention")
    row, column = (
        next(at for at, token in enumerate(tokens) if list(tokens).count(token) == 1)
        for tokens in (scores.index, scores.columns)
    )
    look_up = explorer.results.look_up
    look_up.source.value, look_up.generated.value = scores.index[row], scores.columns[column]
    look_up.method.value = "attention"
    look_up.button.click()
    assert f"{scores.iat[row, column]:.3f}" in look_up.answer.widget.value


def test_looking_up_without_x_names_the_strongest_token(explorer):
    explanation = finished(explorer).explanation
    strongest = explanation.strongest("saliency").iloc[0]
    look_up = explorer.results.look_up
    look_up.generated.value, look_up.occurrence.value = strongest["generated"], 1
    look_up.button.click()
    assert strongest["strongest source"] in look_up.answer.widget.value


def test_looking_up_an_unknown_token_lists_the_tokens(explorer):
    look_up = finished(explorer).results.look_up
    look_up.generated.value = "nowhere"
    look_up.button.click()
    assert "There is no" in look_up.answer.widget.value


def test_looking_up_before_the_first_run_says_run_first(explorer):
    explorer.results.look_up.button.click()
    assert "run first" in explorer.results.look_up.answer.widget.value


def test_every_format_is_written(explorer, tmp_path):
    explanation = finished(explorer).explanation
    for button in explorer.results.exports.buttons.values():
        button.click()
    files = {file.suffix: file for file in tmp_path.iterdir()}
    assert set(files) == {".html", ".png", ".csv", ".json"}
    assert files[".html"].read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert files[".png"].read_bytes().startswith(b"\x89PNG")
    table = pandas.read_csv(next(tmp_path.glob("*saliency.csv")), index_col=0)
    # Written with all digits, read back within one unit of the last.
    assert table.to_numpy() == pytest.approx(explanation.table("saliency").to_numpy(), abs=1e-12)
    assert all(random_text(4).replace(" ", "-") in file.name for file in tmp_path.iterdir())
    loaded = FeatureAttributionOutput.load(next(tmp_path.glob("*attention.json")))
    assert loaded[0].target == explanation.attribution("attention")[0].target
    assert json.loads(next(tmp_path.glob("*attention.json")).read_text())


def test_a_saved_file_can_be_downloaded_from_the_page(explorer, tmp_path):
    finished(explorer).results.exports.buttons["PNG"].click()
    (file,) = tmp_path.iterdir()
    found = re.search(
        r'download="([^"]+)" href="data:image/png;base64,([^"]+)">',
        explorer.results.exports.message.widget.value,
    )
    assert found[1] == file.name
    assert base64.b64decode(found[2]) == file.read_bytes()


def test_saving_before_the_first_run_says_run_first(explorer):
    explorer.results.exports.buttons["PNG"].click()
    assert "run first" in explorer.results.exports.message.widget.value


def test_two_runs_can_be_compared(explorer):
    finished(explorer)
    explorer.form.text.value = random_text(4, seed=3)
    finished(explorer)
    history = explorer.results.history
    history.first.value = 0
    history.button.click()
    (shown,) = history.output.outputs
    assert "saliency 1 − saliency 2" in shown["data"]["text/html"]


def test_a_run_compared_with_itself_compares_its_methods(explorer):
    history = finished(explorer).results.history
    history.first.value = history.second.value
    history.button.click()
    assert "saliency − attention" in history.message.widget.value


def test_comparing_starts_with_runs_of_the_same_sentence(explorer):
    history = finished(explorer).results.history
    explorer.form.text.value = random_text(4, seed=3)
    finished(explorer)
    assert (history.first.value, history.second.value) == (1, 1)
    explorer.form.text.value = random_text(4)
    explorer.form.score.value = "logit"
    finished(explorer)
    assert (history.first.value, history.second.value) == (0, 2)


def test_comparing_before_the_first_run_says_run_first(explorer):
    explorer.results.history.button.click()
    assert "run first" in explorer.results.history.message.widget.value


def test_the_history_forgets_the_oldest_run(explorer):
    for seed in range(RUNS_KEPT + 2):
        explorer.form.text.value = random_text(3, seed=seed)
        finished(explorer)
    names = [name for name, _ in explorer.results.history.first.options]
    assert len(names) == RUNS_KEPT
    assert names[0].startswith("3. ")


def test_further_runs_leave_memory_flat(explorer):
    from ipywidgets.widgets.widget import _instances

    explorer.form.methods["saliency"].value = False  # attention alone takes half of the time
    for _ in range(RUNS_KEPT + 1):  # until the history is full
        finished(explorer)
    before = tensors_alive(), len(_instances)
    for _ in range(4):
        finished(explorer)
    assert (tensors_alive(), len(_instances)) == before


def test_an_error_keeps_no_tensor_alive(explorer):
    finished(explorer)
    before = tensors_alive()
    explorer.form.methods["integrated_gradients"].value = True
    explorer.form.max_new_tokens.value = 150
    run = explorer.run()
    while run.is_running and explorer.progress.value == 0:
        time.sleep(0.01)
    explorer.cancel()
    assert run.wait(_SECONDS)
    assert tensors_alive() == before


def test_the_explorer_is_shown_as_a_widget(explorer):
    data = explorer._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data


@pytest.mark.bundled
def test_the_bundled_translator_knows_every_word_of_the_examples(translator):
    from hw7.lessons.explorer.form import TRANSLATION_EXAMPLES
    from hw7.text.typed import unknown_words

    assert {text: unknown_words(translator.tokenizer, text) for text in TRANSLATION_EXAMPLES} == {
        text: [] for text in TRANSLATION_EXAMPLES
    }


def test_the_contrast_reaches_explain(explorer):
    explorer.form.target.value, explorer.form.contrast.value = "w1 w2 w3", "w1 w5 w3"
    assert "w2 → w5" in finished(explorer).explanation.table("saliency").columns


def test_the_explorer_brings_the_characters_of_its_own_words(explorer):
    ttlib = pytest.importorskip("fontTools.ttLib")
    style = explorer.box.children[-1].value
    font = base64.b64decode(re.search(r"data:font/woff;base64,([^)]+)", style)[1])
    brought = set(map(chr, ttlib.TTFont(io.BytesIO(font)).getBestCmap()))
    assert {one for one in f"中文{TEXTS}{ERRORS}" if one > "\u2e7f"} <= brought
