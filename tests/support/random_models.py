"""Small models with random weights, one per architecture family, with a word-level tokenizer.

They load nothing from disk and answer in milliseconds. The weights are drawn wide enough that the
predictions are far from uniform: a position that leaks into another one moves the scores visibly.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import inseq
import pytest
import torch
from inseq.data import BatchEncoding
from inseq.data.attribution import FeatureAttributionStepOutput
from inseq.models import AttributionModel
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    MarianConfig,
    MarianMTModel,
    MistralConfig,
    MistralForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
    SmolLM3Config,
    SmolLM3ForCausalLM,
    T5Config,
    T5ForConditionalGeneration,
)
from transformers.models.llama.modeling_llama import LlamaRMSNorm
from transformers.models.mistral.modeling_mistral import MistralRMSNorm
from transformers.models.qwen2.modeling_qwen2 import Qwen2RMSNorm
from transformers.models.qwen3.modeling_qwen3 import Qwen3RMSNorm
from transformers.models.smollm3.modeling_smollm3 import SmolLM3RMSNorm
from transformers.models.t5.modeling_t5 import T5LayerNorm

NORMS = (
    LlamaRMSNorm,
    MistralRMSNorm,
    Qwen2RMSNorm,
    Qwen3RMSNorm,
    SmolLM3RMSNorm,
    T5LayerNorm,
)

WORDS = 90
SPECIAL_TOKENS = ["<pad>", "<bos>", "</s>", "<unk>"]
PAD, BOS, EOS, UNK = range(len(SPECIAL_TOKENS))
VOCABULARY_SIZE = len(SPECIAL_TOKENS) + WORDS

ENCODER_DECODER_FAMILIES = ("marian", "t5")
DECODER_ONLY_FAMILIES = ("gpt2", "llama", "qwen3")
FAMILIES = ENCODER_DECODER_FAMILIES + DECODER_ONLY_FAMILIES
LLAMA_LIKE_FAMILIES = ("llama", "mistral", "qwen2", "qwen3")


def random_tokenizer(*, is_encoder_decoder: bool) -> PreTrainedTokenizerFast:
    """Return a tokenizer of the words w0 to w89; `</s>` ends every text of encoder-decoders."""
    tokens = SPECIAL_TOKENS + [f"w{number}" for number in range(WORDS)]
    vocabulary = {token: index for index, token in enumerate(tokens)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    if is_encoder_decoder:
        tokenizer.post_processor = processors.TemplateProcessing(
            single="$A </s>", special_tokens=[("</s>", EOS)]
        )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        bos_token="<bos>",
        eos_token="</s>",
        unk_token="<unk>",
    )


def random_network(family: str, *, dtype: torch.dtype = torch.float32) -> PreTrainedModel:
    """Return the Transformers model of one family, in evaluation mode and with eager attention."""
    shared: dict[str, Any] = {
        "vocab_size": VOCABULARY_SIZE,
        "pad_token_id": PAD,
        "eos_token_id": EOS,
        "attn_implementation": "eager",
    }
    llama_like: dict[str, Any] = {
        **shared,
        "bos_token_id": BOS,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "initializer_range": 0.25,
    }
    torch.manual_seed(7)
    network: PreTrainedModel
    if family == "marian":
        network = MarianMTModel(
            MarianConfig(
                **shared,
                d_model=32,
                encoder_layers=2,
                decoder_layers=3,
                encoder_attention_heads=4,
                decoder_attention_heads=4,
                encoder_ffn_dim=48,
                decoder_ffn_dim=48,
                max_position_embeddings=256,
                scale_embedding=True,
                activation_function="swish",
                decoder_start_token_id=PAD,
                forced_eos_token_id=None,
                init_std=0.25,
            )
        )
        torch.nn.init.normal_(network.final_logits_bias)
    elif family == "t5":
        network = T5ForConditionalGeneration(
            T5Config(
                **shared,
                d_model=32,
                d_kv=8,
                d_ff=48,
                num_layers=2,
                num_decoder_layers=3,
                num_heads=4,
                decoder_start_token_id=PAD,
                feed_forward_proj="gated-gelu",
                initializer_factor=1.5,
            )
        )
    elif family == "gpt2":
        network = GPT2LMHeadModel(
            GPT2Config(
                **shared,
                bos_token_id=BOS,
                n_positions=256,
                n_embd=32,
                n_layer=3,
                n_head=4,
                initializer_range=0.25,
            )
        )
    elif family == "llama":
        network = LlamaForCausalLM(LlamaConfig(**llama_like, tie_word_embeddings=True))
    elif family == "qwen3":
        network = Qwen3ForCausalLM(Qwen3Config(**llama_like, head_dim=16))
    elif family == "qwen2":  # biases in the projections, no size of heads in the configuration
        network = Qwen2ForCausalLM(Qwen2Config(**llama_like))
    elif family == "mistral":  # a window smaller than the texts
        network = MistralForCausalLM(MistralConfig(**llama_like, sliding_window=6))
    elif family == "smollm3":  # every second layer without positions
        network = SmolLM3ForCausalLM(
            SmolLM3Config(**llama_like, no_rope_layers=[1, 0, 1], use_sliding_window=False)
        )
    else:
        raise ValueError(f"No random model of the family {family!r}. There are: {FAMILIES}.")
    for name, parameter in network.named_parameters():
        if "norm" in name or "ln_" in name:  # ones at first, which would hide a forgotten factor
            torch.nn.init.normal_(parameter, mean=1.0, std=0.2)
    network.to(dtype)
    for name, buffer in network.named_buffers():  # which Transformers 4 needs in float32
        if name.endswith("inv_freq"):
            buffer.data = buffer.data.to(torch.float32)
    return network.eval()


def random_model(family: str, *, dtype: torch.dtype = torch.float32) -> AttributionModel:
    """Return one family's random network as Inseq's `AttributionModel` on the CPU."""
    return wrapped(random_network(family, dtype=dtype))


def named(network: PreTrainedModel, tokenizer: Any, name: str) -> AttributionModel:
    """Wrap a network as Inseq does, with a tokenizer and a name of its own."""
    model = inseq.load_model(network.eval(), "saliency", tokenizer=tokenizer, device="cpu")
    model.model_name = name
    return model


def wrapped(network: PreTrainedModel) -> AttributionModel:
    """Wrap a network as Inseq does, with the tokenizer of random words."""
    tokenizer = random_tokenizer(is_encoder_decoder=network.config.is_encoder_decoder)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return inseq.load_model(network, "saliency", tokenizer=tokenizer, device="cpu")


def random_text(length: int, *, seed: int = 0) -> str:
    """Return a text of `length` known words."""
    generator = torch.Generator().manual_seed(seed)
    numbers = torch.randint(0, WORDS, (length,), generator=generator).tolist()
    return " ".join(f"w{number}" for number in numbers)


def encoded_texts(
    model: AttributionModel, source_length: int, target_length: int, *, seed: int = 0
) -> tuple[BatchEncoding, BatchEncoding]:
    """Return a random source (or prompt) and a target to explain, of so many words."""
    source = random_text(source_length, seed=seed)
    target = random_text(target_length, seed=seed + 1000)
    sources = model.encode([source], return_baseline=True)
    if model.is_encoder_decoder:
        return sources, model.encode([target], as_targets=True, return_baseline=True)
    return sources, model.encode([f"{source} {target}"], return_baseline=True)


@contextmanager
def float64_throughout() -> Iterator[None]:
    """Keep float64 models in float64 where Transformers and Inseq go through float32.

    Norms and attention round to float32 on the way, forward and backward, and so do Inseq's step
    outputs. Without that, two ways of computing the same formula agree to 1e-8.
    """
    softmax, float32 = torch.nn.functional.softmax, torch.Tensor.float

    def wide_softmax(inputs: torch.Tensor, dim: int, **ignored: Any) -> torch.Tensor:
        return softmax(inputs, dim=dim)

    def wide_norm(norm: Any, states: torch.Tensor) -> torch.Tensor:
        variance = states.pow(2).mean(-1, keepdim=True)
        return norm.weight * states * torch.rsqrt(variance + norm.variance_epsilon)

    def wide(tensor: torch.Tensor) -> torch.Tensor:
        return tensor if tensor.dtype == torch.float64 else float32(tensor)

    to = FeatureAttributionStepOutput.to

    def wide_to(output: Any, place: Any) -> Any:
        return output if place == torch.float32 else to(output, place)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FeatureAttributionStepOutput, "to", wide_to)
        patch.setattr(torch.nn.functional, "softmax", wide_softmax)
        patch.setattr(torch.Tensor, "float", wide)
        for norm in NORMS:
            patch.setattr(norm, "forward", wide_norm)
        yield
