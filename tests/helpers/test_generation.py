"""What the model writes: greedily, whole, and said where a limit cut it."""

import pytest
import torch
from transformers import GenerationConfig

from helpers import Explanation, explain
from helpers.errors import HomeworkError, TextError
from helpers.generation import generate
from helpers.models import wants_repairs
from tests.support.random_models import EOS, random_model, random_text

QUICK = {"methods": ["attention"], "show_progress": False}
SENTENCE = "我喜欢机器学习和人工智能。"


@pytest.fixture
def sampler():
    """A model whose own settings sample, as Qwen3's do."""
    model = random_model("llama")
    own = model.model.generation_config
    own.update(do_sample=True, temperature=5.0, top_k=50, top_p=1.0, num_beams=3)
    return model


def written_ids(model, **settings):
    return generate(model, "w1 w2 w3", **settings).targets.input_ids[0].tolist()


def greedy_ids(model, length):
    """Return the likeliest token after the likeliest token, from plain forward passes."""
    ids = model.tokenizer("w1 w2 w3", return_tensors="pt")["input_ids"]
    for _ in range(length):
        with torch.no_grad():
            ids = torch.cat([ids, model.model(ids).logits[:, -1:].argmax(-1)], dim=1)
    return ids[0].tolist()


def test_transformers_has_nothing_to_warn_about(monkeypatch):
    from transformers.generation import utils

    said = []
    for kind in ("warning", "warning_once"):
        monkeypatch.setattr(utils.logger, kind, lambda text, *_, **__: said.append(text))
    written_ids(random_model("llama"))
    assert said == []


def test_text_is_greedy_although_the_model_samples_by_default(sampler):
    torch.manual_seed(1)
    assert written_ids(sampler, max_new_tokens=6) == greedy_ids(sampler, 6)


def test_greedy_text_does_not_depend_on_the_generators_of_random_numbers(sampler):
    found = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        found.append(written_ids(sampler, max_new_tokens=6))
    assert found[0] == found[1]


def test_settings_replace_the_greedy_ones(sampler):
    found = set()
    for seed in range(4):
        torch.manual_seed(seed)
        sampled = {"do_sample": True, "temperature": 5.0}
        found.add(tuple(written_ids(sampler, max_new_tokens=6, generation_settings=sampled)))
    assert len(found) > 1


def test_models_own_settings_are_left_as_they_were(sampler):
    before = sampler.model.generation_config.to_dict()
    written_ids(sampler, max_new_tokens=2)
    with pytest.raises(HomeworkError):
        written_ids(sampler, generation_settings={"num_beams": "many"})
    assert sampler.model.generation_config.to_dict() == before


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"temprature": 9}, "'temprature'. Did you mean 'temperature'"),
        ({"beams": 2}, "'beams'. Did you mean 'num_beams'"),
        ({"num_return_sequences": 2}, "'num_return_sequences': one text is explained"),
        ({"return_dict_in_generate": True}, "only the written tokens are explained"),
        ({"max_new_tokens": 5}, "give max_new_tokens= to explain itself"),
        ({"max_length": 5}, "give max_new_tokens= to explain itself"),
        ({"num_beams": "many"}, "Transformers refuses"),
        ({"do_sample": True, "temperature": -1.0}, "Transformers refuses"),
        (["num_beams"], "must be a dictionary"),
    ],
)
def test_impossible_generation_settings_are_refused_in_one_sentence(given, said):
    with pytest.raises(HomeworkError) as error:
        generate(random_model("gpt2"), "w1 w2", generation_settings=given)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "name",
    [name for name in vars(GenerationConfig()) if len(name) > 4 and not name.startswith("_")],
)
def test_every_misspelt_generation_setting_is_refused(name):
    misspelt = name[:2] + name[3:]
    with pytest.raises(HomeworkError, match=misspelt):
        generate(MODEL, "w1 w2", generation_settings={misspelt: None})


MODEL = random_model("gpt2")


@pytest.mark.parametrize("asked", ["5", 0, -1, 2.0, True, [3]])
@pytest.mark.parametrize("family", ["gpt2", "marian"])
def test_number_of_new_tokens_that_is_none_is_refused(asked, family):
    with pytest.raises(TextError, match="max_new_tokens must be a whole number"):
        generate(random_model(family), "w1 w2", max_new_tokens=asked)


def test_prompt_is_continued_by_twenty_tokens_unless_told_otherwise():
    assert generate(MODEL, "w1 w2").targets.input_ids.shape == (1, 22)
    assert generate(MODEL, "w1 w2", max_new_tokens=None).targets.input_ids.shape == (1, 22)


@pytest.mark.parametrize(
    ("own", "written"),
    [({"max_new_tokens": 30}, 30), ({"max_length": 31}, 30), ({"max_length": 900}, 256), ({}, 256)],
)
def test_translator_writes_up_to_its_own_limit_by_default(own, written):
    model = random_model("marian")  # it never ends by itself, and has 256 positions
    model.model.generation_config.update(**own)
    generation = generate(model, "w1 w2")
    assert generation.targets.input_ids.shape == (1, written + 1)
    assert not generation.is_complete


@pytest.mark.bundled
@pytest.mark.parametrize("most", range(1, 12))
def test_text_cut_by_a_limit_ends_in_a_token_the_model_chose(translator, most):
    whole = generate(translator, SENTENCE)
    cut = generate(translator, SENTENCE, max_new_tokens=most)
    kept = min(most + 1, whole.targets.input_ids.shape[1])
    assert cut.targets.input_ids.tolist() == whole.targets.input_ids[:, :kept].tolist()
    assert cut.is_complete == (most >= whole.targets.input_ids.shape[1] - 1)


def test_end_mark_at_the_limit_is_the_models_own_where_it_chose_it():
    model = random_model("marian")
    with torch.no_grad():
        model.model.final_logits_bias[0, EOS] = 1e4
    written = generate(model, "w1 w2", max_new_tokens=1)
    assert written.targets.input_ids.tolist() == [[model.bos_token_id, EOS]]
    assert written.is_complete


@pytest.mark.parametrize("family", ["gpt2", "marian"])
def test_cut_is_said_kept_and_noted_in_the_heatmap(family, tmp_path, capsys):
    model = random_model(family)
    cut = explain(model, random_text(4), max_new_tokens=2, **QUICK)
    assert not cut.is_complete
    assert capsys.readouterr().out.count("cut after 2 tokens") == 1
    assert any("cut at max_new_tokens" in note for note in cut.sheet().notes)
    cut.save(tmp_path / "cut.zip")
    assert not Explanation.load(tmp_path / "cut.zip").is_complete


def test_text_that_was_given_is_complete_and_nothing_is_said(capsys):
    model = random_model("gpt2")
    given = explain(model, "w1 w2", target=" w3", **QUICK)
    assert given.is_complete
    assert given.sheet().notes == []
    assert capsys.readouterr().out == ""


def test_probabilities_are_one_row_per_token_and_are_saved(tmp_path):
    explanation = explain(random_model("gpt2"), "w1 w2", target=" w3 w4", **QUICK)
    told = explanation.probabilities(rivals=2)
    assert list(told["generated"]) == ["w3", "w4"]
    names = ["generated", "probability", "rank", "rival 1", "probability 1"]
    assert list(told.columns) == [*names, "rival 2", "probability 2"]
    explanation.save(tmp_path / "explanation.zip")
    loaded = Explanation.load(tmp_path / "explanation.zip").probabilities(rivals=2)
    assert loaded.equals(told)


def test_greedy_tokens_are_the_likeliest(tmp_path):
    explanation = explain(random_model("llama"), "w1 w2", max_new_tokens=4, **QUICK)
    assert set(explanation.probabilities()["rank"]) == {1}


def plain_marian():
    """Return a Marian as plain Inseq loads it, whose decoder scales embeddings twice."""
    return random_model("marian")


def test_plain_inseqs_marian_is_repaired_where_it_is_explained_and_says_so(capsys):
    plain, repaired = plain_marian(), plain_marian()
    from hw7.engine.repairs import scale_embeddings_once

    assert scale_embeddings_once(repaired)
    settings = {"target": "w3 w4", "methods": ["saliency"], "show_progress": False}
    expected = explain(repaired, "w1 w2", **settings).table()
    assert "not loaded with load_model" not in capsys.readouterr().out
    found = explain(plain, "w1 w2", **settings).table()
    assert capsys.readouterr().out.count("was not loaded with load_model") == 1
    assert found.equals(expected)
    explain(plain, "w1 w2", **settings)
    assert "load_model" not in capsys.readouterr().out


def test_repairs_declined_stay_declined(capsys):
    plain, declined = plain_marian(), plain_marian()
    declined.has_repairs = False
    assert wants_repairs(plain)
    assert not wants_repairs(declined)
    settings = {"target": "w3 w4", "methods": ["saliency"], "show_progress": False}
    unrepaired = plain.attribute("w1 w2", "w3 w4", show_progress=False).aggregate()[0]
    found = explain(declined, "w1 w2", **settings).table()
    # Float32: the same sums in another order.
    assert abs(found.to_numpy() - unrepaired.source_attributions.numpy()).max() < 1e-5
    assert "load_model" not in capsys.readouterr().out


def test_repair_that_does_not_help_is_an_error(monkeypatch):
    model = plain_marian()
    monkeypatch.setattr(
        "hw7.engine.repairs._undo_first_scaling", lambda decoder, arguments, settings: None
    )
    with pytest.raises(HomeworkError, match="scores would be wrong"):
        generate(model, "w1 w2", target="w3")
