"""Run many methods on one gold sentence, and turn each into scores of tokens and of words."""

import copy
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import torch

from hw7.lessons.which_method.gold import GoldSentence
from hw7.lessons.which_method.word_tables import word_table

if TYPE_CHECKING:
    import pandas
    from inseq.data import FeatureAttributionSequenceOutput
    from inseq.models import AttributionModel

    from helpers.generation import Generation

Reading = Literal["output", "input"]
READINGS: tuple[Reading, ...] = ("output", "input")

SEED = 0

COMPARED = (
    "saliency",
    "input_x_gradient",
    "integrated_gradients",
    "deeplift",
    "gradient_shap",
    "occlusion",
    "attention",
    "value_zeroing",
)
"""The methods of notebook 05, those that run here among them."""


@dataclass(frozen=True)
class Variant:
    """One way to score, with the settings that tell it from others.

    Attributes:
        name: What it is called in tables.
        method: The name of Inseq's method.
        score: What gradient methods differentiate.
        layer: For attention: the layer, counted from 0, or None for the mean of all.
        reading: For attention: at the decoder's output, as Inseq shows it, or at its input.
        options: Arguments of the method, such as ``n_steps``.
    """

    name: str
    method: str
    score: str = "probability"
    layer: int | None = None
    reading: Reading = "output"
    options: tuple[tuple[str, Any], ...] = ()

    @property
    def run(self) -> tuple[str, str, tuple[tuple[str, Any], ...]]:
        """What the model has to compute; variants that read it differently share it."""
        return self.method, self.score, self.options


@dataclass(frozen=True)
class ScoredSentence:
    """The scores of one variant over one gold sentence.

    Attributes:
        tokens: Inseq's output, aggregated to `[source, generated]`, with raw tokens.
        words: The same word by word, see ``word_table``.
        seconds: How long the method took.
    """

    tokens: "FeatureAttributionSequenceOutput"
    words: "pandas.DataFrame"
    seconds: float


def score_sentence(
    model: "AttributionModel",
    generation: "Generation",
    gold: GoldSentence,
    variants: Sequence[Variant],
) -> Iterator[tuple[Variant, ScoredSentence]]:
    """Yield each variant's scores over the gold translation of one sentence.

    Args:
        model: A translator from ``load_model``.
        generation: The gold sentence with its gold translation as target.
        gold: Its words and links.
        variants: What to run; methods are run once and read in several ways.

    Raises:
        TextError: The model's tokens do not spell the gold words.
    """
    from helpers.attribution import attribute

    runs: dict[tuple, tuple[FeatureAttributionSequenceOutput, float]] = {}
    for variant in variants:
        if variant.run not in runs:
            seed_everything(SEED)
            started = time.perf_counter()
            outputs = attribute(
                model,
                generation,
                [variant.method],
                score=variant.score,  # type: ignore[arg-type]
                method_options={variant.method: dict(variant.options)},
                show_progress=False,
            )
            sequence = outputs[variant.method].sequence_attributions[0]
            runs[variant.run] = sequence, time.perf_counter() - started
        raw, seconds = runs[variant.run]
        tokens = aggregated(raw, variant)
        words = word_table(tokens, model.tokenizer, gold.source_words, gold.target_words)
        yield variant, ScoredSentence(tokens, words, seconds)


def aggregated(
    sequence: "FeatureAttributionSequenceOutput", variant: Variant
) -> "FeatureAttributionSequenceOutput":
    """Aggregate as Inseq's ``show()`` does; attention as the variant reads it."""
    if variant.method == "attention":
        return layer_attribution(sequence, layer=variant.layer, reading=variant.reading)
    return sequence.aggregate()


def layer_count(sequence: "FeatureAttributionSequenceOutput") -> int:
    """Return the number of layers in Inseq's raw attention `[source, generated, layer, head]`."""
    return int(sequence.source_attributions.shape[-2])


def layer_attribution(
    sequence: "FeatureAttributionSequenceOutput",
    *,
    layer: int | None = None,
    reading: Reading = "output",
) -> "FeatureAttributionSequenceOutput":
    """Return the cross-attention of one layer, or the mean of all, averaged over heads.

    At step `i` the decoder reads token `i - 1` and writes token `i`. Inseq shows the weights of
    that step beside the token it writes: reading ``"output"``. Beside the token it reads, reading
    ``"input"``, the same weights can align far better, in some layers of a deep decoder (Chen et
    al. 2020, "Accurate Word Alignment Induction from Neural Machine Translation").

    Args:
        sequence: Inseq's output of the method ``attention``, not aggregated.
        layer: The layer, counted from 0; None averages all.
        reading: The side of the decoder on which a token stands.

    Returns:
        An output aggregated to `[source, generated]`. Read at the input, the last token has no
        scores (NaN): no step reads it.
    """
    attention = copy.copy(sequence)
    # The encoder's own weights are not needed, and may have another number of layers.
    attention.sequence_scores = {}
    if reading == "input":
        attention.source_attributions = read_at_input(sequence.source_attributions)
    heads = attention.aggregate("mean", do_post_aggregation_checks=False)
    if layer is None:
        return heads.aggregate("mean")
    return heads.aggregate("scores", select_idx=layer)


def read_at_input(weights: torch.Tensor) -> torch.Tensor:
    """Move weights `[source, generated, ...]` from the token a step writes to the one it reads."""
    unread = torch.full_like(weights[:, :1], torch.nan)
    return torch.cat([weights[:, 1:], unread], dim=1)


def seed_everything(seed: int) -> None:
    """Seed what gradient SHAP draws from: torch's noise and NumPy's choice of baselines."""
    import numpy

    torch.manual_seed(seed)
    numpy.random.seed(seed)  # Captum draws from NumPy's global generator


def standard_variants(
    model: "AttributionModel", best: Mapping[Reading, int] | None = None
) -> list[Variant]:
    """Return the variants that notebook 05 compares.

    Args:
        model: A translator from ``load_model``; methods that do not run on it are left out.
        best: The best attention layer for each reading, chosen on a development split, see
            ``best_layer``.
    """
    from hw7.engine.methods import working_methods

    working = working_methods(model)
    methods = [method for method in COMPARED if method in working and method != "attention"]
    variants = [Variant(method, method) for method in methods]
    for reading in ("output", "input"):
        name = f"attention, all layers, {reading}"
        variants.append(Variant(name, "attention", reading=reading))
        layer = (best or {}).get(reading)
        if layer is not None:
            name = f"attention, layer {layer}, {reading}"
            variants.append(Variant(name, "attention", layer=layer, reading=reading))
    return variants
