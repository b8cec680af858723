"""The errors of its own that the engine raises, and why an attribution failed, in a sentence."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from hw7.engine.capacity import is_out_of_memory

if TYPE_CHECKING:
    from inseq.models import AttributionModel


class NotExplainableError(ValueError):
    """A model, method, score or option that gives wrong scores or none; the message says why."""


class TooLargeError(MemoryError):
    """A model or an attribution needs more memory than is free; the message says what would fit."""


def reason_of(error: BaseException) -> str:
    """Return the first line of what an exception says, without a stop, or else its name."""
    return str(error).strip().partition("\n")[0].rstrip(". ") or type(error).__name__


@contextmanager
def failures_in_words(
    model: "AttributionModel", length: int, options: Mapping[str, Mapping[str, Any]]
) -> Iterator[None]:
    """Say what to try where Inseq, Captum or torch gives up on targets of so many tokens.

    `options` holds the methods that run, each with its own options.

    Raises:
        NotExplainableError: A method does not run so on this model.
        TooLargeError: The memory is full.
    """
    try:
        yield
    except NotExplainableError:
        raise
    except (
        AssertionError, AttributeError, IndexError, NotImplementedError, TypeError, ValueError
    ) as error:  # fmt: skip
        what = f"{model.model_name} cannot be explained with {', '.join(options)} here"
        if given := {name: own for name, own in options.items() if {*own} - {"parts"}}:
            what = f"method_options={given} do not work"
        raise NotExplainableError(
            f"{what}: {reason_of(error)}. Try another method or model."
        ) from error
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        raise TooLargeError(
            f"{model.model_name} ran out of memory while explaining {length} tokens. Restart the "
            "runtime, then try a smaller max_new_tokens or quantization='8bit'."
        ) from error
