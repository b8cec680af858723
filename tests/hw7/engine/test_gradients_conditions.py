"""The fast engine under conditions: interrupts, little memory, random methods, odd models."""

import gc

import inseq
import pytest
import torch

from hw7.engine import chunks, integrated_gradients, occlusion
from hw7.engine.capacity import is_out_of_memory
from hw7.engine.exactness import reason_to_fall_back
from hw7.engine.inseq_outputs import attribute_with_inseq
from hw7.engine.llama import backward
from hw7.engine.llama.engine import LlamaEngine, logits_of
from hw7.engine.shared_passes import attribute_together
from hw7.engine.step_gradients import AutogradEngine, vector_jacobian_products
from tests.support.attribution_checks import assert_same_scores
from tests.support.random_models import (
    DECODER_ONLY_FAMILIES,
    FAMILIES,
    encoded_texts,
    random_model,
)

# float32 rounds sums differently when their order changes.
TOLERANCE = 1e-4
METHODS = ["saliency", "integrated_gradients", "occlusion", "attention"]
OPTIONS = {"integrated_gradients": {"n_steps": 3}}

# Autograd with an encoder and without, and the backward pass written out.
ONE_OF_EACH_ENGINE = ("marian", "gpt2", "llama")


def test_an_output_can_be_saved_loaded_and_shown(tmp_path):
    model = random_model("marian")
    sources, targets = encoded_texts(model, 5, 4)
    output = attribute_together(model, sources, targets, ["saliency"])["saliency"]
    output.save(tmp_path / "saliency.json")
    loaded = inseq.FeatureAttributionOutput.load(tmp_path / "saliency.json")
    assert_same_scores(loaded[0], output[0], 0.0)
    html = output.show(display=False, return_html=True)
    assert all(token.token.strip("</>") in html for token in output[0].target)


def settled_model(family):
    """Return a model into which Transformers has put what it needs to return attention weights.

    It registers hooks of its own on the first request for them, and keeps them for good.
    """
    model = random_model(family)
    sources, targets = encoded_texts(model, 3, 2)
    attribute_with_inseq(model, sources, targets, "attention")
    return model


def state_of(model):
    """Return everything about a model that an attribution might leave changed."""
    network = model.model
    return (
        model.is_hooked,
        model.pad_token,
        model.attribution_method,
        network.training,
        [parameter.requires_grad for parameter in network.parameters()],
        [parameter.grad for parameter in network.parameters()],
        [
            (len(module._forward_hooks), len(module._forward_pre_hooks), type(module))
            for module in network.modules()
        ],
    )


def tensors_with_graphs():
    gc.collect()
    return sum(
        type(thing) is torch.Tensor and thing.grad_fn is not None for thing in gc.get_objects()
    )


@pytest.mark.parametrize("moment", ["forward", "head", "backward"])
@pytest.mark.parametrize("family", ONE_OF_EACH_ENGINE)
def test_an_interrupt_leaves_the_model_as_it_was(family, moment, monkeypatch):
    model = settled_model(family)
    sources, targets = encoded_texts(model, 5, 6)
    before, graphs = state_of(model), tensors_with_graphs()

    def interrupt(*arguments, **settings):
        raise KeyboardInterrupt

    if moment == "backward":
        monkeypatch.setattr(torch.autograd, "grad", interrupt)
    else:
        head = model.model.get_output_embeddings()
        # The last module with weights that is not the head: a norm or a projection.
        body = [module for module in model.model.modules() if module._parameters]
        inner = [module for module in body if module is not head][-1]
        monkeypatch.setattr(head if moment == "head" else inner, "forward", interrupt)
    with pytest.raises(KeyboardInterrupt):
        attribute_together(model, sources, targets, METHODS, options=OPTIONS)
    monkeypatch.undo()
    assert state_of(model) == before
    assert tensors_with_graphs() == graphs


@pytest.mark.parametrize("family", ["marian", "llama"])
@pytest.mark.parametrize("is_hooked", [False, True])
def test_the_model_keeps_inseqs_hooks_as_they_were(family, is_hooked):
    model = settled_model(family)
    if not is_hooked:
        model.attribution_method.unhook()
        model.is_hooked = False
    before = state_of(model)
    sources, targets = encoded_texts(model, 5, 3)
    attribute_together(model, sources, targets, METHODS, options=OPTIONS)
    assert state_of(model) == before


@pytest.mark.parametrize("family", ["t5", "gpt2", "qwen3"])
def test_scores_do_not_depend_on_the_size_of_chunks(family, monkeypatch):
    model = random_model(family)
    sources, targets = encoded_texts(model, 5, 11)
    outputs = []
    for size in (1, 4, 64):
        for engine in (AutogradEngine, LlamaEngine):
            monkeypatch.setattr(engine, "best_chunk", lambda self, start, size=size: size)
        monkeypatch.setattr(occlusion, "rows_at_once", lambda forcing, size=size: size)
        outputs.append(attribute_together(model, sources, targets, METHODS))
    for output in outputs[1:]:
        for method in METHODS:
            assert_same_scores(output[method][0], outputs[0][method][0], TOLERANCE)


def test_chunks_are_halved_where_memory_runs_out():
    computed = []

    def compute(start, end):
        if end - start > 3:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
        computed.append((start, end))
        return end - start

    assert sum(chunks.run_in_chunks(compute, 10, lambda start: 8)) == 10
    assert computed == [(0, 2), (2, 4), (4, 6), (6, 8), (8, 10)]


def test_a_single_step_that_does_not_fit_says_what_to_do():
    def compute(start, end):
        raise torch.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(MemoryError, match="a single token"):
        list(chunks.run_in_chunks(compute, 10, lambda start: 8))


@pytest.mark.parametrize(
    ("error", "is_so"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"), True),
        (MemoryError(), True),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"), True),
        (RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 9 b"), True),
        (RuntimeError("CUDA out of memory."), True),
        (RuntimeError("MPS backend out of memory (MPS allocated: 8 GB)"), True),
        (RuntimeError("shapes cannot be multiplied"), False),
        (RuntimeError("index out of memory format"), False),
        (ValueError("can't allocate memory"), False),
        (KeyboardInterrupt(), False),
    ],
)
def test_a_lack_of_memory_is_known_by_class_or_words(error, is_so):
    assert is_out_of_memory(error) is is_so


def test_other_errors_are_not_taken_for_a_lack_of_memory():
    def compute(start, end):
        raise RuntimeError("shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="multiplied"):
        list(chunks.run_in_chunks(compute, 10, lambda start: 8))


def some_graph():
    inputs = torch.linspace(-1, 1, 48).view(2, 6, 4).requires_grad_()
    return inputs, (inputs.cumsum(1) @ torch.linspace(-1, 2, 16).view(4, 4)).tanh()


@pytest.mark.parametrize("has_batched_form", [True, False])
def test_products_are_those_of_one_vector_after_the_other(has_batched_form, monkeypatch):
    inputs, outputs = some_graph()
    vectors = torch.randn(5, 2, 6, 4, generator=torch.Generator().manual_seed(0))
    expected = [torch.autograd.grad(*some_graph()[::-1], vector)[0] for vector in vectors]
    original = torch.autograd.grad

    def grad(*arguments, is_grads_batched=False, **settings):
        if is_grads_batched and not has_batched_form:
            raise RuntimeError("vmap: this operator has no batching rule")
        return original(*arguments, is_grads_batched=is_grads_batched, **settings)

    monkeypatch.setattr(torch.autograd, "grad", grad)
    found = vector_jacobian_products(outputs, inputs, vectors)
    torch.testing.assert_close(found, torch.stack(expected))


@pytest.mark.parametrize("family", ONE_OF_EACH_ENGINE)
def test_the_same_call_gives_the_same_bits(family):
    model = random_model(family)
    sources, targets = encoded_texts(model, 5, 9)
    calls = [
        attribute_together(model, sources, targets, METHODS, options=OPTIONS) for _ in range(2)
    ]
    encoded_texts(model, 3, 4)
    attribute_together(model, *encoded_texts(model, 12, 16), ["saliency"])
    calls.append(attribute_together(model, sources, targets, METHODS, options=OPTIONS))
    for again in calls[1:]:
        for method in METHODS:
            for name in ("source_attributions", "target_attributions"):
                first, second = (getattr(call[method][0], name) for call in (calls[0], again))
                assert (first is None) == (second is None)
                assert first is None or torch.equal(first.nan_to_num(), second.nan_to_num())


def test_no_decision_reads_a_clock(monkeypatch):
    """The clock is only read for what Inseq's output calls `exec_time`."""
    import time

    model = random_model("marian")
    sources, targets = encoded_texts(model, 5, 9)
    ticks = iter(range(1000))
    monkeypatch.setattr(time, "perf_counter", lambda: float(next(ticks)))
    attribute_together(model, sources, targets, METHODS, options=OPTIONS)
    assert next(ticks) == 2


@pytest.mark.parametrize("method", ["gradient_shap", "deeplift", "lime"])
def test_random_methods_draw_the_same_numbers_whatever_was_called_before(method):
    model = random_model("llama")
    sources, targets = encoded_texts(model, 4, 3)
    scores = []
    for draws in (0, 3):
        torch.rand(draws)
        before = torch.get_rng_state()
        output = attribute_with_inseq(model, sources, targets, method)
        assert torch.equal(torch.get_rng_state(), before)
        scores.append(output[0].target_attributions.nan_to_num())
    assert torch.equal(*scores)


@pytest.mark.parametrize("family", ["llama", "qwen3"])
def test_the_written_out_backward_pass_is_used(family, monkeypatch):
    model = random_model(family)
    sources, targets = encoded_texts(model, 5, 6)
    called = []
    original = backward.head_gradients
    monkeypatch.setattr(backward, "head_gradients", lambda *a: called.append(1) or original(*a))
    attribute_together(model, sources, targets, ["saliency"])
    assert called


@pytest.mark.parametrize("positions", [1, 40])
@pytest.mark.parametrize("family", ["llama", "marian"])
def test_integrated_gradients_do_not_depend_on_how_many_points_run_at_once(
    family, positions, monkeypatch
):
    model = random_model(family)
    sources, targets = encoded_texts(model, 5, 6)
    method = "integrated_gradients"
    asked = {"score": "logit", "options": {method: {"n_steps": 7}}}
    at_once = attribute_together(model, sources, targets, [method], **asked)
    # One point after the other, or groups of some and a smaller last one.
    monkeypatch.setattr(integrated_gradients, "POSITIONS_AT_ONCE", positions)
    apart = attribute_together(model, sources, targets, [method], **asked)
    assert_same_scores(apart[method][0], at_once[method][0], TOLERANCE)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_families_have_no_reason_to_fall_back(family):
    model = random_model(family)
    for method in METHODS:
        assert reason_to_fall_back(model, method, options=OPTIONS.get(method)) is None


@pytest.mark.parametrize(
    ("method", "asked", "reason"),
    [
        ("lime", {}, "no fast form"),
        ("saliency", {"score": "entropy"}, "'entropy'"),
        ("saliency", {"score": lambda args: args.target_ids}, "not one of"),
        ("saliency", {"score": "crossentropy", "has_contrast": True}, "'crossentropy'"),
        ("occlusion", {"options": {"sliding_window_shapes": (3, 32)}}, "sliding_window_shapes"),
        ("integrated_gradients", {"options": {"internal_batch_size": 2}}, "internal_batch_size"),
    ],
)
def test_what_is_not_exact_gives_a_reason(method, asked, reason):
    assert reason in reason_to_fall_back(random_model("llama"), method, **asked)


def test_models_that_are_not_exact_give_a_reason():
    model = random_model("llama")
    model.model.train()
    assert "training" in reason_to_fall_back(model, "saliency")
    model.model.eval()
    model.model.is_loaded_in_8bit = True
    assert "8-bit" in reason_to_fall_back(model, "saliency")
    del model.model.is_loaded_in_8bit
    model.model.config.rope_parameters = {"rope_type": "dynamic"}
    assert "rotary" in reason_to_fall_back(model, "saliency")
    model.model.config.model_type = "gemma3"
    assert "'gemma3'" in reason_to_fall_back(model, "saliency")


@pytest.mark.parametrize("family", DECODER_ONLY_FAMILIES)
def test_padding_tokens_in_the_text_keep_their_columns(family):
    model = random_model(family)
    sources, targets = encoded_texts(model, 5, 6)
    targets.input_ids[0, [2, -2]] = model.tokenizer.pad_token_id
    targets.input_tokens = model.convert_ids_to_tokens(targets.input_ids, skip_special_tokens=False)
    output = attribute_together(model, sources, targets, ["saliency"])
    scores = output["saliency"][0]
    assert [token.id for token in scores.target] == targets.input_ids[0].tolist()
    assert scores.target_attributions.shape[:2] == (11, 6)


def test_logits_of_a_large_vocabulary_are_those_of_the_head():
    head = torch.nn.Linear(8, 2_500, bias=False, dtype=torch.float64)
    states = torch.randn(2, 3, 8, dtype=torch.float64)
    # Equal but for the order of sums in float64.
    torch.testing.assert_close(logits_of(states, head.weight), head(states), rtol=0, atol=1e-12)


def test_a_head_with_a_bias_is_explained_with_it():
    model = random_model("llama")
    head = model.model.get_output_embeddings()
    sources, targets = encoded_texts(model, 5, 3)
    head.bias = torch.nn.Parameter(3 * torch.randn(head.weight.shape[0]))
    ours = attribute_together(model, sources, targets, ["saliency"])["saliency"]
    theirs = attribute_with_inseq(model, sources, targets, "saliency")
    assert_same_scores(ours[0], theirs[0], TOLERANCE)
