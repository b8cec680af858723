"""Which model a name stands for, and the decision between the full and the offline models."""

import pytest
from safetensors.numpy import save_file

from helpers import catalog
from helpers.errors import ModelNotFoundError
from hw7.fetch import availability
from hw7.fetch.endpoint import Obstacle, obstacle_to

ENTRY = catalog.CATALOG["translation"]


@pytest.fixture(autouse=True)
def bare_machine(monkeypatch, tmp_path):
    """A local machine with no full model on it."""
    for name in ("HW7_MODELS", "COLAB_RELEASE_TAG", "COLAB_GPU", "KAGGLE_KERNEL_RUN_TYPE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HW7_MODELS_FOLDER", str(tmp_path))
    monkeypatch.setattr(availability, "is_in_hub_cache", lambda full_id: False)
    return tmp_path


def put_model(folder):
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (folder / "tokenizer.json").write_text('{"model": {}}')
    (folder / "tokenizer_config.json").write_text("{}")
    save_file({}, folder / "model.safetensors")


@pytest.mark.parametrize("edition", ["full", "offline"])
def test_variable_decides(monkeypatch, edition):
    monkeypatch.setenv("HW7_MODELS", edition)
    assert catalog.choose_edition(ENTRY) == (edition, f"HW7_MODELS={edition}")


def test_variable_with_another_value_is_refused(monkeypatch):
    monkeypatch.setenv("HW7_MODELS", "big")
    with pytest.raises(ModelNotFoundError, match="'full' or 'offline'"):
        catalog.choose_edition(ENTRY)


def test_full_model_on_disk_is_used(bare_machine):
    put_model(bare_machine / ENTRY.full_folder)
    assert catalog.find_model("translation").name == ENTRY.full_id


def test_half_downloaded_folder_is_no_model(bare_machine):
    (bare_machine / ENTRY.full_folder).mkdir()
    (bare_machine / ENTRY.full_folder / "config.json").write_text("{}")
    assert catalog.choose_edition(ENTRY)[0] == "offline"


def test_local_machine_without_the_full_model_stays_offline_without_asking_the_hub(monkeypatch):
    monkeypatch.setattr(availability, "obstacle_to", lambda _: pytest.fail("the hub was asked"))
    assert catalog.choose_edition(ENTRY)[0] == "offline"


@pytest.mark.parametrize(("reachable", "edition"), [(True, "full"), (False, "offline")])
def test_colab_uses_the_full_model_where_the_hub_answers(monkeypatch, reachable, edition):
    monkeypatch.setenv("COLAB_RELEASE_TAG", "x")
    obstacle = None if reachable else Obstacle("it does not answer", "Try again")
    monkeypatch.setattr(availability, "obstacle_to", lambda repository: obstacle)
    assert catalog.choose_edition(ENTRY)[0] == edition


def test_hub_that_refuses_the_connection_is_not_reachable(monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    obstacle = obstacle_to("organisation/model", timeout=1)
    assert "does not answer" in (obstacle.why if obstacle else "nothing")


@pytest.mark.parametrize("name", ["nonsense", "a/b/c", "./missing", "two words/x", ""])
def test_name_that_is_no_model_lists_the_catalog(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelNotFoundError, match="'translation', 'generation'"):
        catalog.find_model(name)


def test_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(ModelNotFoundError, match="no model in it"):
        catalog.find_model(str(tmp_path))


def test_folder_name_is_shown_without_its_path(tmp_path):
    put_model(tmp_path / "mine")
    assert catalog.find_model(str(tmp_path / "mine")).name == "mine"


def test_hub_name_is_left_to_the_hub():
    assert catalog.find_model("gpt2-family/model").address == "gpt2-family/model"


@pytest.mark.parametrize("name", ["gpt2-xl", "t5-small", "distilgpt2", "someone/translation"])
def test_a_name_of_the_hub_is_taken_with_and_without_an_owner(name):
    assert catalog.find_model(name).address == name


@pytest.mark.parametrize("name", ["tranlation", "translation-2", "my model-1", "a/b/c-1", "gpt"])
def test_a_misspelt_key_or_a_path_is_no_name_of_the_hub(name):
    with pytest.raises(ModelNotFoundError, match="There is no model named"):
        catalog.find_model(name)
