"""Loading models: the errors, the settings, and what comes out."""

from unittest import mock

import pytest
import torch

from helpers import explain, load_model
from helpers.errors import DeviceError, HomeworkError, ModelNotFoundError, NotEnoughMemoryError
from tests.support.random_models import random_network, random_tokenizer
from tools.family_table import small_model


@pytest.fixture(scope="module")
def tiny_folder(tmp_path_factory):
    """A random-weight Llama as a folder on disk."""
    folder = tmp_path_factory.mktemp("models") / "tiny-llama"
    random_network("llama").save_pretrained(folder)
    random_tokenizer(is_encoder_decoder=False).save_pretrained(folder)
    return folder


def test_loading_prints_one_line_with_model_device_and_reason(tiny_folder, capsys):
    load_model(str(tiny_folder), device="cpu")
    assert capsys.readouterr().out == "Loading tiny-llama on cpu (the folder you named).\n"


def test_loaded_model_is_inseqs_own_with_eager_attention(tiny_folder):
    from inseq.models import AttributionModel

    model = load_model(str(tiny_folder))
    assert isinstance(model, AttributionModel)
    assert model.model.config._attn_implementation == "eager"
    assert model.tokenizer.pad_token is not None
    assert model.model.dtype.is_floating_point
    assert model.model_name == "tiny-llama"


def test_dtype_is_the_one_asked_for(tiny_folder):
    import torch

    assert load_model(str(tiny_folder), dtype="float64").model.dtype == torch.float64


@pytest.mark.parametrize("missing", ["bos_token_id", "eos_token_id", "pad_token_id"])
def test_model_whose_configuration_lacks_a_special_token_is_explained(tmp_path, missing):
    import json

    network = random_network("gpt2")
    network.save_pretrained(tmp_path)
    tokenizer = random_tokenizer(is_encoder_decoder=False)
    setattr(tokenizer, missing.removesuffix("_id"), None)
    tokenizer.save_pretrained(tmp_path)
    for name in ("config.json", "generation_config.json"):
        content = json.loads((tmp_path / name).read_text())
        (tmp_path / name).write_text(json.dumps(content | {missing: None}))
    model = load_model(str(tmp_path), device="cpu")
    table = explain(model, "w1 w2", target=" w3", show_progress=False).table("saliency")
    assert table.shape == (3, 1)


@pytest.mark.parametrize("family", ["whisper", "vit", "clip"])
def test_model_of_sounds_or_pictures_is_refused_by_its_family(tmp_path, family):
    from transformers import AutoConfig

    AutoConfig.for_model(family).save_pretrained(tmp_path / "other")
    (tmp_path / "other" / "model.safetensors").write_bytes(b"")
    with (
        mock.patch("helpers.catalog.problem_of", return_value=None),
        pytest.raises(ModelNotFoundError, match=f"other is no translator .* family {family}"),
    ):
        load_model(str(tmp_path / "other"), device="cpu")


@pytest.mark.parametrize("family", ["bert", "roberta", "electra"])
def test_model_that_reads_in_both_directions_is_refused(tmp_path, family):
    from transformers import AutoModelForCausalLM

    config = small_model(family).config
    config.is_decoder = False  # as published: made for filling gaps
    torch.manual_seed(0)
    AutoModelForCausalLM.from_config(config).save_pretrained(tmp_path / "both")
    random_tokenizer(is_encoder_decoder=False).save_pretrained(tmp_path / "both")
    with pytest.raises(HomeworkError, match="both reads a text in both directions"):
        load_model(str(tmp_path / "both"), device="cpu")


def test_translator_without_a_start_token_is_refused_in_a_sentence(tmp_path):
    import json

    random_network("t5").save_pretrained(tmp_path)
    random_tokenizer(is_encoder_decoder=True).save_pretrained(tmp_path)
    for name in ("config.json", "generation_config.json"):
        content = json.loads((tmp_path / name).read_text())
        lacks = {"decoder_start_token_id": None, "bos_token_id": None}
        (tmp_path / name).write_text(json.dumps(content | lacks))
    with pytest.raises(ModelNotFoundError, match="start"):
        load_model(str(tmp_path), device="cpu")


@pytest.mark.parametrize("dtype", ["int8", "big"])
def test_unknown_dtype_lists_the_known_ones(tiny_folder, dtype):
    with pytest.raises(HomeworkError, match="'bfloat16'"):
        load_model(str(tiny_folder), dtype=dtype)


def test_cuda_asked_for_and_absent_names_the_way_out():
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has CUDA")
    with pytest.raises(DeviceError, match="device='auto'"):
        load_model("translation", device="cuda")


@pytest.mark.parametrize(
    ("name", "right"),
    [("translatoin", "translation"), ("Generation", "generation"), ("opus-mt-zh-en", "opus-mt")],
)
def test_misspelt_model_is_refused_with_the_nearest_name(name, right):
    with pytest.raises(ModelNotFoundError, match=f"Did you mean '.*{right}"):
        load_model(name)


@pytest.mark.parametrize("name", [None, 3, ["translation"]])
def test_what_is_no_name_of_a_model_is_refused(name):
    with pytest.raises(ModelNotFoundError, match=r"Type: load_model\('translation'\)"):
        load_model(name)


@pytest.mark.parametrize("name", ["devise", "quantisation", "dtpye", "has_repair"])
def test_misspelt_setting_of_load_model_is_refused_with_the_right_one(name):
    with pytest.raises(HomeworkError, match="Did you mean"):
        load_model("translation", **{name: "cpu"})


def test_unknown_device_lists_the_known_ones():
    with pytest.raises(DeviceError, match="'cuda', 'mps', 'cpu'"):
        load_model("translation", device="tpu")


def test_model_larger_than_memory_is_refused_before_loading(tiny_folder, monkeypatch):
    monkeypatch.setattr("hw7.engine.capacity.available_memory", lambda device: 1000)
    with pytest.raises(NotEnoughMemoryError, match=r"needs .* MB .*8bit.*4bit"):
        load_model(str(tiny_folder))


def test_unknown_quantization_lists_the_known_ones(tiny_folder):
    with pytest.raises(HomeworkError, match="'8bit', '4bit'"):
        load_model(str(tiny_folder), quantization="2bit")  # type: ignore[arg-type]


def test_broken_weights_say_how_to_fetch_them_again(tiny_folder, tmp_path):
    import shutil

    broken = tmp_path / "broken"
    shutil.copytree(tiny_folder, broken)
    (broken / "config.json").write_text("{not json")
    with pytest.raises(ModelNotFoundError, match=r"not whole.*Download or copy it again"):
        load_model(str(broken))


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json"])
@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"model_type": 3}', b"\x00" * 99])
def test_whatever_is_wrong_with_a_file_is_one_sentence(tiny_folder, tmp_path, name, content):
    import shutil

    broken = tmp_path / "broken"
    shutil.copytree(tiny_folder, broken)
    (broken / name).write_bytes(content)
    with pytest.raises(HomeworkError) as error:
        load_model(str(broken))
    assert "\n" not in str(error.value)


def test_memory_that_ends_while_loading_says_what_would_fit(tiny_folder, monkeypatch):
    import torch
    from transformers import AutoModelForCausalLM

    def fail(*_, **__):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(AutoModelForCausalLM, "from_pretrained", fail)
    with pytest.raises(NotEnoughMemoryError, match="quantization='8bit'"):
        load_model(str(tiny_folder), device="cpu")


def test_weights_of_another_size_of_model_are_refused(tiny_folder, tmp_path):
    """Transformers would fill the layer that is missing with random numbers."""
    import json
    import shutil

    broken = tmp_path / "broken"
    shutil.copytree(tiny_folder, broken)
    config = json.loads((broken / "config.json").read_text())
    config["num_hidden_layers"] += 1
    config.pop("layer_types", None)
    (broken / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelNotFoundError, match=r"no weights for model\.layers"):
        load_model(str(broken))


def test_hub_model_without_a_hub_is_refused_at_once(monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(ModelNotFoundError, match=r"does not answer.*HW7_MODELS"):
        load_model("no-such-organisation/no-such-model")


@pytest.mark.bundled
@pytest.mark.parametrize("quantization", ["8bit", "4bit"])
def test_quantized_model_attributes_on_the_cpu_close_to_full_precision(
    generator, project, quantization, capsys
):
    from helpers import explain, release

    folder = project / "models" / "smollm2-135m"
    model = load_model(str(folder), quantization=quantization, device="cpu")
    assert f"smollm2-135m in {quantization} on cpu" in capsys.readouterr().out
    settings = {"target": " of the future.", "methods": ["saliency"], "show_progress": False}
    quantized = explain(model, "Hello world", **settings).table()
    exact = explain(generator, "Hello world", **settings).table()
    release(model)
    # Not equal, but the same ranking: what quantization costs is shown in notebook 03.
    assert quantized.iloc[:, 0].corr(exact.iloc[:, 0], method="spearman") > 0.9
    assert (quantized - exact).abs().max().max() < 0.2


def test_4bit_weights_are_the_same_before_and_after_the_first_text(tmp_path):
    # Where the processor has bfloat16 instructions, bitsandbytes would repack them with rounding.
    from transformers import LlamaConfig, LlamaForCausalLM

    config = random_network("llama").config.to_dict() | {"hidden_size": 128, "head_dim": 32}
    LlamaForCausalLM(LlamaConfig(**config)).save_pretrained(tmp_path)
    random_tokenizer(is_encoder_decoder=False).save_pretrained(tmp_path)
    model = load_model(str(tmp_path), device="cpu", quantization="4bit")

    def scales():
        layers = [each.weight for each in model.model.modules() if hasattr(each, "quant_state")]
        return [weight.quant_state.absmax.clone() for weight in layers]

    before = scales()
    assert before
    explain(model, "w1 w2", max_new_tokens=2, show_progress=False)
    for old, new in zip(before, scales(), strict=True):
        assert old.equal(new)


@pytest.mark.bundled
def test_translator_is_loaded_with_its_embeddings_scaled_once(translator):
    from tests.support.attribution_checks import are_embeddings_scaled_once

    assert are_embeddings_scaled_once(translator)


@pytest.mark.bundled
def test_without_repairs_the_scores_are_those_of_inseq_loaded_by_itself(project):
    import inseq
    import numpy

    from helpers import explain

    folder = str(project / "assets" / "models" / "tiny-zh-en")
    text, target = "我喜欢机器学习。", "I like machine learning."
    plain = inseq.load_model(folder, "saliency", device="cpu")
    expected = plain.attribute(text, target, show_progress=False).aggregate()[0]
    model = load_model(folder, device="cpu", has_repairs=False)
    actual = explain(model, text, target=target, methods=["saliency"]).table()
    # Float32 rounding: the same sums taken in another order.
    numpy.testing.assert_allclose(
        actual.to_numpy(), expected.source_attributions.numpy(), atol=1e-5, rtol=0
    )
