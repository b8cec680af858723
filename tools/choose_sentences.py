"""Choose the sentences personal questions are about, out of the translator's held-out ones.

``python -m tools.choose_sentences`` writes ``assets/hw7/sentences.yaml``. A sentence is taken when
the model was not trained on it, translates it without a mistake, and each look-up question has a
reading on it that is beyond doubt and that the other heatmap does not give (see
``hw7.course.personal_questions``). It also looks whether the common questions fit the model.
"""

import argparse
import json
import sys
from collections import Counter
from pathlib import Path

import yaml
from tqdm import tqdm

from helpers.environment import assets_folder
from helpers.errors import HomeworkError
from hw7.course.key_queries import MIN_SCORE, Explainer, answer_query
from hw7.course.personal_questions import MIN_DISTANCE, MIN_MARGIN, candidates
from hw7.course.questions import Question, load_questions

MODEL = assets_folder() / "models" / "tiny-zh-en"
OUTPUT = assets_folder() / "hw7" / "sentences.yaml"
HEADER = f"""\
# Sentences for personal questions, written by `python -m tools.choose_sentences`. The bundled
# translator was not trained on them and translates each rightly. On each, a token asked for leads
# the second by at least {MIN_MARGIN} and is not what the other heatmap says, by {MIN_MARGIN} too; a
# number asked for is at least {MIN_SCORE} and {MIN_DISTANCE:g} away from the other heatmap's.
# `hw7 key` checks this anew on whichever model it runs.
"""


def main() -> int:
    """Explain the held-out sentences and keep those that are beyond doubt."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--model", type=Path, default=MODEL, help="folder of the translator")
    add("--pairs", type=Path, help="held-out sentences and their translations (default: "
        "heldout.jsonl beside the model)")  # fmt: skip
    add("-o", "--output", type=Path, default=OUTPUT, help="the list to write")
    add("--at-least", type=int, default=40, help="write no list that is shorter (default: 40)")
    arguments = parser.parse_args()
    asked = load_questions().personal
    explainer = Explainer({"translation": str(arguments.model)}, asked)
    lines = (arguments.pairs or arguments.model / "heldout.jsonl").read_text("utf-8").splitlines()
    pairs = {pair["source"]: pair["target"] for pair in map(json.loads, lines)}
    chosen, reasons = choose(pairs, asked, explainer)
    print(f"{len(chosen)} of {len(pairs)} sentences fit.")
    for reason, count in reasons.most_common():
        print(f"  {count}: {reason}")
    is_fit = report_common_questions(asked, explainer)
    if len(chosen) < arguments.at_least:
        print(f"Fewer than {arguments.at_least}, so nothing was written; give more --pairs.")
        return 1
    content = {
        "source": "held-out sentences of the bundled translator's grammar",
        "licence": "Apache-2.0",
        "sentences": chosen,
    }
    text = yaml.safe_dump(content, allow_unicode=True, sort_keys=False, width=100)
    arguments.output.write_text(HEADER + text, "utf-8")
    print(f"wrote {arguments.output}")
    return 0 if is_fit else 1


def choose(
    pairs: dict[str, str], asked: list[Question], explainer: Explainer
) -> tuple[list[str], Counter[str]]:
    """Return the sentences on which every question has a reading, and why others have none."""
    chosen, reasons = [], Counter[str]()
    for source, target in tqdm(pairs.items(), unit="sentence"):
        try:
            explanation = explainer.explain("translation", source)
        except HomeworkError:
            reasons["the model can't read it"] += 1
            continue
        explainer.forget()
        lacking = [question.id for question in asked if not candidates(question, explanation)]
        if explanation.generated_text != target:
            reasons["not translated as in the held-out pair"] += 1
        elif lacking:
            reasons[f"no reading beyond doubt that only one heatmap gives ({lacking[0]})"] += 1
        else:
            chosen.append(source)
    return chosen, reasons


def report_common_questions(asked: list[Question], explainer: Explainer) -> bool:
    """Print what this model answers to the common look-ups; return whether all have an answer."""
    is_fit = True
    for question in asked:
        if question.query is None:
            continue
        explanation = explainer.explain("translation", question.query.sentence)
        try:
            answer = answer_query(question.query, explanation)
            print(f"{question.id}, common: {answer.correct or answer.value}")
        except HomeworkError as error:
            is_fit = False
            print(f"{question.id}, common: {error}")
    return is_fit


if __name__ == "__main__":
    sys.exit(main())
