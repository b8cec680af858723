"""``explain``: what it refuses, in one sentence each; the same call gives the same bits."""

import random
import subprocess
import sys

import numpy
import pytest
import torch
from hypothesis import given, strategies

from helpers import explain, release
from helpers.attribution import attribute
from helpers.errors import HomeworkError, MethodError, NotEnoughMemoryError, TextError, say_once
from helpers.generation import generate
from hw7.engine.methods import OPTIONS, working_methods
from tests.support.random_models import random_model, random_network, random_text

QUICK = {"target": " w3 w4", "show_progress": False}
MODEL = random_model("gpt2")
SETTINGS = (
    "methods", "target", "words", "max_new_tokens", "allow_unknown", "generation_settings",
    "score", "contrast", "method_options", "use_fast_engine", "show_progress",
)  # fmt: skip


@pytest.mark.parametrize("name", SETTINGS)
@given(place=strategies.integers(0, 100))
def test_misspelt_setting_is_refused_with_the_right_name(name, place):
    place %= len(name)
    misspelt = name[:place] + name[place + 1 :]
    with pytest.raises(HomeworkError) as error:
        explain(MODEL, "w1 w2", **{misspelt: None})
    assert f"Did you mean {name!r}" in str(error.value)


@pytest.mark.parametrize("name", SETTINGS)
def test_every_setting_is_known(name):
    values = {"methods": ["attention"], "target": " w3", "score": "logit", "method_options": {}}
    given_values = {"methods": ["attention"], "target": " w3", name: values.get(name)}
    assert explain(MODEL, "w1", **given_values).generated_text == "w3" or name == "target"


@pytest.mark.parametrize("method", sorted(OPTIONS))
def test_every_option_is_known_and_every_misspelt_one_refused(method):
    if method not in working_methods(MODEL):
        return
    for name in OPTIONS[method]:
        misspelt = name[:-1]
        with pytest.raises(MethodError, match=f"Did you mean '{name}'"):
            explain(MODEL, "w1", methods=[method], method_options={method: {misspelt: 1}}, **QUICK)


VALUES = {
    "abs": False,
    "n_steps": 3,
    "method": "riemann_trapezoid",
    "internal_batch_size": 8,
    "multiply_by_inputs": False,
    "return_convergence_delta": True,
    "sliding_window_shapes": (1, 32),
    "strides": (1, 32),
    "perturbations_per_eval": 1,
    "n_samples": 4,
    "stdevs": 0.1,
    "parts": [[0], [1]],
    "draws": 16,
    "seed": 1,
    "layers": 0,
    "heads": [0, 1],
    "encoder_zeroed_units_indices": 0,
    "decoder_zeroed_units_indices": [0, 1],
    "cross_zeroed_units_indices": (0, 1),
    "output_decoder_self_scores": False,
    "output_encoder_self_scores": False,
}


@pytest.mark.parametrize(
    ("method", "option"), [(method, name) for method in sorted(OPTIONS) for name in OPTIONS[method]]
)
def test_every_option_named_is_one_the_method_takes(method, option):
    if method not in working_methods(MODEL):
        return
    value = "greedy" if method.startswith("discretized") and option == "method" else VALUES[option]
    few = {"n_steps": 3, "n_samples": 4}
    own = {name: few[name] for name in few if name in OPTIONS[method]} | {option: value}
    explanation = explain(MODEL, "w1 w2", methods=[method], method_options={method: own}, **QUICK)
    assert explanation.table().shape == (4, 2)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"n_steps": 2}, "a dictionary for each method"),
        ([("n_steps", 2)], "a dictionary for each method"),
        ({"integrated_gradient": {"n_steps": 2}}, "Did you mean 'integrated_gradients'"),
        ({"saliency": {"abs": False}}, "Did you mean|There are: 'integrated_gradients'"),
        ({"integrated_gradients": {"steps": 2}}, "Did you mean 'n_steps'"),
        ({"integrated_gradients": {"n_steps": 0}}, "n_steps .* whole number from 1"),
        ({"integrated_gradients": {"n_steps": "9"}}, "n_steps .* whole number from 1"),
        ({"integrated_gradients": {"n_steps": True}}, "n_steps .* whole number from 1"),
        ({"integrated_gradients": {"n_steps": 2, "method": "simpson"}}, "do not work: .*simpson"),
    ],
)
def test_impossible_options_are_refused_in_one_sentence(options, said):
    with pytest.raises(MethodError, match=said) as error:
        explain(MODEL, "w1", methods=["integrated_gradients"], method_options=options, **QUICK)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"methods": ["salincy"]}, r"there is no such method. Did you mean 'saliency'\?"),
        ({"methods": ["saliency", 3]}, "3 does not run here: there is no such method"),
        ({"methods": "saliency"}, "as a list"),
        ({"methods": []}, "as a list"),
        ({"methods": None}, "as a list"),
        ({"methods": {"saliency", "attention"}}, "as a list"),  # a set has no order to keep
        ({"score": "logits"}, "Did you mean 'logit'"),
        ({"score": None}, "Unknown score None"),
        ({"contrast": " w5", "score": "crossentropy"}, "has no cross-entropy"),
        ({"contrast": [" w5"]}, "contrast is of type list"),
        ({"contrast": " w3 w4"}, "contrast is what is explained itself"),
    ],
)
def test_impossible_settings_are_refused_in_one_sentence(settings, said):
    with pytest.raises(HomeworkError, match=said) as error:
        explain(MODEL, "w1 w2", **QUICK | settings)
    assert "\n" not in str(error.value)


def test_contrast_that_equals_what_the_model_wrote_is_refused():
    written = explain(MODEL, "w1 w2", max_new_tokens=2, show_progress=False).generated_text
    with pytest.raises(TextError, match="every difference would be zero"):
        explain(MODEL, "w1 w2", max_new_tokens=2, contrast=f" {written}", show_progress=False)


def test_tokens_beyond_the_contrast_have_no_scores_and_it_is_said_once(capsys):
    say_once.cache_clear()
    for _ in range(2):
        found = explain(MODEL, "w1 w2", methods=["saliency"], contrast=" w5", **QUICK).table()
    assert numpy.isfinite(found.iloc[:2, 0]).all()
    assert found.iloc[:, 1].isna().all()
    assert capsys.readouterr().out.count("ends after 1 of 2 tokens") == 1


@pytest.mark.parametrize("targets", [[" w3"], [" w3", " w4", " w5"], []])
def test_texts_and_targets_of_different_number_are_refused(targets):
    with pytest.raises(TextError, match=f"2 texts but {len(targets)} targets"):
        explain(MODEL, ["w1", "w2"], target=targets, show_progress=False)


def test_list_without_texts_is_refused():
    with pytest.raises(TextError, match="no texts in the list"):
        explain(MODEL, [], show_progress=False)


def test_each_text_has_its_own_target():
    settings = {"max_new_tokens": 2, "methods": ["attention"], "show_progress": False}
    both = explain(MODEL, ("w1", "w2 w5"), target=(" w3", None), **settings)
    assert [one.input_text for one in both] == ["w1", "w2 w5"]
    assert both[0].generated_text == "w3"
    assert both[1].table().shape == (4, 2)


def test_lists_heed_score_words_and_options():
    alone = {"score": "logit", "words": True, "method_options": {"saliency": {"abs": False}}}
    default = explain(MODEL, "w1 w2", methods=["saliency"], **QUICK)
    for name, value in alone.items():
        one = explain(MODEL, "w1 w2", methods=["saliency"], **{name: value}, **QUICK)
        listed = explain(MODEL, ["w1 w2", "w3"], methods=["saliency"], **{name: value}, **QUICK)[0]
        assert listed.digest() == one.digest()
        assert (
            listed.score == one.score == alone.get(name if name == "score" else "", "probability")
        )
    scored = explain(MODEL, ["w1 w2", "w3"], methods=["saliency"], score="logit", **QUICK)[0]
    assert not numpy.allclose(scored.table(), default.table(), atol=1e-4, equal_nan=True)


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("translation", r"'translation'.*model = load_model\('translation'\)"),
        (random_network("gpt2"), r"GPT2LMHeadModel.*load_model\("),
        (None, "NoneType.*load_model"),
        (random_model, "load_model"),
    ],
)
def test_what_is_no_loaded_model_is_refused_with_what_to_type(model, said):
    for use in (lambda: explain(model, "w1"), lambda: generate(model, "w1")):
        with pytest.raises(HomeworkError, match=said):
            use()


def test_released_model_is_refused():
    model = random_model("gpt2")
    release(model)
    with pytest.raises(HomeworkError, match="was released"):
        explain(model, "w1")


def test_attention_of_fused_kernels_is_refused_and_gradients_are_not():
    model = random_model("gpt2")
    model.model.config._attn_implementation = "sdpa"
    with pytest.raises(MethodError, match="'sdpa', which returns no weights; load it with"):
        explain(model, "w1 w2", methods=["attention"], **QUICK)
    exact = explain(MODEL, "w1 w2", methods=["saliency"], **QUICK).table()
    found = explain(model, "w1 w2", methods=["saliency"], **QUICK).table()
    # Another kernel in float32.
    numpy.testing.assert_allclose(found, exact, atol=1e-5, equal_nan=True)


def test_inseqs_own_loop_runs_where_the_fast_engine_is_declined(monkeypatch):
    used = []
    from hw7.engine import inseq_outputs

    def spy(*arguments, **settings):
        used.append(settings.get("step_outputs") is None)
        return original(*arguments, **settings)

    original = inseq_outputs.attribute_with_inseq
    monkeypatch.setattr("hw7.engine.shared_passes.attribute_with_inseq", spy)
    monkeypatch.setattr(
        "hw7.engine.shared_passes.attribute_together",
        lambda *_, **__: pytest.fail("the fast engine ran"),
    )
    explain(MODEL, "w1 w2", use_fast_engine=False, **QUICK)
    assert used == [True, True]


def test_what_inseq_computes_is_said_once(capsys):
    say_once.cache_clear()
    methods = ["saliency", "deeplift", "gradient_shap", "layer_gradient_x_activation"]
    for _ in range(2):
        explain(MODEL, "w1 w2", methods=methods, **QUICK)
    said = capsys.readouterr().out
    assert "saliency is computed by Inseq" not in said
    for method in methods[1:]:
        assert said.count(f"{method} is computed by Inseq, token by token") == 1


@pytest.mark.parametrize("error", [AssertionError("train it first"), IndexError("out of range")])
def test_a_family_that_cannot_be_explained_is_one_sentence(monkeypatch, error):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr("hw7.engine.shared_passes.attribute_together", fail)
    with pytest.raises(MethodError, match=f"cannot be explained with .* here: {error}") as caught:
        explain(MODEL, "w1 w2", **QUICK)
    assert caught.value.__cause__.__cause__ is error


@pytest.mark.parametrize("error", [RuntimeError("mat1 and mat2 shapes"), ZeroDivisionError("0")])
def test_other_errors_are_not_called_out_of_memory(monkeypatch, error):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr("hw7.engine.shared_passes.attribute_together", fail)
    with pytest.raises(type(error)) as caught:
        explain(MODEL, "w1 w2", **QUICK)
    assert caught.value is error


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        MemoryError(),
        RuntimeError("MPS backend out of memory (MPS allocated: 9.00 GB)"),
        RuntimeError(
            "[enforce fail at alloc_cpu.cpp] . DefaultCPUAllocator: can't allocate memory"
        ),
    ],
)
def test_every_kind_of_out_of_memory_says_what_to_try(monkeypatch, error):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr("hw7.engine.shared_passes.attribute_together", fail)
    with pytest.raises(NotEnoughMemoryError, match="smaller max_new_tokens"):
        explain(MODEL, "w1 w2", **QUICK)


# ----- the same call gives the same bits

DRAWING = ("lime", "gradient_shap", "deeplift")
SCORES = """
import warnings; warnings.simplefilter("ignore")
from helpers import explain
from tests.support.random_models import random_model
methods = ["lime", "gradient_shap", "deeplift", "layer_gradient_x_activation"]
model = random_model("marian")
explanation = explain(model, "w1 w2 w3", target="w3 w4", methods=methods, show_progress=False)
assert explanation.methods == methods
print([explanation.table(method).to_numpy().tobytes().hex() for method in methods])
"""


def test_scores_do_not_depend_on_the_order_of_sets():
    found = {
        subprocess.run(
            [sys.executable, "-c", SCORES], capture_output=True, text=True, check=True,
            timeout=300, env={"PYTHONHASHSEED": seed, "PYTHONPATH": ".", "OMP_NUM_THREADS": "1"},
        ).stdout.splitlines()[-1]
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(found) == 1


@pytest.mark.parametrize("method", DRAWING)
def test_scores_do_not_depend_on_what_was_drawn_or_called_before(method):
    tables = []
    for before in ([], ["saliency"], ["lime", "gradient_shap"]):
        random.seed(len(before))
        numpy.random.seed(len(before))
        torch.manual_seed(len(before))
        asked = [other for other in before if other != method]
        together = explain(MODEL, "w1 w2 w3", methods=[*asked, method], **QUICK)
        tables.append(together.table(method).to_numpy())
    for table in tables[1:]:
        assert table.tobytes() == tables[0].tobytes()


def test_the_callers_random_numbers_go_on_as_if_nothing_had_been_drawn():
    def draws():
        return random.random(), numpy.random.random(), torch.rand(1).item()

    def seeded():
        random.seed(5)
        numpy.random.seed(5)
        torch.manual_seed(5)

    seeded()
    expected = draws()
    seeded()
    explain(MODEL, "w1 w2", methods=["gradient_shap", "lime"], **QUICK)
    assert draws() == expected


def test_methods_keep_the_order_asked_for():
    methods = ["deeplift", "attention", "gradient_shap", "saliency"]
    assert explain(MODEL, "w1 w2", methods=methods, **QUICK).methods == methods
    assert explain(MODEL, "w1 w2", methods=methods[::-1], **QUICK).methods == methods[::-1]


def test_attribute_alone_refuses_what_explain_refuses():
    generation = generate(MODEL, random_text(3), target=" w1")
    with pytest.raises(MethodError, match="Did you mean 'n_steps'"):
        attribute(
            MODEL, generation, ["integrated_gradients"],
            method_options={"integrated_gradients": {"nsteps": 3}},
        )  # fmt: skip
