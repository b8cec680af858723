"""Axes of a heatmap, made of what its tokens have in common and of how groups are labelled."""

from collections.abc import Callable, Hashable, Mapping, Sequence

from hw7.views.levels import LEVELS, Axis, Outline, numbered

Label = Callable[[Sequence[int]], str]
"""Gives the label of the tokens at these places."""

WHOLE_ANSWER = "(whole answer)"
"""The column of all that is explained."""


def labelled_axis(
    keys: Mapping[str, Sequence[Hashable]],
    parts: Sequence[tuple[str, bool]],
    special: Sequence[bool],
    label_of: Label,
) -> Axis:
    """Return the groups of a sequence of tokens.

    Args:
        keys: For each level above ``token`` and each token, what its group has in common.
        parts: For each token, the name of its turn and whether it is the template around its text.
        special: For each token, whether it is the model's, such as ``</s>``.
        label_of: Labels a group, unless the name of its turn does.
    """
    keys = {"token": range(len(parts)), **keys}
    axis = Axis(
        labels={level: [] for level in LEVELS},
        numbers={level: numbered(keys[level]) for level in LEVELS},
        turns=[turn for turn, _ in parts],
        special=[
            is_template or is_special
            for (_, is_template), is_special in zip(parts, special, strict=True)
        ],
    )
    for level in LEVELS:
        for group in axis.places(level):
            turn, is_template = parts[group[0]]
            if level != "token" and is_template:
                label = f"{turn} template"
            elif level == "turn" and not axis.special[group[0]]:
                label = turn
            else:
                label = label_of(group)
            axis.labels[level].append(label)
    return axis


def contrasted(columns: Axis, other_label: Label) -> Axis:
    """Name beside a column what it was contrasted with, where that differs: ``Paris → London``.

    Args:
        columns: The explained tokens.
        other_label: Labels what stands at the places of a group; empty where there is nothing.
    """
    labels = {level: list(columns.labels[level]) for level in LEVELS}
    for level in LEVELS:
        for number, group in enumerate(columns.places(level)):
            if (other := other_label(group)) and other != labels[level][number]:
                labels[level][number] += f" → {other}"
    return Axis(labels, columns.numbers, columns.turns, columns.special)


def single_column(rows: Axis, part: str | None) -> Outline:
    """Return the outline of what was read and one column, of a whole answer.

    Args:
        rows: What was read.
        part: The label of the part of the answer that is explained; None where it is all of it.
    """
    names, numbers = (
        {level: [part or WHOLE_ANSWER] for level in LEVELS},
        {level: [0] for level in LEVELS},
    )
    column = Axis(names, numbers, turns=["answer"], special=[False])
    return Outline(rows, column, places=[0], start=None, is_partial=part is not None)
