"""``release`` proves what it says: no parameter alive, memory back, whoever still holds what."""

import gc
import weakref

import psutil
import pytest

from helpers import explain, release
from helpers.errors import HomeworkError
from hw7.engine.freeing import MemoryUse, memory_in_use
from tests.support.random_models import random_model, random_text


@pytest.fixture
def model():
    return random_model("llama")


def references_to_parameters(model):
    return [weakref.ref(parameter) for parameter in model.model.parameters()]


def are_all_gone(references):
    gc.collect()
    return all(reference() is None for reference in references)


def explained(model, **settings):
    settings = {"max_new_tokens": 3, "show_progress": False, "allow_unknown": True, **settings}
    return explain(model, random_text(3), **settings)


def test_no_parameter_is_alive_after_release(model):
    references = references_to_parameters(model)
    release(model)
    assert are_all_gone(references)


def test_release_works_while_the_explanation_is_held(model):
    references = references_to_parameters(model)
    explanation = explained(model)
    release(model)
    assert are_all_gone(references)
    assert explanation.table("saliency").shape[1] == 3


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_release_works_after_attribution_stopped_in_the_middle(model, error, monkeypatch):
    references = references_to_parameters(model)
    calls = []

    def stop_at_the_second_call(*_, **__):
        calls.append(1)
        if len(calls) > 1:
            raise error("stopped")

    model.model.get_input_embeddings().register_forward_hook(stop_at_the_second_call)
    with pytest.raises(error):
        for _ in range(3):
            explained(model, use_fast_engine=False)
    release(model)
    assert are_all_gone(references)


def test_release_clears_the_traceback_that_a_failed_cell_leaves(model, monkeypatch):
    import sys

    references = references_to_parameters(model)

    def failed_cell(weights):
        raise ValueError("a cell failed")

    try:
        failed_cell(list(model.model.parameters()))
    except ValueError as error:
        kept = error  # as a variable of the student's or a debugger does
        for name in ("last_exc", "last_value"):
            monkeypatch.setattr(sys, name, error, raising=False)
        monkeypatch.setattr(sys, "last_traceback", error.__traceback__, raising=False)
    release(model)
    assert are_all_gone(references)
    assert kept.__traceback__ is None


def test_second_release_says_so_and_does_nothing(model, capsys):
    release(model)
    capsys.readouterr()
    assert release(model) is None
    assert "released before" in capsys.readouterr().out


def test_weights_held_by_another_variable_are_emptied_and_reported(model, capsys):
    held = list(model.model.parameters())
    release(model)
    assert all(parameter.numel() == 0 for parameter in held)
    assert "still referred to" in capsys.readouterr().out


def test_released_model_says_to_load_it_again(model):
    release(model)
    with pytest.raises(HomeworkError, match="Load it again"):
        explained(model)


def test_release_prints_what_was_freed(model, capsys):
    release(model)
    assert "freed" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("before", "after", "freed"),
    [
        (MemoryUse(500, 90), MemoryUse(200, 40), MemoryUse(300, 50)),
        (MemoryUse(500, 90), MemoryUse(700, 95), MemoryUse(0, 0)),  # grew: nothing was freed
    ],
)
def test_only_what_went_away_is_reported_as_freed(model, monkeypatch, before, after, freed):
    readings = iter([before, after])
    monkeypatch.setattr("helpers.memory.memory_in_use", lambda: next(readings))
    assert release(model) == freed


def test_memory_in_use_is_that_of_this_process():
    resident = psutil.Process().memory_info().rss
    assert memory_in_use().process == pytest.approx(resident, rel=0.2)


@pytest.mark.bundled
def test_memory_of_the_process_returns_after_smollm2(project):
    from helpers import load_model

    folder = project / "models" / "smollm2-135m"
    if not (folder / "model.safetensors").is_file():
        pytest.skip("SmolLM2 is not here; fetch it with: make smollm2")
    # A first round pays for what stays: imported code and the pools of the libraries.
    warm_up = load_model(str(folder))
    explain(warm_up, "Hello world", max_new_tokens=3)
    release(warm_up)
    before = psutil.Process().memory_info().rss
    model = load_model(str(folder))
    explain(model, "Hello world", max_new_tokens=3)
    release(model)
    after = psutil.Process().memory_info().rss
    assert after <= before * 1.1


def test_cuda_memory_returns_to_its_value_before():
    import torch

    if not torch.cuda.is_available():
        pytest.skip("this machine has no CUDA device; run the tests on one to check this")
    before = torch.cuda.memory_allocated()
    from helpers import load_model

    model = load_model("translation", device="cuda")
    explain(model, "我喜欢机器学习。")
    release(model)
    assert torch.cuda.memory_allocated() == before
