"""Judge the translator on sentences written by hand, which it is never trained on.

``python -m tools.train_tiny_translator.free_sentences`` prints right, wrong and refused; ``--list``
prints every sentence. A translation is right when it holds each key word of its line in
``tests/tools/own_sentences.tsv`` and is negated only where a key word is.
"""

import argparse
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from helpers.errors import TextError

if TYPE_CHECKING:
    from inseq.models import AttributionModel

REPOSITORY = Path(__file__).resolve().parents[2]
SENTENCES = REPOSITORY / "tests" / "tools" / "own_sentences.tsv"
MODEL = REPOSITORY / "assets" / "models" / "tiny-zh-en"
NEGATIONS = re.compile(r"\b(not|no|never|cannot|nothing|nobody)\b|n't\b")
VERDICTS = ("right", "wrong", "refused")
NEGATIVE_KEYS = {"not", "no", "never", "cannot", "stop"}


def read_sentences(path: Path = SENTENCES) -> list[tuple[str, str, list[str]]]:
    """Kind, Chinese sentence and key words of each line."""
    rows = [line.split("\t") for line in path.read_text("utf-8").splitlines() if line[0] != "#"]
    return [(kind, chinese, keys.split()) for kind, chinese, keys in rows]


def is_right(translation: str, keys: list[str]) -> bool:
    """Whether each key occurs as a word (``a|b`` either, ``a*`` any ending), negated as asked."""
    text = translation.lower()
    for key in keys:
        words = "|".join(re.escape(word).replace(r"\*", r"\w*") for word in key.lower().split("|"))
        if not re.search(rf"(?<!\w)({words})(?!\w)", text):
            return False
    asks_negation = any(NEGATIVE_KEYS & set(key.split("|")) for key in keys)
    return asks_negation or not NEGATIONS.search(text)


def verdicts(model: "AttributionModel") -> Iterator[tuple[str, str, str, str]]:
    """Verdict (right, wrong, refused), kind, sentence, and translation or reason of each."""
    from helpers.generation import generate

    for kind, chinese, keys in read_sentences():
        try:
            translation = generate(model, chinese, max_new_tokens=40).generated_text
        except TextError as error:
            yield "refused", kind, chinese, str(error)
            continue
        yield "right" if is_right(translation, keys) else "wrong", kind, chinese, translation


def judge_free_sentences(folder: Path) -> tuple[Counter[str], dict[str, Counter[str]]]:
    """Count the verdicts on a translator's folder, in all and by kind of sentence."""
    from helpers.models import load_model

    counts: Counter[str] = Counter()
    kinds: dict[str, Counter[str]] = {}
    for verdict, kind, _, _ in verdicts(load_model(str(folder))):
        counts[verdict] += 1
        kinds.setdefault(kind, Counter())[verdict] += 1
    return counts, kinds


def main() -> None:
    """Print the counts, by kind and in all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, default=MODEL, help="folder of the translator")
    parser.add_argument("--list", action="store_true", help="print every sentence")
    arguments = parser.parse_args()
    if arguments.list:
        from helpers.models import load_model

        for verdict, _, chinese, text in verdicts(load_model(str(arguments.model))):
            print(f"{verdict:8} {chinese} {text}")
        return
    counts, kinds = judge_free_sentences(arguments.model)
    for kind, found in [*kinds.items(), ("all", counts)]:
        print(f"{kind:10}", *(f"{name} {found[name]:3}" for name in VERDICTS))


if __name__ == "__main__":
    main()
