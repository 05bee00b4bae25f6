"""Reading TensorFlow.js graph models: ``model.json`` (topology) and the weight files it names beside it.

Plain JSON and plain numbers; nothing in such a file can run.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from f2p_models.errors import WeightsError
from f2p_models.judges.graph import Graph, Step

Node = Mapping[str, Any]
Nodes = Mapping[str, Node]

_CONVOLUTIONS: Final = frozenset(
    {"Conv2D", "_FusedConv2D", "DepthwiseConv2dNative", "FusedDepthwiseConv2dNative"},
)
_PLAIN: Final = {
    "Add": "add",
    "AddV2": "add",
    "Mul": "multiply",
    "Minimum": "minimum",
    "Maximum": "maximum",
    "Relu": "relu",
    "Mean": "mean",
}


def read_tfjs(path: Path, output: str) -> Graph:
    """The part of the graph that leads from its one placeholder to the node ``output``.

    Raises WeightsError for a file that is missing, cut, or no graph model, and for a node that is not in it.
    """
    topology, manifest = _read_json(path)
    nodes = {node["name"]: node for node in topology}
    if output not in nodes:
        raise WeightsError(f"{path}: has no node {output!r}; give the file that was named")
    weights = dict(_read_weights(path, manifest))
    order = _leading_to(nodes, output)
    steps = tuple(_step(nodes[name]) for name in order if nodes[name]["op"] not in ("Placeholder", "Const"))
    read = {name for step in steps for name in step.inputs if nodes[name]["op"] == "Const"}
    return Graph(
        input=next(name for name in order if nodes[name]["op"] == "Placeholder"),
        output=output,
        steps=steps,
        constants={name: _as_torch(weights[name], name, nodes) for name in order if name in read},
    )


def _read_json(path: Path) -> tuple[Sequence[Node], Sequence[Mapping[str, Any]]]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return content["modelTopology"]["node"], content["weightsManifest"]
    except FileNotFoundError as error:
        raise WeightsError(f"{path}: no such file; install the judges' weights again") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WeightsError(f"{path}: not a TensorFlow.js graph model ({error}); install it again") from error


def _read_weights(path: Path, manifest: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    """Names and arrays as the manifest lists them: end to end, in the order of the files."""
    for group in manifest:
        data, start = _joined(path, group["paths"]), 0
        for weight in group["weights"]:
            stored = np.dtype(weight.get("quantization", {}).get("dtype", weight["dtype"]))
            if stored.kind == "u":
                raise WeightsError(f"{path}: {weight['name']} is quantized to {stored}; give the float model")
            count = int(np.prod(weight["shape"]))
            if start + count * stored.itemsize > len(data):
                raise WeightsError(f"{path}: its weights are cut at {len(data):,} bytes; install it again")
            array = np.frombuffer(data, stored, count, start).reshape(weight["shape"])
            yield weight["name"], array.astype(weight["dtype"])
            start += count * stored.itemsize
        if start != len(data):
            raise WeightsError(f"{path}: {len(data) - start:,} bytes of weights too many; install it again")


def _joined(path: Path, names: Sequence[str]) -> bytes:
    files = [path.parent / Path(name).name for name in names]  # a name is never a way out of the folder
    try:
        return b"".join(file.read_bytes() for file in files)
    except OSError as error:
        raise WeightsError(f"{path}: its weights {error.filename} cannot be read; install it again") from error


def _fused(node: Node) -> tuple[str, ...]:
    """What a fused node does after its convolution: BiasAdd, perhaps an activation."""
    encoded = node.get("attr", {}).get("fused_ops", {}).get("list", {}).get("s", ())
    return tuple(base64.b64decode(word).decode() for word in encoded)


def _leading_to(nodes: Nodes, output: str) -> list[str]:
    """Names in an order in which each comes after its inputs."""
    order: dict[str, None] = {}
    waiting = [output]
    while waiting:
        inputs = [name.partition(":")[0] for name in nodes[waiting[-1]].get("input", ())]
        missing = [name for name in inputs if name not in order]
        if missing:
            waiting += missing
        else:
            order.setdefault(waiting.pop())
    return list(order)


def _step(node: Node) -> Step:
    operation: str = node["op"]
    inputs = tuple(name.partition(":")[0] for name in node["input"])
    if operation in _CONVOLUTIONS:
        options = _convolution_options(node)
        return Step(operation="convolve", inputs=inputs, output=node["name"], options=options)
    if operation == "Mean":
        inputs = inputs[:1]  # the other names the axes, and the only ones that occur are the pixels'
    return Step(operation=_PLAIN.get(operation, operation), inputs=inputs, output=node["name"])


def _convolution_options(node: Node) -> dict[str, Any]:
    attributes = node["attr"]
    unknown = set(_fused(node)) - {"BiasAdd", "Relu"}
    if unknown:
        raise WeightsError(f"{node['name']}: fused {', '.join(sorted(unknown))} is not known; give the named file")
    strides = [int(stride) for stride in attributes["strides"]["list"]["i"]]
    return {
        "strides": (strides[1], strides[2]),
        "same": base64.b64decode(attributes["padding"]["s"]) == b"SAME",
        "depthwise": "Depthwise" in node["op"],
        "relu": "Relu" in _fused(node),
    }


def _as_torch(weight: npt.NDArray[Any], name: str, nodes: Nodes) -> Tensor:
    """Kernels (H, W, in, out) -> (out, in, H, W), depthwise ones (H, W, C, 1) -> (C, 1, H, W); (C,) -> (C, 1, 1)."""
    tensor = torch.from_numpy(weight.copy())
    if weight.ndim != 4:
        return tensor.reshape(-1, 1, 1)
    reader = next(node for node in nodes.values() if name in node.get("input", ()))
    return tensor.permute((2, 3, 0, 1) if "Depthwise" in reader["op"] else (3, 2, 0, 1)).contiguous()
