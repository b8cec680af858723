"""Task 2: ask a chat model to decide, to explain itself, and to score its own words.

The prompts follow the study "Can Large Language Models Explain Themselves?" (Huang et al. 2023,
arXiv 2310.11207): a class for a film review, a free explanation, and a list of
``(word, importance)`` tuples.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from helpers.errors import HomeworkError
from helpers.generation import generate
from hw7.lessons.self_explanation.replies import (
    ParsedReply,
    importances_of_words,
    parse_importances,
    words_of,
)
from hw7.lessons.self_explanation.review import ReviewScores, score_review

if TYPE_CHECKING:
    from inseq.models import AttributionModel

__all__ = [
    "REVIEW",
    "ChatPrompt",
    "ParsedReply",
    "ReviewScores",
    "ask",
    "chat_prompt",
    "classify_prompt",
    "explain_prompt",
    "importances_of_words",
    "parse_importances",
    "score_review",
    "tuple_prompt",
    "words_of",
]

REVIEW = (
    "This film is a compelling drama that captivates audiences with its intricate storytelling "
    "and powerful performances."
)
EXAMPLE_REVIEW = "The plot is dull."
EXAMPLE_REPLY = '[("The", 0.0), ("plot", -0.1), ("is", 0.0), ("dull", -0.9)]\n0'

Turn = tuple[str, str]
"""Who speaks, ``user`` or ``assistant``, and what is said."""


@dataclass(frozen=True)
class ChatPrompt:
    """A prompt in the model's own chat template."""

    text: str  # what the model reads
    reply_start: str = ""  # the beginning of the reply that was put into the model's mouth


def chat_prompt(
    model: "AttributionModel", turns: Sequence[Turn], *, reply_start: str = ""
) -> ChatPrompt:
    """Write turns of a conversation in the model's chat template, up to where it has to reply.

    Args:
        model: A chat model from ``load_model``.
        turns: The conversation, the last turn the user's.
        reply_start: Let the reply begin like this, which holds a small model to a format.

    Raises:
        HomeworkError: The model has no chat template.
    """
    if not getattr(model.tokenizer, "chat_template", None):
        raise HomeworkError(
            f"{model.model_name} has no chat template, so it cannot be asked. "
            "Type: model = load_model('generation')"
        )
    messages = [{"role": role, "content": content} for role, content in turns]
    # Qwen3 would think aloud first; templates that don't know the switch ignore it.
    text = model.tokenizer.apply_chat_template(
        messages, tokenize=False, add_generation_prompt=True, enable_thinking=False
    )
    return ChatPrompt(text + reply_start, reply_start)


def classify_prompt(model: "AttributionModel", review: str = REVIEW) -> ChatPrompt:
    """Ask for the class of a review, in one word."""
    question = (
        "You are a movie review analyst. Is this review positive or negative? "
        f"Answer with one word, Positive or Negative.\n\nReview: {review}"
    )
    return chat_prompt(model, [("user", question)], reply_start="The review is")


def explain_prompt(model: "AttributionModel", review: str = REVIEW) -> ChatPrompt:
    """Ask for the class of a review and for an explanation in the model's own words."""
    question = (
        "You are a movie review analyst. Decide whether this review is positive or negative, and "
        f"explain in two sentences which of its words made you decide so.\n\nReview: {review}"
    )
    return chat_prompt(model, [("user", question)])


def tuple_prompt(model: "AttributionModel", review: str = REVIEW) -> ChatPrompt:
    """Ask for ``(word, importance)`` tuples and the class, after one worked example."""
    first = words_of(review)[0]
    return chat_prompt(
        model,
        [
            ("user", tuple_question(EXAMPLE_REVIEW)),
            ("assistant", EXAMPLE_REPLY),
            ("user", tuple_question(review)),
        ],
        reply_start=f'[("{first}",',
    )


def tuple_question(review: str) -> str:
    """Return the question for the tuple format, to be pasted into any chat."""
    return (
        "You are a movie review analyst. Give every word of the review an importance from -1 (very "
        "negative) to 1 (very positive) for the sentiment. Answer only with a list of (word, "
        "importance) tuples, then the class as an integer: 1 for positive, 0 for negative."
        f"\n\nReview: {review}"
    )


def ask(model: "AttributionModel", prompt: ChatPrompt, *, max_new_tokens: int = 60) -> str:
    """Return a chat model's reply, with the beginning that was put into its mouth."""
    written = generate(model, prompt.text, max_new_tokens=max_new_tokens)
    space = " " if prompt.reply_start else ""
    return f"{prompt.reply_start}{space}{written.generated_text}"
