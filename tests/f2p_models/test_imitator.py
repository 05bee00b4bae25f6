from __future__ import annotations

import pytest
import torch
from torch import nn

from f2p_models.errors import ConfigError, TensorError
from f2p_models.imitator import Imitator, ImitatorConfig


def layer_list(imitator: Imitator) -> list[tuple[int, tuple[int, ...], tuple[int, ...], bool]]:
    """(filters, kernel, stride, followed by BN and ReLU) of every layer."""
    described = []
    for layer in imitator.layers:
        parts = list(layer) if isinstance(layer, nn.Sequential) else [layer]
        assert isinstance(parts[0], nn.ConvTranspose2d)
        normalized = [type(part) for part in parts[1:]] == [nn.BatchNorm2d, nn.ReLU]
        described.append((parts[0].out_channels, parts[0].kernel_size, parts[0].stride, normalized))
    return described


def test_the_defaults_are_table_2() -> None:
    imitator = Imitator(ImitatorConfig(vector_size=310))
    filters = [512, 512, 512, 256, 128, 64, 64]
    expected = [(n, (4, 4), (1, 1) if i == 0 else (2, 2), True) for i, n in enumerate(filters)]
    assert layer_list(imitator) == [*expected, (3, (4, 4), (2, 2), False)]


def test_table_2_has_the_number_of_parameters_one_counts_by_hand() -> None:
    kernels = 16 * (310 * 512 + 512 * 512 + 512 * 512 + 512 * 256 + 256 * 128 + 128 * 64 + 64 * 64 + 64 * 3)
    norms = 2 * (512 + 512 + 512 + 256 + 128 + 64 + 64)
    imitator = Imitator(ImitatorConfig(vector_size=310))
    assert sum(parameter.numel() for parameter in imitator.parameters()) == kernels + norms + 3


def test_the_default_picture_is_512_pixels_wide() -> None:
    with torch.no_grad():
        assert Imitator(ImitatorConfig(vector_size=7)).eval()(torch.rand(1, 7)).shape == (1, 3, 512, 512)


@pytest.mark.parametrize(("resolution", "num_layers"), [(64, 5), (128, 6), (256, 7)])
def test_a_smaller_resolution_drops_last_layers(resolution: int, num_layers: int) -> None:
    imitator = Imitator(ImitatorConfig(vector_size=7, resolution=resolution, width=0.125))
    assert len(imitator.layers) == num_layers
    assert imitator(torch.rand(2, 7)).shape == (2, 3, resolution, resolution)


def test_width_scales_filters_to_multiples_of_eight_but_never_the_picture() -> None:
    assert ImitatorConfig(vector_size=7, width=0.2).filters == (104, 104, 104, 48, 24, 16, 16, 3)


def test_an_untrained_picture_is_about_middle_gray() -> None:
    imitator = Imitator(ImitatorConfig(vector_size=7, resolution=64, width=0.25))
    assert imitator(torch.rand(16, 7)).mean().item() == pytest.approx(0.5, abs=0.1)


def test_picture_is_clamped_and_forward_is_not() -> None:
    imitator = Imitator(ImitatorConfig(vector_size=7, resolution=64, width=0.125)).eval()
    imitator.layers[-1].bias.data.fill_(2.0)  # type: ignore[union-attr,operator]
    vectors = torch.rand(2, 7)
    assert imitator(vectors).min() > 1.0
    assert imitator.picture(vectors).max() == 1.0


def test_a_gradient_reaches_the_vector() -> None:
    imitator = Imitator(ImitatorConfig(vector_size=7, resolution=64, width=0.125)).eval()
    vectors = torch.rand(2, 7, requires_grad=True)
    imitator(vectors).square().mean().backward()
    assert vectors.grad is not None
    assert (vectors.grad != 0).all()


def test_memory_layout_does_not_change_the_picture() -> None:
    imitator = Imitator(ImitatorConfig(vector_size=7, resolution=64, width=0.125)).eval()
    vectors = torch.rand(2, 7)
    with torch.no_grad():
        plain = imitator(vectors)
        torch.testing.assert_close(imitator.to(memory_format=torch.channels_last)(vectors), plain, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("fields", "named"),
    [({"vector_size": 0}, "vector_size"), ({"resolution": 100}, "resolution"), ({"width": 0.0}, "width")],
)
def test_a_bad_configuration_names_its_field(fields: dict[str, float], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        ImitatorConfig(**{"vector_size": 7, **fields})  # type: ignore[arg-type]


def test_a_vector_of_another_size_is_refused_with_both_sizes() -> None:
    with pytest.raises(TensorError, match=r"\(B, 7\).*\(2, 8\)"):
        Imitator(ImitatorConfig(vector_size=7, resolution=64, width=0.125))(torch.rand(2, 8))
