"""A Llama-family GGUF file as a Transformers folder that every supported version reads alike."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hw7.fetch.errors import DownloadError

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from torch import Tensor
    from transformers import PretrainedConfig

#: What Transformers 4.53 up to 5.x need to rebuild the model. Both read ``rope_theta`` and
#: ``torch_dtype``; the names Transformers 5 writes instead (``rope_parameters``) are unknown to
#: 4.x, which would silently fall back to another rotation base and other scores.
CONFIG_FIELDS = (
    "attention_bias", "attention_dropout", "bos_token_id", "eos_token_id", "head_dim", "hidden_act",
    "hidden_size", "initializer_range", "intermediate_size", "max_position_embeddings", "mlp_bias",
    "model_type", "num_attention_heads", "num_hidden_layers", "num_key_value_heads",
    "pad_token_id", "rms_norm_eps", "tie_word_embeddings", "vocab_size",
)  # fmt: skip

CONTROL_TOKEN = 3
"""``tokenizer.ggml.token_type`` of special tokens (the enumeration of llama.cpp)."""


def convert_gguf(gguf_path: Path, folder: Path) -> None:
    """Write config, float32 weights and tokenizer of a GGUF file into an existing folder.

    Raises:
        DownloadError: the file has another architecture or tokenizer, or lacks weights.
    """
    metadata = _read_metadata(gguf_path)
    kind = (metadata.get("general.architecture"), metadata.get("tokenizer.ggml.pre"))
    if kind != ("llama", "smollm"):
        raise DownloadError(
            f"{gguf_path.name} is a {kind[0]} model with a {kind[1]} tokenizer; "
            "only llama models with the smollm tokenizer can be converted."
        )
    config, weights = _read_model(gguf_path)
    _write_config(config, folder)
    _write_weights(weights, folder)
    _write_tokenizer(metadata, config.max_position_embeddings, folder)


def _read_metadata(gguf_path: Path) -> dict[str, Any]:
    """Read the key-value part of a GGUF file: scalars, texts and lists of either."""
    from gguf import GGUFReader, GGUFValueType

    reader = GGUFReader(gguf_path)
    metadata: dict[str, Any] = {}
    for name, field in reader.fields.items():
        parts = [field.parts[index] for index in field.data]
        is_text = field.types[-1] == GGUFValueType.STRING if field.types else False
        values = [part.tobytes().decode("utf-8") if is_text else part[0].item() for part in parts]
        is_list = bool(field.types) and field.types[0] == GGUFValueType.ARRAY
        metadata[name] = values if is_list else (values[0] if values else None)
    return metadata


def _read_model(gguf_path: Path) -> "tuple[PretrainedConfig, dict[str, Tensor]]":
    """Let Transformers dequantize the weights; the model itself is dropped again.

    Transformers 5 refuses to save a model that still carries its GGUF quantizer, so the config
    and the tensors are taken out of it and written on their own.
    """
    import torch
    from transformers import AutoModelForCausalLM

    model, report = AutoModelForCausalLM.from_pretrained(
        gguf_path.parent, gguf_file=gguf_path.name, output_loading_info=True
    )
    # A tied output layer shares the embedding, so GGUF does not store it.
    missing = set(report["missing_keys"]) - {"lm_head.weight"}
    if missing:
        raise DownloadError(f"{gguf_path.name} lacks the weights {', '.join(sorted(missing))}.")
    weights = {
        name: tensor.detach().to(torch.float32).contiguous()
        for name, tensor in model.state_dict().items()
        if not (name == "lm_head.weight" and model.config.tie_word_embeddings)
    }
    return model.config, weights


def _write_config(config: "PretrainedConfig", folder: Path) -> None:
    fields = {name: getattr(config, name, None) for name in CONFIG_FIELDS}
    rope = getattr(config, "rope_parameters", None) or {"rope_theta": config.rope_theta}
    fields["head_dim"] = config.hidden_size // config.num_attention_heads
    fields["rope_theta"] = rope["rope_theta"]
    fields["rope_scaling"] = None
    fields["torch_dtype"] = "float32"
    fields["use_cache"] = True
    fields["architectures"] = ["LlamaForCausalLM"]
    _write_json(fields, folder / "config.json")
    # Greedy: no sampling settings, so that a rerun gives the same text.
    generation = {name: fields[name] for name in ("bos_token_id", "eos_token_id", "pad_token_id")}
    _write_json({"do_sample": False, **generation}, folder / "generation_config.json")


def _write_weights(weights: "dict[str, Tensor]", folder: Path) -> None:
    from safetensors.torch import save_file

    path = folder / "model.safetensors"
    save_file(weights, path, metadata={"format": "pt"})
    # safetensors makes it readable for its owner alone; a classroom shares one copy.
    path.chmod((folder / "config.json").stat().st_mode)


def _write_tokenizer(metadata: dict[str, Any], max_length: int, folder: Path) -> None:
    tokens: list[str] = metadata["tokenizer.ggml.tokens"]
    tokenizer = _build_tokenizer(metadata)
    tokenizer.save(str(folder / "tokenizer.json"))
    keys = {"bos": "bos", "eos": "eos", "pad": "padding", "unk": "unknown"}
    named = {
        f"{role}_token": tokens[metadata[f"tokenizer.ggml.{key}_token_id"]]
        for role, key in keys.items()
    }
    settings = {
        # Transformers 5 would write a class that 4.x does not know; both know this one.
        "tokenizer_class": "PreTrainedTokenizerFast",
        "clean_up_tokenization_spaces": False,
        # The default of 4.x adds token_type_ids, which Llama's generate() refuses.
        "model_input_names": ["input_ids", "attention_mask"],
        "model_max_length": max_length,
        "chat_template": metadata.get("tokenizer.chat_template"),
        **named,
    }
    _write_json(settings, folder / "tokenizer_config.json")
    special = [token for token in tokens if token in set(named.values())]
    _write_json({**named, "additional_special_tokens": special}, folder / "special_tokens_map.json")


def _build_tokenizer(metadata: dict[str, Any]) -> "Tokenizer":
    """Build the byte-level BPE tokenizer that the GGUF metadata describes.

    Transformers' own GGUF reader ignores ``tokenizer.ggml.pre``: ``smollm`` stands for digits
    split one by one **before** the byte-level split (llama.cpp, ``LLAMA_VOCAB_PRE_TYPE_SMOLLM``).
    Without it ``"a  2"`` gives other tokens than the published tokenizer does.
    """
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    tokens: list[str] = metadata["tokenizer.ggml.tokens"]
    merges = [tuple(merge.split(" ", 1)) for merge in metadata["tokenizer.ggml.merges"]]
    vocabulary = {token: index for index, token in enumerate(tokens)}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    digits = pre_tokenizers.Digits(individual_digits=True)
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([digits, byte_level])
    tokenizer.decoder = decoders.ByteLevel()
    types = metadata["tokenizer.ggml.token_type"]
    special = [token for token, kind in zip(tokens, types, strict=True) if kind == CONTROL_TOKEN]
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in special])
    return tokenizer


def _write_json(content: dict[str, Any], path: Path) -> None:
    text = json.dumps(content, ensure_ascii=False, indent=2, sort_keys=True)
    path.write_text(text + "\n", encoding="utf-8")
