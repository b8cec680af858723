"""Will it fit: the estimate against what is measured, the messages, and offloading."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from helpers import load_model
from helpers.attribution import attribute
from helpers.errors import NotEnoughMemoryError
from helpers.generation import generate
from hw7.engine import capacity, loading, placement
from hw7.engine.capacity import bytes_of_attribution, longest_target
from hw7.engine.errors import TooLargeError
from hw7.engine.model_size import size_of
from tests.support.random_models import random_network, random_text, random_tokenizer

GIGABYTE = 2**30
BOTH = ("saliency", "attention")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A random-weight Llama on disk."""
    folder = tmp_path_factory.mktemp("models") / "random-llama"
    random_network("llama").save_pretrained(folder)
    random_tokenizer(is_encoder_decoder=False).save_pretrained(folder)
    return folder


@pytest.mark.parametrize("family", ["llama", "qwen3", "gpt2", "marian", "t5"])
def test_dimensions_are_read_from_every_architecture(family):
    size = size_of(random_network(family).config)
    assert size.hidden == 32
    assert size.heads == 4
    assert size.decoder_layers == 3
    assert size.encoder_layers == (2 if family in ("marian", "t5") else 0)
    assert size.intermediate == {"gpt2": 128}.get(family, 48)
    assert size.vocabulary == 94


def test_more_tokens_methods_and_layers_need_more():
    size = size_of(random_network("llama").config)
    small = bytes_of_attribution(size, 0, 40, 20, ["attention"])
    assert bytes_of_attribution(size, 0, 80, 20, ["attention"]) > 2 * small
    assert bytes_of_attribution(size, 0, 40, 20, BOTH) > small


def test_longest_target_is_the_last_one_that_fits():
    size = size_of(random_network("llama").config)
    tokens = longest_target(size, 0, BOTH, 10**8)
    assert bytes_of_attribution(size, 0, tokens, tokens, BOTH) <= 10**8
    assert bytes_of_attribution(size, 0, tokens + 1, tokens + 1, BOTH) > 10**8


MEASURE = """
import json, sys
sys.path.insert(0, {tests!r})
import psutil, torch
from tests.support.random_models import *
from hw7.engine.llama.engine import LlamaEngine
from helpers.attribution import attribute
from helpers.generation import generate
from hw7.engine.capacity import bytes_of_attribution
from hw7.engine.model_size import size_of
from hw7.engine.step_gradients import AutogradEngine

torch.set_num_threads(1)
for engine in (AutogradEngine, LlamaEngine):
    engine.best_chunk = lambda self, start: 1  # one step in a chunk: the least there can be
common = dict(vocab_size=VOCABULARY_SIZE, pad_token_id=PAD, eos_token_id=EOS)
if {family!r} == "marian":
    network = MarianMTModel(MarianConfig(
        **common, decoder_start_token_id=PAD, d_model=512, encoder_layers=4, decoder_layers=4,
        encoder_attention_heads=8, decoder_attention_heads=8, encoder_ffn_dim=1024,
        decoder_ffn_dim=1024, max_position_embeddings=1024, attn_implementation="eager",
        forced_eos_token_id=None))
else:
    network = LlamaForCausalLM(LlamaConfig(
        **common, bos_token_id=BOS, hidden_size=512, intermediate_size=1024, num_hidden_layers=8,
        num_attention_heads=8, num_key_value_heads=4, attn_implementation="eager"))
tokenizer = random_tokenizer(is_encoder_decoder=network.config.is_encoder_decoder)
model = inseq.load_model(network.eval(), "saliency", tokenizer=tokenizer, device="cpu")
short = generate(model, random_text(3), target=random_text(3, seed=9))
attribute(model, short, {methods!r}, show_progress=False)
long = generate(model, random_text({prompt}), target=random_text({steps}, seed=3))
before = psutil.Process().memory_info().rss
attribute(model, long, {methods!r}, show_progress=False)
# Not ru_maxrss, which begins at the peak of the process that started this one.
(high_water,) = [line for line in open("/proc/self/status") if line.startswith("VmHWM")]
peak = int(high_water.split()[1]) * 1024
is_translation = network.config.is_encoder_decoder
target = {steps} if is_translation else {prompt} + {steps}
estimate = bytes_of_attribution(
    size_of(network.config), {prompt} if is_translation else 0, target, {steps}, {methods!r})
print(json.dumps([peak - before, estimate]))
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "prompt", "steps", "methods"),
    [
        ("llama", 292, 8, ["saliency", "attention"]),
        ("llama", 240, 16, ["saliency"]),
        ("llama", 596, 4, ["attention"]),
        ("marian", 292, 8, ["saliency", "attention"]),
    ],
)
def test_estimate_is_within_a_factor_of_two_of_what_is_measured(family, prompt, steps, methods):
    if sys.platform != "linux":
        pytest.skip("peak memory is read in Linux's units; run the tests on Linux to check this")
    code = MEASURE.format(
        tests=str(Path(__file__).parents[3]),
        family=family,
        prompt=prompt,
        steps=steps,
        methods=methods,
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=600, check=True
    )
    measured, estimate = json.loads(done.stdout.splitlines()[-1])
    # What the allocator keeps, and which temporaries overlap, differs between versions of torch.
    assert measured / 2 <= estimate <= measured * 2


def test_attribution_that_cannot_fit_is_refused_with_what_would(folder, monkeypatch):
    model = load_model(str(folder), device="cpu")
    generation = generate(model, random_text(30), target=random_text(30, seed=1))
    placement.check_attribution_fits(model, generation.sources, generation.targets, BOTH)
    monkeypatch.setattr(capacity, "available_memory", lambda device: 200_000)
    message = r"60 tokens .* needs about .* About \d+ generated tokens fit: .*max_new_tokens"
    with pytest.raises(TooLargeError, match=message):
        placement.check_attribution_fits(model, generation.sources, generation.targets, BOTH)


def test_attribution_that_cannot_fit_is_refused_in_the_students_error(folder, monkeypatch):
    model = load_model(str(folder), device="cpu")
    generation = generate(model, random_text(30), target=random_text(30, seed=1))
    monkeypatch.setattr(capacity, "available_memory", lambda device: 200_000)
    with pytest.raises(NotEnoughMemoryError, match="generated tokens fit"):
        attribute(model, generation, BOTH, show_progress=False)


def settings_for(folder, monkeypatch, device, rooms, quantization=None):
    """Return what ``placement`` decides with so many bytes free on each device."""
    monkeypatch.setattr(capacity, "available_memory", lambda device: rooms[device.split(":")[0]])
    config = AutoConfig.from_pretrained(folder)
    return placement.placement(
        AutoModelForCausalLM, config, torch.float32, quantization, device, "model"
    )


def test_model_that_fits_is_placed_by_nobody(folder, monkeypatch):
    assert settings_for(folder, monkeypatch, "cuda", {"cuda": GIGABYTE}) == ({}, "")


def test_model_too_large_for_the_gpu_is_spread_and_says_so(folder, monkeypatch):
    rooms = {"cuda": 100_000, "cpu": GIGABYTE}
    settings, note = settings_for(folder, monkeypatch, "cuda:1", rooms)
    assert settings["device_map"] == "auto"
    assert settings["max_memory"].keys() == {1, "cpu"}
    assert settings["max_memory"][1] < 100_000
    assert Path(settings["offload_folder"]).is_dir()
    assert "lower speed" in note


def test_model_too_large_for_the_memory_is_refused(folder, monkeypatch):
    with pytest.raises(TooLargeError, match=r"'8bit' needs .*'4bit' needs .*offline"):
        settings_for(folder, monkeypatch, "cpu", {"cpu": 100_000})


def test_quantized_model_too_large_for_the_gpu_is_refused(folder, monkeypatch):
    with pytest.raises(TooLargeError, match="smaller model"):
        settings_for(folder, monkeypatch, "cuda", {"cuda": 1000, "cpu": GIGABYTE}, "4bit")


@pytest.mark.parametrize("use_fast_engine", [True, False])
@pytest.mark.parametrize("method", ["saliency", "attention", "integrated_gradients"])
def test_model_on_cpu_and_disk_gives_the_scores_of_one_in_memory(
    folder, tmp_path, monkeypatch, method, use_fast_engine
):
    whole = load_model(str(folder), device="cpu")
    places = {f"model.layers.{layer}": "disk" if layer else "cpu" for layer in range(3)}
    places |= {"model.embed_tokens": "cpu", "model.norm": "cpu", "lm_head": "cpu"}
    places["model.rotary_emb"] = "cpu"
    spread = {"device_map": places, "offload_folder": str(tmp_path)}
    monkeypatch.setattr(loading, "placement", lambda *arguments: (spread, ""))
    offloaded = load_model(str(folder), device="cpu")
    assert any(parameter.is_meta for parameter in offloaded.model.parameters())
    few = {method: {"n_steps": 4} if method == "integrated_gradients" else {}}
    settings = {"method_options": few, "use_fast_engine": use_fast_engine}
    scores = []
    for model in (whole, offloaded):
        generation = generate(model, random_text(6), target=random_text(3, seed=3))
        output = attribute(model, generation, [method], show_progress=False, **settings)
        scores.append(output[method].sequence_attributions[0].target_attributions)
    # The same arithmetic in float32; the fast engine may take another order of sums.
    torch.testing.assert_close(*scores, atol=1e-5, rtol=1e-4, equal_nan=True)


def test_weights_get_seven_tenths_of_each_place(monkeypatch):
    monkeypatch.setattr(capacity, "available_memory", lambda device: 10**9)
    settings = placement.spread_over("cuda", 10**6)
    assert settings["max_memory"] == {0: 700_000, "cpu": 700_000_000}


def test_weights_on_the_disk_go_with_the_process():
    code = (
        "from pathlib import Path; from hw7.engine.placement import spread_over\n"
        "folder = Path(spread_over('cuda', 10**6)['offload_folder'])\n"
        "(folder / 'weights.dat').write_bytes(b'0'); print(folder)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    folder = Path(done.stdout.strip())
    assert folder.name.startswith("hw7-offload-")
    assert not folder.exists()
