"""Inseq's implementations of the methods, made for a model, and the random numbers they draw."""

import random
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

if TYPE_CHECKING:
    from inseq.attr.feat import FeatureAttribution
    from inseq.models import AttributionModel

SEED = 0


@contextmanager
def same_random_numbers() -> Iterator[None]:
    """Let everything inside draw the same random numbers each time; outside, nothing changes."""
    of_python, of_numpy = random.getstate(), np.random.get_state()
    devices = range(torch.cuda.device_count()) if torch.cuda.is_available() else ()
    try:
        with torch.random.fork_rng(devices=devices):
            random.seed(SEED)
            np.random.seed(SEED)
            torch.manual_seed(SEED)
            yield
    finally:
        random.setstate(of_python)
        np.random.set_state(of_numpy)


def method_of_inseq(
    model: "AttributionModel", method: str, options: Mapping[str, Any]
) -> "FeatureAttribution":
    """Return Inseq's implementation of a method, made for these very weights.

    Discretized integrated gradients walks between neighbours in the vocabulary. Inseq keeps them
    in the home folder under the model's name, and takes them for every model of that name, also
    when it was trained again. A folder of its own makes it compute them for this one.
    """
    from inseq.attr.feat import FeatureAttribution

    if method.startswith("layer_") and model.is_encoder_decoder:
        # Inseq takes the embeddings shared by encoder and decoder, which many models never call.
        options = {"target_layer": model.model.get_encoder().get_input_embeddings(), **options}
    if method != "discretized_integrated_gradients":
        return FeatureAttribution.load(method, attribution_model=model, **options)
    with tempfile.TemporaryDirectory() as folder:
        own = {"cache_dir": folder, **options}
        return FeatureAttribution.load(method, attribution_model=model, **own)
