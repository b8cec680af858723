"""Ablation: parts of the input are left out, and a linear surrogate says what each is worth.

After ContextCite (Cohen-Wang et al. 2024, "ContextCite: Attributing Model Generation to Context"):
random draws of the parts, the log-odds of what was written, and a sparse linear model of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import torch

from hw7.engine.chunks import run_in_chunks
from hw7.engine.errors import NotExplainableError
from hw7.engine.occlusion import rows_at_once
from hw7.engine.progress import Progress
from hw7.engine.step_outputs import StepScores
from hw7.engine.teacher_forcing import HeadInput, TeacherForcing

DRAWS = 64
FEWEST_DRAWS = 8

# ContextCite's penalty of the weights' absolute values, for standardised draws and scores.
PENALTY = 0.01

# Every fourth draw judges a surrogate that was fitted to the others.
HELD_OUT = 4

# Probabilities closer to 1 than float32 tells apart would have log-odds of their rounding.
LEAST_DOUBT = 1e-6


@dataclass(frozen=True)
class Surrogate:
    """A linear model of how the scores depend on which parts of the input are there.

    Attributes:
        weights: What a part adds to a score, `[part, column]`.
        r2: How much of the scores' variance the surrogate explains, `[column]`: of draws that it
            was not fitted to, or where `is_exact` of all subsets.
        is_exact: Whether every subset of the parts was run; the weights are then their average
            effect (the Banzhaf value), and not an estimate.
    """

    weights: np.ndarray
    r2: np.ndarray
    is_exact: bool


def run_ablation(
    forcing: TeacherForcing, score: str, options: Mapping[str, Any], progress: Progress
) -> StepScores:
    """Return what each token of the input is worth to each generated token.

    Args:
        forcing: The text.
        score: `"probability"` explains the log-odds of each token, `"logit"` its logit,
            `"crossentropy"` its negative log-probability (in nats); with a contrast, less the
            contrast's.
        options: `parts`, `draws` and `seed` as in `ablate`.
        progress: Moved on when all draws have been run.

    Returns:
        For each step `[source or prefix]`: a part's weight, shared evenly by its tokens. What is
        never left out (special tokens, the generated ones) is not a number. Their information
        is the surrogate's `r2` of each step and `is_exact`.
    """
    parts = parts_of(forcing, options)
    surrogate = ablate(forcing, options, lambda found: step_values(forcing, score, found))
    length = len(forcing.source_ids) if forcing.source is not None else len(forcing.target_ids)
    scores = torch.full((forcing.steps, length), torch.nan)
    for part, weights in zip(parts, surrogate.weights, strict=True):
        shared = torch.from_numpy(weights).to(scores) / len(part)
        scores[:, list(part)] = shared.unsqueeze(1)
    found = StepScores(forcing)
    found.append(scores)
    found.information = {"r2": surrogate.r2.tolist(), "is_exact": surrogate.is_exact}
    progress.update(forcing.steps)
    return found


def ablate(forcing: TeacherForcing, options: Mapping[str, Any], columns: Any) -> Surrogate:
    """Run the text without some of its parts, many times, and fit the surrogate.

    Args:
        forcing: The text.
        options: `parts`, which positions of the input are left out together, the input's tokens
            one by one where it is missing; `draws`, how many random subsets are run; `seed` of
            the draws. Where all subsets are not more than the draws, they are run instead.
        columns: Turns logits `[row, step, vocabulary]` into scores `[row, column]`.

    Raises:
        NotExplainableError: There are too few draws, the seed is none, or the parts are not
            disjoint ones of the input.
    """
    parts = parts_of(forcing, options)
    draws, seed = options.get("draws", DRAWS), options.get("seed", 0)
    if draws < FEWEST_DRAWS:
        raise NotExplainableError(
            f"{draws} draws are too few to fit and to judge a surrogate: {FEWEST_DRAWS} at least."
        )
    if type(seed) is not int or not 0 <= seed < 2**63:
        raise NotExplainableError(
            f"seed of ablation must be a whole number from 0 on, not {seed!r}."
        )
    is_exact = 2 ** len(parts) <= draws
    if is_exact:
        is_there = torch.tensor(list(product([False, True], repeat=len(parts))))
    else:
        generator = torch.Generator().manual_seed(seed)
        is_there = torch.rand(draws, len(parts), generator=generator) < 0.5
    input_ids = forcing.source_ids if forcing.source is not None else forcing.prompt_ids
    is_kept = torch.ones(len(is_there), len(input_ids), dtype=torch.bool)
    for number, part in enumerate(parts):
        is_kept[:, list(part)] = is_there[:, number : number + 1]

    def scores_of_rows(start: int, end: int) -> torch.Tensor:
        return columns(logits_without(forcing, is_kept[start:end])).double().cpu()

    most = rows_at_once(forcing)
    with torch.no_grad():
        scores = torch.cat(list(run_in_chunks(scores_of_rows, len(is_kept), lambda start: most)))
    return fitted(is_there.double().numpy(), scores.numpy(), is_exact=is_exact)


def parts_of(forcing: TeacherForcing, options: Mapping[str, Any]) -> Sequence[Sequence[int]]:
    """Return the positions of the input that are left out together, part by part.

    Raises:
        NotExplainableError: There is nothing to leave out, or it is not there or there twice.
    """
    parts = options.get("parts")
    ids = forcing.source_ids if forcing.source is not None else forcing.prompt_ids
    if parts is None:
        config = forcing.network.config
        names = ("pad_token_id", "bos_token_id", "eos_token_id")
        special = [getattr(config, name, None) for name in names]
        parts = [[place] for place, id_ in enumerate(ids.tolist()) if id_ not in special]
    if isinstance(parts, (list, tuple)) and not parts:
        raise NotExplainableError("The input has no parts to leave out, only special tokens.")
    try:
        places = [place for part in parts for place in part]
        is_usable = all(map(len, parts)) and all(type(place) is int for place in places)
    except TypeError:
        is_usable = False
    if not is_usable or sorted(places) != sorted({*places} & {*range(len(ids))}):
        raise NotExplainableError(
            "parts of ablation must be lists of positions of the input, from 0 to "
            f"{len(ids) - 1} and each in one part, not {parts!r}."
        )
    return parts


def logits_without(forcing: TeacherForcing, is_kept: torch.Tensor) -> torch.Tensor:
    """Return the logits that predict the generated tokens, `[row, step, vocabulary]`.

    What is left out is cut out, and what follows moves up. A prompt of which nothing is left is
    a start token.

    Args:
        forcing: The text.
        is_kept: Which tokens of the source, or of the prompt, are there, `[row, token]`.
    """
    network, device = forcing.network, forcing.target_ids.device
    steps = torch.arange(forcing.steps, device=device)
    if forcing.source is not None:
        rows, mask = _padded([forcing.source_ids[kept.to(device)] for kept in is_kept])
        written = forcing.target_ids[:-1].expand(len(rows), -1)
        with HeadInput(network, forcing.predictions(0, forcing.steps)):
            return network(
                input_ids=rows, attention_mask=mask, decoder_input_ids=written, use_cache=False
            ).logits
    prompts = [forcing.prompt_ids[kept.to(device)] for kept in is_kept]
    prompts = [prompt if len(prompt) else _start_of(forcing) for prompt in prompts]
    written = forcing.target_ids[forcing.first : -1]
    rows, mask = _padded([torch.cat([prompt, written]) for prompt in prompts])
    first = torch.tensor([len(prompt) - 1 for prompt in prompts], device=device)
    with HeadInput(network, first.unsqueeze(1) + steps):
        return network(input_ids=rows, attention_mask=mask, use_cache=False).logits


def _start_of(forcing: TeacherForcing) -> torch.Tensor:
    config, known = forcing.network.config, forcing.network.get_input_embeddings().weight.shape[0]
    ids = (getattr(config, name, None) for name in ("bos_token_id", "eos_token_id"))
    start = next((id_ for id_ in ids if isinstance(id_, int) and 0 <= id_ < known), 0)
    return forcing.target_ids.new_tensor([start])


def _padded(rows: list[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    """Return rows of ids filled up at the right end, and 1 where there was something."""
    from torch.nn.utils.rnn import pad_sequence

    mask = [torch.ones_like(row) for row in rows]
    return pad_sequence(rows, batch_first=True), pad_sequence(mask, batch_first=True)


def step_values(forcing: TeacherForcing, score: str, logits: torch.Tensor) -> torch.Tensor:
    """Return what is explained of each step, `[row, step]`, see `run_ablation`."""
    values = _value_of(logits, forcing.explained_ids(0, forcing.steps), score)
    compared = forcing.compared_ids(0, forcing.steps)
    return values if compared is None else values - _value_of(logits, compared, score)


def _value_of(logits: torch.Tensor, ids: torch.Tensor, score: str) -> torch.Tensor:
    if score == "logit":
        return logits.gather(-1, ids.expand(len(logits), -1).unsqueeze(-1)).squeeze(-1)
    likelihoods = log_likelihoods(logits, ids)
    return log_odds(likelihoods) if score == "probability" else -likelihoods


def log_likelihoods(logits: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
    """Return the log-probabilities of ids `[step]` in nats, `[row, step]`."""
    picked = logits.gather(-1, ids.expand(len(logits), -1).unsqueeze(-1)).squeeze(-1)
    return picked - logits.logsumexp(dim=-1)


def log_odds(likelihoods: torch.Tensor) -> torch.Tensor:
    """Turn log-probabilities into log-odds, `log p - log(1 - p)`, in nats."""
    likelihoods = likelihoods.double()
    return likelihoods - (-torch.expm1(likelihoods)).clamp(min=LEAST_DOUBT).log()


def fitted(is_there: np.ndarray, scores: np.ndarray, *, is_exact: bool) -> Surrogate:
    """Fit a linear surrogate to scores `[row, column]` of rows in which parts are there or not.

    Args:
        is_there: 1 where a part is there, `[row, part]`.
        scores: `[row, column]`.
        is_exact: Whether the rows are all subsets; otherwise the surrogate is sparse.
    """
    from sklearn.linear_model import LinearRegression
    from sklearn.metrics import r2_score

    if is_exact:
        model = LinearRegression().fit(is_there, scores)
        r2 = r2_score(scores, model.predict(is_there), multioutput="raw_values")
        return Surrogate(model.coef_.T, r2, is_exact=True)
    is_held_out = np.arange(len(scores)) % HELD_OUT == HELD_OUT - 1
    judged = _sparse(is_there[~is_held_out], scores[~is_held_out])
    predicted = judged[1] + is_there[is_held_out] @ judged[0]
    r2 = r2_score(scores[is_held_out], predicted, multioutput="raw_values")
    return Surrogate(_sparse(is_there, scores)[0], r2, is_exact=False)


def _sparse(is_there: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return weights `[part, column]` and constants `[column]` of Lasso (Tibshirani 1996)."""
    from sklearn.linear_model import Lasso
    from sklearn.preprocessing import StandardScaler

    of_parts, of_scores = StandardScaler().fit(is_there), StandardScaler().fit(scores)
    model = Lasso(alpha=PENALTY, fit_intercept=False)
    model.fit(of_parts.transform(is_there), of_scores.transform(scores))
    coefficients = model.coef_.reshape(scores.shape[1], -1).T
    weights = coefficients * of_scores.scale_[None, :] / of_parts.scale_[:, None]
    return weights, of_scores.mean_ - of_parts.mean_ @ weights
