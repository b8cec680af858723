"""Looking at what flows through the modules of a model during a forward pass."""

from typing import Any

import torch


class Recorder:
    """Notes the first input and the output of some modules; changes nothing.

    Attributes:
        inputs: The last first argument of each module.
        outputs: The last output of each module.
    """

    def __init__(self, modules: list[Any]) -> None:
        self._modules = modules
        self._handles: list[Any] = []
        self.inputs: dict[Any, torch.Tensor] = {}
        self.outputs: dict[Any, Any] = {}

    def __enter__(self) -> "Recorder":
        for module in self._modules:
            self._handles.append(module.register_forward_hook(self._note))
        return self

    def __exit__(self, *error: object) -> None:
        for handle in self._handles:
            handle.remove()

    def _note(self, module: Any, arguments: tuple[Any, ...], output: Any) -> None:
        self.inputs[module] = arguments[0]
        self.outputs[module] = output
