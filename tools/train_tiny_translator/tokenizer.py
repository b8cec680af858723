"""SentencePiece models whose pieces are the words of the grammar, and the shared vocabulary.

The models are written, not trained: every word is one piece, so that a heatmap has one row per
word, and scores are word frequencies, so that an ambiguous string is cut where it most likely is.
A word outside the lexicon becomes ``<unk>``, which the reader is told, instead of a wrong split
that looks right. Traditional characters are read as the simplified ones they correspond to.
"""

import io
import json
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path

import sentencepiece
from sentencepiece import sentencepiece_model_pb2 as proto

from tools.train_tiny_translator.frequencies import score, scores_of
from tools.train_tiny_translator.words import NO_SPACE_BEFORE

END, UNKNOWN, PAD = "</s>", "<unk>", "<pad>"
SPACE_MARK = "▁"
PIECE_SCORE = -10.0
SAME_CHARACTER = {
    "。": ".．｡",
    "，": ",﹐",
    "？": "?﹖",
    "！": "!﹗",
    "、": "､",
    "": " \t\n\r\u00a0\u3000\u200b\ufeff",
}
ALSO_TRADITIONAL = {"么": ["麽"], "干": ["乾"], "了": ["瞭"], "背": ["揹"]}
"""Characters that OpenCC's table leaves alone because they are also simplified ones."""
LASTING_VERBS = "穿戴坐站放睡躺等笑走活亮看拿跟住想 掛挂 貼贴 擺摆 開开 關关 聽听 帶带 寫写 說说"
"""Verbs before which 著 is 着; elsewhere it is itself, as in 显著. Some with both their forms."""


def target_piece(word: str) -> str:
    """The piece of an English word; punctuation and ``'s`` attach to the word before."""
    return word if word in NO_SPACE_BEFORE else SPACE_MARK + word


def character_rules(known: Iterable[str]) -> dict[str, list[str]]:
    """Characters that are read as another: widths of marks, spaces, traditional characters.

    Args:
        known: Words of the translator; characters that occur in none of them need no rule.
    """
    table = resources.files("opencc") / "dictionary" / "TSCharacters.txt"
    characters = {character for word in known for character in word}
    rules: dict[str, list[str]] = defaultdict(list)
    for rule in (SAME_CHARACTER, ALSO_TRADITIONAL):
        for result, replaced in rule.items():
            rules[result] += replaced
    singles, *doubles = LASTING_VERBS.split(" ")
    for traditional, simplified in [*zip(singles, singles, strict=True), *doubles]:
        rules[f"{simplified}着"] += dict.fromkeys([f"{traditional}著", f"{simplified}著"])
    for line in table.read_text("utf-8").splitlines():
        traditional, simplified = line.split("\t")
        simplified = simplified.split(" ")[0]
        if simplified in characters and traditional not in characters and simplified != traditional:
            rules[simplified] += [traditional] if traditional not in rules[simplified] else []
    return dict(rules)


def normalization(rules: dict[str, list[str]]) -> proto.NormalizerSpec:
    """Compile character rules with SentencePiece's own compiler, through a throw-away model.

    Args:
        rules: For each result, the strings to replace by it.
    """
    lines = [
        "\t".join(" ".join(f"{ord(letter):X}" for letter in side) for side in (replaced, result))
        for result, strings in rules.items()
        for replaced in strings
    ]
    model = io.BytesIO()
    with tempfile.TemporaryDirectory() as folder:
        rule_file = Path(folder) / "rules.tsv"
        rule_file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(["ab ba", "ba ab"]),
            model_writer=model,
            vocab_size=8,
            model_type="char",
            normalization_rule_tsv=str(rule_file),
            hard_vocab_limit=False,
            minloglevel=2,
        )
    spec = proto.ModelProto.FromString(model.getvalue()).normalizer_spec
    spec.normalization_rule_tsv = ""
    return spec


def build_sentencepiece(
    pieces: Mapping[str, float], rules: dict[str, list[str]], *, add_dummy_prefix: bool
) -> bytes:
    """A Unigram model with these scored pieces and nothing to fall back on but ``<unk>``.

    Ids start with ``</s>`` 0 and ``<unk>`` 1, as in ``vocab.json``. The best segmentation is the
    one with the largest sum of scores.
    """
    model = proto.ModelProto()
    piece_type = proto.ModelProto.SentencePiece
    model.pieces.add(piece=END, score=0.0, type=piece_type.CONTROL)
    model.pieces.add(piece=UNKNOWN, score=0.0, type=piece_type.UNKNOWN)
    for piece, piece_score in pieces.items():
        model.pieces.add(piece=piece, score=piece_score, type=piece_type.NORMAL)
    model.trainer_spec.model_type = proto.TrainerSpec.UNIGRAM
    model.trainer_spec.vocab_size = len(model.pieces)
    model.trainer_spec.eos_id, model.trainer_spec.unk_id = 0, 1
    model.trainer_spec.bos_id = model.trainer_spec.pad_id = -1
    if rules:
        model.normalizer_spec.CopyFrom(normalization(rules))
    model.normalizer_spec.name = "tiny-zh-en"
    model.normalizer_spec.add_dummy_prefix = add_dummy_prefix
    model.normalizer_spec.remove_extra_whitespaces = True
    model.normalizer_spec.escape_whitespaces = True
    return model.SerializeToString()


def build_vocabulary(source_words: Iterable[str], target_words: Iterable[str]) -> dict[str, int]:
    """Ids of all pieces of both languages: ``</s>``, ``<unk>``, source, target, ``<pad>``."""
    source = sorted(set(source_words))
    target = sorted({target_piece(word) for word in target_words} - set(source))
    return {piece: index for index, piece in enumerate([END, UNKNOWN, *source, *target, PAD])}


def write_tokenizer(
    folder: Path,
    source_words: Iterable[str],
    target_words: Iterable[str],
    unknown_words: Iterable[str] = (),
    name_characters: Iterable[str] = (),
) -> dict[str, int]:
    """Write the tokenizer files that ``MarianTokenizer`` of Transformers 4.53 and later reads.

    Args:
        folder: Where to write.
        source_words: The Chinese words, closing marks included.
        target_words: The English words.
        unknown_words: Chinese words made of known ones that mean something else. They are pieces
            without an id, so that 大家 becomes ``<unk>`` and not "large home".
        name_characters: Characters that are only known as parts of names.

    Returns:
        The vocabulary, piece to id.
    """
    source, target = sorted(set(source_words)), sorted(set(target_words))
    vocabulary = build_vocabulary(source, target)
    # No dummy prefix: Chinese has no spaces, and a lone "▁" would be an extra row of the heatmap.
    blocked = sorted(set(unknown_words) - set(source))
    in_names = set(name_characters)
    scores = scores_of(set(source), in_names) | {word: score(word) for word in blocked}
    model = build_sentencepiece(
        scores, character_rules([*source, *blocked]), add_dummy_prefix=False
    )
    (folder / "source.spm").write_bytes(model)
    target_scores = {target_piece(word): PIECE_SCORE for word in target}
    model = build_sentencepiece(target_scores, {}, add_dummy_prefix=True)
    (folder / "target.spm").write_bytes(model)
    write_json(folder / "vocab.json", vocabulary)
    settings = {
        "tokenizer_class": "MarianTokenizer",
        "source_lang": "zh",
        "target_lang": "en",
        "unk_token": UNKNOWN,
        "eos_token": END,
        "pad_token": PAD,
        "model_max_length": 128,
        "separate_vocabs": False,
        "clean_up_tokenization_spaces": False,
    }
    write_json(folder / "tokenizer_config.json", settings)
    return vocabulary


def write_json(path: Path, value: object) -> None:
    """Write readable UTF-8 JSON."""
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
