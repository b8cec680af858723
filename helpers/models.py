"""Load a model of the catalog, the hub or a folder as Inseq's own ``AttributionModel``."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from packaging.version import Version

from helpers.catalog import ModelSource, fetch_if_missing, find_model, needs_hub, why_not_loaded
from helpers.environment import installed_version
from helpers.errors import (
    DeviceError,
    HomeworkError,
    ModelNotFoundError,
    NotEnoughMemoryError,
    check_names,
    say,
)
from helpers.memory import placement
from hw7.engine.capacity import is_out_of_memory
from hw7.engine.errors import NotExplainableError
from hw7.engine.repairs import keep_differentiable, scale_embeddings_once

if TYPE_CHECKING:
    import torch
    from inseq.models import AttributionModel

Quantization = Literal["8bit", "4bit"]
_STARTS = ("decoder_start_token_id", "bos_token_id")


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
        dtype: ``"auto"`` is float32, in which the scores are exact; or a torch name such as
            ``"bfloat16"``.
        has_repairs: Repair a translator whose decoder would scale Inseq's embeddings twice (see
            ``hw7.engine.repairs``). False gives the scores of Inseq without the repair, to
            compare with numbers published without it.
        misspelt: None; any other name is refused with the nearest of these.

    Raises:
        ModelNotFoundError: No such model; the message lists what there is.
        DeviceError: The device is not on this machine; use ``device="auto"``.
        NotEnoughMemoryError: The model does not fit; the message says what would.
    """
    known = ("device", "quantization", "dtype", "has_repairs")
    check_names(misspelt, known, "setting of load_model")
    if not isinstance(name, (str, Path)):
        raise ModelNotFoundError(
            f"A model has a name or a folder, but this is {name!r}. Type: load_model('translation')"
        )
    source = find_model(str(name))
    device = choose_device(device)
    fetch_if_missing(source)
    settings = _loading_settings(device, quantization, dtype)
    precision = "" if quantization is None else f" in {quantization}"
    say(f"Loading {source.name}{precision} on {device} ({source.reason}).")
    model, tokenizer = _load_with_transformers(source, device, quantization, settings)
    attribution_model = _wrap(model, tokenizer, source, device)
    attribution_model.has_repairs = has_repairs
    # Before the first text: later the weights of a 4-bit model have been repacked with rounding.
    keep_differentiable(model)
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
    try:
        return wants_repairs(model) and scale_embeddings_once(model)
    except NotExplainableError as error:
        raise HomeworkError(str(error)) from error


def choose_device(device: str = "auto", *, is_told: bool = True) -> str:
    """Return the torch device to use; ``"auto"`` picks CUDA, then MPS, then the CPU.

    Args:
        device: ``"auto"``, or the one that is wanted.
        is_told: Print why a GPU is passed over, for which this torch has no code.

    Raises:
        DeviceError: The device asked for is unknown, absent, or torch has no code for it.
    """
    import torch

    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if device == "auto":
        found = next((name for name, is_present in present.items() if is_present), "cpu")
        if found == "cuda" and (obstacle := gpu_obstacle(found)):
            if is_told:
                say(f"The CPU is used: {obstacle}. Choose another GPU where the host has one.")
            return "cpu"
        return found
    kind, _, number = device.partition(":")
    check_names([kind], ["auto", *present, "cpu"], "device", DeviceError)
    is_there = present.get(kind, True) and (number.isdecimal() or device == kind)
    if is_there and kind == "cuda":
        is_there = int(number or 0) < torch.cuda.device_count()
    if not is_there:
        raise DeviceError(
            f"The device {device!r} is not on this machine. Use device='auto' (here: "
            f"{choose_device(is_told=False)}), or choose a GPU runtime where the host offers one."
        )
    if kind == "cuda" and (obstacle := gpu_obstacle(device)):
        raise DeviceError(f"{device} cannot be used: {obstacle}. Use device='cpu', or another GPU.")
    return device


def gpu_obstacle(device: str) -> str | None:
    """Return why torch cannot compute on a GPU that is there, as a clause; None where it can.

    A build of torch has machine code (``sm_75``) that runs on its own generation of GPUs from
    that version on, and perhaps code (``compute_75``) that the driver translates for any newer
    one. Without either the first computation fails, long after the model was loaded.

    Args:
        device: ``"cuda"`` or ``"cuda:1"``.
    """
    import torch

    index = int(device.partition(":")[2] or 0)
    built_for = torch.cuda.get_arch_list()
    if torch.version.hip or not built_for:
        return None
    here = torch.cuda.get_device_capability(index)
    for name in built_for:
        if match := re.fullmatch(r"(sm|compute)_(\d+)(\d)(a?)f?", name):
            version = int(match[2]), int(match[3])
            is_same_generation = match[1] == "compute" or version[0] == here[0]
            # Code for sm_100a runs on no other than that very version.
            if version == here or (is_same_generation and version < here and not match[4]):
                return None
    return (
        f"torch {torch.__version__} has no code for the GPU {torch.cuda.get_device_name(index)} "
        f"(sm_{here[0]}{here[1]}), only for {', '.join(built_for)}"
    )


def has_bfloat16(device: str) -> bool:
    """Tell whether a device computes in bfloat16; GPUs before Ampere (T4, V100) only imitate it."""
    import torch

    if not device.startswith("cuda") or torch.version.hip:
        return True
    return torch.cuda.get_device_capability(int(device.partition(":")[2] or 0)) >= (8, 0)


def _loading_settings(device: str, quantization: str | None, dtype: str) -> dict[str, Any]:
    """Return the keyword arguments for ``from_pretrained``."""
    settings: dict[str, Any] = {"attn_implementation": "eager"}
    # Transformers 4.56 renamed the argument; the old name warns on new versions.
    has_new_name = Version(installed_version("transformers") or "0") >= Version("4.56")
    settings["dtype" if has_new_name else "torch_dtype"] = torch_dtype(dtype, device)
    if quantization is not None:
        settings["quantization_config"] = _quantization_config(quantization)
        settings["device_map"] = {"": device}
    return settings


def torch_dtype(dtype: str, device: str = "cpu") -> "torch.dtype":
    """Return the torch dtype of that name; ``"auto"`` is float32.

    A GPU that only imitates bfloat16 gets float32, which is exact; float16 would overflow in some
    models that were trained in bfloat16.

    Raises:
        HomeworkError: torch has no floating-point type of that name.
    """
    import torch

    check_names([dtype], ["auto", "float32", "bfloat16", "float16", "float64"], "dtype")
    found = torch.float32 if dtype == "auto" else getattr(torch, dtype)
    if found is torch.bfloat16 and not has_bfloat16(device):
        say(
            f"float32 is used: {torch.cuda.get_device_name()} does not compute in bfloat16. "
            "dtype='float16' takes half the memory, but may overflow."
        )
        return torch.float32
    return found


def _quantization_config(quantization: str) -> Any:
    from transformers import BitsAndBytesConfig

    check_names([quantization], ["8bit", "4bit"], "quantization")
    if installed_version("bitsandbytes") is None:
        raise HomeworkError(
            f"quantization={quantization!r} needs bitsandbytes. Type: %pip install bitsandbytes"
        )
    return BitsAndBytesConfig(
        load_in_8bit=quantization == "8bit", load_in_4bit=quantization == "4bit"
    )


def _load_with_transformers(
    source: ModelSource, device: str, quantization: str | None, settings: dict[str, Any]
) -> tuple[Any, Any]:
    """Load weights and tokenizer; turn what Transformers raises into one clear sentence."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoTokenizer

    places = {"local_files_only": not needs_hub(source)}
    try:
        config = AutoConfig.from_pretrained(source.address, **places)
        family = AutoModelForSeq2SeqLM if config.is_encoder_decoder else AutoModelForCausalLM
        dtype = settings.get("dtype", settings.get("torch_dtype", torch.float32))
        # What is said here wins: a quantized model already has its place.
        placed = placement(family, config, dtype, quantization, device, source.name) | settings
        tokenizer = AutoTokenizer.from_pretrained(source.address, **places)
        with _no_progress_bars():
            model, report = family.from_pretrained(
                source.address, output_loading_info=True, **placed, **places
            )
        # Transformers fills what a file lacks with random numbers, and only warns.
        if missing := sorted(report["missing_keys"]):
            raise ValueError(f"there are no weights for {missing[0]}")
        return model, tokenizer
    except HomeworkError:
        raise
    except Exception as error:  # Transformers, safetensors and the hub raise some ten kinds
        if is_out_of_memory(error):
            raise NotEnoughMemoryError(
                f"{source.name} does not fit into the memory of {device}. Try quantization='8bit', "
                "a smaller model such as HW7_MODELS=offline, or restart the runtime."
            ) from error
        raise ModelNotFoundError(why_not_loaded(source, error)) from error


@contextmanager
def _no_progress_bars() -> Iterator[None]:
    """Hide the bar for reading weights from disk (under a second); downloads keep theirs."""
    from transformers.utils import logging

    was_enabled = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if was_enabled:
            logging.enable_progress_bar()


def _wrap(model: Any, tokenizer: Any, source: ModelSource, device: str) -> "AttributionModel":
    """Wrap a Transformers model as Inseq does, which asks for a padding and a start token.

    Raises:
        ModelNotFoundError: The model names no token that could be either.
    """
    import inseq

    spare = tokenizer.eos_token or tokenizer.bos_token or tokenizer.unk_token
    config = model.config
    if tokenizer.pad_token is None:
        tokenizer.pad_token = spare
    start = next((i for n in _STARTS if (i := getattr(config, n, None)) is not None), None)
    if start is None and spare and not config.is_encoder_decoder:
        # Where a prompt is continued, nothing is written before it: any token will do.
        start = config.bos_token_id = tokenizer.convert_tokens_to_ids(spare)
    if tokenizer.pad_token is None or start is None:
        raise ModelNotFoundError(
            f"The files of {source.name} name no start or end token, so nothing can be explained. "
            "Give another model."
        )
    if getattr(config, "pad_token_id", None) is None:
        config.pad_token_id = tokenizer.pad_token_id  # some configurations do not have the name
    attribution_model = inseq.load_model(model, "saliency", tokenizer=tokenizer, device=device)
    # Inseq would show the folder, a path of this machine.
    attribution_model.model_name = source.name
    return attribution_model
