"""What only a GPU shows: parity, precisions, quantization, and memory that comes back."""

import gc
import subprocess
import sys

import pytest
import torch

from helpers import explain, load_model, release
from helpers.catalog import CATALOG
from tests.support.attribution_checks import assert_same_scores
from tests.support.random_models import FAMILIES, encoded_texts, random_model

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no CUDA device"),
]

TEXTS = {"translation": "我喜欢机器学习和人工智能。", "generation": "The first president was"}
METHODS = ["saliency", "attention"]

# float32 on another device: other orders of sums, of scores that sum to one.
TOLERANCE = 1e-3
# Scores that sum to one, from numbers of 11 and of 8 bits, after tens of layers.
HALF_TOLERANCE = {"float16": 0.05, "bfloat16": 0.15}


@pytest.fixture(params=sorted(TEXTS))
def task(request):
    if not (CATALOG[request.param].offline_folder() / "config.json").exists():
        pytest.skip(f"the offline model for {request.param} is not on disk; type: make smollm2")
    return request.param


def explained(task, target=None, **settings):
    model = load_model(str(CATALOG[task].offline_folder()), **settings)
    explanation = explain(
        model, TEXTS[task], methods=METHODS, target=target, max_new_tokens=8, show_progress=False
    )
    tables = {method: explanation.table(method).fillna(0).to_numpy() for method in METHODS}
    written = explanation.generated_text
    release(model)
    return tables, written


def test_scores_on_the_gpu_are_those_of_the_processor(task):
    ours, written = explained(task, device="cuda")
    theirs, expected = explained(task, device="cpu")
    assert written == expected
    for method in METHODS:
        assert abs(ours[method] - theirs[method]).max() < TOLERANCE


@pytest.mark.parametrize("family", FAMILIES)
def test_the_engine_equals_inseqs_loop_on_the_gpu(family):
    from hw7.engine.inseq_outputs import attribute_with_inseq
    from hw7.engine.shared_passes import attribute_together

    model = random_model(family)
    model.to("cuda")
    sources, targets = (encoding.to("cuda") for encoding in encoded_texts(model, 5, 6))
    methods = [*METHODS, "integrated_gradients", "occlusion"]
    fast = attribute_together(model, sources, targets, methods)
    for method in methods:
        inseq = attribute_with_inseq(model, sources, targets, method)
        assert_same_scores(fast[method][0], inseq[0], TOLERANCE)


def test_release_brings_allocated_and_reserved_memory_back(task):
    explained(task, device="cuda")  # what the libraries keep is taken once
    gc.collect()
    torch.cuda.empty_cache()
    before = torch.cuda.memory_allocated(), torch.cuda.memory_reserved()
    explained(task, device="cuda")
    assert (torch.cuda.memory_allocated(), torch.cuda.memory_reserved()) == before


@pytest.mark.parametrize("dtype", sorted(HALF_TOLERANCE))
def test_half_precision_is_near_full_precision(task, dtype):
    full, written = explained(task, device="cuda")
    half, _ = explained(task, target=written, device="cuda", dtype=dtype)
    for method in METHODS:
        rows, columns = half[method].shape
        difference = abs(half[method] - full[method][:rows, :columns])
        assert difference.mean() < HALF_TOLERANCE[dtype]


@pytest.mark.parametrize("quantization", ["8bit", "4bit"])
def test_quantized_models_are_explained(quantization):
    tables, _ = explained("generation", device="cuda", quantization=quantization)
    for scores in tables.values():
        # Every column sums to one.
        assert abs(scores.sum(axis=0) - 1).max() < TOLERANCE


def test_the_benchmark_runs(tmp_path):
    asked = ["--repeats", "1", "--rows", "tiny-zh-en", "--output", str(tmp_path)]
    command = [sys.executable, "benchmarks/attribution.py", *asked]
    done = subprocess.run(command, check=True, capture_output=True)
    assert b"rows reach" in done.stdout
