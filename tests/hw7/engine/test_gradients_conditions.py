"""The fast engine under conditions: batches, contrasts, interrupts, little memory, odd models."""

import gc

import inseq
import pytest
import torch
from inseq.data import BatchEncoding

from hw7.engine import (
    chunks,
    gradient_engines,
    integrated_gradients,
    occlusion,
    pointwise_tail,
    step_gradients,
)
from hw7.engine.inseq_outputs import attribute_with_inseq, row_of
from hw7.engine.llama import backward
from hw7.engine.shared_passes import attribute_together, reason_to_fall_back
from hw7.engine.vector_jacobian import VectorJacobian
from tests.support.attribution_checks import assert_same_output, assert_same_scores
from tests.support.random_models import (
    DECODER_ONLY_FAMILIES,
    ENCODER_DECODER_FAMILIES,
    FAMILIES,
    encoded_texts,
    random_model,
    random_text,
)

# float32 rounds sums differently when their order changes.
TOLERANCE = 1e-4
METHODS = ["saliency", "integrated_gradients", "occlusion", "attention"]
OPTIONS = {"integrated_gradients": {"n_steps": 3}}


def batch_of_texts(model, sizes):
    """Encode texts of (source, target) sizes; decoder-only prompts are padded at the left."""
    sources = model.encode(
        [random_text(source, seed=number) for number, (source, _) in enumerate(sizes)],
        return_baseline=True,
    )
    written = [random_text(target, seed=50 + number) for number, (_, target) in enumerate(sizes)]
    if model.is_encoder_decoder:
        return sources, model.encode(written, as_targets=True, return_baseline=True)
    ids = [model.tokenizer(text, return_tensors="pt").input_ids[0] for text in written]
    ids = torch.nn.utils.rnn.pad_sequence(ids, batch_first=True, padding_value=0)
    both = torch.cat([sources.input_ids, ids], dim=1)
    return sources, BatchEncoding(
        input_ids=both,
        attention_mask=torch.cat([sources.attention_mask, ids.ne(0).long()], dim=1),
        input_tokens=model.convert_ids_to_tokens(both, skip_special_tokens=False),
        baseline_ids=torch.full_like(both, model.tokenizer.unk_token_id),
    )


@pytest.mark.parametrize("family", FAMILIES)
def test_texts_of_different_lengths_have_the_scores_they_have_alone(family):
    model = random_model(family)
    sources, targets = batch_of_texts(model, [(5, 7), (3, 2), (8, 4)])
    asked = {
        "score": "logit",
        "options": OPTIONS,
        "attribute_target": family in ENCODER_DECODER_FAMILIES,
    }
    together = attribute_together(model, sources, targets, METHODS, **asked)
    for row in range(3):
        alone = attribute_together(
            model, row_of(sources, row), row_of(targets, row), METHODS, **asked
        )
        for method in METHODS:
            mine, reference = together[method][row], alone[method][0]
            assert (mine.source, mine.target) == (reference.source, reference.target)
            assert_same_scores(mine, reference, TOLERANCE)


@pytest.mark.parametrize("score", ["probability", "logit"])
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.filterwarnings("ignore:Contrastive inputs do not match")
def test_contrastive_scores_equal_inseqs(family, score):
    model = random_model(family)
    sources, targets = encoded_texts(model, 5, 6)
    _, other = encoded_texts(model, 5, 6, seed=0)
    other.input_ids = other.input_ids.clone()
    other.input_ids[0, -3] = 60
    other.input_tokens = model.convert_ids_to_tokens(other.input_ids, skip_special_tokens=False)
    asked = {"score": score, "contrast": other}
    fast = attribute_together(model, sources, targets, ["saliency", "occlusion"], **asked)
    for method, output in fast.items():
        reference = attribute_with_inseq(model, sources, targets, method, **asked)
        assert_same_output(output, reference, TOLERANCE)
        scores = output[0].source_attributions if family in ENCODER_DECODER_FAMILIES else None
        scores = output[0].target_attributions if scores is None else scores
        assert scores.nan_to_num().abs().max() > 0


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
@pytest.mark.parametrize("family", FAMILIES)
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
        monkeypatch.setattr(gradient_engines, "chunk_size", lambda *a, size=size, **k: size)
        monkeypatch.setattr(occlusion, "chunk_size", lambda *a, size=size, **k: size)
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


def test_other_errors_are_not_taken_for_a_lack_of_memory():
    def compute(start, end):
        raise RuntimeError("shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="multiplied"):
        list(chunks.run_in_chunks(compute, 10, lambda start: 8))


@pytest.mark.parametrize("is_batched", [False, True, None])
def test_looped_and_batched_products_are_the_same(is_batched):
    torch.manual_seed(0)
    inputs = torch.randn(2, 6, 4, requires_grad=True)
    states = (inputs.cumsum(1) @ torch.randn(4, 4)).tanh()
    at_head = torch.randn(2, 5, 4)
    positions = torch.arange(5).expand(2, -1)
    products = VectorJacobian(is_batched=is_batched)(states, [inputs], at_head, positions)[0]
    for step in range(5):
        again = (inputs.detach().requires_grad_(),)
        torch.manual_seed(0)
        torch.randn(2, 6, 4)
        output = (again[0].cumsum(1) @ torch.randn(4, 4)).tanh()
        (expected,) = torch.autograd.grad(output[:, step], again, at_head[:, step])
        torch.testing.assert_close(products[step], expected)


@pytest.mark.parametrize("family", ["llama", "qwen3"])
def test_the_written_out_backward_pass_is_used(family, monkeypatch):
    model = random_model(family)
    sources, targets = encoded_texts(model, 5, 6)
    called = []
    original = backward.head_gradients
    monkeypatch.setattr(backward, "head_gradients", lambda *a: called.append(1) or original(*a))
    attribute_together(model, sources, targets, ["saliency"])
    assert called


def test_a_wrong_backward_pass_is_noticed_and_not_used(monkeypatch):
    model = random_model("llama")
    sources, targets = encoded_texts(model, 5, 6)
    expected = attribute_together(model, sources, targets, ["saliency"])
    gradient_engines._agreements.clear()
    monkeypatch.setattr(backward, "unrotated", lambda gradient, rotation, rows: gradient)
    with pytest.warns(UserWarning, match="computes something in another way"):
        fallen_back = attribute_together(model, sources, targets, ["saliency"])
    assert_same_scores(fallen_back["saliency"][0], expected["saliency"][0], TOLERANCE)


@pytest.mark.parametrize("family", ["marian", "t5", "gpt2"])
def test_the_tail_of_a_model_is_gone_through_once_for_all_steps(family, monkeypatch):
    model = random_model(family)
    sources, targets = encoded_texts(model, 5, 6)
    with monkeypatch.context() as without:
        without.setattr(gradient_engines, "has_tail", lambda forcing: False)
        expected = attribute_together(model, sources, targets, ["saliency"])
    called = []
    original = step_gradients.gradients_before
    monkeypatch.setattr(
        step_gradients, "gradients_before", lambda *a: called.append(1) or original(*a)
    )
    again = attribute_together(model, sources, targets, ["saliency"])
    assert called
    assert_same_scores(again["saliency"][0], expected["saliency"][0], TOLERANCE)


@pytest.mark.parametrize(
    ("family", "reader"),
    [
        # What flows around this module, through the residual connection, would be forgotten.
        ("marian", lambda network: network.get_decoder().layers[-1].encoder_attn.out_proj),
        # An attention follows, so that positions depend on each other.
        ("gpt2", lambda network: network.base_model.h[-1].ln_1),
        # Another width, and a name that is not there, as another version might have them.
        ("marian", lambda network: network.get_decoder().layers[-1].fc2),
        ("t5", lambda network: network.get_decoder().block[-1].renamed),
    ],
    ids=["forgets_the_residual", "holds_an_attention", "has_another_width", "is_missing"],
)
def test_a_tail_that_begins_elsewhere_is_noticed_and_not_used(family, reader, monkeypatch):
    model = random_model(family)
    sources, targets = encoded_texts(model, 5, 6)
    expected = attribute_together(model, sources, targets, ["saliency"])
    gradient_engines._agreements.clear()
    monkeypatch.setitem(pointwise_tail._READERS, family, reader)
    with pytest.warns(UserWarning, match="computes something in another way"):
        fallen_back = attribute_together(model, sources, targets, ["saliency"])
    assert_same_scores(fallen_back["saliency"][0], expected["saliency"][0], TOLERANCE)


def test_the_points_of_a_path_are_gone_through_together(monkeypatch):
    model = random_model("llama")
    sources, targets = batch_of_texts(model, [(5, 7), (3, 2)])
    seen = []
    original = backward.head_gradients

    def watched(outer, state, texts):
        seen.append((len(outer), texts.step))
        return original(outer, state, texts)

    attribute_together(model, sources, targets, ["saliency"])
    monkeypatch.setattr(backward, "head_gradients", watched)
    asked = {"options": {"integrated_gradients": {"n_steps": 4}}}
    attribute_together(model, sources, targets, ["integrated_gradients"], **asked)
    # Two texts with four points each, every second row one of the same text.
    assert set(seen) == {(4, 2)}


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


def test_a_lack_of_memory_is_not_taken_for_another_version(monkeypatch):
    model = random_model("marian")
    sources, targets = encoded_texts(model, 5, 6)

    def full(*arguments):
        raise torch.OutOfMemoryError("out of memory")

    monkeypatch.setattr(step_gradients, "gradients_before", full)
    with pytest.raises(torch.OutOfMemoryError):
        attribute_together(model, sources, targets, ["saliency"])
    assert model.model not in gradient_engines._agreements


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
    sources, targets = encoded_texts(model, 3, 2)
    with pytest.raises(ValueError, match="gemma3"):
        attribute_together(model, sources, targets, ["saliency"])


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
