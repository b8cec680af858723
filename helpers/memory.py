"""Memory: how much is in use, what fits into what is free, and giving it back."""

import atexit
import ctypes
import gc
import shutil
import sys
import tempfile
import traceback
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psutil

from helpers.errors import HomeworkError, NotEnoughMemoryError, say
from hw7.engine import capacity

if TYPE_CHECKING:
    import torch
    from inseq.models import AttributionModel

    from helpers.generation import Generation

MEGABYTE = 2**20
# accelerate fills what it is given to the brim; the attribution needs some of it.
_SHARE_FOR_WEIGHTS = 0.7


@dataclass(frozen=True)
class MemoryUse:
    """Memory in use, in bytes.

    Attributes:
        process: Resident memory of this process.
        cuda: What torch has allocated on the current GPU; 0 without one.
    """

    process: int
    cuda: int

    def __str__(self) -> str:
        text = f"{self.process / MEGABYTE:,.0f} MB in the process"
        return text + (f", {self.cuda / MEGABYTE:,.0f} MB on the GPU" if self.cuda else "")


def memory_in_use() -> MemoryUse:
    """Return the memory that this process uses now, on the machine and on the GPU."""
    torch = sys.modules.get("torch")
    has_cuda = torch is not None and torch.cuda.is_available()
    cuda = torch.cuda.memory_allocated() if torch is not None and has_cuda else 0
    return MemoryUse(psutil.Process().memory_info().rss, cuda)


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

    ``del model`` is not enough: Inseq's model and its attribution method refer to each other, and
    a failed cell keeps its tensors alive through the stored traceback. Afterwards the model can
    no longer be used, whoever still holds the variable; explanations stay usable.

    Returns:
        The memory freed, or None where the model had been released before.
    """
    if model.model is None:
        say("Nothing to release: this model was released before.")
        return None
    before = memory_in_use()
    parameters = [weakref.ref(parameter) for parameter in model.model.parameters()]
    name = model.model_name
    _let_go_of(model)
    clear_stored_tracebacks()
    _return_memory()
    held = [parameter for reference in parameters if (parameter := reference()) is not None]
    _empty(held)
    _return_memory()
    after = memory_in_use()
    freed = MemoryUse(max(before.process - after.process, 0), max(before.cuda - after.cuda, 0))
    say(f"Released {name}: {freed} freed, {after} still in use.")
    if held:
        say(
            f"{len(held)} weights are still referred to by another variable; they were emptied, "
            "so they take no memory and that variable is of no more use."
        )
    return freed


def _let_go_of(model: "AttributionModel") -> None:
    """Cut every tie between Inseq's wrapper and the weights, so that no cycle keeps them."""
    method = model.attribution_method
    if method is not None:
        method.unhook()
        method.attribution_model = None
        method.method = None
        method.target_layer = None
    model.attribution_method = None
    model.encoder_int_embeds = None
    model.decoder_int_embeds = None
    # A registered sub-module: setting the attribute to None drops it from the wrapper.
    model.model = None


def clear_stored_tracebacks() -> None:
    """Clear the local variables that the last error's traceback keeps alive."""
    errors = [getattr(sys, name, None) for name in ("last_exc", "last_value")]
    for error in errors:
        while isinstance(error, BaseException):
            traceback.clear_frames(error.__traceback__)
            error.__traceback__, error = None, error.__cause__ or error.__context__
    for name in ("last_exc", "last_value", "last_traceback"):
        if hasattr(sys, name):
            setattr(sys, name, None)


def _return_memory() -> None:
    """Collect garbage and hand free memory back to the GPU driver and the operating system."""
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()
    if torch is not None and torch.backends.mps.is_available():
        torch.mps.empty_cache()
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)


def _empty(parameters: list["torch.nn.Parameter"]) -> None:
    """Take the storage away from parameters that somebody still refers to."""
    for parameter in parameters:
        parameter.grad = None
        parameter.data = parameter.data.new_empty(0)
