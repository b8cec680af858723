"""Where a model's weights go: onto the device, or spread over GPU, memory and disk."""

import atexit
import shutil
import tempfile
from typing import TYPE_CHECKING, Any

from helpers.errors import NotEnoughMemoryError
from helpers.memory import MEGABYTE
from hw7.engine import capacity
from hw7.engine.capacity import (
    BYTES_PER_QUANTIZED_PARAMETER,
    bytes_for_homework,
    bytes_of_weights,
)

if TYPE_CHECKING:
    import torch

# accelerate fills what it is given to the brim; the attribution needs some of it.
_SHARE_FOR_WEIGHTS = 0.7


def placement(
    family: Any, config: Any, dtype: "torch.dtype", quantization: str | None, device: str, name: str
) -> dict[str, Any]:
    """Return the arguments of ``from_pretrained`` that place the weights.

    Nothing where weights and the homework's attribution fit on the device. A model that is too
    large for a GPU is spread by accelerate over the GPU, the memory and, at last, the disk: the
    scores are the same, but every step waits for weights to be moved. Gradients keep the weights
    that a step has used, so offloading saves less for saliency than for attention.

    Args:
        family: The Transformers class that loads the model.
        config: The model's configuration.
        dtype: The floating-point type of the weights.
        quantization: ``"8bit"``, ``"4bit"`` or None.
        device: The device chosen.
        name: What to call the model.

    Raises:
        NotEnoughMemoryError: Says how much is needed, how much there is, and what would fit.
    """
    import torch

    with torch.device("meta"):
        parameters = sum(p.numel() for p in family.from_config(config).parameters())
    weights = bytes_of_weights(parameters, dtype, quantization)
    needed = weights + bytes_for_homework(config, dtype.itemsize)
    free = capacity.available_memory(device)
    if needed <= free:
        return {}
    if device.startswith("cuda") and quantization is None:
        print(
            f"{name} needs {_megabytes(needed)}, the GPU has {_megabytes(free)} free: accelerate "
            "spreads the weights over GPU, memory and disk. Scores stay the same, at lower speed."
        )
        return spread_over(device, free)
    raise NotEnoughMemoryError(_what_would_fit(parameters, dtype, needed, free, device, name))


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
        for option, each in BYTES_PER_QUANTIZED_PARAMETER.items()
        if each < dtype.itemsize
    ]
    hint = f"Try quantization= ({', '.join(smaller)}), " if smaller else "Try "
    return (
        f"{name} needs {_megabytes(needed)} on {device} (weights and a heatmap of the homework's "
        f"length), but only {_megabytes(free)} are free. {hint}a smaller model such as "
        "HW7_MODELS=offline, or restart the runtime."
    )


def _megabytes(size: float) -> str:
    return f"{size / MEGABYTE:,.0f} MB"
