"""A model is used only when it is whole: what stopped downloads and shallow copies leave behind."""

import json
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file

from helpers import catalog, load_model
from helpers.errors import ModelNotFoundError
from hw7.fetch.availability import needs_hub
from hw7.fetch.completeness import problem_of
from hw7.fetch.errors import NoNetworkError
from hw7.fetch.record import RECORD_FILE, write_record

POINTER = (
    "version https://git-lfs.github.com/spec/v1\n"
    "oid sha256:4665a76bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e\n"
    "size 4424\n"
)
BUNDLED = Path(__file__).parents[3] / "assets" / "models" / "tiny-zh-en"


def matrix(rows: int = 40, columns: int = 30) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(rows, columns)).astype(np.float32)


def write_generator(folder: Path) -> Path:
    """Fill a folder as a causal model has it: one file of weights, one fast tokenizer."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text('{"model_type": "llama"}')
    (folder / "tokenizer_config.json").write_text("{}")
    vocabulary = {"model": {"type": "BPE", "vocab": {"a": 0, "b": 1}, "merges": []}}
    (folder / "tokenizer.json").write_text(json.dumps(vocabulary))
    save_file({"embedding": matrix(), "bias": np.zeros(40)}, folder / "model.safetensors")
    return folder


@pytest.fixture
def generator_folder(tmp_path: Path) -> Path:
    return write_generator(tmp_path / "generator")


@pytest.fixture
def translator_folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(BUNDLED, tmp_path / "translator"))


@pytest.fixture
def sharded_folder(generator_folder: Path) -> Path:
    """Two files of weights and their index."""
    (generator_folder / "model.safetensors").unlink()
    names = [f"model-0000{part}-of-00002.safetensors" for part in (1, 2)]
    for name, tensor in zip(names, ("embedding", "output"), strict=True):
        save_file({tensor: matrix()}, generator_folder / name)
    weight_map = {"embedding": names[0], "output": names[1]}
    index = {"metadata": {}, "weight_map": weight_map}
    (generator_folder / "model.safetensors.index.json").write_text(json.dumps(index))
    return generator_folder


@pytest.fixture
def pickled_folder(generator_folder: Path) -> Path:
    """The weights as PyTorch's own zip."""
    import torch

    (generator_folder / "model.safetensors").unlink()
    torch.save({"embedding": torch.ones(40, 30)}, generator_folder / "pytorch_model.bin")
    return generator_folder


def shorten(path: Path, share: float = 0.7) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])


def tear_the_end(path: Path) -> None:
    """Leave the size and drop the last tenth, as a stopped transfer of several connections does."""
    size = path.stat().st_size
    shorten(path, 0.9)
    with path.open("r+b") as file:
        file.truncate(size)


@pytest.mark.parametrize(
    "kind", ["generator_folder", "translator_folder", "sharded_folder", "pickled_folder"]
)
def test_a_whole_model_has_no_problem(request, kind):
    assert problem_of(request.getfixturevalue(kind)) is None


def test_the_offline_models_on_this_machine_are_whole():
    folders = [entry.offline_folder() for entry in catalog.CATALOG.values()]
    found = [problem_of(folder, is_thorough=True) for folder in folders if folder.is_dir()]
    assert found == [None] * len(found)


FAULTS = {
    "stopped aria2c": (
        "generator_folder", lambda f: (f / "model.safetensors.aria2").touch(), "stopped"
    ),
    "stopped browser": (
        "generator_folder", lambda f: (f / "model.safetensors.crdownload").touch(), "stopped"
    ),
    "part of a file": ("translator_folder", lambda f: (f / "vocab.json.part").touch(), "stopped"),
    "part in the hub's manner": (
        "generator_folder", lambda f: (f / "abc.incomplete").touch(), "stopped"
    ),
    "end of the weights missing": (
        "translator_folder", lambda f: shorten(f / "model.safetensors"), "model.safetensors is cut"
    ),
    "header of the weights missing": (
        "generator_folder", lambda f: (f / "model.safetensors").write_bytes(b"\5"), "cut off"
    ),
    "header longer than the file": (
        "generator_folder",
        lambda f: (f / "model.safetensors").write_bytes(struct.pack("<Q", 9999) + b"{}"),
        "cut off",
    ),
    "weights with something behind": (
        "generator_folder",
        lambda f: (f / "model.safetensors").write_bytes(
            (f / "model.safetensors").read_bytes() + b"more"
        ),
        "damaged",
    ),
    "end of the weights never written": (
        "translator_folder", lambda f: tear_the_end(f / "model.safetensors"), "ends in zeros"
    ),
    "empty weights": (
        "generator_folder", lambda f: (f / "model.safetensors").write_bytes(b""), "cut off"
    ),
    "a web page instead of the weights": (
        "generator_folder",
        lambda f: (f / "model.safetensors").write_text("<html>Please log in</html>" * 9),
        "cut off or damaged",
    ),
    "pointer instead of the weights": (
        "translator_folder", lambda f: (f / "model.safetensors").write_text(POINTER), "git lfs pull"
    ),
    "pointer instead of a vocabulary": (
        "translator_folder", lambda f: (f / "source.spm").write_text(POINTER), "Git LFS pointer"
    ),
    "no weights": ("generator_folder", lambda f: (f / "model.safetensors").unlink(), "no model"),
    "shard missing": (
        "sharded_folder", lambda f: (f / "model-00002-of-00002.safetensors").unlink(),
        "model-00002-of-00002.safetensors is missing",
    ),
    "shard cut off": (
        "sharded_folder", lambda f: shorten(f / "model-00001-of-00002.safetensors"), "cut off"
    ),
    "shard of another model": (
        "sharded_folder",
        lambda f: save_file({"other": matrix()}, f / "model-00002-of-00002.safetensors"),
        "lacks output",
    ),
    "index cut off": (
        "sharded_folder", lambda f: shorten(f / "model.safetensors.index.json"), "index.json is cut"
    ),
    "index missing": (
        "sharded_folder", lambda f: (f / "model.safetensors.index.json").unlink(), "nor an index"
    ),
    "pickle cut off": ("pickled_folder", lambda f: shorten(f / "pytorch_model.bin"), "cut off"),
    "pickle empty": (
        "pickled_folder", lambda f: (f / "pytorch_model.bin").write_bytes(b""), "cut off"
    ),
    "configuration missing": (
        "generator_folder", lambda f: (f / "config.json").unlink(), "config.json is missing"
    ),
    "configuration cut off": (
        "translator_folder", lambda f: shorten(f / "config.json"), "config.json is cut off"
    ),
    "pieces of a generator cut off": (
        "generator_folder",
        lambda f: (f / "tokenizer.model").write_bytes((BUNDLED / "source.spm").read_bytes()[:-9]),
        "tokenizer.model is empty, cut off",
    ),
    "vocabulary missing": (
        "translator_folder", lambda f: (f / "vocab.json").unlink(), "vocab.json is missing"
    ),
    "tokenizer's settings missing": (
        "generator_folder", lambda f: (f / "tokenizer_config.json").unlink(),
        "tokenizer_config.json is missing",
    ),
    "vocabulary of a generator missing": (
        "generator_folder", lambda f: (f / "tokenizer.json").unlink(), "vocabulary is missing"
    ),
    "vocabulary empty": (
        "translator_folder", lambda f: (f / "vocab.json").write_text("{}"), "vocab.json is empty"
    ),
    "vocabulary cut off": (
        "generator_folder", lambda f: shorten(f / "tokenizer.json"), "tokenizer.json is cut off"
    ),
    "pieces missing": (
        "translator_folder", lambda f: (f / "target.spm").unlink(), "target.spm is missing"
    ),
    "pieces empty": (
        "translator_folder", lambda f: (f / "source.spm").write_bytes(b""), "source.spm is empty"
    ),
    "pieces cut off": (
        "translator_folder", lambda f: shorten(f / "source.spm"), "source.spm is empty, cut off"
    ),
}  # fmt: skip


@pytest.mark.parametrize(("kind", "damage", "said"), FAULTS.values(), ids=FAULTS)
def test_a_part_of_a_model_is_told(request, kind, damage, said):
    folder = request.getfixturevalue(kind)
    damage(folder)
    assert said in (problem_of(folder) or "whole")


@pytest.mark.parametrize("name", ["tf_model.h5.part", "flax_model.msgpack.aria2"])
def test_what_is_left_of_a_format_nobody_reads_does_not_matter(generator_folder, name):
    (generator_folder / name).touch()
    assert problem_of(generator_folder) is None


def test_vectors_and_single_rows_of_zeros_are_no_gap(generator_folder):
    embedding = matrix()
    embedding[-1] = 0  # the row of a padding token
    tensors = {"embedding": embedding, "logits": np.zeros((1, 500), np.float32)}
    save_file(tensors, generator_folder / "model.safetensors")
    assert problem_of(generator_folder) is None


def test_merges_that_are_cut_off_are_told(generator_folder):
    (generator_folder / "tokenizer.json").unlink()
    vocabulary = {f"token{number}": number for number in range(1256)}
    (generator_folder / "vocab.json").write_text(json.dumps(vocabulary))
    assert "merges.txt is missing" in (problem_of(generator_folder) or "")
    merges = generator_folder / "merges.txt"
    merges.write_text("\n".join(f"a b{number}" for number in range(1000)))
    assert problem_of(generator_folder) is None
    shorten(merges)
    assert "merges.txt is cut off" in (problem_of(generator_folder) or "")


def test_a_model_that_reads_bytes_needs_no_vocabulary(generator_folder):
    (generator_folder / "tokenizer.json").unlink()
    settings = {"tokenizer_class": "ByT5Tokenizer"}
    (generator_folder / "tokenizer_config.json").write_text(json.dumps(settings))
    assert problem_of(generator_folder) is None


CUT = ("model.safetensors", "source.spm", "target.spm", "vocab.json", "config.json")


@settings(max_examples=60)
@example("vocab.json", 0.9999999)  # only the newline behind the closing brace
@example("config.json", 0.0)
@given(name=st.sampled_from(CUT), share=st.floats(0, 1, exclude_max=True))
def test_the_translator_cut_at_any_byte_is_not_whole(whole_translator, name, share):
    path = whole_translator / name
    content = path.read_bytes()
    shorten(path, share)
    # Space behind JSON says nothing.
    has_lost_nothing = path.suffix == ".json" and path.read_bytes().rstrip() == content.rstrip()
    assert (problem_of(whole_translator) is None) == has_lost_nothing, share
    path.write_bytes(content)


@pytest.fixture(scope="module")
def whole_translator(tmp_path_factory) -> Path:
    return Path(shutil.copytree(BUNDLED, tmp_path_factory.mktemp("whole") / "model"))


# Folders that have a record.


@pytest.fixture
def recorded_folder(generator_folder: Path) -> Path:
    write_record(generator_folder, model="organisation/model")
    return generator_folder


def test_every_file_of_a_download_is_recorded(recorded_folder):
    names = {path.name for path in recorded_folder.iterdir()} - {RECORD_FILE}
    assert set(json.loads((recorded_folder / RECORD_FILE).read_text())["files"]) == names
    assert problem_of(recorded_folder, is_thorough=True) is None


def change_one_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)


def test_a_byte_that_changed_since_the_download_is_told(recorded_folder):
    change_one_byte(recorded_folder / "model.safetensors")
    assert problem_of(recorded_folder) == "model.safetensors is not the file that was fetched"


def test_a_byte_that_changed_behind_the_clock_is_found_by_the_doctor(recorded_folder):
    import os

    path = recorded_folder / "model.safetensors"
    moment = path.stat().st_mtime_ns
    change_one_byte(path)
    os.utime(path, ns=(moment, moment))
    assert problem_of(recorded_folder) is None
    assert "model.safetensors" in (problem_of(recorded_folder, is_thorough=True) or "")


def test_a_copy_of_a_recorded_folder_is_whole(recorded_folder, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(recorded_folder, copy, copy_function=shutil.copyfile)
    assert problem_of(copy) is None


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer_config.json"])
def test_a_recorded_file_that_is_gone_is_told(recorded_folder, name):
    (recorded_folder / name).unlink()
    assert name in (problem_of(recorded_folder) or "")


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "{}", '{"files": {}}', '{"files": 3}', '{"files": {"config.json": 3}}'],
)
def test_a_damaged_record_is_none_and_the_files_speak_for_themselves(recorded_folder, text):
    (recorded_folder / RECORD_FILE).write_text(text)
    problem = problem_of(recorded_folder)
    assert problem is None or RECORD_FILE in problem
    shorten(recorded_folder / "model.safetensors")
    assert problem_of(recorded_folder) is not None


# What a student sees.


def test_load_model_refuses_half_a_model_in_one_sentence(translator_folder):
    (translator_folder / "model.safetensors.aria2").touch()
    with pytest.raises(ModelNotFoundError, match=r"not whole: .*aria2.*Download or copy it again"):
        load_model(str(translator_folder))


@pytest.fixture
def full_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Half of the full translation model, where the download puts it."""
    monkeypatch.setenv("HW7_MODELS_FOLDER", str(tmp_path / "models"))
    entry = catalog.CATALOG["translation"]
    folder = shutil.copytree(BUNDLED, tmp_path / "models" / entry.full_folder)
    shorten(folder / "model.safetensors")
    return folder


def test_half_of_the_full_model_names_the_command_that_fetches_it(full_folder, monkeypatch):
    monkeypatch.setenv("HW7_MODELS", "full")
    for name in ("translation", catalog.CATALOG["translation"].full_id, str(full_folder)):
        with pytest.raises(ModelNotFoundError, match="hw7 download translation"):
            load_model(name)


def test_without_a_choice_half_of_the_full_model_is_the_stated_reason(full_folder, monkeypatch):
    monkeypatch.delenv("HW7_MODELS", raising=False)
    source = catalog.find_model("translation")
    assert source.name == "tiny-zh-en"
    assert "not whole: model.safetensors is cut off" in source.reason
    assert "hw7 download translation" in source.reason


@pytest.fixture
def hub_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The snapshot of a model in a hub cache."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    cached = tmp_path / "hub" / "models--organisation--model"
    (cached / "refs").mkdir(parents=True)
    (cached / "refs" / "main").write_text("0123")
    return write_generator(cached / "snapshots" / "0123")


def test_a_hub_cache_without_tokenizer_files_is_not_used(hub_cache, monkeypatch):
    cache = str(hub_cache.parents[2])
    source = catalog.find_model("organisation/model")
    monkeypatch.setattr("huggingface_hub.file_download.constants.HF_HUB_CACHE", cache)
    assert not needs_hub(source.address, source.name)
    (hub_cache / "tokenizer.json").unlink()
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(NoNetworkError, match=r"vocabulary is missing.*does not answer"):
        needs_hub(source.address, source.name)
