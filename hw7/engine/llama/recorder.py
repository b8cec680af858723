"""Looking at what flows through the modules of a model during a forward pass."""

from typing import Any

import torch


class Recorder:
    """Notes the first input or the output of some modules of a forward pass; changes nothing.

    Attributes:
        inputs: The last first argument of each module.
        outputs: The last output of each module.
    """

    def __init__(self, of_inputs: list[Any], of_outputs: list[Any]) -> None:
        """Choose the modules whose inputs, and those whose outputs are noted."""
        self._notes = [(module, self._note_input) for module in of_inputs]
        self._notes += [(module, self._note_output) for module in of_outputs]
        self._handles: list[Any] = []
        self.inputs: dict[Any, torch.Tensor] = {}
        self.outputs: dict[Any, Any] = {}

    def __enter__(self) -> "Recorder":
        for module, note in self._notes:
            self._handles.append(module.register_forward_hook(note))
        return self

    def __exit__(self, *error: object) -> None:
        for handle in self._handles:
            handle.remove()

    def _note_input(self, module: Any, arguments: tuple[Any, ...], output: Any) -> None:
        self.inputs[module] = arguments[0]

    def _note_output(self, module: Any, arguments: tuple[Any, ...], output: Any) -> None:
        self.outputs[module] = output
