"""What a model wrote, taken as a whole: how likely each token was, and what all of it rests on."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from helpers.aggregation import read_axis, readable_tokens
from helpers.environment import font_file
from helpers.errors import MethodError, told_as
from helpers.generation import generate
from helpers.lookup import position
from hw7.text.chat import Message
from hw7.text.generation import written_text
from hw7.text.groups import Part
from hw7.text.spelling import special_tokens_of, spelling_of
from hw7.views.axes import single_column
from hw7.views.labels import readable, shortened
from hw7.views.lens import LogitLens

if TYPE_CHECKING:
    from inseq.models import AttributionModel

    from hw7.text.generation import Generation
    from hw7.views.levels import Outline


def names_of(
    model: "AttributionModel", generation: "Generation"
) -> tuple[list[str], Callable[[int], str]]:
    """Return the readable tokens that were written, and what names any other one by its id."""
    tokenizer = model.tokenizer
    spelling = (spelling_of(tokenizer), special_tokens_of(tokenizer))

    def label(token: int) -> str:
        return readable_tokens(tokenizer.convert_ids_to_tokens([token]), *spelling)[0]

    return readable_tokens(generation.targets.input_tokens[0], *spelling)[generation.first :], label


def probabilities_of(model: "AttributionModel", generation: "Generation") -> list[dict[str, Any]]:
    """Return what the model thought of each generated token, in readable tokens."""
    from hw7.engine.token_probabilities import named_probabilities, token_probabilities

    found = token_probabilities(model, generation.sources, generation.targets, generation.first)
    return named_probabilities(found, *names_of(model, generation))


def logit_lens(
    model: "AttributionModel",
    text: str | Sequence[Message],
    token: str | None = None,
    *,
    occurrence: int | None = None,
    target: str | None = None,
) -> LogitLens:
    """Return the words that the model would have written for a token after each of its layers.

    Args:
        model: A generator from ``load_model``.
        text: The prompt, or the messages of a chat.
        token: The token that was written, as shown on screen; None takes the first one.
        occurrence: Which of several equal ones, counted from 1.
        target: As in ``generate``.

    Raises:
        MethodError: The model's layers cannot be read; the message says why.
        TokenLookupError: No such token was written, or several; the message lists them.
    """
    import pandas

    from hw7.engine import logit_lens as engine
    from hw7.engine.token_probabilities import named_probabilities

    most = 1 if token is None else None
    generation = generate(model, text, target=target, max_new_tokens=most)
    names, label = names_of(model, generation)
    written = pandas.Index(names, name="generated")
    step = 0 if token is None else position(written, token, occurrence)
    with told_as(MethodError):
        layers = engine.logit_lens(model, generation.targets, generation.first + step)
    name = written[step]
    before = " ".join([generation.input_text, *written[:step]])
    told = named_probabilities(layers, [name] * len(layers), label)
    return LogitLens(before, name, told, font_file())


def answer_outline(
    model: "AttributionModel",
    generation: "Generation",
    parts: Sequence[Part],
    explained: Sequence[int] | None,
) -> "Outline":
    """Return the outline of what was read and one column, of all that is explained."""
    name = None
    if explained is not None:
        name = shortened(readable(written_text(model, generation, explained)))
    return single_column(read_axis(model, generation, parts), name)
