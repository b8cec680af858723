"""Choose the sentences personal questions are about, out of the translator's held-out ones.

``python -m tools.choose_sentences`` writes ``assets/hw7/sentences.yaml``. A sentence is taken when
the model was not trained on it, translates it without a mistake, and each look-up question has at
least two readings that are beyond doubt on it (see ``hw7.course.personal_questions``).
"""

import argparse
import json
import sys
from pathlib import Path

import yaml
from tqdm import tqdm

from helpers.environment import assets_folder
from hw7.course.key_queries import Explainer
from hw7.course.personal_questions import MIN_MARGIN, candidates
from hw7.course.questions import load_questions

MODEL = assets_folder() / "models" / "tiny-zh-en"
OUTPUT = assets_folder() / "hw7" / "sentences.yaml"
HEADER = """\
# Sentences for personal questions, written by `python -m tools.choose_sentences`. The bundled
# translator was not trained on them and translates each rightly; on each, look-up questions have
# readings beyond doubt: the strongest token leads the second by at least {margin}.
# `hw7 key` checks this anew on whichever model it runs.
"""


def main() -> int:
    """Explain the held-out sentences and keep those that are beyond doubt."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, default=MODEL, help="folder of the translator")
    folder = parser.parse_args().model
    asked = [q for q in load_questions().look_ups if q.query and q.query.task == "translation"]
    explainer = Explainer({"translation": str(folder)}, asked)
    lines = (folder / "heldout.jsonl").read_text("utf-8").splitlines()
    chosen = []
    for pair in tqdm([json.loads(line) for line in lines], unit="sentence"):
        explanation = explainer.explain("translation", pair["source"])
        is_translated = explanation.generated_text == pair["target"]
        if is_translated and all(len(candidates(q, explanation)) >= 2 for q in asked):
            chosen.append(pair["source"])
    content = {
        "source": "held-out sentences of the bundled translator's grammar",
        "licence": "Apache-2.0",
        "sentences": chosen,
    }
    text = yaml.safe_dump(content, allow_unicode=True, sort_keys=False, width=100)
    OUTPUT.write_text(HEADER.format(margin=MIN_MARGIN) + text, "utf-8")
    print(f"{len(chosen)} of {len(lines)} sentences")
    return 0


if __name__ == "__main__":
    sys.exit(main())
