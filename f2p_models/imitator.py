"""The imitator G: a differentiable stand-in for the engine (Shi et al., TPAMI, section 3.1, Table 2).

B   batch
V   encoded parameter vector
H W picture, H = W = resolution

    vector (B, V) -> map (B, V, 1, 1) -> 512x4x4 -> 512x8x8 -> ... -> 64x256x256 -> picture (B, 3, 512, 512)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from torch import Tensor, nn

from f2p_models.boundaries import check_size
from f2p_models.channels import scaled_channels
from f2p_models.errors import ConfigError

#: Table 2: filters of Conv_1 to Conv_7; the last layer always has three.
FILTERS: Final = (512, 512, 512, 256, 128, 64, 64)
RESOLUTIONS: Final = (64, 128, 256, 512)


@dataclass(frozen=True, kw_only=True)
class ImitatorConfig:
    """The defaults are Table 2. A smaller ``resolution`` drops last layers; ``width`` scales the filters."""

    vector_size: int
    resolution: int = 512
    width: float = 1.0

    def __post_init__(self) -> None:
        if self.vector_size < 1:
            raise ConfigError(f"vector_size: {self.vector_size} must be at least 1; take it from the schema")
        if self.resolution not in RESOLUTIONS:
            raise ConfigError(f"resolution: {self.resolution} is none of {', '.join(map(str, RESOLUTIONS))}")
        if not 0.0 < self.width <= 4.0:
            raise ConfigError(f"width: {self.width} must lie in (0, 4]; 1 is the paper's")

    @property
    def filters(self) -> tuple[int, ...]:
        """Output channels of every layer; each layer after the first doubles the picture's side."""
        num_layers = int(math.log2(self.resolution)) - 1
        return (*(scaled_channels(filters, self.width) for filters in FILTERS[: num_layers - 1]), 3)


class Imitator(nn.Module):
    """Vector (B, V) -> picture (B, 3, H, W), linear output that training pulls into [0, 1].

    Every transposed convolution has a 4x4 kernel. Those followed by batch normalisation carry no bias, which the
    normalisation would take away again.
    """

    def __init__(self, config: ImitatorConfig) -> None:
        super().__init__()
        self.config = config
        inputs = (config.vector_size, *config.filters[:-1])
        layers = [_layer(i, o, first=n == 0) for n, (i, o) in enumerate(zip(inputs, config.filters[:-1], strict=False))]
        last = nn.ConvTranspose2d(inputs[-1], 3, 4, stride=2, padding=1)
        self.layers = nn.Sequential(*layers, last)
        self.apply(_initialize)

    def forward(self, vectors: Tensor) -> Tensor:
        """(B, V) float in [0, 1] -> (B, 3, H, W) float, not clamped: the gradient must survive outside [0, 1]."""
        check_size(vectors, self.config.vector_size, "vectors")
        return self.layers(vectors[:, :, None, None])  # type: ignore[no-any-return]

    def picture(self, vectors: Tensor) -> Tensor:
        """As :meth:`forward`, clamped to [0, 1]: what embedders, segmenters and people look at."""
        return self(vectors).clamp(0.0, 1.0)  # type: ignore[no-any-return]


def _layer(inputs: int, outputs: int, *, first: bool) -> nn.Sequential:
    stride, padding = (1, 0) if first else (2, 1)
    return nn.Sequential(
        nn.ConvTranspose2d(inputs, outputs, 4, stride=stride, padding=padding, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


def _initialize(module: nn.Module) -> None:
    """DCGAN's initialisation, after whose generator this one is modelled; the picture starts at middle gray."""
    if isinstance(module, nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, 0.02)
        if module.bias is not None:
            nn.init.constant_(module.bias, 0.5)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)
        nn.init.zeros_(module.bias)
