"""The bundled translator as it ships: loads, translates, is aligned, knows what it doesn't know."""

import json
import random
import shutil
import statistics
import subprocess
import sys
from collections import Counter
from pathlib import Path

import opencc
import pytest

from hw7.engine.repairs import scale_embeddings_once
from tools.train_tiny_translator.bundle import read_heldout, read_words
from tools.train_tiny_translator.calibration import broken, confidences
from tools.train_tiny_translator.corpus import training_pairs
from tools.train_tiny_translator.evaluation import (
    METHODS,
    attributions,
    judge_attributions,
    translate_all,
)
from tools.train_tiny_translator.free_sentences import is_right, read_sentences, verdicts
from tools.train_tiny_translator.holdout import HOMEWORK_SENTENCE, held_out_pairs, split_of
from tools.train_tiny_translator.network import build_model
from tools.train_tiny_translator.training import Example, Recipe, train

REPOSITORY = Path(__file__).resolve().parents[2]
FOLDER = REPOSITORY / "assets" / "models" / "tiny-zh-en"
HOMEWORK_TRANSLATION = "I like machine learning and artificial intelligence."
MEGABYTE = 1024**2

pytestmark = pytest.mark.bundled


@pytest.fixture(scope="module")
def tokenizer():
    from transformers import MarianTokenizer

    return MarianTokenizer.from_pretrained(FOLDER)


@pytest.fixture(scope="module")
def network():
    from transformers import MarianMTModel

    return MarianMTModel.from_pretrained(FOLDER, attn_implementation="eager").eval()


@pytest.fixture(scope="module")
def records():
    return read_heldout(FOLDER)


@pytest.fixture(scope="module")
def inseq_model():
    import inseq

    model = inseq.load_model(str(FOLDER), "saliency", model_kwargs={"attn_implementation": "eager"})
    # Inseq and Marian's decoder both multiply embeddings by the square root of the width.
    scale_embeddings_once(model)
    return model


def recipe_of_the_bundle() -> Recipe:
    saved = json.loads((FOLDER / "evaluation.json").read_text(encoding="utf-8"))
    return Recipe(**saved["recipe"])


def test_folder_is_small():
    assert sum(file.stat().st_size for file in FOLDER.iterdir()) <= 16 * MEGABYTE


def test_weights_are_float32(network):
    assert {str(weight.dtype) for weight in network.parameters()} == {"torch.float32"}


def test_tokenizer_files_name_nothing_that_only_transformers_5_knows():
    settings = json.loads((FOLDER / "tokenizer_config.json").read_text(encoding="utf-8"))
    assert settings["tokenizer_class"] == "MarianTokenizer"
    for name in ("unk_token", "eos_token", "pad_token"):
        assert isinstance(settings[name], str)


def test_homework_sentence(network, tokenizer):
    assert translate_all(network, tokenizer, [HOMEWORK_SENTENCE]) == [HOMEWORK_TRANSLATION]


def test_homework_sentence_through_inseq(inseq_model):
    assert inseq_model.generate([HOMEWORK_SENTENCE]) == [HOMEWORK_TRANSLATION]


@pytest.mark.parametrize(
    ("split", "bar", "count"), [("heldout", 0.97, 250), ("heldout_combination", 0.92, 250)]
)
def test_exact_match_on_shipped_sentences(network, tokenizer, records, split, bar, count):
    pairs = [pair for name, pair in records if name == split]
    assert len(pairs) == count
    translations = translate_all(network, tokenizer, [pair.source_text for pair in pairs])
    exact = sum(
        translation == pair.target_text
        for translation, pair in zip(translations, pairs, strict=True)
    )
    assert exact / count >= bar


def test_shipped_sentences_differ(records):
    assert len({pair.source_text for _, pair in records}) == len(records) >= 500


def test_shipped_text_is_its_words(records):
    for line in (FOLDER / "heldout.jsonl").read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        assert record["source"] == "".join(record["source_words"])
    for _, pair in records:
        assert pair.target_text.replace(" ", "") == "".join(pair.target_words)


def test_shipped_alignment_is_in_range(records):
    for _, pair in records:
        assert len(pair.source_content) == len(pair.source_words)
        assert len(pair.target_content) == len(pair.target_words)
        for source, target in pair.alignment:
            assert 0 <= source < len(pair.source_words)
            assert 0 <= target < len(pair.target_words)


def test_source_tokens_are_the_gold_words(tokenizer, records):
    for _, pair in records:
        assert tuple(tokenizer.tokenize(pair.source_text)) == pair.source_words


def test_target_tokens_are_the_gold_words_and_decode_cleanly(tokenizer, records):
    for _, pair in records:
        ids = tokenizer(text_target=pair.target_text).input_ids
        pieces = tokenizer.convert_ids_to_tokens(ids)
        assert tuple(piece.lstrip("▁") for piece in pieces[:-1]) == pair.target_words
        assert tokenizer.decode(ids, skip_special_tokens=True) == pair.target_text
        assert tokenizer.unk_token_id not in ids


def test_shipped_split_labels_follow_the_rule(records):
    for split, pair in records:
        assert split_of(pair) == split
        assert bool(held_out_pairs(pair)) == (split == "heldout_combination")


def test_held_out_material_is_absent_from_regenerated_training_data(records):
    shipped = {pair.source_text for _, pair in records}
    held_out = {both for _, pair in records for both in held_out_pairs(pair)}
    assert len(held_out) > 100
    for pair in training_pairs(recipe_of_the_bundle().seed, 8_000):
        words = {
            word for word, flag in zip(pair.source_words, pair.source_content, strict=True) if flag
        }
        assert pair.source_text not in shipped
        assert not any(first in words and second in words for first, second in held_out)


@pytest.mark.parametrize("text", ["我喜欢麒麟。", "他搜集榴莲。", "Hello world", "我喜欢🙂。"])
def test_unknown_word_becomes_unk(tokenizer, text):
    assert tokenizer.unk_token_id in tokenizer(text).input_ids


def test_unknown_word_keeps_its_spelling_for_messages(tokenizer):
    tokens = tokenizer.tokenize("我喜欢麒麟。")
    unknown = [
        token
        for token in tokens
        if tokenizer.convert_tokens_to_ids(token) == tokenizer.unk_token_id
    ]
    assert unknown == ["麒麟"]


def test_ambiguous_string_is_cut_by_frequency(tokenizer):
    assert tokenizer.tokenize("研究生命起源") == ["研究", "生命", "起源"]
    assert tokenizer.tokenize("研究生喜欢生命。")[0] == "研究生"


def test_names_of_known_characters_never_block_a_sentence(network, tokenizer):
    text = "赵志强昨天去了图书馆。"
    assert tokenizer.unk_token_id not in tokenizer(text).input_ids
    assert "Zhao Zhi Qiang" in translate_all(network, tokenizer, [text])[0]


def test_traditional_characters_are_the_same_sentence(tokenizer, records):
    to_traditional = opencc.OpenCC("s2t")
    for _, pair in records:
        typed = to_traditional.convert(pair.source_text)
        assert tokenizer(typed).input_ids == tokenizer(pair.source_text).input_ids, typed


@pytest.mark.parametrize(
    ("typed", "simplified"),
    [
        ("他穿著紅色的裙子。", "他穿着红色的裙子。"),
        ("顯著性圖顯示哪些詞重要。", "显著性图显示哪些词重要。"),
        ("媽媽做的飯很好吃。", "妈妈做的饭很好吃。"),
    ],
)
def test_traditional_characters_as_taiwan_writes_them(tokenizer, typed, simplified):
    assert tokenizer(typed).input_ids == tokenizer(simplified).input_ids


@pytest.mark.parametrize(
    "typed",
    ["我喜欢机器学习和人工智能.", "我喜欢 机器学习 和 人工智能。", " 我喜欢机器学习和人工智能．"],
)
def test_width_of_marks_and_spaces_make_no_difference(tokenizer, typed):
    assert tokenizer(typed).input_ids == tokenizer(HOMEWORK_SENTENCE).input_ids


def test_no_source_token_is_a_lone_space_mark(tokenizer, records):
    assert not any(
        "▁" in token for _, pair in records for token in tokenizer.tokenize(pair.source_text)
    )


def test_word_list_matches_the_tokenizer(tokenizer):
    words = read_words(FOLDER)
    assert len(words) >= 3000
    assert all(tokenizer.tokenize(word) == [word] for word in words)
    assert tokenizer.unk_token_id not in tokenizer.convert_tokens_to_ids(sorted(words))


def test_attributions_equal_inseq(inseq_model, network, tokenizer, records):
    # float32 sums in another order: differences stay around 1e-6 of columns that sum to 1.
    texts = [HOMEWORK_SENTENCE, records[0][1].source_text, records[-1][1].source_text]
    for text in texts:
        for method in METHODS:
            out = inseq_model.attribute(text, method=method, show_progress=False)
            found = out[0] if isinstance(out, list) else out.sequence_attributions[0]
            target = [token.id for token in found.target][1:]
            source = [token.id for token in found.source]
            expected = found.aggregate().source_attributions
            given = attributions(network, source, target)[method].detach()
            assert given.shape == expected.shape
            assert abs(given - expected).max() < 1e-4


def test_best_method_finds_the_gold_word_for_most_content_words(network, tokenizer, records):
    pairs = [pair for _, pair in records][::5]
    report = judge_attributions(network, tokenizer.get_vocab(), pairs).report()
    assert max(report[method] for method in METHODS) >= 0.85


def test_saliency_reads_machine_from_its_source_word(network, tokenizer):
    source = tokenizer(HOMEWORK_SENTENCE).input_ids
    target = tokenizer(text_target=HOMEWORK_TRANSLATION).input_ids
    scores = attributions(network, source, target)["saliency"]
    column = tokenizer.convert_ids_to_tokens(target).index("▁machine")
    strongest = tokenizer.convert_ids_to_tokens(source)[int(scores[:, column].argmax())]
    assert strongest == "机器"


def test_sentences_from_outside_the_grammar(translator):
    """The bars of the model card: at least 80% right, at most 8% wrong."""
    found = Counter(verdict for verdict, *_ in verdicts(translator))
    assert found.total() >= 150
    assert found["right"] / found.total() >= 0.8
    assert found["wrong"] / found.total() <= 0.08


@pytest.mark.parametrize(
    ("translation", "is_it"),
    [
        ("He does not like cold tea.", True),
        ("He likes cold tea.", False),
        ("He does not like tea.", False),
        ("He does not like cold teas.", True),
    ],
)
def test_a_translation_is_right_when_it_has_all_key_words(translation, is_it):
    assert is_right(translation, ["he", "not", "like*", "cold|chilly", "tea*"]) is is_it


def test_a_negation_that_the_sentence_lacks_is_wrong():
    assert is_right("I like tea.", ["I", "like", "tea"])
    assert not is_right("I do not like tea.", ["I", "like", "tea"])


def test_sentences_from_outside_are_none_of_the_grammars():
    outside = {chinese for _, chinese, _ in read_sentences()}
    assert not outside.intersection(pair.source_text for pair in training_pairs(7, 8_000))


def test_broken_sentences_make_the_translator_less_sure(network, tokenizer, records):
    pairs = [pair for _, pair in records][::5]
    generator = random.Random(3)
    texts = [broken(generator, pair, generator.choice(pairs)) for pair in pairs]
    sure = [found for _, found in confidences(network, tokenizer, [p.source_text for p in pairs])]
    unsure = [found for _, found in confidences(network, tokenizer, texts)]
    assert statistics.median(unsure) < statistics.quantiles(sure, n=20)[0]


def test_training_does_not_depend_on_the_number_of_threads():
    import torch

    examples = [Example([2, 3, 4, 0], [5, 6, 0]), Example([3, 2, 0], [6, 5, 7, 0])] * 8
    recipe = Recipe(steps=3, batch_size=8, width=16, feed_forward=16, heads=2, warmup=1)
    trained = []
    for threads in (1, 2):
        model = build_model(recipe, vocabulary_size=12)
        train(model, examples, recipe, threads)
        trained.append(torch.cat([weight.flatten() for weight in model.parameters()]))
    assert torch.equal(*trained)


def test_interrupted_training_ends_as_an_uninterrupted_one(tmp_path, monkeypatch):
    import torch

    from tools.train_tiny_translator import training

    class Interrupted(Exception):
        pass

    def stop_at(step, recipe):
        if step == 6:
            raise Interrupted
        return learning_rate_at(step, recipe)

    monkeypatch.setattr(training, "SAVE_EVERY", 2)
    learning_rate_at = training.learning_rate_at
    examples = [Example([2, 3, 4, 0], [5, 6, 0]), Example([3, 2, 0], [6, 5, 7, 0])] * 8
    recipe = Recipe(steps=8, batch_size=8, width=16, feed_forward=16, heads=2, warmup=1)
    whole, parted = (build_model(recipe, vocabulary_size=12) for _ in range(2))
    train(whole, examples, recipe, 1)
    monkeypatch.setattr(training, "learning_rate_at", stop_at)
    with pytest.raises(Interrupted):
        train(parted, examples, recipe, 1, tmp_path / "state.pt")
    monkeypatch.setattr(training, "learning_rate_at", learning_rate_at)
    resumed = build_model(recipe, vocabulary_size=12)
    train(resumed, examples, recipe, 1, tmp_path / "state.pt")
    for ours, theirs in zip(resumed.parameters(), whole.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_command_shows_help():
    command = [sys.executable, "-m", "tools.train_tiny_translator", "--help"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert "--seed" in done.stdout


def test_model_card_tells_licence_and_limits():
    card = (FOLDER / "README.md").read_text(encoding="utf-8")
    tools = ("lemminflect", "jieba", "OpenCC", "pypinyin")
    for needed in ("apache-2.0", "can't do", "make tiny-translator", "<unk>", *tools):
        assert needed in card


def test_bundle_loads_from_another_folder(tmp_path):
    from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

    copy = tmp_path / "copy"
    shutil.copytree(FOLDER, copy)
    loaded = AutoModelForSeq2SeqLM.from_pretrained(copy)
    assert translate_all(loaded, AutoTokenizer.from_pretrained(copy), [HOMEWORK_SENTENCE]) == [
        HOMEWORK_TRANSLATION
    ]
