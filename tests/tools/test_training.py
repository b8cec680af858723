"""The trainer of the bundled translator: resumable, the same on any machine, strict at its end."""

import random
import statistics
import sys
from pathlib import Path

import pytest
import torch

from tools.train_tiny_translator import __main__ as command
from tools.train_tiny_translator import training
from tools.train_tiny_translator.bundle import read_heldout
from tools.train_tiny_translator.calibration import broken, confidences
from tools.train_tiny_translator.evaluation import missed_bars
from tools.train_tiny_translator.network import build_model
from tools.train_tiny_translator.training import Example, Recipe, train

EXAMPLES = [Example([2, 3, 4, 0], [5, 6, 0]), Example([3, 2, 0], [6, 5, 7, 0])] * 8
GOOD = {
    "exact_match_heldout": 0.98,
    "exact_match_heldout_combination": 0.95,
    "saliency": 0.9,
    "input_x_gradient": 0.5,
    "attention": 0.5,
    "free_right": 0.85,
    "free_wrong": 0.05,
}


def tiny_recipe(steps: int) -> Recipe:
    shape = {"width": 16, "feed_forward": 16, "heads": 2}
    return Recipe(steps=steps, finish=2, batch_size=8, warmup=1, **shape)


def weights(model) -> torch.Tensor:
    return torch.cat([weight.detach().flatten() for weight in model.parameters()])


def test_training_does_not_depend_on_the_number_of_threads():
    recipe = tiny_recipe(steps=3)
    trained = []
    for threads in (1, 2):
        model = build_model(recipe, vocabulary_size=12)
        train(model, EXAMPLES, recipe, threads)
        trained.append(weights(model))
    assert torch.equal(*trained)


def test_the_learning_rate_falls_to_zero_twice():
    recipe = Recipe(steps=100, finish=20, warmup=10, learning_rate=1.0, decay=0.4)
    rates = [training.learning_rate_at(step, recipe) for step in range(121)]
    assert rates[9] == rates[60] == 1
    assert rates[99] == pytest.approx(1 / 40)
    assert rates[100] == training.FINISH_RATE < 1 and rates[110] == pytest.approx(rates[100] / 2)
    assert rates[120] == 0


def test_interrupted_training_ends_as_an_uninterrupted_one(tmp_path, monkeypatch):
    class Interrupted(Exception):
        pass

    learning_rate_at = training.learning_rate_at

    def stop_at(step, recipe):
        if step == 6:
            raise Interrupted
        return learning_rate_at(step, recipe)

    monkeypatch.setattr(training, "SAVE_EVERY", 2)
    recipe = tiny_recipe(steps=8)
    whole, parted, resumed = (build_model(recipe, vocabulary_size=12) for _ in range(3))
    train(whole, EXAMPLES, recipe, 1)
    monkeypatch.setattr(training, "learning_rate_at", stop_at)
    with pytest.raises(Interrupted):
        train(parted, EXAMPLES, recipe, 1, tmp_path / "state.pt")
    monkeypatch.setattr(training, "learning_rate_at", learning_rate_at)
    assert torch.load(tmp_path / "state.pt", weights_only=True)["step"] == 4
    train(resumed, EXAMPLES, recipe, 1, tmp_path / "state.pt")
    assert torch.equal(weights(resumed), weights(whole))


def test_good_figures_miss_no_bar():
    assert missed_bars(GOOD) == []


@pytest.mark.parametrize(
    ("name", "figure"),
    [
        ("exact_match_heldout", 0.96),
        ("exact_match_heldout_combination", 0.9),
        ("free_right", 0.79),
        ("free_wrong", 0.09),
    ],
)
def test_a_missed_bar_is_named(name, figure):
    (missed,) = missed_bars(GOOD | {name: figure})
    assert missed.startswith(f"{name} {figure:.1%}")


def test_only_the_best_attribution_method_has_to_reach_its_bar():
    (missed,) = missed_bars(GOOD | {"saliency": 0.7})
    assert missed.startswith("best_method 70.0%")
    assert missed_bars(GOOD | {"saliency": 0.7, "attention": 0.86}) == []


@pytest.mark.parametrize(("figure", "is_placed"), [(0.96, False), (0.98, True)])
def test_only_a_model_that_meets_the_bars_is_put_in_place(tmp_path, monkeypatch, figure, is_placed):
    def build(folder: Path, *_) -> None:
        (folder / "words.txt").write_text("new", encoding="utf-8")

    output = tmp_path / "output"
    output.mkdir()
    (output / "words.txt").write_text("old", encoding="utf-8")
    monkeypatch.setattr(command.tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(command, "build", build)
    monkeypatch.setattr(command, "evaluate", lambda *_: GOOD | {"exact_match_heldout": figure})
    monkeypatch.setattr(sys, "argv", ["train_tiny_translator", "--output", str(output)])
    threads = torch.get_num_threads()
    try:
        if is_placed:
            command.main()
        else:
            with pytest.raises(SystemExit, match=r"unchanged.*exact_match_heldout 96\.0%"):
                command.main()
    finally:
        torch.set_num_threads(threads)
    assert (output / "words.txt").read_text(encoding="utf-8") == ("new" if is_placed else "old")
    kept = list(tmp_path.glob("tiny-zh-en-*"))
    assert len(kept) == (0 if is_placed else 1)


def test_command_shows_help(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["train_tiny_translator", "--help"])
    with pytest.raises(SystemExit, match="0"):
        command.main()
    assert {"--seed", "--state", "--evaluate"}.issubset(capsys.readouterr().out.split())


@pytest.mark.bundled
def test_broken_sentences_make_the_translator_less_sure():
    from transformers import MarianMTModel, MarianTokenizer

    tokenizer = MarianTokenizer.from_pretrained(command.OUTPUT)
    network = MarianMTModel.from_pretrained(command.OUTPUT).eval()
    pairs = [pair for _, pair in read_heldout(command.OUTPUT)][::5]
    generator = random.Random(3)
    texts = [broken(generator, pair, generator.choice(pairs)) for pair in pairs]
    sure = [found for _, found in confidences(network, tokenizer, [p.source_text for p in pairs])]
    unsure = [found for _, found in confidences(network, tokenizer, texts)]
    assert statistics.median(unsure) < statistics.quantiles(sure, n=10)[0]


def test_model_card_names_the_tools_that_made_the_model():
    card = (Path(command.__file__).parent / "model_card.md").read_text(encoding="utf-8")
    for tool in ("lemminflect", "inflect", "jieba", "OpenCC", "pypinyin"):
        assert tool in card
