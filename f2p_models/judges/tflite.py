"""Reading small float TensorFlow Lite models with PyPI's ``tflite``: the flatbuffer's accessors and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from f2p_models.errors import WeightsError
from f2p_models.judges.graph import Graph, Step

#: How a flatbuffer of this kind begins: four bytes of offset, then its identifier.
_IDENTIFIER: Final = b"TFL3"
_FLOAT32, _INT32 = 0, 2
_SAME_PADDING = 0
_NO_ACTIVATION, _RELU = 0, 1


def read_tflite(path: Path, output: str) -> Graph:
    """The part of the model that leads from its input to the tensor ``output``.

    Raises WeightsError for a file that is missing or no such model, and where ``tflite`` is not installed.
    """
    tflite = _import_reader()
    subgraph, model = _open(path, tflite)
    reading = _Reading(path, model, subgraph, tflite)
    steps = [reading.step(subgraph.Operators(number)) for number in range(subgraph.OperatorsLength())]
    wanted = _leading_to(steps, output)
    if not wanted:
        raise WeightsError(f"{path}: has no tensor {output!r}; give the file that was named")
    inputs = {name for step in wanted for name in step.inputs}
    return Graph(
        input=reading.name(subgraph.Inputs(0)),
        output=output,
        steps=tuple(wanted),
        constants={name: constant for name, constant in reading.constants.items() if name in inputs},
    )


def _import_reader() -> Any:
    try:
        import tflite
    except ImportError as error:
        raise WeightsError("tflite: not installed; pip install '.[judges]'") from error
    return tflite


def _open(path: Path, tflite: Any) -> tuple[Any, Any]:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read ({error.strerror}); install the judges' weights again") from error
    if data[4:8] != _IDENTIFIER:
        raise WeightsError(f"{path}: not a TensorFlow Lite model; install the judges' weights again")
    model = tflite.Model.GetRootAs(data, 0)
    return model.Subgraphs(0), model


def _leading_to(steps: Sequence[Step], output: str) -> list[Step]:
    """The steps that the output needs, in the file's order, which is one they can run in."""
    needed, wanted = {output}, []
    for step in reversed(steps):
        if step.output in needed:
            wanted.append(step)
            needed.update(step.inputs)
    return wanted[::-1]


class _Reading:
    """One subgraph while it is read. ``constants`` fills as steps ask for them."""

    def __init__(self, path: Path, model: Any, subgraph: Any, tflite: Any) -> None:
        self._path, self._model, self._subgraph, self._tflite = path, model, subgraph, tflite
        self._operations = {value: name for name, value in vars(tflite.BuiltinOperator).items()}
        self.constants: dict[str, Tensor] = {}

    def name(self, index: int) -> str:
        return str(self._subgraph.Tensors(index).Name().decode())

    def step(self, operator: Any) -> Step:
        code = self._model.OperatorCodes(operator.OpcodeIndex())
        operation = self._operations[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())]
        inputs = [operator.Inputs(number) for number in range(operator.InputsLength())]
        output = self.name(operator.Outputs(0))
        match operation:
            case "CONV_2D" | "DEPTHWISE_CONV_2D":
                return self._convolution(operator, operation, inputs, output)
            case "PRELU":
                return Step(operation="prelu", inputs=(self.name(inputs[0]), self._slopes(inputs[1])), output=output)
            case "ADD":
                options = {"relu": self._has_relu(self._options(operator, "AddOptions"))}
                return Step(operation="add", inputs=tuple(map(self.name, inputs)), output=output, options=options)
            case "MAX_POOL_2D":
                return self._max_pool(operator, inputs[0], output)
            case "PAD":
                batch, height, width, channels = self._array(inputs[1]).tolist()
                sides = {"sides": (batch, channels, height, width)}
                return Step(operation="pad", inputs=(self.name(inputs[0]),), output=output, options=sides)
        raise WeightsError(f"{self._path}: operation {operation} is not known; give the file that was named")

    def _convolution(self, operator: Any, operation: str, inputs: Sequence[int], output: str) -> Step:
        depthwise = operation == "DEPTHWISE_CONV_2D"
        found = self._options(operator, "DepthwiseConv2DOptions" if depthwise else "Conv2DOptions")
        kernel = torch.from_numpy(self._array(inputs[1]))
        # (out, H, W, in), and (1, H, W, C) where it is depthwise
        kernel = kernel.permute((3, 0, 1, 2) if depthwise else (0, 3, 1, 2)).contiguous()
        names = (self.name(inputs[0]), self.name(inputs[1]), self.name(inputs[2]))
        self.constants |= {names[1]: kernel, names[2]: torch.from_numpy(self._array(inputs[2])).reshape(-1, 1, 1)}
        options = {
            "strides": (found.StrideH(), found.StrideW()),
            "same": found.Padding() == _SAME_PADDING,
            "depthwise": depthwise,
            "relu": self._has_relu(found),
        }
        return Step(operation="convolve", inputs=names, output=output, options=options)

    def _max_pool(self, operator: Any, source: int, output: str) -> Step:
        found = self._options(operator, "Pool2DOptions")
        options = {
            "kernel": (found.FilterHeight(), found.FilterWidth()),
            "strides": (found.StrideH(), found.StrideW()),
            "same": found.Padding() == _SAME_PADDING,
        }
        return Step(operation="max_pool", inputs=(self.name(source),), output=output, options=options)

    def _slopes(self, index: int) -> str:
        name = self.name(index)
        self.constants[name] = torch.from_numpy(self._array(index)).reshape(-1, 1, 1)
        return name

    def _array(self, index: int) -> Any:
        """A constant's numbers, in the file's order. Weights of other types than float32 are not read."""
        tensor = self._subgraph.Tensors(index)
        if tensor.Type() not in (_FLOAT32, _INT32):
            raise WeightsError(f"{self._path}: {self.name(index)} is quantized; give the float model")
        data = self._model.Buffers(tensor.Buffer()).DataAsNumpy()
        dtype = np.float32 if tensor.Type() == _FLOAT32 else np.int32
        return np.frombuffer(data.tobytes(), dtype).reshape(tensor.ShapeAsNumpy()).copy()

    def _options(self, operator: Any, name: str) -> Any:
        options, table = getattr(self._tflite, name)(), operator.BuiltinOptions()
        options.Init(table.Bytes, table.Pos)
        return options

    def _has_relu(self, options: Any) -> bool:
        activation = options.FusedActivationFunction()
        if activation not in (_NO_ACTIVATION, _RELU):
            raise WeightsError(f"{self._path}: activation {activation} is not known; give the file that was named")
        return bool(activation == _RELU)
