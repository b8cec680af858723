"""Chat messages as the prompt a model was trained on, and what each token of it is part of."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, TypeGuard

import regex

from hw7.text.answers import ANSWER
from hw7.text.groups import Part
from hw7.text.limits import check_text

if TYPE_CHECKING:
    from inseq.models import AttributionModel

Message = Mapping[str, str]

ROLES = ("system", "user", "assistant")
_EXAMPLE = 'chat=[{"role": "user", "content": "你好"}]'


@dataclass(frozen=True)
class ChatPrompt:
    """A chat as the model reads it.

    Attributes:
        text: The messages in the model's own template, which ends where the answer begins.
        ids: The tokens of the text.
        parts: For each token, the turn it is part of: ``user``, or ``user 1`` where there are
            several; what the template puts before the answer is part of ``answer``.
        messages: The messages, one a line.
    """

    text: str
    ids: list[int]
    parts: list[Part]
    messages: str


def is_chat(text: Any) -> TypeGuard[Sequence[Message]]:
    """Tell whether this is a list of messages rather than a text or a list of texts."""
    return isinstance(text, Sequence) and bool(text) and isinstance(text[0], Mapping)


def chat_prompt(
    model: "AttributionModel", messages: Sequence[Message], thinking: bool | None = None
) -> ChatPrompt:
    """Put messages into the model's own chat template.

    Args:
        model: A model from ``load_model``.
        messages: Mappings with ``role`` and ``content``, the last one from the user.
        thinking: Whether a model that can think first should; None leaves it to the template.

    Raises:
        ValueError: The model has no chat template, or the messages are none that it takes.
    """
    tokenizer = model.tokenizer
    if model.is_encoder_decoder or not getattr(tokenizer, "chat_template", None):
        raise ValueError(
            f"{model.model_name} has no chat template, so it knows no roles. Give it one text "
            "instead of messages, or load a chat model."
        )
    check_messages(messages)
    if thinking not in (None, True, False):
        raise ValueError(f"thinking must be True, False or None, and not {thinking!r}.")
    if thinking is not None and "enable_thinking" not in str(tokenizer.chat_template):
        raise ValueError(
            f"The chat template of {model.model_name} has no switch for thinking. Leave thinking= "
            "out."
        )
    if not tokenizer.is_fast:
        raise ValueError(
            f"The tokenizer of {model.model_name} does not say where its tokens stand in a chat. "
            "Load the model with a fast tokenizer."
        )
    text = _rendered(model, messages, thinking, is_open=True)
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    of_character = _parts_of_characters(model, messages, thinking, text)
    spans = encoded["offset_mapping"]
    parts = [_part_at(text, start, end, of_character) for start, end in spans]
    lines = [f"{message['role']}: {message['content']}" for message in messages]
    return ChatPrompt(text, list(encoded["input_ids"]), parts, "\n".join(lines))


def check_messages(messages: Sequence[Message]) -> None:
    """Refuse what is no chat.

    Raises:
        ValueError: Says which message is wrong, and what a message looks like.
    """
    if not is_chat(messages):
        raise ValueError(f"A chat is a list of messages, for example {_EXAMPLE}.")
    for number, message in enumerate(messages, 1):
        if not isinstance(message, Mapping) or set(message) != {"role", "content"}:
            raise ValueError(
                f"Message {number} of the chat must have a role and a content and nothing else, "
                f"for example {_EXAMPLE}."
            )
        role, content = message["role"], message["content"]
        if role not in ROLES:
            near = get_close_matches(str(role), ROLES, n=1)
            hint = f"Did you mean {near[0]!r}?" if near else f"Use one of {', '.join(ROLES)}."
            raise ValueError(f"Message {number} of the chat has the role {role!r}. {hint}")
        if not isinstance(content, str) or not content.strip():
            raise ValueError(
                f"Message {number} of the chat has no text as its content: {content!r}."
            )
        check_text(content, f"content of message {number}")
    if messages[-1]["role"] != "user":
        raise ValueError(
            "The last message of the chat must be the user's, since the model's answer to it is "
            "explained. To explain a given answer, pass it as target=."
        )


def _rendered(
    model: "AttributionModel", messages: Sequence[Message], thinking: bool | None, *, is_open: bool
) -> str:
    """Return messages in the template, with what opens the answer where asked for.

    Raises:
        ValueError: The template refuses them, with its own reason.
    """
    from jinja2 import TemplateError

    switch = {} if thinking is None else {"enable_thinking": thinking}
    try:
        return model.tokenizer.apply_chat_template(
            [dict(message) for message in messages],
            tokenize=False,
            add_generation_prompt=is_open,
            **switch,
        )
    except TemplateError as error:
        raise ValueError(
            f"The chat template of {model.model_name} refuses these messages: {error}"
        ) from error


def _parts_of_characters(
    model: "AttributionModel", messages: Sequence[Message], thinking: bool | None, text: str
) -> list[Part]:
    """Return for each character of the rendered text what it is part of.

    The template is rendered a second time with marks in place of the contents: what stands between
    the marks is the template. Where the chat may end after a message, what follows its content up
    to there is that message's, and the rest opens the next turn.

    Raises:
        ValueError: The template changes the messages beyond finding them again.
    """
    marks = [f"\ue000{number}\ue001" for number in range(len(messages))]
    marked = [{**message, "content": mark} for message, mark in zip(messages, marks, strict=True)]
    frame = _rendered(model, marked, thinking, is_open=True)
    # Some templates move the system's message to where the last user's is.
    order = [marks.index(mark) for mark in regex.findall("|".join(marks), frame)]
    pieces = regex.split("|".join(marks), frame)
    pattern = regex.escape(pieces[0])
    for number, piece in zip(order, pieces[1:], strict=True):
        content = regex.escape(messages[number]["content"].strip())
        pattern += rf"(\s*{content}\s*|.*?){regex.escape(piece)}"
    found = regex.fullmatch(pattern, text, regex.DOTALL)
    if found is None or sorted(order) != list(range(len(messages))):
        raise ValueError(
            f"The chat template of {model.model_name} changes these messages so that their words "
            "cannot be found again. Put them into one text yourself, and explain that."
        )
    names = turn_names(messages)
    turns = [*(names[number] for number in order), ANSWER]
    parts: list[Part] = [(turns[0], True)] * len(pieces[0])
    for place, (number, piece) in enumerate(zip(order, pieces[1:], strict=True)):
        closing = _closing(model, marked[: number + 1], thinking, marks[number], piece)
        parts += [(turns[place], False)] * len(found[place + 1])
        parts += [(turns[place], True)] * closing
        parts += [(turns[place + 1], True)] * (len(piece) - closing)
    return parts


def _closing(
    model: "AttributionModel",
    messages: Sequence[Message],
    thinking: bool | None,
    mark: str,
    following: str,
) -> int:
    """Return how many of the characters that follow a message's content close its turn.

    They are those that stand there too where the chat ends with the message. A template may take
    no such chat; all characters then count as the next turn's.
    """
    try:
        closing = _rendered(model, messages, thinking, is_open=False).rpartition(mark)[2]
    except ValueError:
        return 0
    return len(closing) if following.startswith(closing) else 0


def turn_names(messages: Sequence[Message]) -> list[str]:
    """Return a name for each message: its role, numbered where the role has several."""
    total = Counter(message["role"] for message in messages)
    seen: Counter[str] = Counter()
    names = []
    for message in messages:
        role = message["role"]
        seen[role] += 1
        names.append(f"{role} {seen[role]}" if total[role] > 1 else role)
    return names


def _part_at(text: str, start: int, end: int, parts: Sequence[Part]) -> Part:
    """Return what a token is part of: what its first visible character is part of."""
    visible = (place for place in range(start, end) if not text[place].isspace())
    return parts[min(next(visible, start), len(parts) - 1)]
