"""The fast engine gives Inseq's scores on the two models that notebooks use offline."""

import pytest
import torch

from helpers.catalog import CATALOG
from helpers.generation import generate
from helpers.models import load_model
from hw7.engine.exactness import reason_to_fall_back
from hw7.engine.inseq_outputs import attribute_with_inseq
from hw7.engine.shared_passes import attribute_together
from tests.support.attribution_checks import assert_same_output

pytestmark = pytest.mark.bundled

# float32 rounds sums differently when their order changes.
TOLERANCE = 1e-4
TEXTS = {
    "generation": "The first president of the United States was",
    "translation": "我喜欢机器学习和人工智能。",
}


@pytest.fixture(scope="module", params=list(TEXTS))
def task_and_model(request):
    folder = CATALOG[request.param].offline_folder()
    if not (folder / "config.json").exists():
        pytest.skip(f"{folder.name} is not on disk; 'make demo' or download_models.sh fetches it")
    return request.param, load_model(str(folder))


@pytest.mark.parametrize(
    "tokens", [4, *(pytest.param(tokens, marks=pytest.mark.slow) for tokens in (1, 2, 20, 60))]
)
@pytest.mark.parametrize("score", ["probability", "logit"])
def test_saliency_and_attention_equal_inseqs(task_and_model, score, tokens):
    task, model = task_and_model
    text = generate(model, TEXTS[task], max_new_tokens=tokens, allow_unknown=True)
    asked = {"score": score}
    methods = ["saliency", "input_x_gradient", "attention"]
    assert all(reason_to_fall_back(model, method) is None for method in methods)
    fast = attribute_together(model, text.sources, text.targets, methods, **asked)
    for method in methods:
        inseq = attribute_with_inseq(model, text.sources, text.targets, method, **asked)
        assert_same_output(fast[method], inseq, TOLERANCE)


@pytest.mark.parametrize("method", ["integrated_gradients", "occlusion"])
def test_costly_methods_equal_inseqs(task_and_model, method):
    task, model = task_and_model
    text = generate(model, TEXTS[task], max_new_tokens=3, allow_unknown=True)
    options = {"n_steps": 4} if method == "integrated_gradients" else {}
    fast = attribute_together(
        model, text.sources, text.targets, [method], options={method: options}
    )
    inseq = attribute_with_inseq(model, text.sources, text.targets, method, options=options)
    assert_same_output(fast[method], inseq, TOLERANCE)


@pytest.fixture(scope="module")
def generator_folder():
    folder = CATALOG["generation"].offline_folder()
    if not (folder / "config.json").exists():
        pytest.skip(f"{folder.name} is not on disk; 'make demo' or download_models.sh fetches it")
    return str(folder)


def test_generating_first_does_not_lose_the_gradients_of_a_four_bit_model(generator_folder):
    model = load_model(generator_folder, quantization="4bit", device="cpu")
    sources = model.encode(["The first"], return_baseline=True)
    targets = model.encode(["The first president of"], return_baseline=True)
    read = model.embed(targets.input_ids[:, :-1]).detach().requires_grad_()
    logit = model.model(inputs_embeds=read, use_cache=False).logits[0, -1, targets.input_ids[0, -1]]
    expected = torch.autograd.grad(logit, read)[0][0].abs()
    generate(model, "The first", max_new_tokens=1)
    asked = {"score": "logit"}
    fast = attribute_together(model, sources, targets, ["saliency"], **asked)["saliency"]
    inseq = attribute_with_inseq(model, sources, targets, "saliency", **asked)
    for output in (fast, inseq):
        scores = output[0].target_attributions[:-1, -1]
        # Repacking has rounded the scales of the weights to bfloat16, 8 bits: 0.4% each.
        assert (scores - expected).norm() < 0.02 * expected.norm()
