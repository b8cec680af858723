"""The Marian network and its training; it sees sentence pairs only, never their alignment."""

import math
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import torch
from torch.nn import functional
from tqdm import tqdm
from transformers import MarianConfig, MarianMTModel

IGNORED = -100
NEGATIVES = 1500
NEVER = -30.0
"""Added to the logits of Chinese pieces, which are read but never written."""
SAVE_EVERY = 500
FINISH_RATE = 0.35
"""What the last fall of the learning rate starts from, as a share of the plateau."""


@dataclass(frozen=True)
class Recipe:
    """Everything that decides the outcome besides the grammar.

    Attributes:
        noise: Share of decoder input words replaced by random words, so that a target word can't
            be guessed from the words before it and has to be read off the source.
        decay: Share of the steps, at the end, in which the learning rate falls to zero.
        finish: Further steps, in which it falls to zero once more, from a lower start.
    """

    seed: int = 7
    sentences: int = 800_000
    steps: int = 20_000
    finish: int = 4_000
    batch_size: int = 128
    width: int = 192
    feed_forward: int = 384
    heads: int = 4
    encoder_layers: int = 3
    decoder_layers: int = 1
    dropout: float = 0.0
    noise: float = 0.1
    learning_rate: float = 2e-3
    warmup: int = 200
    decay: float = 0.4
    shards: int = 2


@dataclass(frozen=True)
class Example:
    """A sentence pair as ids; both end with ``</s>``."""

    source: list[int]
    target: list[int]


def batches(examples: list[Example], recipe: Recipe) -> Iterator[list[Example]]:
    """Endless batches of sentences of similar length, in random order."""
    generator = random.Random(recipe.seed)
    pool_size = recipe.batch_size * 50
    while True:
        order = list(range(len(examples)))
        generator.shuffle(order)
        for start in range(0, len(order), pool_size):
            pool = [examples[index] for index in order[start : start + pool_size]]
            pool.sort(key=lambda example: (len(example.target), len(example.source)))
            cuts = list(range(0, len(pool), recipe.batch_size))
            generator.shuffle(cuts)
            for cut in cuts:
                yield pool[cut : cut + recipe.batch_size]


def padded(rows: list[list[int]], value: int) -> torch.Tensor:
    """Rows of ids as one tensor ``[rows, longest]``."""
    longest = max(map(len, rows))
    return torch.tensor([row + [value] * (longest - len(row)) for row in rows])


def disturbed(
    inputs: torch.Tensor, share: float, words: tuple[int, int], generator: torch.Generator
) -> torch.Tensor:
    """Replace a share of the decoder's input, except its start, by random words.

    Args:
        inputs: Decoder input ids ``[sentences, positions]``.
        share: Mean share of replaced ids; it differs between sentences, from none to double.
        words: First id and one past the last id to draw from.
        generator: Source of randomness.
    """
    shares = torch.rand(len(inputs), 1, generator=generator) * 2 * share
    is_replaced = torch.rand(inputs.shape, generator=generator) < shares
    is_replaced[:, 0] = False
    noise = torch.randint(*words, inputs.shape, generator=generator)
    return torch.where(is_replaced, noise, inputs)


def learning_rate_at(step: int, recipe: Recipe) -> float:
    """Linear warm-up, a plateau, linearly down to zero, and down once more from FINISH_RATE."""
    if step >= recipe.steps:
        left = recipe.steps + recipe.finish - step
        return recipe.learning_rate * FINISH_RATE * max(0, left) / max(1, recipe.finish)
    if step < recipe.warmup:
        return recipe.learning_rate * (step + 1) / recipe.warmup
    falling = max(1.0, recipe.steps * recipe.decay)
    return recipe.learning_rate * min(1.0, max(0.0, (recipe.steps - step) / falling))


def candidates_of(
    batch: list[Example], first: int, end: int, generator: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """The pieces to tell apart in this batch: all that it has, and some of the others.

    Returns:
        Ids, and for each the logarithm of how many others it stands for.
    """
    wanted = torch.tensor(sorted({piece for example in batch for piece in example.target}))
    others = torch.randint(first, end, (NEGATIVES,), generator=generator).unique()
    others = others[~torch.isin(others, wanted)]
    weight = math.log(max(1.0, (end - first - len(wanted)) / len(others)))
    bonus = torch.cat([torch.zeros(len(wanted)), torch.full((len(others),), weight)])
    return torch.cat([wanted, others]), bonus


def decoder_inputs(
    batch: list[Example], config: MarianConfig, noise: float, generator: torch.Generator
) -> torch.Tensor:
    """What the decoder has written so far at each position, partly disturbed."""
    start = config.decoder_start_token_id
    inputs = padded([[start, *example.target[:-1]] for example in batch], config.pad_token_id)
    return disturbed(inputs, noise, (2, config.vocab_size - 1), generator)


def gradients_of(
    model: MarianMTModel,
    batch: list[Example],
    inputs: torch.Tensor,
    candidates: tuple[torch.Tensor, torch.Tensor],
) -> tuple[float, tuple[torch.Tensor, ...]]:
    """Mean cross-entropy of the batch and its gradients, leaving the model untouched."""
    pad = model.config.pad_token_id
    source = padded([example.source for example in batch], pad)
    labels = padded([example.target for example in batch], IGNORED)
    hidden = model.model(
        input_ids=source,
        attention_mask=(source != pad).long(),
        decoder_input_ids=inputs,
        use_cache=False,
    )[0]
    is_judged = labels != IGNORED
    ids, bonus = candidates
    place = torch.zeros(model.config.vocab_size, dtype=torch.long)
    place[ids] = torch.arange(len(ids))
    logits = hidden[is_judged] @ model.lm_head.weight[ids].T + bonus
    loss = functional.cross_entropy(logits, place[labels[is_judged]])
    parameters = [weight for weight in model.parameters() if weight.requires_grad]
    return loss.item(), torch.autograd.grad(loss, parameters)


def train(
    model: MarianMTModel,
    examples: list[Example],
    recipe: Recipe,
    threads: int = 2,
    state: Path | None = None,
) -> None:
    """Train in place.

    Each batch is divided among threads of one processor core each: for matrices this small that
    is much faster than several cores for one matrix. The outcome depends on ``recipe.shards``,
    not on the number of threads.

    Args:
        model: The network.
        examples: The sentences.
        recipe: Steps, rates and the like.
        threads: How many threads work on a batch.
        state: A file that the training is kept in now and then; where it exists, the training goes
            on from it and ends as if it had never been interrupted.
    """
    generator = torch.Generator().manual_seed(recipe.seed)
    parameters = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=learning_rate_at(0, recipe), betas=(0.9, 0.98))
    done = restore(state, model, optimizer, generator)
    model.train()
    steps = recipe.steps + recipe.finish
    stream = islice(batches(examples, recipe), done, steps)
    first = int((model.final_logits_bias[0] == NEVER).sum()) + 1
    bar = tqdm(stream, "training", steps, initial=done, mininterval=5, dynamic_ncols=True)
    with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        for step, batch in enumerate(bar, done):
            shards = [batch[start :: recipe.shards] for start in range(recipe.shards)]
            inputs = [
                decoder_inputs(shard, model.config, recipe.noise, generator) for shard in shards
            ]
            scored = candidates_of(batch, first, model.config.pad_token_id, generator)
            results = list(
                pool.map(
                    lambda shard, given, ids=scored: gradients_of(model, shard, given, ids),
                    shards,
                    inputs,
                )
            )
            apply_gradients(optimizer, parameters, [gradients for _, gradients in results])
            set_learning_rate(optimizer, step + 1, recipe)
            if step % 50 == 0:
                loss = sum(loss for loss, _ in results) / len(results)
                bar.set_postfix(loss=f"{loss:.3f}", refresh=False)
            if state is not None and (step + 1) % SAVE_EVERY == 0:
                keep(state, step + 1, model, optimizer, generator)
    model.eval()


def keep(
    state: Path,
    step: int,
    model: MarianMTModel,
    optimizer: torch.optim.Optimizer,
    generator: torch.Generator,
) -> None:
    """Write everything that the training goes on from."""
    parts = {"model": model.state_dict(), "optimizer": optimizer.state_dict()}
    unfinished = state.with_suffix(".part")
    torch.save({"step": step, "generator": generator.get_state(), **parts}, unfinished)
    unfinished.replace(state)


def restore(
    state: Path | None,
    model: MarianMTModel,
    optimizer: torch.optim.Optimizer,
    generator: torch.Generator,
) -> int:
    """Read what ``keep`` wrote, if anything, and return the number of steps done."""
    if state is None or not state.exists():
        return 0
    kept = torch.load(state, weights_only=True)
    model.load_state_dict(kept["model"])
    optimizer.load_state_dict(kept["optimizer"])
    generator.set_state(kept["generator"])
    return int(kept["step"])


def set_learning_rate(optimizer: torch.optim.Optimizer, step: int, recipe: Recipe) -> None:
    """Give the optimizer the learning rate of this step."""
    for group in optimizer.param_groups:
        group["lr"] = learning_rate_at(step, recipe)


def apply_gradients(
    optimizer: torch.optim.Optimizer,
    parameters: list[torch.nn.Parameter],
    shards: list[tuple[torch.Tensor, ...]],
) -> None:
    """One step along the mean of the shards' gradients, clipped to norm 1."""
    for parameter, *gradients in zip(parameters, *shards, strict=True):
        parameter.grad = torch.stack(gradients).mean(0)
    torch.nn.utils.clip_grad_norm_(parameters, 1.0)
    optimizer.step()
