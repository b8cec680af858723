"""Which devices there are, and what torch can compute on them."""

import re
from collections.abc import Callable

import torch

DEVICES = ("auto", "cuda", "mps", "cpu")


def best_device() -> tuple[str, str | None]:
    """Return CUDA, else MPS, else the CPU; and why a GPU was passed over, a clause."""
    if torch.cuda.is_available():
        obstacle = gpu_obstacle("cuda")
        return ("cpu" if obstacle else "cuda"), obstacle
    return ("mps" if torch.backends.mps.is_available() else "cpu"), None


def check_device(device: str) -> None:
    """Refuse a device such as ``"cuda:1"`` that is not here, or that torch cannot compute on.

    Raises:
        ValueError: Says which device to use.
    """
    kind, _, number = device.partition(":")
    present = {
        "cpu": True,
        "mps": torch.backends.mps.is_available(),
        "cuda": torch.cuda.is_available(),
    }
    is_there = present.get(kind, False) and (number.isdecimal() or device == kind)
    if is_there and kind == "cuda":
        is_there = int(number or 0) < torch.cuda.device_count()
    if not is_there:
        raise ValueError(
            f"The device {device!r} is not on this machine. Use device='auto' (here: "
            f"{best_device()[0]}), or choose a GPU runtime where the host offers one."
        )
    if kind == "cuda" and (obstacle := gpu_obstacle(device)):
        raise ValueError(f"{device} cannot be used: {obstacle}. Use device='cpu', or another GPU.")


def gpu_obstacle(device: str) -> str | None:
    """Return why torch cannot compute on a GPU that is there, as a clause; None where it can.

    A build of torch has machine code (``sm_75``) that runs on its own generation of GPUs from
    that version on, and perhaps code (``compute_75``) that the driver translates for any newer
    one. Without either the first computation fails, long after the model was loaded.
    """
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
    if not device.startswith("cuda") or torch.version.hip:
        return True
    return torch.cuda.get_device_capability(int(device.partition(":")[2] or 0)) >= (8, 0)


def dtype_of(name: str, device: str, tell: Callable[[str], None]) -> torch.dtype:
    """Return the torch dtype of a name; ``auto`` is float32.

    A GPU that only imitates bfloat16 gets float32, which is exact; float16 would overflow in some
    models that were trained in bfloat16. `tell` is called with a sentence then.
    """
    found: torch.dtype = torch.float32 if name == "auto" else getattr(torch, name)
    if found is torch.bfloat16 and not has_bfloat16(device):
        tell(
            f"float32 is used: {torch.cuda.get_device_name()} does not compute in bfloat16. "
            "dtype='float16' takes half the memory, but may overflow."
        )
        return torch.float32
    return found
