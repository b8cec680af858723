"""Refuse methods and options that do not run here, in the student's words."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from helpers.errors import MethodError, check_names, nearest, told_as
from hw7.engine.methods import OPTIONS, check_counts, missing_methods, working_methods

if TYPE_CHECKING:
    from inseq.models import AttributionModel


def check_methods(model: "AttributionModel", methods: Sequence[str]) -> None:
    """Refuse methods that do not run on this model here.

    Raises:
        MethodError: Lists the methods that work, and says why a known one does not.
    """
    if not isinstance(methods, (list, tuple)) or not methods:
        raise MethodError("Give the methods as a list, for example methods=['saliency'].")
    missing, working = missing_methods(model), working_methods(model)
    for method in methods:
        if method not in working:
            reason = missing.get(method, "there is no such method")
            hint = "" if method in missing else nearest(method, working)
            raise MethodError(
                f"The method {method!r} does not run here: {reason}.{hint} "
                f"These do: {', '.join(working)}."
            )


def check_options(
    methods: Sequence[str], options: Mapping[str, Mapping[str, Any]] | None
) -> dict[str, dict[str, Any]]:
    """Return each method's options, those that are None left out.

    Raises:
        MethodError: A name is unknown, no method has such options, or a count is none.
    """
    options = {} if options is None else options
    if not isinstance(options, Mapping) or not all(
        isinstance(own, Mapping) or own is None for own in options.values()
    ):
        raise MethodError(
            "method_options holds a dictionary for each method, for example "
            "method_options={'integrated_gradients': {'n_steps': 50}}."
        )
    check_names(options, methods, "method in methods= with the name", MethodError)
    for method, own in options.items():
        check_names(own or (), OPTIONS.get(method, ()), f"option of {method}", MethodError)
        with told_as(MethodError):
            check_counts(method, own or {})
    given = {method: options.get(method) or {} for method in methods}
    return {m: {n: own[n] for n in own if own[n] is not None} for m, own in given.items()}
