"""Small networks from other frameworks' files, run in PyTorch.

Two readers (:mod:`tfjs`, :mod:`tflite`) bring their files into this one form; nothing of either framework is needed.

B batch, C channels, H W pixels; activations are (B, C, H, W) whatever the file's order was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from f2p_models.errors import WeightsError

Arguments = Sequence[Tensor]
Options = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Step:
    """One operation. ``inputs`` are names of the graph's input, of constants, or of outputs of earlier steps."""

    operation: str
    inputs: tuple[str, ...]
    output: str
    options: Options = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Graph:
    """Steps in the order they can run in.

    ``constants`` lie as PyTorch wants them: kernels (out, in, H, W), one value per channel as (C, 1, 1).
    """

    input: str
    output: str
    steps: tuple[Step, ...]
    constants: Mapping[str, Tensor]


class GraphNetwork(nn.Module):
    """A graph, frozen, in evaluation mode; gradients flow through it to its input.

    Raises WeightsError for an operation it does not know.
    """

    def __init__(self, graph: Graph) -> None:
        super().__init__()
        unknown = sorted({step.operation for step in graph.steps} - set(OPERATIONS))
        if unknown:
            raise WeightsError(f"network: operations {', '.join(unknown)} are not known; give the file that was named")
        self._graph = graph
        self._buffer_of = {name: f"constant_{index}" for index, name in enumerate(graph.constants)}
        for name, buffer in self._buffer_of.items():
            self.register_buffer(buffer, graph.constants[name], persistent=False)
        self._done_with = _last_uses(graph)
        self.eval()

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> whatever the graph gives."""
        values = {self._graph.input: x}
        for number, step in enumerate(self._graph.steps):
            arguments = [values[name] if name in values else self._constant(name) for name in step.inputs]
            values[step.output] = OPERATIONS[step.operation](arguments, step.options)
            for name in self._done_with.get(number, ()):
                del values[name]  # all activations of a batch together would take gigabytes
        return values[self._graph.output]

    def _constant(self, name: str) -> Tensor:
        return getattr(self, self._buffer_of[name])  # type: ignore[no-any-return]


def _last_uses(graph: Graph) -> dict[int, list[str]]:
    """Step number -> activations that nothing after it reads."""
    last = {name: number for number, step in enumerate(graph.steps) for name in step.inputs}
    uses: dict[int, list[str]] = {}
    for name, number in last.items():
        if name not in graph.constants and name != graph.output:
            uses.setdefault(number, []).append(name)
    return uses


def _convolve(arguments: Arguments, options: Options) -> Tensor:
    """x, kernel, perhaps a bias. Depthwise kernels (C, 1, H, W) have as many groups as channels."""
    x, kernel = arguments[:2]
    bias = arguments[2].flatten() if len(arguments) > 2 else None
    if options["same"]:
        x = _pad_same(x, kernel.shape[2:], options["strides"], 0.0)
    groups = x.shape[1] if options["depthwise"] else 1
    return _activate(F.conv2d(x, kernel, bias, options["strides"], groups=groups), options)


def _max_pool(arguments: Arguments, options: Options) -> Tensor:
    x = arguments[0]
    if options["same"]:
        x = _pad_same(x, options["kernel"], options["strides"], -torch.inf)
    return F.max_pool2d(x, options["kernel"], options["strides"])


def _pad_same(x: Tensor, kernel: Sequence[int], strides: Sequence[int], value: float) -> Tensor:
    """As TensorFlow: ceil(size / stride) outputs; of an odd number of missing pixels the last side gets one more."""
    missing = [
        max((-(-size // stride) - 1) * stride + window - size, 0)
        for size, window, stride in zip(x.shape[2:], kernel, strides, strict=True)
    ]
    rows, columns = ((lack // 2, lack - lack // 2) for lack in missing)
    return F.pad(x, (*columns, *rows), value=value)


def _pad(arguments: Arguments, options: Options) -> Tensor:
    """``sides``: before and after for each of B, C, H, W, which F.pad wants from the last to the first."""
    return F.pad(arguments[0], [side for pair in reversed(options["sides"]) for side in pair])


def _mean(arguments: Arguments, _: Options) -> Tensor:
    """Over all pixels: (B, C)."""
    return arguments[0].mean((2, 3))


def _prelu(arguments: Arguments, _: Options) -> Tensor:
    x, slope = arguments
    return torch.where(x > 0, x, x * slope)


def _activate(x: Tensor, options: Options) -> Tensor:
    return x.relu() if options.get("relu") else x


OPERATIONS: Final[Mapping[str, Callable[[Arguments, Options], Tensor]]] = {
    "convolve": _convolve,
    "max_pool": _max_pool,
    "pad": _pad,
    "mean": _mean,
    "prelu": _prelu,
    "add": lambda arguments, options: _activate(arguments[0] + arguments[1], options),
    "multiply": lambda arguments, _: arguments[0] * arguments[1],
    "minimum": lambda arguments, _: torch.minimum(arguments[0], arguments[1]),
    "maximum": lambda arguments, _: torch.maximum(arguments[0], arguments[1]),
    "relu": lambda arguments, _: arguments[0].relu(),
}
