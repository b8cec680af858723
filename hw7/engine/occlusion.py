"""Occlusion: how much a generated token's score changes when one input token is replaced.

One forward pass over a text with one token replaced holds the changed scores of all generated
tokens. So a text of `S` tokens takes `S + 1` rows of a batch, and not a pass for each pair.
"""

import torch

from hw7.engine.chunks import run_in_chunks
from hw7.engine.progress import Progress
from hw7.engine.step_outputs import StepScores
from hw7.engine.step_scores import step_scores
from hw7.engine.teacher_forcing import HeadInput, TeacherForcing, run_decoder, run_encoder

# Token positions that one forward pass may hold.
POSITIONS_AT_ONCE = 2048

# Logits that one forward pass may compute. With a quarter of them, 20 tokens of SmolLM2 take a
# quarter longer on a processor: the products have too few rows. More take memory and gain little.
LOGITS_AT_ONCE = {"cpu": 2**23}
LOGITS_ON_ACCELERATORS = 2**27


def run_occlusion(forcing: TeacherForcing, score: str, progress: Progress) -> StepScores:
    """Return the scores of occlusion (Zeiler and Fergus 2014) with windows of one token.

    Inseq's definition: the absolute change of the score when the token's embedding is replaced
    by its baseline's.

    Returns:
        For each step `[source or prefix]`.
    """
    inputs, baseline = forcing.inputs, forcing.baseline
    length = inputs.shape[1]
    positions = torch.arange(length, device=inputs.device)

    def scores_of_rows(start: int, end: int) -> torch.Tensor:
        # Row 0 is the text as it is; row n has position n - 1 replaced.
        replaced = torch.arange(start, end, device=inputs.device)[:, None] - 1
        is_replaced = (replaced == positions).unsqueeze(-1)
        return scores_of(forcing, score, torch.where(is_replaced, baseline, inputs)).to("cpu")

    most = rows_at_once(forcing)
    with torch.no_grad():
        scores = torch.cat(list(run_in_chunks(scores_of_rows, length + 1, lambda start: most)))
    found = StepScores(forcing)
    # A token does not change the steps before it, and belongs to no prefix of theirs.
    found.append((scores[1:] - scores[:1]).abs().T)
    progress.update(forcing.steps)
    return found


def scores_of(forcing: TeacherForcing, score: str, inputs: torch.Tensor) -> torch.Tensor:
    """Return the scores of all steps for variants of a text, `[row, step]`, without a graph.

    Args:
        forcing: The text.
        score: The number to compute.
        inputs: Embeddings that take the place of the source's, or of the target's in
            decoder-only models, `[row, position, hidden]`.
    """
    network, target, states = forcing.network, inputs, None
    if forcing.source is not None:
        target = forcing.target.expand(len(inputs), -1, -1)
        states = run_encoder(network, inputs).last_hidden_state
    with HeadInput(network, forcing.predictions(0, forcing.steps)):
        output = run_decoder(network, target, states)
    ids = forcing.explained_ids(0, forcing.steps)
    return step_scores(output.logits, ids, score, forcing.compared_ids(0, forcing.steps))


def rows_at_once(forcing: TeacherForcing) -> int:
    """Return how many variants of a text are fast together."""
    logits = forcing.steps * forcing.network.get_output_embeddings().weight.shape[0]
    most = LOGITS_AT_ONCE.get(forcing.target.device.type, LOGITS_ON_ACCELERATORS) // logits
    return max(1, min(POSITIONS_AT_ONCE // forcing.positions, most))
