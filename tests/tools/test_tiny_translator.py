"""The bundled translator as it ships: loads, translates, is aligned, knows what it doesn't know."""

import json
import shutil
from pathlib import Path

import opencc
import pytest

from hw7.engine.repairs import scale_embeddings_once
from tools.train_tiny_translator.bundle import read_heldout, read_words
from tools.train_tiny_translator.evaluation import (
    METHODS,
    attributions,
    judge_attributions,
    translate_all,
)
from tools.train_tiny_translator.free_sentences import is_right, read_sentences
from tools.train_tiny_translator.holdout import HOMEWORK_SENTENCE

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


def test_folder_is_small():
    assert sum(file.stat().st_size for file in FOLDER.iterdir()) <= 12 * MEGABYTE


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
    ("split", "bar", "count"), [("heldout", 0.97, 250), ("heldout_combination", 0.9, 250)]
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


def test_shipped_split_labels_agree_with_the_held_out_pairs():
    for line in (FOLDER / "heldout.jsonl").read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        assert bool(record["held_out_pairs"]) == (record["split"] == "heldout_combination")
        assert {word for both in record["held_out_pairs"] for word in both}.issubset(
            record["source_words"]
        )


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


@pytest.mark.parametrize(
    "typed",
    ["我喜欢机器学习和人工智能.", "我喜欢 机器学习 和 人工智能。", " 我喜欢机器学习和人工智能．"],
)
def test_width_of_marks_and_spaces_make_no_difference(tokenizer, typed):
    assert tokenizer(typed).input_ids == tokenizer(HOMEWORK_SENTENCE).input_ids


def test_traditional_characters_are_the_same_sentence(tokenizer, records):
    to_traditional = opencc.OpenCC("s2t")
    for _, pair in records:
        typed = to_traditional.convert(pair.source_text)
        assert tokenizer(typed).input_ids == tokenizer(pair.source_text).input_ids, typed


def test_lasting_aspect_is_read_as_taiwan_writes_it(tokenizer):
    assert tokenizer("他看著書。").input_ids == tokenizer("他看着书。").input_ids


def test_no_source_token_is_a_lone_space_mark(tokenizer, records):
    assert not any(
        "▁" in token for _, pair in records for token in tokenizer.tokenize(pair.source_text)
    )


def test_word_list_matches_the_tokenizer(tokenizer):
    words = read_words(FOLDER)
    assert len(words) >= 300
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


def test_best_method_finds_the_gold_word_for_four_of_five_content_words(
    network, tokenizer, records
):
    pairs = [pair for _, pair in records][::5]
    report = judge_attributions(network, tokenizer.get_vocab(), pairs).report()
    assert max(report[method] for method in METHODS) >= 0.8


def test_saliency_reads_machine_from_its_source_word(network, tokenizer):
    source = tokenizer(HOMEWORK_SENTENCE).input_ids
    target = tokenizer(text_target=HOMEWORK_TRANSLATION).input_ids
    scores = attributions(network, source, target)["saliency"]
    column = tokenizer.convert_ids_to_tokens(target).index("▁machine")
    strongest = tokenizer.convert_ids_to_tokens(source)[int(scores[:, column].argmax())]
    assert strongest == "机器"


@pytest.mark.parametrize(
    ("translation", "is_it"),
    [
        ("He does not like cold tea.", True),
        ("He likes cold tea.", False),
        ("He does not like tea.", False),
        ("He does not like chilly teas.", True),
    ],
)
def test_a_translation_is_right_when_it_has_all_key_words(translation, is_it):
    assert is_right(translation, ["he", "not", "like*", "cold|chilly", "tea*"]) is is_it


def test_a_negation_that_the_sentence_lacks_is_wrong():
    assert is_right("I like tea.", ["I", "like", "tea"])
    assert not is_right("I do not like tea.", ["I", "like", "tea"])


def test_sentences_from_outside_the_grammar_are_many_and_different():
    sentences = [chinese for _, chinese, _ in read_sentences()]
    assert len(set(sentences)) == len(sentences) >= 150
    assert all(keys for _, _, keys in read_sentences())


def test_model_card_tells_licence_and_limits():
    card = (FOLDER / "README.md").read_text(encoding="utf-8")
    for needed in ("apache-2.0", "can't do", "make tiny-translator", "<unk>"):
        assert needed in card


def test_bundle_loads_from_another_folder(tmp_path):
    from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

    copy = tmp_path / "copy"
    shutil.copytree(FOLDER, copy)
    loaded = AutoModelForSeq2SeqLM.from_pretrained(copy)
    assert translate_all(loaded, AutoTokenizer.from_pretrained(copy), [HOMEWORK_SENTENCE]) == [
        HOMEWORK_TRANSLATION
    ]
