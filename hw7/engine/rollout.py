"""Attention rollout: how much of each token reaches a state through all layers together."""

import torch

from hw7.engine.progress import Progress
from hw7.engine.step_gradients import Attentions
from hw7.engine.step_outputs import StepScores
from hw7.engine.teacher_forcing import TeacherForcing


def run_rollout(forcing: TeacherForcing, attentions: Attentions, progress: Progress) -> StepScores:
    """Return the scores of attention rollout (Abnar and Zuidema 2020).

    "Quantifying Attention Flow in Transformers": a layer hands on half of each state as it is,
    and mixes the other half by its weights, averaged over heads. The product over all layers says
    how much of each token is in a state, if nothing but attention mixed them.

    Args:
        forcing: The text, of a decoder-only model.
        attentions: Its attention weights, `[1, head, to, from]` for each layer.
        progress: Moved on at the end.

    Returns:
        For each step `[prefix]`: the row of the position that predicts the token.
    """
    length = forcing.target.shape[1]
    unchanged = torch.eye(length)
    mixed = unchanged
    for weights in attentions.decoder or ():
        mean = weights[0].mean(dim=0).to(unchanged)
        mixed = (0.5 * unchanged + 0.5 * mean) @ mixed
    found = StepScores(forcing)
    found.append(mixed[forcing.predictions(0, forcing.steps)])
    progress.update(forcing.steps)
    return found
