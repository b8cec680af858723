"""How much memory this process uses, and giving back what a model took of it."""

import ctypes
import gc
import sys
import traceback
import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from inseq.models import AttributionModel

MEGABYTE = 2**20


@dataclass(frozen=True)
class MemoryUse:
    """Memory in use, in bytes."""

    process: int  # resident memory of this process
    cuda: int  # what torch has allocated on the current GPU; 0 without one

    def __str__(self) -> str:
        text = f"{self.process / MEGABYTE:,.0f} MB in the process"
        return text + (f", {self.cuda / MEGABYTE:,.0f} MB on the GPU" if self.cuda else "")


def memory_in_use() -> MemoryUse:
    """Return the memory that this process uses now, on the machine and on the GPU."""
    torch = sys.modules.get("torch")  # 0 bytes without a GPU
    cuda = torch.cuda.memory_allocated() if torch is not None else 0
    return MemoryUse(psutil.Process().memory_info().rss, cuda)


def free_weights(model: "AttributionModel") -> int:
    """Take the weights from a model, whoever still holds it, and give their memory back.

    ``del model`` is not enough: Inseq's model and its attribution method refer to each other, and
    a failed cell keeps its tensors alive through the stored traceback.

    Returns:
        How many weights another variable still refers to; they were emptied.
    """
    parameters = [weakref.ref(parameter) for parameter in model.model.parameters()]
    _let_go_of(model)
    _clear_stored_tracebacks()
    return_memory()
    held = [parameter for reference in parameters if (parameter := reference()) is not None]
    for parameter in held:
        parameter.grad, parameter.data = None, parameter.data.new_empty(0)
    return_memory()
    return len(held)


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


def _clear_stored_tracebacks() -> None:
    """Clear the local variables that the last error's traceback keeps alive."""
    errors = [getattr(sys, name, None) for name in ("last_exc", "last_value")]
    for error in errors:
        while isinstance(error, BaseException):
            traceback.clear_frames(error.__traceback__)
            error.__traceback__, error = None, error.__cause__ or error.__context__
    for name in ("last_exc", "last_value", "last_traceback"):
        if hasattr(sys, name):
            setattr(sys, name, None)


def return_memory() -> None:
    """Collect garbage and hand free memory back to the GPU driver and the operating system."""
    gc.collect()
    if "torch" in sys.modules:
        from hw7.engine.chunks import empty_cache

        empty_cache()
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
