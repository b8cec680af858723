"""Memory: what fits into what is free, and giving it back, said in the student's words."""

import atexit
import shutil
import tempfile
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from helpers.errors import HomeworkError, NotEnoughMemoryError, say
from hw7.engine import capacity
from hw7.engine.freeing import MEGABYTE, MemoryUse, free_weights, memory_in_use

if TYPE_CHECKING:
    import torch
    from inseq.models import AttributionModel

    from helpers.generation import Generation

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
    weights = capacity.bytes_of_weights(parameters, dtype, quantization)
    needed = weights + capacity.bytes_for_homework(config, dtype.itemsize)
    free = capacity.available_memory(device)
    if needed <= free:
        return {}
    if device.startswith("cuda") and quantization is None:
        say(
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
        for option, each in capacity.BYTES_PER_QUANTIZED_PARAMETER.items()
        if each < dtype.itemsize
    ]
    hint = f"Try quantization= ({', '.join(smaller)}), " if smaller else "Try "
    return (
        f"{name} needs {_megabytes(needed)} on {device} (weights and a heatmap of the homework's "
        f"length), but only {_megabytes(free)} are free. {hint}a smaller model such as "
        "HW7_MODELS=offline, or restart the runtime."
    )


def ensure_attribution_fits(
    model: "AttributionModel", generation: "Generation", methods: Sequence[str]
) -> None:
    """Refuse an attribution that needs more memory than is free, before it starts.

    Raises:
        NotEnoughMemoryError: Says how much is needed, how much there is, and what would fit.
    """
    size = capacity.size_of(model.model.config)
    target = generation.targets.input_ids.shape[1]
    prompt = generation.sources.input_ids.shape[1]
    source, steps = (prompt, target) if model.is_encoder_decoder else (0, target - prompt)
    itemsize = model.model.dtype.itemsize
    needed = capacity.bytes_of_attribution(size, source, target, steps, methods, itemsize)
    free = capacity.available_memory(str(model.device))
    if needed <= free:
        return
    tokens = capacity.longest_target(size, source, methods, free, itemsize)
    raise NotEnoughMemoryError(
        f"Explaining these {source + target} tokens with {', '.join(methods)} needs about "
        f"{_megabytes(needed)} on {model.device}, but only {_megabytes(free)} are free. "
        f"About {tokens} generated tokens fit: shorten the text, give a smaller "
        "max_new_tokens, or load the model with quantization='4bit'."
    )


def _megabytes(size: float) -> str:
    return f"{size / MEGABYTE:,.0f} MB"


def check_loaded(model: object) -> None:
    """Refuse what is no model of Inseq's, or was released.

    Raises:
        HomeworkError: Says what to type.
    """
    from inseq.models import AttributionModel

    if not isinstance(model, AttributionModel):
        given = f"a {type(model).__name__} ({model!r})" if isinstance(model, str) else type(model)
        name = model if isinstance(model, str) else getattr(model, "name_or_path", "translation")
        raise HomeworkError(
            f"A loaded model is needed, but this is {given}. Type: model = load_model({name!r})"
        )
    if model.model is None:
        raise HomeworkError("This model was released. Load it again with load_model(...).")


def release(model: "AttributionModel") -> MemoryUse | None:
    """Free a model's weights and the GPU cache; print and return what was freed.

    Afterwards the model can no longer be used, whoever still holds the variable; explanations stay
    usable.

    Returns:
        The memory freed, or None where the model had been released before.
    """
    if model.model is None:
        say("Nothing to release: this model was released before.")
        return None
    before = memory_in_use()
    name, held = model.model_name, free_weights(model)
    after = memory_in_use()
    freed = MemoryUse(max(before.process - after.process, 0), max(before.cuda - after.cuda, 0))
    say(f"Released {name}: {freed} freed, {after} still in use.")
    if held:
        say(
            f"{held} weights are still referred to by another variable; they were emptied, "
            "so they take no memory and that variable is of no more use."
        )
    return freed
