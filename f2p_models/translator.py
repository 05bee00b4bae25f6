"""The translator T: identity embedding -> encoded parameter vector (Shi et al., TPAMI, section 3.2, Table 4).

B   batch
D   embedding: 256 for LightCNN-29v2, 128 for dlib's network
V   encoded vector = n_c sliders + n_d one-hot entries

    embedding (B, D) -> FC 512 -> 3 x residual attention block -> two heads -> sliders (B, n_c), blocks (B, n_d)

The paper is silent about activations and normalisation around the table's layers. Chosen here:
embeddings are centered and scaled to unit variance; a LayerNorm follows each linear layer of the trunk (unlike
BatchNorm it treats photos and renders, which alternate in training, alike and works for one photo); ReLU as in ResNet;
a sigmoid keeps the sliders in [0, 1]; the heads start at zero, so that an untrained translator answers the average
face, sliders at 0.5.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from f2p_models.boundaries import check_size, checked_center
from f2p_models.errors import ConfigError
from f2p_models.losses import soft_discrete

HIDDEN_SIZE: Final = 512
EXPANDED_SIZE: Final = 1024
SQUEEZED_SIZE: Final = 16
NUM_BLOCKS: Final = 3


@dataclass(frozen=True, kw_only=True)
class TranslatorConfig:
    """``block_sizes`` are the numbers of choices of the discrete parameters, in schema order.

    ``attention=False`` leaves out the squeeze-and-excitation gates: the ablation against a plain residual MLP.
    """

    embedding_size: int
    num_continuous: int
    block_sizes: tuple[int, ...] = ()
    attention: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "block_sizes", tuple(self.block_sizes))  # JSON gives a list
        if self.embedding_size < 1:
            raise ConfigError(f"embedding_size: {self.embedding_size} must be at least 1; take it from the embedder")
        if self.num_continuous < 1:
            raise ConfigError(f"num_continuous: {self.num_continuous} must be at least 1; take it from the schema")
        if any(size < 2 for size in self.block_sizes):
            raise ConfigError(f"block_sizes: {self.block_sizes} must each be at least 2; take them from the schema")

    @property
    def num_discrete(self) -> int:
        return sum(self.block_sizes)

    @property
    def vector_size(self) -> int:
        """V."""
        return self.num_continuous + self.num_discrete


class Translator(nn.Module):
    """Embedding (B, D) -> vector (B, V) in [0, 1], each discrete block summing to 1.

    ``center`` (D,), stored with the weights, is the mean embedding; None stands for zeros.
    """

    center: Tensor

    def __init__(self, config: TranslatorConfig, center: Tensor | None = None) -> None:
        super().__init__()
        self.config = config
        self.register_buffer("center", checked_center(center, torch.zeros(config.embedding_size)))
        self.fc_in = nn.Sequential(
            nn.Linear(config.embedding_size, HIDDEN_SIZE), nn.LayerNorm(HIDDEN_SIZE), nn.ReLU(inplace=True)
        )
        self.blocks = nn.Sequential(*(ResidualAttention(attention=config.attention) for _ in range(NUM_BLOCKS)))
        self.continuous_head = _zero_linear(HIDDEN_SIZE, config.num_continuous)
        self.discrete_head = _zero_linear(HIDDEN_SIZE, config.num_discrete) if config.num_discrete else None

    def forward(self, embeddings: Tensor, beta: float = 1.0) -> Tensor:
        """Raw embeddings (B, D) -> vectors (B, V). ``beta`` sharpens the discrete blocks (section 3.6)."""
        check_size(embeddings, self.config.embedding_size, "embeddings")
        hidden = self.blocks(self.fc_in(self._normalized(embeddings)))
        sliders = self.continuous_head(hidden).sigmoid()
        if self.discrete_head is None:
            return sliders  # type: ignore[no-any-return]
        discrete = soft_discrete(self.discrete_head(hidden), self.config.block_sizes, beta)
        return torch.cat([sliders, discrete], dim=1)

    def _normalized(self, embeddings: Tensor) -> Tensor:
        """Centered, on the sphere of radius sqrt(D): components of variance about 1 whatever the embedder's scale."""
        return F.normalize(embeddings - self.center, dim=1) * math.sqrt(self.config.embedding_size)


class ResidualAttention(nn.Module):
    """(B, 512) -> (B, 512): FC(512, 1024) - FC(1024, 512) - SE(512, 16, 512), added to the input."""

    def __init__(self, *, attention: bool = True) -> None:
        super().__init__()
        self.fc = nn.Sequential(
            nn.Linear(HIDDEN_SIZE, EXPANDED_SIZE),
            nn.LayerNorm(EXPANDED_SIZE),
            nn.ReLU(inplace=True),
            nn.Linear(EXPANDED_SIZE, HIDDEN_SIZE),
            nn.LayerNorm(HIDDEN_SIZE),
        )
        self.gate = SqueezeExcitation() if attention else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.gate(self.fc(x)))


class SqueezeExcitation(nn.Module):
    """Section 3.2: v * alpha with alpha = sigmoid(W2 relu(W1 v)); there is nothing to pool in a vector."""

    def __init__(self) -> None:
        super().__init__()
        self.squeeze = nn.Linear(HIDDEN_SIZE, SQUEEZED_SIZE)
        self.excite = nn.Linear(SQUEEZED_SIZE, HIDDEN_SIZE)

    def forward(self, v: Tensor) -> Tensor:
        return v * torch.sigmoid(self.excite(F.relu(self.squeeze(v))))


def _zero_linear(inputs: int, outputs: int) -> nn.Linear:
    linear = nn.Linear(inputs, outputs)
    nn.init.zeros_(linear.weight)
    nn.init.zeros_(linear.bias)
    return linear
