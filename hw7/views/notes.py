"""The sentences that must be read with a heatmap."""

from collections.abc import Mapping, Sequence
from typing import Any

from hw7.views.levels import OWN_PART, Outline


class Note(str):
    """What must be read with a heatmap, in both languages; a page shows one of them.

    Attributes:
        spoken: The sentence in Chinese and in English.
    """

    spoken: tuple[str, str]

    def __new__(cls, chinese: str, english: str, value: str = "") -> "Note":
        """Put a value, such as a number, behind the sentence of either language."""
        end = f": {value}" if value else ""
        note = super().__new__(cls, f"{chinese} ({english}){end}")
        note.spoken = (chinese + end, english + end)
        return note


_CUT = Note("输出在长度上限处被截断", "cut at max_new_tokens; the model had not ended")

_HOW = {
    "sum": (
        "来源 token 的分数相加，生成 token 取平均",
        "sum over source, mean over generated tokens",
    ),
    "mean": ("各 token 分数取平均", "mean over tokens"),
    "largest": ("取绝对值最大的 token 分数，每列之和不再是 1", "largest score, as in Inseq"),
}


def notes_on(
    outline: Outline,
    level: str,
    aggregation: str,
    *,
    is_cut: bool,
    has_own_part: bool,
    explained: str,
    outputs: Sequence[Mapping[str, Any]] = (),
) -> list[str]:
    """Return the sentences that must be read with the heatmap of a level.

    Args:
        outline: What the rows and columns are.
        level: The level shown.
        aggregation: How scores of groups come from those of their tokens.
        is_cut: A limit cut the text before the model ended it.
        has_own_part: There is a row of what groups had of themselves.
        explained: The explained words, where they are but a part of what was written.
        outputs: What each method says of its scores: the log-probability of a whole answer, or
            how well an ablation's weights fit.
    """
    notes: list[str] = [_CUT] if is_cut else []
    if level != "token":
        chinese, english = _HOW[aggregation]
        notes.append(Note(f"{level}：{chinese}", f"{level}: {english}"))
        if has_own_part:
            notes.append(
                Note(
                    f"{OWN_PART}：写后面的 token 时，同一项中已写出的部分",
                    f"{OWN_PART}: what an item had of itself while its later tokens were written",
                )
            )
    if outline.is_partial:
        notes.append(Note("只解释了所写文字的这一部分", "only this part is explained", explained))
    if outline.has_contrast:
        notes.append(
            Note(
                "a → b：a 的分数减 b 的分数；空列没有对照",
                "a → b: a rather than b; an empty column has no contrast",
            )
        )
    for output in outputs:
        if "log_likelihood" in output and "whole_answer" not in output:
            nats = f"{_written(output['log_likelihood'])} nats"
            notes.append(
                Note("解释整段文字的对数概率", "log-probability of all that is explained", nats)
            )
        if size := output.get("head_weights", {}).get("characters"):
            notes.append(
                Note(
                    f"各层各头的注意力要 {size // 1000} kB，超过 200 kB，未放入；用 span= 解释少些",
                    f"heads left out: {size // 1000} kB, more than 200; explain fewer tokens with "
                    'span="…"',
                )
            )
        if not output.get("is_exact", True):
            fit = _range_of(output["r2"])
            notes.append(
                Note("消融的 held-out R²，1 为可信", "ablation: held-out R², 1 is trustworthy", fit)
            )
    return notes


def _range_of(values: Sequence[float]) -> str:
    return " … ".join(dict.fromkeys(map(_written, (min(values), max(values)))))


def _written(number: float) -> str:
    return f"{number:.2f}".replace("-", "−")
