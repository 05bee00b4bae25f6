from __future__ import annotations

import pytest
import torch

from f2p_models.errors import WeightsError
from f2p_models.judges.graph import Graph, GraphNetwork, Step


def network(*steps: Step, **constants: torch.Tensor) -> GraphNetwork:
    return GraphNetwork(Graph(input="x", output=steps[-1].output, steps=steps, constants=constants))


def convolution(*inputs: str, stride: int = 1, same: bool = True, depthwise: bool = False) -> Step:
    options = {"strides": (stride, stride), "same": same, "depthwise": depthwise}
    return Step(operation="convolve", inputs=("x", *inputs), output="y", options=options)


def test_an_odd_missing_pixel_is_padded_on_the_last_side_as_tensorflow_does() -> None:
    x = torch.arange(16.0).reshape(1, 1, 4, 4)
    summed = network(convolution("kernel", stride=2), kernel=torch.ones(1, 1, 3, 3))(x)
    assert summed.tolist() == [[[[45.0, 39.0], [66.0, 50.0]]]]  # windows begin at 0 and 2; padding comes last


def test_valid_padding_leaves_the_border_out() -> None:
    x = torch.ones(1, 1, 4, 4)
    assert network(convolution("kernel", same=False), kernel=torch.ones(1, 1, 3, 3))(x).shape == (1, 1, 2, 2)


def test_a_depthwise_kernel_keeps_channels_apart() -> None:
    x = torch.stack([torch.ones(2, 2), torch.full((2, 2), 10.0)])[None]
    kernel = torch.tensor([2.0, 3.0]).reshape(2, 1, 1, 1)
    found = network(convolution("kernel", "bias", depthwise=True), kernel=kernel, bias=torch.ones(2, 1, 1))(x)
    assert found[0, :, 0, 0].tolist() == [3.0, 31.0]


def test_pooling_ignores_what_is_padded() -> None:
    options = {"kernel": (2, 2), "strides": (2, 2), "same": True}
    pool = Step(operation="max_pool", inputs=("x",), output="y", options=options)
    assert network(pool)(torch.full((1, 1, 3, 3), -5.0)).unique().tolist() == [-5.0]


def test_sides_are_padded_where_the_file_says() -> None:
    pad = Step(
        operation="pad", inputs=("x",), output="y", options={"sides": ([0, 0], [0, 1], [0, 0], [2, 0])}
    )  # one channel behind, two columns before
    padded = network(pad)(torch.ones(1, 1, 1, 1))
    assert padded.tolist() == [[[[0.0, 0.0, 1.0]], [[0.0, 0.0, 0.0]]]]


def test_a_value_read_twice_lives_until_its_last_reader() -> None:
    steps = (
        Step(operation="relu", inputs=("x",), output="a"),
        Step(operation="add", inputs=("a", "a"), output="b"),
        Step(operation="multiply", inputs=("a", "b"), output="y"),
    )
    assert network(*steps)(torch.tensor([[[[3.0]]]])).item() == 18.0


def test_prelu_keeps_a_share_of_what_is_below_zero() -> None:
    step = Step(operation="prelu", inputs=("x", "slope"), output="y")
    found = network(step, slope=torch.tensor([0.5, 0.0]).reshape(2, 1, 1))(torch.full((1, 2, 1, 1), -4.0))
    assert found.flatten().tolist() == [-2.0, 0.0]


def test_gradients_reach_the_input() -> None:
    x = torch.ones(1, 1, 4, 4, requires_grad=True)
    network(convolution("kernel"), kernel=torch.ones(1, 1, 3, 3))(x).sum().backward()
    assert x.grad is not None
    assert bool((x.grad > 0).all())


def test_an_unknown_operation_is_named() -> None:
    with pytest.raises(WeightsError, match="operations FooBar are not known"):
        network(Step(operation="FooBar", inputs=("x",), output="y"))
