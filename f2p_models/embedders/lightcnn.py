"""LightCNN-29v2, the paper's F_recg (Wu et al., "A light CNN for deep face representation with noisy labels").

B   batch
D   embedding, 256

    pictures (B, 3, H, H) in [0, 1] -> gray chips (B, 1, 128, 128) -> 29 layers -> embeddings (B, 256)

Module names are those of the authors' code, so that their checkpoint loads. It is theirs to give out: the user
downloads LightCNN_29Layers_V2_checkpoint.pth.tar and points to it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from f2p_models.boundaries import check_pictures, checked_center
from f2p_models.durable import sha256_of
from f2p_models.embedders.chip import Chip, Points, fit_similarity
from f2p_models.embedders.protocol import Template
from f2p_models.errors import WeightsError
from f2p_models.losses import centered_cosine
from f2p_models.weights import read_torch_file

CHIP_PX: Final = 128
EMBEDDING_SIZE: Final = 256
#: Midpoint of the eyes and midpoint of the mouth in the chip: 48 pixels apart, the eyes at a height of 40.
_CHIP_POINTS: Final = ((64.0, 40.0), (64.0, 88.0))
_EYES: Final = (slice(36, 42), slice(42, 48))
_MOUTH_CORNERS: Final = (48, 54)
_LUMA: Final = (0.299, 0.587, 0.114)


class LightCnnEmbedder(nn.Module):
    """An :class:`Embedder`; ``template`` is (68, 2) in fractions of the side of the pictures it will see.

    Its cosines need no ``center`` (256,), so the default is zeros; and those of strangers scatter about 0, so
    ``stranger_distance`` is 1. Neither was measured here, where the weights cannot be had: both can be given.
    Raises WeightsError when ``checkpoint`` is missing, cut, or not of LightCNN-29 v2.
    """

    name = "lightcnn"
    embedding_size = EMBEDDING_SIZE
    center: Tensor
    luma: Tensor

    def __init__(
        self, checkpoint: Path, template: Template, *, center: Tensor | None = None, stranger_distance: float = 1.0
    ) -> None:
        super().__init__()
        self.stranger_distance = stranger_distance
        self.network = load_lightcnn(checkpoint)
        self.weights_sha256 = sha256_of(checkpoint)
        self.chip = lightcnn_chip(template)
        self.register_buffer("center", checked_center(center, torch.zeros(EMBEDDING_SIZE)))
        self.register_buffer("luma", torch.tensor(_LUMA).view(1, 3, 1, 1), persistent=False)
        self.eval().requires_grad_(False)

    def embed(self, pictures: Tensor) -> Tensor:
        """Aligned pictures (B, 3, H, H), RGB in [0, 1] -> embeddings (B, 256), not normalised."""
        check_pictures(pictures)
        gray = (self.chip(pictures) * self.luma).sum(1, keepdim=True)
        return self.network(gray)  # type: ignore[no-any-return]

    def similarity(self, first: Tensor, second: Tensor) -> Tensor:
        """Cosine of embeddings (..., 256) -> (...) in [-1, 1]."""
        return centered_cosine(first, second, self.center)


def lightcnn_chip(template: npt.ArrayLike) -> Chip:
    """The authors' test alignment for landmarks at ``template`` (68, 2)."""
    landmarks: Points = np.asarray(template, np.float64)
    eyes = np.mean([landmarks[eye].mean(0) for eye in _EYES], axis=0)
    mouth = landmarks[list(_MOUTH_CORNERS)].mean(0)
    return Chip(fit_similarity(_CHIP_POINTS, [eyes, mouth]), CHIP_PX)


def load_lightcnn(path: Path) -> LightCnn29V2:
    """The authors' checkpoint without its classifier, in evaluation mode."""
    state = read_torch_file(path)
    if "fc.filter.weight" in state:
        raise WeightsError(f"{path}: this is LightCNN-29 v1; download LightCNN_29Layers_V2_checkpoint.pth.tar")
    state.pop("fc2.weight", None)  # 80,013 training identities
    network = LightCnn29V2()
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        reason = str(error).splitlines()[-1].strip()
        raise WeightsError(f"{path}: not LightCNN-29 v2 ({reason}); download the authors' V2 checkpoint") from error
    return network.eval()


class LightCnn29V2(nn.Module):
    """Gray chips (B, 1, 128, 128) in [0, 1] -> embeddings (B, 256)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = MaxFeatureMap(1, 48, 5)
        self.block1, self.group1 = _residuals(48, 1), Group(48, 96)
        self.block2, self.group2 = _residuals(96, 2), Group(96, 192)
        self.block3, self.group3 = _residuals(192, 3), Group(192, 128)
        self.block4, self.group4 = _residuals(128, 4), Group(128, 128)
        self.fc = nn.Linear(128 * 8 * 8, EMBEDDING_SIZE)

    def forward(self, x: Tensor) -> Tensor:
        x = _pool(self.conv1(x))
        x = _pool(self.group1(self.block1(x)))
        x = _pool(self.group2(self.block2(x)))
        x = self.group3(self.block3(x))
        x = _pool(self.group4(self.block4(x)))
        return self.fc(x.flatten(1))  # type: ignore[no-any-return]


class MaxFeatureMap(nn.Module):
    """A convolution with twice the channels; of each pair of maps the larger value survives."""

    def __init__(self, inputs: int, outputs: int, kernel: int) -> None:
        super().__init__()
        self.filter = nn.Conv2d(inputs, 2 * outputs, kernel, padding=kernel // 2)

    def forward(self, x: Tensor) -> Tensor:
        first, second = self.filter(x).chunk(2, dim=1)
        return torch.maximum(first, second)


class Group(nn.Module):
    """1x1 within the channels, then 3x3 to the new ones."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv_a = MaxFeatureMap(inputs, inputs, 1)
        self.conv = MaxFeatureMap(inputs, outputs, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(self.conv_a(x))  # type: ignore[no-any-return]


class LightResidual(nn.Module):
    """Two max-feature-map convolutions added to the input, with nothing after the sum."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = MaxFeatureMap(channels, channels, 3)
        self.conv2 = MaxFeatureMap(channels, channels, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv2(self.conv1(x)) + x  # type: ignore[no-any-return]


def _residuals(channels: int, count: int) -> nn.Sequential:
    return nn.Sequential(*(LightResidual(channels) for _ in range(count)))


def _pool(x: Tensor) -> Tensor:
    return F.max_pool2d(x, 2) + F.avg_pool2d(x, 2)
