"""Which families of models the kit loads, and whether it explains them rightly.

    python -m tools.family_table                  every family, ten minutes, docs/families.md
    python -m tools.family_table qwen2 mt5 mamba  some families, on the screen

Each family that Transformers' auto classes list is built small with random weights, saved, loaded
with `load_model` and explained with `explain`. Its saliency is compared with gradients taken here,
in float64 and token by token, from token ids: nothing of Inseq or of the kit takes part in them.
"""

import argparse
import contextlib
import copy
import io
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoTokenizer
from transformers.models.auto.configuration_auto import CONFIG_MAPPING
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
    MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES,
)
from transformers.utils import logging as transformers_logging

from helpers import explain, load_model, release
from helpers.errors import HomeworkError
from tests.support.random_models import EOS, PAD, VOCABULARY_SIZE, random_text, random_tokenizer

TABLE = Path(__file__).resolve().parent.parent / "docs" / "families.md"

# Parameters of what still counts as small; larger ones have a dimension with a name of its own.
SMALL = 20_000_000

# Of a score between 0 and 1. Norms and softmax go through float32 also in a float64 model.
TOLERANCE = 1e-3

LAYERS = 2

# Attributes of configurations, by what they mean, and their small values.
SMALL_VALUES: list[tuple[int, tuple[str, ...]]] = [
    (32, ("hidden_size", "d_model", "n_embd", "n_embed", "word_embed_proj_dim", "embedding_size",
         "model_dim", "dim", "embed_dim", "attention_hidden_size", "lru_width")),
    (48, ("intermediate_size", "encoder_ffn_dim", "decoder_ffn_dim", "d_ff", "ffn_dim", "n_inner",
         "ffn_hidden_size", "moe_intermediate_size", "shared_expert_intermediate_size",
         "shared_intermediate_size", "intermediate_size_mlp")),
    (2, ("num_hidden_layers", "num_layers", "num_encoder_layers", "num_decoder_layers", "n_layer",
        "n_layers", "encoder_layers", "decoder_layers", "num_key_value_heads", "num_kv_heads",
        "n_head_kv", "full_attention_interval", "attn_layer_period", "num_experts_per_tok",
        "moe_topk", "moe_top_k")),
    (4, ("num_attention_heads", "num_heads", "n_head", "n_heads", "encoder_attention_heads",
        "decoder_attention_heads", "num_encoder_attention_heads", "num_decoder_attention_heads",
        "num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts")),
    (8, ("head_dim", "d_kv", "qk_rope_head_dim", "qk_nope_head_dim", "v_head_dim")),
    (16, ("kv_lora_rank", "q_lora_rank", "state_size", "mamba_d_state")),
    (64, ("max_position_embeddings", "n_positions", "n_ctx", "max_seq_len",
          "max_target_positions")),
    (VOCABULARY_SIZE, ("vocab_size", "decoder_vocab_size")),
    (PAD, ("pad_token_id", "decoder_start_token_id")),
    (EOS, ("eos_token_id",)),
    (1, ("bos_token_id", "attn_layer_offset", "n_group", "topk_group", "first_k_dense_replace")),
]  # fmt: skip
SMALL_VALUE_OF = {name: value for value, names in SMALL_VALUES for name in names}

# Families whose dimensions have to fit each other in a way of their own.
OF_FAMILY: dict[str, dict[str, Any]] = {
    "mamba2": {"num_heads": 8, "head_dim": 8, "n_groups": 1, "expand": 2},
    "deepseek_v2": {"num_experts_per_tok": 2},
    "opt": {"ffn_dim": 48},
    "rwkv": {"attention_hidden_size": 32, "context_length": 64},
    "gpt_neo": {"attention_types": [[["global", "local"], 1]], "num_layers": 2},
    "ctrl": {"dff": 48},
    "xlnet": {"d_inner": 48, "d_head": 8},
    "longformer": {"attention_window": 8},
    "led": {"attention_window": 8, "max_encoder_position_embeddings": 64,
            "max_decoder_position_embeddings": 64},
    "reformer": {"axial_pos_embds": False},
    "prophetnet": {"ngram": 2},
    "marian": {"forced_eos_token_id": None, "scale_embedding": True},
    # With padding as their start token, as they never have it, they would not count it.
    "m2m_100": {"decoder_start_token_id": EOS},
    "nllb-moe": {"decoder_start_token_id": EOS},
    "seamless_m4t": {"decoder_start_token_id": EOS},
    "seamless_m4t_v2": {"decoder_start_token_id": EOS},
    "biogpt": {"scale_embedding": True},
    "gptj": {"rotary_dim": 4},
    "codegen": {"rotary_dim": 4},
    "hunyuan_v1_dense": {"head_dim": 8},
    "hunyuan_v1_moe": {"head_dim": 8},
    "ministral": {"head_dim": 8},
    "nemotron": {"num_key_value_heads": 2, "head_dim": 8},
    "gemma3n_text": {"num_kv_shared_layers": 0, "vocab_size_per_layer_input": VOCABULARY_SIZE},
}  # fmt: skip


@dataclass
class Row:
    """What was found out about one family.

    Attributes:
        family: Its `model_type`.
        kind: Causal, or encoder-decoder.
        loads: Whether `load_model` takes it.
        engine: What explains it: the engine, or Inseq's loop.
        distance: The largest difference from the reference, of scores that sum to one.
        remark: The sentence that refuses it, or what else happened.
        is_built: Whether a small model came about.
        is_refused: Whether the kit refused it, with a sentence.
    """

    family: str
    kind: str
    loads: bool = False
    engine: str = ""
    distance: float | None = None
    remark: str = ""
    is_built: bool = False
    is_refused: bool = False

    @property
    def verdict(self) -> str:
        """Say in a word whether the family is explained rightly."""
        if self.distance is None:
            return "refused" if self.is_refused else "fails" if self.is_built else "not built"
        return "equal" if self.distance <= TOLERANCE else "DIFFERS"


def families() -> dict[str, str]:
    """Return the families of the two auto classes, each with its kind."""
    kinds = dict.fromkeys(MODEL_FOR_CAUSAL_LM_MAPPING_NAMES, "causal")
    return kinds | dict.fromkeys(MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES, "encoder-decoder")


def small_config(family: str) -> Any:
    """Return a configuration of a family with small dimensions and nothing else changed."""
    kind = CONFIG_MAPPING[family]
    settings = _small_settings(kind()) | OF_FAMILY.get(family, {})
    if families()[family] == "encoder-decoder":
        settings.setdefault("decoder_start_token_id", PAD)
    elif hasattr(kind(), "is_decoder"):
        settings["is_decoder"] = True
    try:
        return kind(**settings)
    except ValueError:
        # Some configurations do not derive the kind of each layer from their number.
        kinds = list(dict.fromkeys(kind().layer_types or ()))
        return kind(**settings, layer_types=[kinds[0], kinds[-1]])


def _small_settings(config: Any) -> dict[str, Any]:
    """Return small values for the dimensions of a configuration, and of those inside it."""
    present = config.to_dict()
    for alias, name in getattr(config, "attribute_map", {}).items():
        present.setdefault(alias, present.get(name))
    settings: dict[str, Any] = {
        name: value for name, value in SMALL_VALUE_OF.items() if name in present
    }
    for name, value in list(settings.items()):
        # A list has a number for each layer, and nothing stands for what is switched off.
        default = present[name]
        if default is None and name not in ("pad_token_id", "eos_token_id", "bos_token_id"):
            del settings[name]
        elif isinstance(default, list):
            settings[name] = [value] * LAYERS
    if "kv_lora_rank" in settings:  # latent attention, where each head has a key of its own
        settings["num_key_value_heads"] = settings["num_attention_heads"]
    for name, value in vars(config).items():
        if hasattr(value, "to_dict"):
            settings[name] = _small_settings(value)
    return settings


def small_model(family: str) -> Any:
    """Return a family's model with random weights, wide enough that its predictions differ.

    Raises:
        ValueError: What comes out is not small.
    """
    config = small_config(family)
    is_causal = families()[family] == "causal"
    auto: Any = AutoModelForCausalLM if is_causal else AutoModelForSeq2SeqLM
    with torch.device("meta"):
        size = sum(parameter.numel() for parameter in auto.from_config(config).parameters())
    if size > SMALL:
        raise ValueError(f"it has {size:,} parameters also with small dimensions")
    torch.manual_seed(3)
    model = auto.from_config(config, attn_implementation="eager")
    with torch.no_grad():
        for module in model.modules():
            for parameter in module.parameters(recurse=False):
                if parameter.dim() >= 2:
                    parameter.normal_(std=0.2)
            if getattr(module, "padding_idx", None) is not None and hasattr(module, "weight"):
                module.weight[module.padding_idx] = 0.0
    return model.float().eval()


def reference_saliency(network: Any, source: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Return saliency of the logit by autograd, one forward pass from ids for each token.

    Args:
        network: The Transformers model.
        source: Ids of the source or the prompt, `[1, source]`.
        target: All ids the decoder has, `[1, target]`.

    Returns:
        `[source, generated]`, each column summing to one.
    """
    is_encoder_decoder = network.config.is_encoder_decoder
    first = 1 if is_encoder_decoder else source.shape[1]
    rows = source.shape[1] if is_encoder_decoder else target.shape[1]
    columns = []
    for position in range(first, target.shape[1]):
        with read_embeddings(network) as read:
            if is_encoder_decoder:
                prefix = target[:, :position]
                output = network(input_ids=source, decoder_input_ids=prefix, use_cache=False)
            else:
                output = network(input_ids=target[:, :position], use_cache=False)
            (gradient,) = torch.autograd.grad(output.logits[0, -1, target[0, position]], read[0])
        # XLNet puts positions before texts, of which there is one: `[position, 1, width]`.
        lengths = gradient.flatten(0, 1).double().norm(dim=-1)
        column = torch.full((rows,), torch.nan, dtype=torch.float64)
        column[: len(lengths)] = lengths / lengths.sum()
        columns.append(column)
    return torch.stack(columns, dim=1)


def most_precise(network: Any, ids: torch.Tensor) -> Any:
    """Return a model in float64, or as it is where an operator of its has no such form."""
    double = copy.deepcopy(network).double().eval()
    given = {"decoder_input_ids": ids} if network.config.is_encoder_decoder else {}
    try:
        double(input_ids=ids, **given, use_cache=False)
    except RuntimeError:
        return network
    return double


@contextlib.contextmanager
def read_embeddings(network: Any) -> Iterator[list[torch.Tensor]]:
    """Note what the embeddings of the read text are, as tensors that gradients can be taken of."""
    read: list[torch.Tensor] = []

    def note(module: Any, arguments: Any, output: torch.Tensor) -> torch.Tensor:
        read.append(output.detach().requires_grad_())
        # Some families change in place what they are given, which may be no leaf.
        return read[-1] * 1

    reader = network.get_encoder() if network.config.is_encoder_decoder else network
    # Before Transformers 4.54 some encoders do not say which their embeddings are.
    embeddings = getattr(reader, "embed_tokens", None) or reader.get_input_embeddings()
    handle = embeddings.register_forward_hook(note)
    try:
        yield read
    finally:
        handle.remove()


def examine(family: str) -> Row:
    """Build, save, load and explain one family."""
    row = Row(family, families()[family])
    try:
        network = small_model(family)
        row.is_built = True
        with tempfile.TemporaryDirectory() as parent:
            folder = str(Path(parent) / row.family)  # its name is in the sentences that refuse it
            network.save_pretrained(folder)
            tokenizer = random_tokenizer(is_encoder_decoder=bool(network.config.is_encoder_decoder))
            # Families have tokenizers with files of their own; what is examined is the model.
            with (
                mock.patch.object(AutoTokenizer, "from_pretrained", return_value=tokenizer),
                mock.patch("helpers.catalog._whole", str),
            ):
                _explain(row, folder)
    except HomeworkError as error:
        row.remark, row.is_refused = str(error), True
    except Exception as error:  # whatever Transformers does with such a configuration is the answer
        row.remark = f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"
    return row


def _explain(row: Row, folder: str) -> None:
    """Load a saved model, explain a text with it, and fill in the row."""
    from hw7.engine.exactness import reason_to_fall_back

    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        model = load_model(folder, device="cpu")
        row.loads = True
        is_fast = reason_to_fall_back(model, "saliency") is None
        row.engine = "engine" if is_fast else "Inseq's loop"
        text, written = random_text(6, seed=1), random_text(5, seed=2)
        source = model.tokenizer(text, return_tensors="pt").input_ids
        # Some families keep states of what they have read last, which cannot be copied.
        precise = most_precise(model.model, source)
        explanation = explain(
            model, text, target=written if model.is_encoder_decoder else f" {written}",
            methods=["saliency"], score="logit", show_progress=False,
        )  # fmt: skip
    attribution = explanation.attribution("saliency")[0]
    found = attribution.source_attributions
    found = attribution.target_attributions if found is None else found
    ids = torch.tensor([[token.id for token in attribution.target]])
    expected = reference_saliency(precise, source, ids)
    row.distance = float((found[: len(expected)] - expected).abs().nan_to_num().max())
    try:
        with contextlib.redirect_stdout(said):
            explain(model, text, methods=["attention"], show_progress=False)
    except HomeworkError as error:
        row.remark = str(error)
    with contextlib.redirect_stdout(said):
        release(model)


def table_of(rows: list[Row]) -> str:
    """Return the table as Markdown, versions at its top."""
    packages = ("transformers", "inseq", "torch")
    versions = ", ".join(f"{package} {version(package)}" for package in packages)
    verdicts = [row.verdict for row in rows]
    counts = ", ".join(f"{verdicts.count(each)} {each}" for each in dict.fromkeys(verdicts))
    lines = [
        "# Families of models",
        "",
        f"Made by `python -m tools.family_table` with {versions}.",
        "Each family that Transformers' auto classes list, built small with random weights, saved,",
        "loaded with `load_model` and explained with `explain`. *Equal*: saliency is at most",
        f"{TOLERANCE} (of scores that sum to one) away from gradients in float64, token by token,",
        "without Inseq and without the kit.",
        "",
        f"{len(rows)} families: {counts}.",
        "",
        "| family | kind | loads | computed by | saliency | difference | remark |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        distance = "" if row.distance is None else f"{row.distance:.0e}"
        remark = row.remark.replace("|", "\\|")
        loads = "yes" if row.loads else "no"
        lines.append(
            f"| {row.family} | {row.kind} | {loads} | {row.engine} | {row.verdict} | {distance} "
            f"| {remark} |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Examine the families asked for; write the table where all of them were."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("families", nargs="*", help="model types; all of them where none is named")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    transformers_logging.set_verbosity(transformers_logging.CRITICAL)
    transformers_logging.disable_progress_bar()
    rows = []
    for family in asked.families or sorted(families()):
        rows.append(examine(family))
        row = rows[-1]
        print(f"{family:<28}{row.verdict:<10}{row.engine:<14}{row.distance or '':<24}{row.remark}")
    if not asked.families:
        TABLE.parent.mkdir(exist_ok=True)
        TABLE.write_text(table_of(rows), encoding="utf-8")


if __name__ == "__main__":
    main()
