"""Occlusion: how much a generated token's score changes when one input token is replaced.

One forward pass over a text with one token replaced holds the changed scores of all generated
tokens. So a text of `S` tokens takes `S + 1` rows of a batch, and not a pass for each pair.
"""

from collections.abc import Callable
from dataclasses import replace

import torch

from hw7.engine.chunks import chunk_size, run_in_chunks
from hw7.engine.llama.matrix_products import FastLinear
from hw7.engine.progress import Progress
from hw7.engine.row_scores import RowScores, empty_scores
from hw7.engine.step_scores import step_scores
from hw7.engine.teacher_forcing import (
    HeadInput,
    TeacherForcing,
    run_decoder,
    run_encoder,
    single_text,
)

# Token positions that one forward pass may hold.
POSITIONS_AT_ONCE = 2048

# Logits that one forward pass may compute. They are most of what occlusion takes; more of them
# would hardly be faster on a processor, and take more memory than Inseq, which runs text by text.
LOGITS_AT_ONCE = {"cpu": 2**21}
LOGITS_ON_ACCELERATORS = 2**27

# Takes the embeddings of some rows, `[row, position, hidden]`; gives scores `[row, step]`.
Scorer = Callable[[torch.Tensor], torch.Tensor]


def run_occlusion(
    forcing: TeacherForcing, score: str, *, has_target: bool, progress: Progress
) -> list[RowScores]:
    """Return the scores of occlusion (Zeiler and Fergus 2014) with windows of one token.

    Inseq's definition: the absolute change of the score when the token's embedding is replaced
    by its baseline's.

    Args:
        forcing: The texts, with baselines.
        score: The number that changes.
        has_target: Whether the target's tokens explain too.
        progress: Moved on by each pass over the replaced tokens of a text.
    """
    scores = empty_scores(forcing)
    with torch.no_grad(), FastLinear():
        for row, scored in enumerate(scores):
            text = single_text(forcing, row)
            if text.source is not None:
                changes = source_changes(text, score)
                scored.source = [change.clone() for change in changes]
            if has_target:
                changes = target_changes(text, score)
                prefixes = range(scored.first, scored.first + len(changes))
                pairs = zip(changes, prefixes, strict=True)
                scored.target = [change[:prefix].clone() for change, prefix in pairs]
            progress.update(text.steps)
    return scores


def source_changes(text: TeacherForcing, score: str) -> torch.Tensor:
    """Return how each source token changes each step's score, `[step, source]`."""

    def scorer(source: torch.Tensor) -> torch.Tensor:
        mask = None if text.source_mask is None else text.source_mask.expand(len(source), -1)
        rows = replace(text, source_mask=mask)
        states = run_encoder(rows, source).last_hidden_state
        return scores_of(rows, score, text.target.expand(len(source), -1, -1), states)

    return changes_of(text, scorer, text.source, text.source_baseline)


def target_changes(text: TeacherForcing, score: str) -> torch.Tensor:
    """Return how each target token changes each step's score, `[step, position]`.

    A token does not change the steps before it; their numbers mean nothing.
    """
    states = None
    if text.source is not None:
        states = run_encoder(text, text.source).last_hidden_state

    def scorer(target: torch.Tensor) -> torch.Tensor:
        mask = None if text.source_mask is None else text.source_mask.expand(len(target), -1)
        seen = None if states is None else states.expand(len(target), -1, -1)
        return scores_of(replace(text, source_mask=mask), score, target, seen)

    return changes_of(text, scorer, text.target, text.target_baseline)


def scores_of(
    text: TeacherForcing, score: str, target: torch.Tensor, states: torch.Tensor | None
) -> torch.Tensor:
    """Return the scores of all steps for rows of embeddings, `[row, step]`."""
    rows = len(target)
    positions = text.prediction_positions(0, text.steps).expand(rows, -1)
    with HeadInput(text.network, positions):
        output = run_decoder(text, target, states)
    ids = text.predicted_ids(0, text.steps).expand(rows, -1)
    contrast = text.contrast_ids
    if contrast is not None:
        contrast = contrast.expand(rows, -1)
    return step_scores(output.logits, ids, score, contrast)


def changes_of(
    text: TeacherForcing,
    scorer: Scorer,
    inputs: torch.Tensor | None,
    baseline: torch.Tensor | None,
) -> torch.Tensor:
    """Return the absolute changes when one position after the other is replaced.

    Args:
        text: The text.
        scorer: Scores rows of embeddings.
        inputs: The embeddings of the text, `[1, position, hidden]`.
        baseline: What replaces them.

    Returns:
        `[step, position]` on the CPU.
    """
    if inputs is None or baseline is None:
        raise ValueError("Occlusion needs baselines: encode with return_baseline=True.")
    length = inputs.shape[1]

    def scores_of_rows(start: int, end: int) -> torch.Tensor:
        # Row 0 is the text as it is; row n has position n - 1 replaced.
        replaced = torch.arange(start, end, device=inputs.device)[:, None] - 1
        is_replaced = replaced == torch.arange(length, device=inputs.device)[None, :]
        return scorer(torch.where(is_replaced.unsqueeze(-1), baseline, inputs)).to("cpu")

    most = rows_at_once(text)
    scores = torch.cat(list(run_in_chunks(scores_of_rows, length + 1, lambda start: most)))
    return (scores[1:] - scores[:1]).abs().T


def rows_at_once(text: TeacherForcing) -> int:
    """Return how many rows are fast together and fit into the memory there is."""
    source = 0 if text.source is None else text.source.shape[1]
    device, logits = text.target.device, text.steps * text.network.config.vocab_size
    length, hidden = text.target.shape[1] + source, text.target.shape[2]
    bytes_per_row = (3 * logits + 24 * length * hidden) * text.target.element_size()
    of_logits = LOGITS_AT_ONCE.get(device.type, LOGITS_ON_ACCELERATORS) // logits
    most = max(1, min(POSITIONS_AT_ONCE // length, of_logits))
    return chunk_size(bytes_per_row, device, most=most)
