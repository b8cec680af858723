"""The untrained Marian network, its words placed by what they consist of."""

import torch
from transformers import MarianConfig, MarianMTModel

from tools.train_tiny_translator.training import NEVER, Recipe


def build_model(recipe: Recipe, vocabulary_size: int) -> MarianMTModel:
    """An untrained network laid out as Helsinki-NLP/opus-mt-zh-en, only smaller."""
    pad = vocabulary_size - 1
    config = MarianConfig(
        vocab_size=vocabulary_size,
        decoder_vocab_size=vocabulary_size,
        d_model=recipe.width,
        encoder_layers=recipe.encoder_layers,
        decoder_layers=recipe.decoder_layers,
        encoder_attention_heads=recipe.heads,
        decoder_attention_heads=recipe.heads,
        encoder_ffn_dim=recipe.feed_forward,
        decoder_ffn_dim=recipe.feed_forward,
        max_position_embeddings=128,
        activation_function="swish",
        scale_embedding=True,
        share_encoder_decoder_embeddings=True,
        dropout=recipe.dropout,
        attention_dropout=0.0,
        activation_dropout=0.0,
        pad_token_id=pad,
        eos_token_id=0,
        forced_eos_token_id=0,
        decoder_start_token_id=pad,
    )
    torch.manual_seed(recipe.seed)
    config._attn_implementation = "eager"
    return MarianMTModel(config)


def initialize(
    model: MarianMTModel, vocabulary: dict[str, int], parts: dict[str, list[str]], first: int
) -> None:
    """Start every word at the sum of what it consists of, and never write Chinese.

    A part is a meaning, shared by a Chinese word and its English one, or a form such as "plural",
    shared by all words in it. So what is learned about one word holds for the others at once.

    Args:
        model: The untrained network, whose languages share one table of embeddings.
        vocabulary: Piece to id; the Chinese pieces come before the English ones.
        parts: For each piece, the names of its parts.
        first: Id of the first English piece.
    """
    embeddings = model.get_input_embeddings().weight
    generator = torch.Generator().manual_seed(model.config.d_model)
    names = sorted({name for listed in parts.values() for name in listed})
    vectors = torch.randn(len(names), model.config.d_model, generator=generator)
    index = {name: row for row, name in enumerate(names)}
    with torch.no_grad():
        embeddings.normal_(0, model.config.d_model**-0.5, generator=generator)
        for piece, listed in parts.items():
            vector = vectors[[index[name] for name in listed]].sum(0)
            embeddings[vocabulary[piece]] = vector / vector.norm()
        model.final_logits_bias[0, 1:first] = NEVER
        for layer in model.model.decoder.layers:
            copy_what_is_read(layer.encoder_attn)


def copy_what_is_read(attention: torch.nn.Module) -> None:
    """Let the decoder start by reading near its own position and passing on what it reads.

    Args:
        attention: The cross-attention of a layer; the weights are changed in place.
    """
    for name in ("v_proj", "out_proj"):
        torch.nn.init.eye_(attention.get_parameter(f"{name}.weight"))
    query = attention.get_parameter("q_proj.weight")
    torch.nn.init.orthogonal_(query)
    attention.get_parameter("k_proj.weight").copy_(query)
