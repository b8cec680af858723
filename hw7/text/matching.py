"""What was asked for by name: a method, or a token among the labels of a heatmap."""

import unicodedata
from collections.abc import Sequence
from difflib import get_close_matches

NAMED_SIGNS = {"newline": "↵", "tab": "⇥", "space": "␣"}
"""Signs that no keyboard has, by the names that may be typed for them."""


def the_method(methods: Sequence[str], method: str | None) -> str:
    """Return the method asked for, or the only one there is.

    Raises:
        ValueError: There are no scores of it, or there are several and none was named.
    """
    if method is None and len(methods) == 1:
        return methods[0]
    if method is None:
        raise ValueError(f"Say which method: method= one of {', '.join(map(repr, methods))}.")
    if method not in methods:
        meant = get_close_matches(str(method), methods, n=1)
        advice = (
            f"Did you mean {meant[0]!r}?" if meant else f"Run explain(..., methods=[{method!r}])."
        )
        raise ValueError(
            f"This explanation has no scores of {method!r}, only of "
            f"{', '.join(map(repr, methods))}. {advice}"
        )
    return method


def place_of(
    labels: Sequence[str],
    token: object,
    forms: Sequence[str],
    occurrence: int | None,
    *,
    side: str,
    argument: str,
) -> int:
    """Return the place of a token, counted from 0.

    Args:
        labels: The labels of a heatmap's rows or columns.
        token: What was typed: a label as shown on screen, or the text it stands for.
        forms: How the heatmap would show that text, the likeliest first.
        occurrence: Which one of several equal tokens, counted from 1.
        side: What the labels are of, such as ``source``, for the message.
        argument: The argument that tells the occurrence, for the message.

    Raises:
        ValueError: The token is not there, or it is there more than once.
    """
    typed = str(token).strip(" ")
    named = NAMED_SIGNS.get(typed.strip().lower())
    places = _places_of(labels, [typed, *forms, *([named] if named else [])])
    if not places:
        raise ValueError(
            f"There is no {token!r} among the {side} tokens. There are: "
            f"{' | '.join(map(str, labels))}"
        )
    if occurrence is None and len(places) > 1:
        seen = "; ".join(f"{argument}={n}: {_around(labels, at)}" for n, at in enumerate(places, 1))
        raise ValueError(f"{token!r} occurs {len(places)} times. Say which one: {seen}")
    numbers = range(1, len(places) + 1)
    if occurrence is not None and occurrence not in numbers:
        raise ValueError(
            f"{token!r} occurs {len(places)} time(s), so {argument}={occurrence!r} does not exist."
        )
    return places[numbers.index(occurrence or 1)]


def _places_of(labels: Sequence[str], forms: Sequence[str]) -> list[int]:
    """Return where a token is shown; what looks alike counts only where nothing equals it."""
    for form in forms:
        for alike in (str, _composed):
            shown = [alike(label) == alike(form) for label in labels]
            if any(shown):
                return [place for place, is_shown in enumerate(shown) if is_shown]
    return []


def _composed(text: str) -> str:
    """Return one spelling of a letter with its accents, however it was typed (NFC)."""
    return unicodedata.normalize("NFC", text)


def _around(labels: Sequence[str], place: int) -> str:
    """Show a token with its neighbours."""
    before = labels[place - 1] if place else "(start)"
    after = labels[place + 1] if place + 1 < len(labels) else "(end)"
    return f"{before} [{labels[place]}] {after}"
