"""Models in use: refuse what is none or does not fit, and give back the memory of one."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from helpers.errors import HomeworkError, MethodError, NotEnoughMemoryError, say, told_as
from hw7.engine.errors import NotExplainableError, TooLargeError, failures_in_words
from hw7.engine.freeing import MemoryUse, free_weights, memory_in_use
from hw7.engine.placement import check_attribution_fits

if TYPE_CHECKING:
    from inseq.models import AttributionModel

    from hw7.text.generation import Generation


def check_loaded(model: object) -> None:
    """Refuse what is no model of Inseq's, or was released.

    Raises:
        HomeworkError: Says what to type.
    """
    from inseq.models import AttributionModel

    if not isinstance(model, AttributionModel):
        given = f"a {type(model).__name__}" + (f" ({model!r})" if isinstance(model, str) else "")
        name = model if isinstance(model, str) else getattr(model, "name_or_path", "translation")
        raise HomeworkError(
            f"A loaded model is needed, but this is {given}. Type: model = load_model({name!r})"
        )
    if model.model is None:
        raise HomeworkError("This model was released. Load it again with load_model(...).")


def release(model: "AttributionModel") -> MemoryUse | None:
    """Free a model's weights and the GPU cache; print and return what was freed.

    Whoever still holds the model can no longer use it; explanations stay usable.

    Returns:
        The memory freed, or None where the model had been released before.
    """
    if model.model is None:
        say("Nothing to release: this model was released before.")
        return None
    before = memory_in_use()
    name, held = model.model_name, free_weights(model)
    after = memory_in_use()
    freed = MemoryUse(max(before.process - after.process, 0), max(before.cuda - after.cuda, 0))
    say(f"Released {name}: {freed} freed, {after} still in use.")
    if held:
        say(
            f"{held} weights are still referred to by another variable; they were emptied, "
            "so they take no memory and that variable is of no more use."
        )
    return freed


@contextmanager
def told_failures(
    model: "AttributionModel", generation: "Generation", options: Mapping[str, Mapping[str, Any]]
) -> Iterator[None]:
    """Refuse what does not fit, and tell the student why an attribution failed."""
    with told_as(NotEnoughMemoryError, TooLargeError), told_as(MethodError, NotExplainableError):
        check_attribution_fits(model, generation.sources, generation.targets, [*options])
        with failures_in_words(model, generation.targets.input_ids.shape[1], options):
            yield
