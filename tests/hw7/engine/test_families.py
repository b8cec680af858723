"""Families of models beside the homework's: loaded, explained, and equal to a float64 reference."""

import pytest
from transformers import LlamaConfig, MambaConfig, Qwen2Config, T5Config
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

from hw7.engine.capacity import bytes_for_homework
from hw7.engine.model_size import size_of
from tools.family_table import examine, families

BY_THE_ENGINE = ("qwen2", "mistral", "mt5", "smollm3")
BY_INSEQS_LOOP = ("gemma", "mamba", "mixtral", "opt", "bart", "mbart", "m2m_100", "pegasus")


@pytest.mark.parametrize("family", BY_THE_ENGINE + BY_INSEQS_LOOP)
def test_saliency_equals_gradients_taken_token_by_token_from_ids(family):
    row = examine(family)
    assert row.verdict == "equal", row.remark
    assert row.engine == ("engine" if family in BY_THE_ENGINE else "Inseq's loop")


def test_attention_of_a_model_without_attention_is_refused_in_a_sentence():
    assert "gives attention weights" in examine("mamba").remark


def test_a_model_that_keeps_states_between_passes_is_explained_for_a_text_that_is_given():
    assert examine("recurrent_gemma").verdict == "equal"


def test_a_model_that_takes_no_embeddings_is_refused_in_a_sentence():
    row = examine("fsmt")
    assert row.verdict == "refused"
    assert "embeddings" in row.remark


@pytest.mark.parametrize("family", sorted(families()))
def test_an_estimate_never_raises_and_is_never_nothing(family):
    try:
        config = CONFIG_MAPPING[family]()
    except Exception as error:
        pytest.skip(f"Transformers builds no default configuration of {family}: {error}")
    size = size_of(config)
    assert min(size.decoder_layers, size.hidden, size.intermediate, size.heads) >= 1
    assert size.vocabulary >= 1


def test_dimensions_that_a_configuration_lacks_are_cautious():
    class Unknown:
        @property
        def num_hidden_layers(self):
            raise KeyError("per layer")

    size = size_of(Unknown())
    assert bytes_for_homework(Unknown(), 4) > 0
    assert size.decoder_layers == 32
    assert size.heads == size.hidden // 64


@pytest.mark.parametrize(
    ("config", "heads", "layers", "hidden"),
    [
        (Qwen2Config(hidden_size=64, num_attention_heads=8, num_hidden_layers=3), 8, 3, 64),
        (MambaConfig(hidden_size=128, num_hidden_layers=5), 2, 5, 128),
        (LlamaConfig(hidden_size=64, num_attention_heads=2, num_hidden_layers=1), 2, 1, 64),
        (T5Config(d_model=96, num_heads=6, num_layers=2, num_decoder_layers=7), 6, 7, 96),
    ],
    ids=["no_head_dim", "no_heads", "llama", "t5"],
)
def test_dimensions_are_found_under_their_own_names(config, heads, layers, hidden):
    size = size_of(config)
    assert (size.heads, size.decoder_layers, size.hidden) == (heads, layers, hidden)


def test_dimensions_are_found_in_a_nested_configuration():
    config = CONFIG_MAPPING["gemma3"]()
    assert size_of(config).decoder_layers == config.text_config.num_hidden_layers
    assert size_of(config).hidden == config.text_config.hidden_size
