"""What the notebooks say in numbers: shown by a stored output beside it, or computed here."""

import re

import nbformat
import pytest

from helpers import explain
from hw7.lessons.published import published_scores
from hw7.lessons.which_method import Variant, compare_methods, gold_for, split_gold, summarize
from tools.execute_notebooks import stored_notebooks

TRANSFORMERS = {"4.53", "4.58"}
QUIET = {"show_progress": False}
# What an exercise's answer or a picture says, by the tests below.
COMPUTED_HERE = {
    "02_translation": {"0.08", "0.29", "0.30", "0.32", "0.33"},
    "03_generation": {"0.19", "0.26", "0.43", "0.64"},
}


def numbers_in_prose(notebook):
    prose = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    return set(re.findall(r"(?<![\d.])\d+\.\d\d(?!\d)", prose))


def shown_text(notebook):
    """What a reader sees below the code cells: printed lines, tables, facts of heatmaps."""
    texts = []
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            page = re.sub(r"<(style|script)\b.*?</\1>", "", data.get("text/html", ""), flags=re.S)
            texts += [
                output.get("text", ""),
                data.get("text/plain", ""),
                re.sub("<[^>]*>", " ", page),
            ]
    return "\n".join(texts)


@pytest.mark.parametrize(
    "path", stored_notebooks(), ids=lambda path: f"{path.parent.name}-{path.stem}"
)
def test_every_number_of_the_prose_is_shown_or_computed(path):
    notebook = nbformat.read(path, as_version=4)
    shown = set(re.findall(r"\d+\.\d\d", shown_text(notebook)))
    unsupported = (
        numbers_in_prose(notebook) - TRANSFORMERS - shown - COMPUTED_HERE.get(path.stem, set())
    )
    if path.stem == "hw7_answers":
        unsupported.discard("0.12")  # how an answer is written
    assert unsupported == set()


def test_for_my_attention_gives_the_phone_hardly_more_than_me(translator):
    explanation = explain(translator, "他把我的手机放在桌子上了。", methods=["attention"], **QUIET)
    column = explanation.table("attention")["my"]
    assert (round(column["手机"], 2), round(column["我"], 2)) == (0.33, 0.32)


def test_a_forced_word_has_sharp_scores_and_the_wrong_source(translator, translation):
    forced = explain(
        translator,
        "我喜欢机器学习和人工智能。",
        target="I love artificial intelligence.",
        methods=["saliency"],
        **QUIET,
    )
    column = forced.table("saliency")["artificial"]
    assert (column.idxmax(), round(column.max(), 2)) == ("机器", 0.30)
    assert forced.token_probabilities[2]["probability"] < 0.005
    own = translation.table("saliency")["artificial"]
    assert (own.idxmax(), round(own.max(), 2)) == ("人工", 0.29)


def test_saliency_of_the_published_run_parks_nothing_on_the_end_mark():
    assert published_scores("opus-mt-zh-en", "saliency").loc["</s>"].max() == pytest.approx(
        0.08, abs=0.005
    )
    attention = published_scores("opus-mt-zh-en", "attention").loc["</s>"]
    assert (round(attention.min(), 1), round(attention.max(), 1)) == (0.2, 0.6)


def test_tokyo_hangs_on_japan_by_ablation_and_on_the_first_token_by_saliency(generator):
    explained = explain(
        generator,
        "The capital of Japan is",
        methods=["saliency", "ablation"],
        max_new_tokens=1,
        **QUIET,
    )
    saliency = explained.table("saliency")["Tokyo"].round(2)
    assert saliency[["The", "capital", "Japan"]].tolist() == [0.43, 0.26, 0.19]
    assert explained.table("ablation")["Tokyo"].idxmax() == "Japan"


def test_the_template_takes_two_thirds_of_a_whole_answer(generator):
    asked = "What is the capital of France? Answer in one word."
    chat = [{"role": "user", "content": asked}]
    whole = explain(generator, chat=chat, whole_answer=True, max_new_tokens=3, **QUIET)
    shares = whole.table("saliency", level="sentence").iloc[:, 0].round(2)
    assert shares["user template"] + shares["answer template"] == pytest.approx(0.64)


def test_with_half_of_the_words_deleted_a_method_is_nearer_to_random(translator):
    _, test = split_gold(gold_for(translator))

    def lead(share):
        variants = [Variant("saliency", "saliency")]
        counts = compare_methods(translator, test[:10], variants, fractions=(share,))
        means = summarize(counts, ["comprehensiveness"], intervals=False)["comprehensiveness"]
        return means["saliency"] - means["random"]

    assert lead(0.5) < lead(0.1) / 2
