from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from f2p_models.errors import WeightsError
from f2p_models.judges.graph import GraphNetwork
from f2p_models.judges.tfjs import read_tfjs

from .conftest import convolution, node

KERNEL = np.arange(2 * 3, dtype=np.float32).reshape(1, 1, 2, 3)  # H W in out
Write = Callable[..., Path]


def test_a_kernel_is_read_in_the_files_order(write_tfjs: Write) -> None:
    path = write_tfjs([convolution("y", "Conv2D", "x", "k")], {"k": KERNEL})
    found = GraphNetwork(read_tfjs(path, "y"))(torch.tensor([1.0, 10.0]).reshape(1, 2, 1, 1))
    assert found.flatten().tolist() == [30.0, 41.0, 52.0]


def test_a_depthwise_kernel_has_its_channels_third(write_tfjs: Write) -> None:
    kernel = np.array([2.0, 3.0], np.float32).reshape(1, 1, 2, 1)
    path = write_tfjs([convolution("y", "DepthwiseConv2dNative", "x", "k")], {"k": kernel})
    assert GraphNetwork(read_tfjs(path, "y"))(torch.ones(1, 2, 1, 1)).flatten().tolist() == [2.0, 3.0]


def test_bias_and_relu_are_fused_into_a_convolution(write_tfjs: Write) -> None:
    step = convolution("y", "_FusedConv2D", "x", "k", "b", fused=("BiasAdd", "Relu"))
    path = write_tfjs([step], {"k": KERNEL, "b": np.array([-100.0, 0.0, 1.0], np.float32)})
    found = GraphNetwork(read_tfjs(path, "y"))(torch.ones(1, 2, 1, 1))
    assert found.flatten().tolist() == [0.0, 5.0, 8.0]


def test_a_mean_is_over_the_pixels(write_tfjs: Write) -> None:
    path = write_tfjs([node("y", "Mean", "x", "axes")], {"axes": np.array([1.0, 2.0], np.float32)})
    assert GraphNetwork(read_tfjs(path, "y"))(torch.arange(4.0).reshape(1, 1, 2, 2)).tolist() == [[1.5]]


def test_only_what_leads_to_the_output_is_read(write_tfjs: Write) -> None:
    nodes = [node("y", "Relu", "x"), node("z", "SomethingElse", "y", "k")]
    graph = read_tfjs(write_tfjs(nodes, {"k": KERNEL}), "y")
    assert [step.output for step in graph.steps] == ["y"]
    assert not graph.constants


@pytest.mark.parametrize(("cut", "words"), [(2, "weights are cut"), (-2, "2 bytes of weights too many")])
def test_weights_of_another_length_are_refused(write_tfjs: Write, cut: int, words: str) -> None:
    path = write_tfjs([convolution("y", "Conv2D", "x", "k")], {"k": KERNEL}, cut=cut)
    with pytest.raises(WeightsError, match=words):
        read_tfjs(path, "y")


def test_quantized_weights_are_refused(write_tfjs: Write) -> None:
    path = write_tfjs([convolution("y", "Conv2D", "x", "k")], {"k": KERNEL}, stored="uint8")
    with pytest.raises(WeightsError, match="k is quantized to uint8"):
        read_tfjs(path, "y")


def test_a_node_that_is_not_there_is_named(write_tfjs: Write) -> None:
    with pytest.raises(WeightsError, match="no node 'embeddings'"):
        read_tfjs(write_tfjs([node("y", "Relu", "x")], {}), "embeddings")


def test_an_unknown_activation_is_named(write_tfjs: Write) -> None:
    step = convolution("y", "_FusedConv2D", "x", "k", "b", fused=("BiasAdd", "Elu"))
    path = write_tfjs([step], {"k": KERNEL, "b": np.zeros(3, np.float32)})
    with pytest.raises(WeightsError, match="fused Elu is not known"):
        read_tfjs(path, "y")


def test_weights_are_never_read_from_outside_the_folder(write_tfjs: Write, tmp_path: Path) -> None:
    path = write_tfjs([convolution("y", "Conv2D", "x", "k")], {"k": KERNEL})
    content = json.loads(path.read_text())
    content["weightsManifest"][0]["paths"] = ["../../elsewhere/secret.bin"]
    path.write_text(json.dumps(content))
    with pytest.raises(WeightsError, match=f"weights {tmp_path}/secret.bin cannot be read"):
        read_tfjs(path, "y")


@pytest.mark.parametrize("content", [None, "no json", "{}", '{"modelTopology": 3}'])
def test_what_is_no_graph_model_is_refused(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "model.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(WeightsError, match=r"no such file|not a TensorFlow\.js graph model"):
        read_tfjs(path, "y")
