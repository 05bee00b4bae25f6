"""The segmenter F_seg: picture -> part features and part probabilities (Shi et al., TPAMI, section 3.6, Table 3).

B   batch
P   parts: the eleven classes of ``engine_bridge.parts.Part``
F   feature channels, 2048 at full width
h w output grid, an eighth of the input side

    pictures (B, 3, H, W) -> (B, 3, input_px, input_px) -> ResNet-50 trunk -> features (B, F, h, w)
                                                               -> 1x1 convolution -> logits (B, P, h, w)
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engine_bridge.parts import NUM_PARTS
from f2p_models.boundaries import check_pictures
from f2p_models.channels import scaled_channels
from f2p_models.errors import ConfigError, WeightsError
from f2p_models.vision import torchvision
from f2p_models.weights import read_torch_file

RESNET50_BLOCKS: Final = (3, 4, 6, 3)
#: The two last stages keep their input's resolution: 1/8 instead of 1/32. Table 3 prints the stride of 2 one stage
#: earlier; the text changes two stages "from 2 to 1", and with these two the early stages see what ImageNet taught.
STAGE_STRIDES: Final = (1, 2, 1, 1)
STAGE_CHANNELS: Final = (64, 128, 256, 512)
IMAGENET_MEAN: Final = (0.485, 0.456, 0.406)
IMAGENET_STD: Final = (0.229, 0.224, 0.225)


@dataclass(frozen=True, kw_only=True)
class SegmenterConfig:
    """The defaults are Table 3; ``width`` scales all channels, ``blocks`` is the depth of the four stages."""

    width: float = 1.0
    blocks: tuple[int, int, int, int] = RESNET50_BLOCKS
    input_px: int = 256

    def __post_init__(self) -> None:
        object.__setattr__(self, "blocks", tuple(self.blocks))  # JSON gives a list
        if not 0.0 < self.width <= 4.0:
            raise ConfigError(f"width: {self.width} must lie in (0, 4]; 1 is the paper's")
        if len(self.blocks) != 4 or min(self.blocks) < 1:
            raise ConfigError(
                f"blocks: {self.blocks} must be four counts of at least 1; the paper's are {RESNET50_BLOCKS}"
            )
        if self.input_px < 32 or self.input_px % 8:
            raise ConfigError(f"input_px: {self.input_px} must be a multiple of 8 and at least 32; the paper's is 256")

    @property
    def grid_px(self) -> int:
        """Side of the output grid."""
        return self.input_px // 8


class Segmentation(NamedTuple):
    """What F_seg sees. ``features`` is the map that enters the last 1x1 convolution: f of equation 6."""

    logits: Tensor
    features: Tensor

    @property
    def probabilities(self) -> Tensor:
        """(B, P, h, w), summing to 1 over the parts."""
        return self.logits.softmax(1)


class Segmenter(nn.Module):
    """Pictures (B, 3, H, W) in [0, 1] of any size -> :class:`Segmentation`.

    Modules are named as in torchvision's ``resnet50``, so that its ImageNet file fits; ``head`` is our own.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, config: SegmenterConfig) -> None:
        super().__init__()
        self.config = config
        channels = [scaled_channels(channels, config.width) for channels in STAGE_CHANNELS]
        self.conv1 = nn.Conv2d(3, channels[0], 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(channels[0])
        inputs = [channels[0], *(4 * outputs for outputs in channels)]
        stages = [_stage(*stage) for stage in zip(inputs, channels, STAGE_STRIDES, config.blocks, strict=False)]
        self.layer1, self.layer2, self.layer3, self.layer4 = stages
        self.head = nn.Conv2d(inputs[-1], NUM_PARTS, 1)
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(3, 1, 1), persistent=False)
        self.apply(_initialize)
        # He's rule would start the few outputs of the head with huge logits, and training with unlearning them.
        nn.init.normal_(self.head.weight, std=0.01)
        self.head.bias = nn.Parameter(torch.zeros(NUM_PARTS))

    def forward(self, pictures: Tensor) -> Segmentation:
        """(B, 3, H, W) float in [0, 1], RGB -> logits (B, P, h, w) and features (B, F, h, w), h = w = input_px / 8."""
        check_pictures(pictures)
        x = (self._resized(pictures) - self.mean) / self.std
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, stride=2, padding=1)
        features = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return Segmentation(logits=self.head(features), features=features)

    def _resized(self, pictures: Tensor) -> Tensor:
        side = self.config.input_px
        if pictures.shape[-2:] == (side, side):
            return pictures
        return F.interpolate(pictures, (side, side), mode="bilinear", antialias=True, align_corners=False)

    def load_imagenet_trunk(self, path: Path) -> None:
        """Start from a torchvision ``resnet50`` ImageNet file; everything but its classifier must fit.

        Raises WeightsError when the file is missing, is no ResNet-50, or this segmenter is narrowed or shortened.
        """
        if self.config.width != 1.0 or self.config.blocks != RESNET50_BLOCKS:
            raise WeightsError(f"{path}: fits the full ResNet-50 only; set width to 1 and blocks to {RESNET50_BLOCKS}")
        trunk = {key: value for key, value in read_torch_file(path).items() if not key.startswith("fc.")}
        own = {key for key in self.state_dict() if not key.startswith("head.")}
        if trunk.keys() != own:
            raise WeightsError(f"{path}: not a torchvision resnet50, first difference {min(trunk.keys() ^ own)!r}")
        try:
            self.load_state_dict(trunk, strict=False)
        except RuntimeError as error:
            raise WeightsError(f"{path}: {str(error).splitlines()[-1].strip()}") from error


def _stage(inputs: int, channels: int, stride: int, num_blocks: int) -> nn.Sequential:
    """Torchvision's bottlenecks: the first changes stride and channels, the rest keep both."""
    bottleneck = torchvision.models.resnet.Bottleneck
    outputs = channels * bottleneck.expansion
    shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False), nn.BatchNorm2d(outputs))
    first = bottleneck(inputs, channels, stride, shortcut)
    return nn.Sequential(first, *(bottleneck(outputs, channels) for _ in range(num_blocks - 1)))


def _initialize(module: nn.Module) -> None:
    """He initialisation as in torchvision's ResNet, every bottleneck starting as its shortcut (Goyal et al., 2017)."""
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    elif isinstance(module, torchvision.models.resnet.Bottleneck):
        nn.init.zeros_(module.bn3.weight)
