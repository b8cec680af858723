"""Whether a folder holds a whole model: what a stopped download or a shallow copy leaves behind.

A folder that the kit fetched has a record, and its files are compared with that. Any other folder
is checked for what its files say about themselves: half a model may load and give plausible wrong
scores.
"""

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hw7.fetch.errors import first_line
from hw7.fetch.hub_files import OTHER_WEIGHT_FORMATS
from hw7.fetch.record import changed_file, read_record

_UNFINISHED = (".aria2", ".part", ".partial", ".incomplete", ".crdownload", ".download")
_LFS_POINTER = b"version https://git-lfs.github.com/spec/"
_WEIGHTS = ("model.safetensors", "pytorch_model.bin")  # in the order in which they are looked for
_VOCABULARIES = ("tokenizer.json", "vocab.json", "vocab.txt", "tekken.json", "*.model", "*.spm")
_WITHOUT_VOCABULARY = ("ByT5Tokenizer", "CanineTokenizer", "PerceiverTokenizer")  # read bytes
_UNWRITTEN_SHARE = 20  # a matrix whose last twentieth is zero was never written there


def has_weights(folder: Path) -> bool:
    """Tell whether a folder looks like a model's: configuration and weights, whole or not."""
    if not (folder / "config.json").is_file():
        return False
    return any(any(folder.glob(pattern)) for pattern in ("*.safetensors", "pytorch_model*.bin"))


def is_fetched(folder: Path) -> bool:
    """Tell whether a folder holds what its download wrote down, whole."""
    return bool(read_record(folder)) and problem_of(folder) is None


def is_in_hub_cache(repository: str) -> bool:
    """Tell whether the hub's cache on this machine holds a whole model."""
    snapshot = snapshot_in_hub_cache(repository)
    return snapshot is not None and problem_of(snapshot) is None


def snapshot_in_hub_cache(repository: str) -> Path | None:
    """Return the folder in the hub's cache that holds a model's files, or None."""
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(repository, "config.json")
    return Path(found).parent if isinstance(found, str) else None


def problem_of(folder: Path, *, is_thorough: bool = False) -> str | None:
    """Return what keeps a folder from being a whole model, as a clause; None where nothing does.

    Thoroughly, checksums are compared also of files whose recorded size and time are right.
    """
    if not folder.is_dir():
        return "the folder is not there"
    if changed := changed_file(folder, is_thorough=is_thorough):
        return f"{changed} is not the file that was fetched"
    # What equals its record was checked when it was fetched.
    return next(_unfinished(folder) if read_record(folder) else _problems(folder), None)


def _problems(folder: Path) -> Iterator[str]:
    yield from _unfinished(folder)
    for path in sorted(folder.iterdir()):
        if path.is_file() and not path.name.startswith(OTHER_WEIGHT_FORMATS):
            yield from _problems_of_file(path)
    if not isinstance(_json(folder / "config.json"), dict):
        yield "config.json is missing or damaged"
        return
    yield from _problems_of_weights(folder)
    yield from _problems_of_tokenizer(folder)


def _unfinished(folder: Path) -> Iterator[str]:
    """Yield the marks of downloads that were stopped."""
    for path in sorted(folder.iterdir()):
        if path.suffix in _UNFINISHED and not path.name.startswith(OTHER_WEIGHT_FORMATS):
            yield f"its download was stopped ({path.name} is left of it)"


def _problems_of_file(path: Path) -> Iterator[str]:
    with path.open("rb") as file:
        if file.read(len(_LFS_POINTER)) == _LFS_POINTER:
            yield f"{path.name} is a Git LFS pointer instead of the file (git lfs pull fetches it)"
    if path.suffix == ".json" and _json(path) is None:
        yield f"{path.name} is cut off or damaged"
    elif _is_sentencepiece(path) and not _is_whole_sentencepiece(path.read_bytes()):
        yield f"{path.name} is empty, cut off or damaged"


def _problems_of_weights(folder: Path) -> Iterator[str]:
    for name in _WEIGHTS:
        if (folder / name).is_file():
            yield from _problems_of_weight_file(folder / name, set())
            return
        index = _json(folder / f"{name}.index.json")
        if isinstance(index, dict):
            shards: dict[str, set[str]] = {}
            for tensor, shard in index.get("weight_map", {}).items():
                shards.setdefault(shard, set()).add(tensor)
            for shard, tensors in sorted(shards.items()):
                yield from _problems_of_weight_file(folder / shard, tensors)
            return
    yield f"there is no {' or '.join(_WEIGHTS)}, nor an index of their parts"


def _problems_of_weight_file(path: Path, tensors: set[str]) -> Iterator[str]:
    """Yield what is wrong with a file of weights that should hold these tensors."""
    if not path.is_file():
        yield f"{path.name} is missing"
    elif path.suffix == ".safetensors":
        yield from _problems_of_safetensors(path, tensors)
    elif not _is_whole_pickle(path):
        yield f"{path.name} is cut off or damaged"


def _problems_of_safetensors(path: Path, tensors: set[str]) -> Iterator[str]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:  # compares the header with the size
            missing = sorted(tensors - set(file.keys()))
    except (SafetensorError, OSError) as error:
        yield f"{path.name} is cut off or damaged ({first_line(error)})"
        return
    if missing:
        yield f"{path.name} lacks {missing[0]}"
    elif name := _unwritten_matrix(path):
        yield f"{path.name} was not written to its end ({name} ends in zeros)"


def _unwritten_matrix(path: Path) -> str | None:
    """Return a matrix that ends in zeros: a stopped download of several connections leaves gaps.

    The file has its full size then, and its header promises what never came. Vectors may be zero,
    and so may single rows of a matrix (padding).
    """
    with path.open("rb") as file:
        start = 8 + int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(start - 8))
        for name, facts in header.items():
            shape = facts.get("shape", [])
            if name == "__metadata__" or len(shape) < 2 or min(shape) < _UNWRITTEN_SHARE:
                continue
            begin, end = facts["data_offsets"]
            file.seek(start + end - (end - begin) // _UNWRITTEN_SHARE)
            if not any(file.read((end - begin) // _UNWRITTEN_SHARE)):
                return str(name)
    return None


def _is_whole_pickle(path: Path) -> bool:
    """Tell whether a PyTorch file has its end, where a zip keeps its table of contents.

    The format before PyTorch 1.6 has no such table; PyTorch itself notices where it is cut off.
    """
    with path.open("rb") as file:
        return file.read(1) == b"\x80" or zipfile.is_zipfile(file)


def _problems_of_tokenizer(folder: Path) -> Iterator[str]:
    is_marian = _json(folder / "config.json").get("model_type") == "marian"
    wanted = ("vocab.json", "source.spm", "target.spm") if is_marian else ()
    for name in wanted:
        if not (folder / name).is_file():
            yield f"{name} is missing"
    found = [path for pattern in _VOCABULARIES for path in folder.glob(pattern)]
    settings = _json(folder / "tokenizer_config.json")
    if settings is None:
        yield "tokenizer_config.json is missing"
        return
    if not found and settings.get("tokenizer_class") not in _WITHOUT_VOCABULARY:
        yield "the tokenizer's vocabulary is missing (tokenizer.json, vocab.json or another)"
    for path in found:
        if not path.stat().st_size or (path.suffix == ".json" and not _json(path)):
            yield f"{path.name} is empty"
    if [path.name for path in found] == ["vocab.json"]:
        yield from _problems_of_merges(folder / "merges.txt", len(_json(found[0])))


def _problems_of_merges(path: Path, vocabulary_size: int) -> Iterator[str]:
    """Byte-level BPE builds every token but 256 bytes and some special ones by one merge."""
    if not path.is_file():
        yield "merges.txt is missing"
        return
    merges = len(path.read_text(encoding="utf-8", errors="replace").splitlines())
    if merges + 256 + max(64, vocabulary_size // 100) < vocabulary_size:
        yield f"merges.txt is cut off ({merges} merges for {vocabulary_size} tokens)"


def _json(path: Path) -> Any:
    """Return the content of a JSON file, or None where it is missing or damaged."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _is_sentencepiece(path: Path) -> bool:
    """Tell by its name, or as others name theirs alike by its first byte: a list of pieces."""
    if path.suffix != ".model":
        return path.suffix == ".spm"
    with path.open("rb") as file:
        return file.read(1) == b"\n"


def _is_whole_sentencepiece(content: bytes) -> bool:
    """Tell whether a SentencePiece model parses to its end and has its last required part."""
    from google.protobuf.message import DecodeError
    from sentencepiece.sentencepiece_model_pb2 import ModelProto

    try:
        model = ModelProto.FromString(content)
    except DecodeError:
        return False
    # Their order in the file: pieces, then the trainer's settings, then the normalizer's.
    return bool(model.pieces) and model.HasField("normalizer_spec")
