"""Load a model of the catalog, the hub or a folder as Inseq's own ``AttributionModel``."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from helpers.catalog import ModelSource, fetch_if_missing, find_model, why_not_loaded
from helpers.environment import installed_version
from helpers.errors import (
    DeviceError,
    HomeworkError,
    ModelNotFoundError,
    NotEnoughMemoryError,
    check_names,
    say,
    settings_of,
    told_as,
)
from hw7.engine.capacity import is_out_of_memory
from hw7.engine.devices import DEVICES, best_device, check_device, dtype_of
from hw7.engine.errors import NotExplainableError, TooLargeError
from hw7.engine.loading import load_weights, wrap
from hw7.engine.repairs import check_direction, keep_differentiable, scale_embeddings_once
from hw7.fetch.availability import needs_hub
from hw7.fetch.errors import DownloadError

if TYPE_CHECKING:
    import torch
    from inseq.models import AttributionModel

Quantization = Literal["8bit", "4bit"]


def load_model(
    name: str,
    *,
    device: str = "auto",
    quantization: Quantization | None = None,
    dtype: str = "auto",
    has_repairs: bool = True,
    **misspelt: object,
) -> "AttributionModel":
    """Load a model for attribution and print in one line which one it is and why.

    Attention is always computed eagerly, because the fused kernels return no weights.

    Args:
        name: ``"translation"``, ``"generation"``, a folder, or a name on the hub.
        device: ``"auto"`` picks CUDA, then Apple's MPS, then the CPU; or name one.
        quantization: ``"8bit"`` or ``"4bit"`` saves memory at some distance from the exact scores.
        dtype: ``"auto"`` is float32, in which scores are exact; or ``"float64"``, ``"bfloat16"``.
        has_repairs: Repair a translator whose decoder would scale Inseq's embeddings twice (see
            ``hw7.engine.repairs``); False to compare with scores published without the repair.
        misspelt: None; any other name is refused with the nearest of these.

    Raises:
        ModelNotFoundError: No such model; the message lists what there is.
        DeviceError: The device is not on this machine; use ``device="auto"``.
        NotEnoughMemoryError: The model does not fit; the message says what would.
    """
    check_names(misspelt, settings_of(load_model), "setting of load_model")
    if not isinstance(name, (str, Path)):
        raise ModelNotFoundError(
            f"A model has a name or a folder, but this is {name!r}. Type: load_model('translation')"
        )
    source = find_model(str(name))
    device = choose_device(device)
    fetch_if_missing(source)
    _check_quantization(quantization)
    weights_dtype = torch_dtype(dtype, device)
    precision = "" if quantization is None else f" in {quantization}"
    say(f"Loading {source.name}{precision} on {device} ({source.reason}).")
    attribution_model = _load(source, device, weights_dtype, quantization)
    attribution_model.has_repairs = has_repairs
    # Before the first text: later the weights of a 4-bit model have been repacked with rounding.
    keep_differentiable(attribution_model.model)
    repair(attribution_model)
    return attribution_model


def wants_repairs(model: "AttributionModel") -> bool:
    """Tell whether a model may be repaired: not if it was loaded with ``has_repairs=False``."""
    return getattr(model, "has_repairs", True)


def repair(model: "AttributionModel") -> bool:
    """Put right what would make the scores wrong; True where something was.

    Raises:
        HomeworkError: It cannot be put right with these versions.
    """
    with told_as(HomeworkError, NotExplainableError):
        check_direction(model)
        return wants_repairs(model) and scale_embeddings_once(model)


def choose_device(device: str = "auto") -> str:
    """Return the torch device to use; ``"auto"`` picks CUDA, then MPS, then the CPU.

    Raises:
        DeviceError: The device asked for is unknown, absent, or torch has no code for it.
    """
    check_names([device.partition(":")[0]], DEVICES, "device", DeviceError)
    if device == "auto":
        device, obstacle = best_device()
        if obstacle:
            say(f"The CPU is used: {obstacle}. Choose another GPU where the host has one.")
    else:
        with told_as(DeviceError):
            check_device(device)
    return device


def torch_dtype(dtype: str, device: str = "cpu") -> "torch.dtype":
    """Return the torch dtype of that name; ``"auto"`` is float32.

    Raises:
        HomeworkError: torch has no floating-point type of that name.
    """
    check_names([dtype], ["auto", "float32", "bfloat16", "float16", "float64"], "dtype")
    return dtype_of(dtype, device, say)


def _check_quantization(quantization: str | None) -> None:
    """Refuse what is no quantization, or cannot be had with what is installed."""
    if quantization is None:
        return
    check_names([quantization], ["8bit", "4bit"], "quantization")
    if installed_version("bitsandbytes") is None:
        raise HomeworkError(
            f"quantization={quantization!r} needs bitsandbytes. Type: %pip install bitsandbytes"
        )


def _load(
    source: ModelSource, device: str, dtype: "torch.dtype", quantization: str | None
) -> "AttributionModel":
    """Load a model; turn whatever Transformers raises into one clear sentence."""
    with told_as(ModelNotFoundError, DownloadError):
        is_local = not needs_hub(source.address, source.name)
    try:
        model, tokenizer = load_weights(
            source.address, source.name, device, dtype, quantization, is_local=is_local, tell=say
        )
    except TooLargeError as error:
        raise NotEnoughMemoryError(str(error)) from error
    except NotExplainableError as error:
        raise ModelNotFoundError(str(error)) from error
    except Exception as error:  # Transformers, safetensors and the hub raise some ten kinds
        if is_out_of_memory(error):
            raise NotEnoughMemoryError(
                f"{source.name} does not fit into the memory of {device}. Try quantization='8bit', "
                "a smaller model such as HW7_MODELS=offline, or restart the runtime."
            ) from error
        raise ModelNotFoundError(why_not_loaded(source, error)) from error
    with told_as(ModelNotFoundError, NotExplainableError):
        return wrap(model, tokenizer, source.name, device)
