"""Where the weights of a model go, and whether it and its attribution fit there at all."""

import atexit
import shutil
import tempfile
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hw7.engine import capacity
from hw7.engine.errors import TooLargeError
from hw7.engine.freeing import MEGABYTE
from hw7.engine.model_size import size_of

if TYPE_CHECKING:
    import torch
    from inseq.data import BatchEncoding
    from inseq.models import AttributionModel

# accelerate fills what it is given to the brim; the attribution needs some of it.
_SHARE_FOR_WEIGHTS = 0.7


def placement(
    family: Any, config: Any, dtype: "torch.dtype", quantization: str | None, device: str, name: str
) -> tuple[dict[str, Any], str]:
    """Return the arguments of ``from_pretrained`` that place the weights, and a note on them.

    Nothing where weights and the homework's attribution fit on the device. A model that is too
    large for a GPU is spread by accelerate over the GPU, the memory and, at last, the disk: the
    scores are the same, but every step waits for weights to be moved. `family` is the Transformers
    class that loads the model; the rest is as for ``load_weights``.

    Raises:
        TooLargeError: Says how much is needed, how much there is, and what would fit.
    """
    import torch

    with torch.device("meta"):
        parameters = sum(p.numel() for p in family.from_config(config).parameters())
    weights = capacity.bytes_of_weights(parameters, dtype, quantization)
    needed = weights + capacity.bytes_for_homework(config, dtype.itemsize)
    free = capacity.available_memory(device)
    if needed <= free:
        return {}, ""
    if device.startswith("cuda") and quantization is None:
        note = (
            f"{name} needs {_megabytes(needed)}, the GPU has {_megabytes(free)} free: accelerate "
            "spreads the weights over GPU, memory and disk. Scores stay the same, at lower speed."
        )
        return spread_over(device, free), note
    raise TooLargeError(_what_would_fit(parameters, dtype, needed, free, device, name))


def spread_over(device: str, free: int) -> dict[str, Any]:
    """Return accelerate's arguments to fill a GPU first, then the memory, then the disk."""
    folder = tempfile.mkdtemp(prefix="hw7-offload-")
    # The weights read from there belong to this process; without it they only fill the disk.
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    index = int(device.partition(":")[2] or 0)
    rooms = {index: free, "cpu": capacity.available_memory("cpu")}
    return {
        "device_map": "auto",
        "max_memory": {place: int(_SHARE_FOR_WEIGHTS * room) for place, room in rooms.items()},
        "offload_folder": folder,
    }


def _what_would_fit(
    parameters: int, dtype: "torch.dtype", needed: int, free: int, device: str, name: str
) -> str:
    smaller = [
        f"{option!r} needs {_megabytes(parameters * each)}"
        for option, each in capacity.BYTES_PER_QUANTIZED_PARAMETER.items()
        if each < dtype.itemsize
    ]
    hint = f"Try quantization= ({', '.join(smaller)}), " if smaller else "Try "
    return (
        f"{name} needs {_megabytes(needed)} on {device} (weights and a heatmap of the homework's "
        f"length), but only {_megabytes(free)} are free. {hint}a smaller model such as "
        "HW7_MODELS=offline, or restart the runtime."
    )


def check_attribution_fits(
    model: "AttributionModel",
    sources: "BatchEncoding",
    targets: "BatchEncoding",
    methods: Sequence[str],
) -> None:
    """Refuse an attribution that needs more memory than is free, before it starts.

    Raises:
        TooLargeError: Says how much is needed, how much there is, and what would fit.
    """
    size = size_of(model.model.config)
    target = targets.input_ids.shape[1]
    prompt = sources.input_ids.shape[1]
    source, steps = (prompt, target) if model.is_encoder_decoder else (0, target - prompt)
    itemsize = model.model.dtype.itemsize
    needed = capacity.bytes_of_attribution(size, source, target, steps, methods, itemsize)
    free = capacity.available_memory(str(model.device))
    if needed <= free:
        return
    tokens = capacity.longest_target(size, source, methods, free, itemsize)
    raise TooLargeError(
        f"Explaining these {source + target} tokens with {', '.join(methods)} needs about "
        f"{_megabytes(needed)} on {model.device}, but only {_megabytes(free)} are free. "
        f"About {tokens} generated tokens fit: shorten the text, give a smaller "
        "max_new_tokens, or load the model with quantization='4bit'."
    )


def _megabytes(size: float) -> str:
    return f"{size / MEGABYTE:,.0f} MB"
