"""The sentences that must be read with a heatmap."""

from collections.abc import Mapping, Sequence
from typing import Any

from hw7.views.levels import OWN_PART, Outline

_CUT = "输出在长度上限处被截断 (cut at max_new_tokens; the model had not ended)."

_HOW = {
    "sum": "来源 token 的分数相加，生成 token 取平均 (sum over source, mean over generated tokens)",
    "mean": "各 token 分数取平均 (mean over tokens)",
    "largest": "取绝对值最大的 token 分数，每列之和不再是 1 (largest score, as in Inseq)",
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
    notes = [_CUT] if is_cut else []
    if level != "token":
        notes.append(f"{level}: {_HOW[aggregation]}")
        if has_own_part:
            notes.append(f"{OWN_PART}：写后面的 token 时，同一项中已写出的部分")
    if outline.is_partial:
        notes.append(f"只解释了所写文字的这一部分 (only this part is explained)：{explained}")
    if outline.has_contrast:
        notes.append("a → b：a 的分数减 b 的分数 (a rather than b)；空列没有对照 (no contrast)")
    for output in outputs:
        if "log_likelihood" in output and "whole_answer" not in output:
            notes.append(
                "解释整段文字的对数概率 (log-probability of all that is explained): "
                f"{_written(output['log_likelihood'])} nats"
            )
        if size := output.get("head_weights", {}).get("characters"):
            notes.append(
                f"各层各头的注意力要 {size // 1000} kB，超过 200 kB，未放入 "
                '(heads left out: too many tokens; explain fewer with span="…")'
            )
        if not output.get("is_exact", True):
            notes.append(f"ablation: held-out R² {_range_of(output['r2'])} (1 = 可信 trustworthy)")
    return notes


def _range_of(values: Sequence[float]) -> str:
    return " … ".join(dict.fromkeys(map(_written, (min(values), max(values)))))


def _written(number: float) -> str:
    return f"{number:.2f}".replace("-", "−")
