"""The end of a model, behind its last attention, where every position is on its own.

A step's score depends on one state of the head's input. Back to the last attention it depends on
that one position still. So a single ordinary backward pass through this part serves all steps,
and the vector-Jacobian products begin before it.
"""

from collections.abc import Callable
from typing import Any

import torch

from hw7.engine.teacher_forcing import TeacherForcing

# The module that reads what the last attention has been added to, for each family. Everything
# behind it, the residual connection included, works position by position.
_READERS: dict[str, Callable[[Any], Any]] = {
    "gpt2": lambda network: network.base_model.h[-1].ln_2,
    "marian": lambda network: network.get_decoder().layers[-1].fc1,
    "mt5": lambda network: network.get_decoder().block[-1].layer[-1],
    "t5": lambda network: network.get_decoder().block[-1].layer[-1],
}


def has_tail(forcing: TeacherForcing) -> bool:
    """Tell whether it is known where the tail of a model begins.

    Models in half precision go without: their roundings would hide a mistake.
    """
    is_precise = forcing.target.dtype in (torch.float32, torch.float64)
    return is_precise and forcing.network.config.model_type in _READERS


def first_module(network: Any) -> Any:
    """Return the module whose input is where the tail begins."""
    return _READERS[network.config.model_type](network)


def gradients_before(
    beginning: torch.Tensor, states: torch.Tensor, at_states: torch.Tensor, positions: torch.Tensor
) -> torch.Tensor:
    """Return each step's gradient where the tail begins, at its own position.

    Args:
        beginning: Where the tail begins, `[row, position, hidden]`, with its graph, which stays.
        states: Where it ends, the same shape.
        at_states: Each step's gradient there, `[row, step, hidden]`. Steps that a row does not
            have are zero, and repeat the position of the row's last step.
        positions: The steps' positions, `[row, step]`.
    """
    index = positions.to(states.device).unsqueeze(-1).expand(at_states.shape)
    together = torch.zeros_like(states).scatter_add(1, index, at_states.to(states.device))
    found = torch.autograd.grad(states, beginning, together, retain_graph=True)[0]
    index = index.to(found.device)
    is_given = at_states.ne(0).any(dim=-1, keepdim=True).to(found.device)
    return found.gather(1, index) * is_given
