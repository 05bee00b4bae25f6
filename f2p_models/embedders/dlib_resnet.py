"""dlib's face recognition network (``dlib_face_recognition_resnet_model_v1``, CC0) in PyTorch.

B   batch
D   embedding, 128

    pictures (B, 3, H, H) in [0, 1] -> chips (B, 3, 150, 150) -> 29 convolutions -> embeddings (B, 128)

It takes the place of LightCNN-29v2 where no download is possible: LFW 98.8 %. Its raw cosines are squeezed (same
person 0.95, different people 0.83), so similarities are taken after the mean embedding is subtracted.
"""

from __future__ import annotations

import hashlib
import json
from importlib.resources import files
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from f2p_models.boundaries import check_pictures, checked_center
from f2p_models.embedders.chip import Chip, Points, fit_similarity
from f2p_models.embedders.dlib_file import DlibWeights, find_weights, parse_weights
from f2p_models.embedders.protocol import Template
from f2p_models.losses import centered_cosine

CHIP_PX: Final = 150
EMBEDDING_SIZE: Final = 128

#: The landmarks that dlib's five-point template means: outer and inner corners of both eyes, base of the nose.
CHIP_LANDMARKS: Final = (45, 42, 36, 39, 33)
#: That template, in units of the face's square, which the chip pads by a quarter on every side.
_CHIP_TEMPLATE: Final = (
    (0.8595674595992, 0.2134981538014),
    (0.6460604764104, 0.2289674387677),
    (0.1205750620789, 0.2137274526848),
    (0.3340850613712, 0.2290642403242),
    (0.4901123135679, 0.6277975316475),
)
_CHIP_PADDING: Final = 0.25

#: (channels, stride) of the fourteen residual blocks.
_BLOCKS: Final = (
    *[(32, 1)] * 3,
    *[(64, 2), (64, 1), (64, 1), (64, 1)],
    *[(128, 2), (128, 1), (128, 1)],
    *[(256, 2), (256, 1), (256, 1)],
    (256, 2),
)


class DlibEmbedder(nn.Module):
    """An :class:`Embedder`; ``template`` is (68, 2) in fractions of the side of the pictures it will see.

    ``center`` (128,) replaces the shipped mean of photos. Pictures of one engine lie off it all in one direction, so
    for them the mean of their own embeddings tells people apart better. ``stranger_distance`` replaces what was
    measured on the same photos as the shipped mean.
    """

    name = "dlib"
    embedding_size = EMBEDDING_SIZE
    center: Tensor

    def __init__(
        self, template: Template, *, center: Tensor | None = None, stranger_distance: float | None = None
    ) -> None:
        super().__init__()
        self.stranger_distance = stranger_distance or load_stranger_distance()
        content = find_weights().read_bytes()
        self.weights_sha256 = hashlib.sha256(content).hexdigest()
        self.chip = dlib_chip(template)
        self.network = DlibResNet.from_weights(parse_weights(content))
        self.register_buffer("center", checked_center(center, load_center()))
        self.eval().requires_grad_(False)

    def embed(self, pictures: Tensor) -> Tensor:
        """Aligned pictures (B, 3, H, H), RGB in [0, 1] -> embeddings (B, 128) of norm 1.3 to 1.6."""
        check_pictures(pictures)
        return self.network(self.chip(pictures))  # type: ignore[no-any-return]

    def similarity(self, first: Tensor, second: Tensor) -> Tensor:
        """Centered cosine of embeddings (..., 128) -> (...) in [-1, 1]: same person 0.70, different people 0.00."""
        return centered_cosine(first, second, self.center)


def dlib_chip(template: npt.ArrayLike) -> Chip:
    """The crop that dlib's ``get_face_chip`` would cut for landmarks at ``template`` (68, 2)."""
    chip_points = (np.array(_CHIP_TEMPLATE) + _CHIP_PADDING) / (1 + 2 * _CHIP_PADDING) * CHIP_PX
    landmarks: Points = np.asarray(template, np.float64)[list(CHIP_LANDMARKS)]
    return Chip(fit_similarity(chip_points, landmarks), CHIP_PX, corner_pixels=True)


def load_center() -> Tensor:
    """(128,) mean embedding of many people's photos, shipped with the package (``infra/embedder/dlib_center.py``)."""
    return torch.tensor(_statistic()["center"], dtype=torch.float32)


def load_stranger_distance() -> float:
    """Mean of 1 - similarity over pairs of different people, measured on the photos of :func:`load_center`."""
    return float(_statistic()["different_people"]["mean"])


def _statistic() -> dict[str, Any]:
    file = files("f2p_models.embedders").joinpath("dlib_center.json")
    statistic: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return statistic


class DlibResNet(nn.Module):
    """Chips (B, 3, 150, 150), RGB in [0, 1] -> embeddings (B, 128), not normalised."""

    mean_rgb: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean_rgb", torch.zeros(3, 1, 1))
        self.conv = nn.Conv2d(3, 32, 7, stride=2)
        self.affine = ChannelAffine(32)
        inputs = (32, *(channels for channels, _ in _BLOCKS))
        self.blocks = nn.Sequential(*(DlibBlock(i, o, s) for i, (o, s) in zip(inputs, _BLOCKS, strict=False)))
        self.fc = nn.Linear(256, EMBEDDING_SIZE, bias=False)

    def forward(self, chips: Tensor) -> Tensor:
        x = (255.0 * chips - self.mean_rgb) / 256.0
        x = F.max_pool2d(F.relu(self.affine(self.conv(x))), 3, stride=2)
        return self.fc(self.blocks(x).mean((2, 3)))  # type: ignore[no-any-return]

    @classmethod
    def from_weights(cls, weights: DlibWeights) -> DlibResNet:
        """A network in evaluation mode. Modules are registered in the order of the file, so they pair up one by one."""
        network = cls()
        convolutions = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
        affines = [module for module in network.modules() if isinstance(module, ChannelAffine)]
        with torch.no_grad():
            network.mean_rgb.copy_(torch.from_numpy(weights.mean_rgb).view(3, 1, 1))
            network.fc.weight.copy_(torch.tensor(weights.fc))
            arrays = [array for pair in (*weights.convolutions, *weights.affines) for array in pair]
            tensors = [tensor for module in (*convolutions, *affines) for tensor in module.parameters()]
            for tensor, array in zip(tensors, arrays, strict=True):
                tensor.copy_(torch.tensor(array))
        return network.eval()


class DlibBlock(nn.Module):
    """A residual block; with stride 2 its shortcut is an average pool that keeps the old number of channels."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        # dlib pads a 3x3 convolution only when its stride is one
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1 if stride == 1 else 0)
        self.affine1 = ChannelAffine(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.affine2 = ChannelAffine(outputs)

    def forward(self, x: Tensor) -> Tensor:
        y = self.affine2(self.conv2(F.relu(self.affine1(self.conv1(x)))))
        shortcut = x if self.stride == 1 else F.avg_pool2d(x, 2)
        return F.relu(_padded_sum(y, shortcut))


class ChannelAffine(nn.Module):
    """x * weight + bias per channel: batch normalisation after training."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.weight[:, None, None] + self.bias[:, None, None]


def _padded_sum(first: Tensor, second: Tensor) -> Tensor:
    """dlib's sum: in channels, rows and columns the smaller counts as zero beyond its end. It never broadcasts."""
    if first.shape == second.shape:
        return first + second
    channels, height, width = (max(first.shape[axis], second.shape[axis]) for axis in (1, 2, 3))
    grown = [
        F.pad(x, (0, width - x.shape[3], 0, height - x.shape[2], 0, channels - x.shape[1])) for x in (first, second)
    ]
    return grown[0] + grown[1]
