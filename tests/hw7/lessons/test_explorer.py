"""The explorer, driven without a browser: run, cancel, errors, look-up, files, history, memory."""

import gc
import json
import threading
import time
import warnings

import pandas
import pytest
import torch
from inseq import FeatureAttributionOutput

from helpers import explain
from helpers.errors import HomeworkError
from hw7.lessons import explore
from hw7.lessons.explorer.background_run import BackgroundRun, Cancelled
from hw7.lessons.explorer.results import RUNS_KEPT, sentence_of
from tests.support.random_models import random_model, random_text

_SECONDS = 120  # far more than a run takes; a run that hangs fails the test


@pytest.fixture(scope="module")
def model():
    return random_model("marian")


@pytest.fixture
def explorer(model, tmp_path):
    made = explore(model, folder=tmp_path)
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
    assert "done" in message(explorer)


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
    assert "methods=" in message(finished(explorer))


def test_messages_show_markup_as_text(explorer):
    explorer.form.text.value = "<img src=x onerror=alert(1)>"
    assert "<img" not in message(finished(explorer))


def test_other_errors_name_their_kind_and_keep_one_line():
    assert sentence_of(ValueError("first\nsecond")) == "ValueError: first"
    assert sentence_of(HomeworkError("first\nsecond")) == "first"
    assert sentence_of(KeyError()) == "KeyError"


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
    assert "cancelled" in message(explorer)
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
    explorer = explore(model, folder=tmp_path)
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
    loaded = FeatureAttributionOutput.load(next(tmp_path.glob("*attention.json")))
    assert loaded[0].target == explanation.attribution("attention")[0].target
    assert json.loads(next(tmp_path.glob("*attention.json")).read_text())


def test_saving_before_the_first_run_says_run_first(explorer):
    explorer.results.exports.buttons["PNG"].click()
    assert "run first" in explorer.results.exports.message.widget.value


def test_two_runs_can_be_compared(explorer):
    finished(explorer)
    explorer.form.text.value = random_text(4, seed=3)
    finished(explorer)
    history = explorer.results.history
    history.button.click()
    (shown,) = history.output.outputs
    assert "saliency 1 − saliency 2" in shown["data"]["text/html"]


def test_a_run_compared_with_itself_compares_its_methods(explorer):
    history = finished(explorer).results.history
    history.first.value = history.second.value
    history.button.click()
    assert "saliency − attention" in history.message.widget.value


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


def test_twenty_runs_leave_memory_flat(explorer):
    from ipywidgets.widgets.widget import _instances

    for _ in range(RUNS_KEPT + 1):  # until the history is full
        finished(explorer)
    before = tensors_alive(), len(_instances)
    for _ in range(20):
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
    from helpers.texts import unknown_words
    from hw7.lessons.explorer.form import TRANSLATION_EXAMPLES

    assert {text: unknown_words(translator, text) for text in TRANSLATION_EXAMPLES} == {
        text: [] for text in TRANSLATION_EXAMPLES
    }


def test_the_contrast_reaches_explain(explorer):
    explorer.form.target.value, explorer.form.contrast.value = "w1 w2 w3", "w1 w5 w3"
    assert "w2 → w5" in finished(explorer).explanation.table("saliency").columns
