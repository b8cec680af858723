"""The sentences that must be read with a heatmap."""

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
) -> list[str]:
    """Return the sentences that must be read with the heatmap of a level.

    Args:
        outline: What the rows and columns are.
        level: The level shown.
        aggregation: How scores of groups come from those of their tokens.
        is_cut: A limit cut the text before the model ended it.
        has_own_part: There is a row of what groups had of themselves.
        explained: The explained words, where they are but a part of what was written.
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
    return notes
