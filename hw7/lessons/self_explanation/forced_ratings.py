"""Hold a chat model to the tuple format: every word rated, only the numbers are its own."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from hw7.lessons.self_explanation import REVIEW, tuple_prompt, words_of

if TYPE_CHECKING:
    import torch
    from inseq.models import AttributionModel

Slot = list[list[int]]
"""The ways to go on at one place, each as token ids; none is the beginning of another."""

RATINGS = [f"{tenth / 10:.1f}" for tenth in range(-10, 11)]


def rate_every_word(
    model: "AttributionModel", review: str = REVIEW, *, seed: int | None = None
) -> str:
    """Let the model write ``(word, importance)`` tuples for all words, then the class.

    Brackets, words and their order are forced (Transformers' ``prefix_allowed_tokens_fn``); the
    model chooses each importance from -1.0 to 1.0 and the class 0 or 1. A format that was forced
    says nothing about whether the model can keep to it: report that with the numbers.

    Args:
        model: A chat model from ``load_model``.
        review: The review whose words are rated.
        seed: Draw the numbers at random with this seed; None takes the most probable ones.

    Returns:
        The reply, complete, as ``parse_importances`` reads it.
    """
    import torch

    choice: dict[str, Any] = {"do_sample": False}
    if seed is not None:
        torch.manual_seed(seed)
        choice = {"do_sample": True, "temperature": 1.0, "top_k": 0}
    prompt = tuple_prompt(model, review)
    encoded = model.encode([prompt.text])
    start = encoded.input_ids.shape[1]
    slots = _slots(model, words_of(review))
    ids = model.model.generate(
        encoded.input_ids,
        attention_mask=encoded.attention_mask,
        prefix_allowed_tokens_fn=_allowed_tokens(slots, start, int(model.eos_token_id)),
        max_new_tokens=sum(max(map(len, slot)) for slot in slots),
        num_beams=1,
        pad_token_id=model.tokenizer.pad_token_id,
        **choice,
    )
    return prompt.reply_start + model.tokenizer.decode(ids[0, start:], skip_special_tokens=True)


def _slots(model: "AttributionModel", words: Sequence[str]) -> list[Slot]:
    """Return a slot for each word's importance (up to the next number) and one for the class."""
    ends = [f'), ("{word}",' for word in words[1:]] + [")]\n"]
    texts = [[f" {rating}{end}" for rating in RATINGS] for end in ends] + [["0", "1"]]
    encode = model.tokenizer.encode
    return [[encode(text, add_special_tokens=False) for text in choices] for choices in texts]


def _allowed_tokens(
    slots: Sequence[Slot], start: int, end_id: int
) -> Callable[[int, "torch.Tensor"], list[int]]:
    """Return the function that tells ``generate`` which tokens may come next."""

    def allowed(_: int, ids: "torch.Tensor") -> list[int]:
        written = ids[start:].tolist()
        for slot in slots:
            chosen = [way for way in slot if written[: len(way)] == way]
            if not chosen:
                ways = [way for way in slot if way[: len(written)] == written]
                return sorted({way[len(written)] for way in ways})
            written = written[len(chosen[0]) :]
        return [end_id]

    return allowed
