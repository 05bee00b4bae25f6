"""ResNet-50 at an eighth of its input (Shi et al., TPAMI, Table 3).

B   batch
F   feature channels, 2048 at full width
h w an eighth of the input's sides

    pictures (B, 3, H, W) -> stem -> 1/4 -> layer1 -> 1/4 -> layer2 -> 1/8 -> layer3, layer4 -> features (B, F, h, w)
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from f2p_models.channels import scaled_channels
from f2p_models.errors import WeightsError
from f2p_models.vision import torchvision
from f2p_models.weights import read_torch_file

RESNET50_BLOCKS: Final = (3, 4, 6, 3)
#: The two last stages keep their input's resolution: 1/8 instead of 1/32. Table 3 prints the stride of 2 one stage
#: earlier; the text changes two stages "from 2 to 1", and with these two the early stages see what ImageNet taught.
STAGE_STRIDES: Final = (1, 2, 1, 1)
STAGE_CHANNELS: Final = (64, 128, 256, 512)
IMAGENET_MEAN: Final = (0.485, 0.456, 0.406)
IMAGENET_STD: Final = (0.229, 0.224, 0.225)


class ResNetTrunk(nn.Module):
    """Pictures (B, 3, H, W) in [0, 1] -> features (B, F, H / 8, W / 8).

    Modules are named as in torchvision's ``resnet50``, so that its ImageNet file fits at width 1.
    """

    mean: Tensor
    std: Tensor
    stride: Final = 8

    def __init__(self, width: float = 1.0, blocks: tuple[int, int, int, int] = RESNET50_BLOCKS) -> None:
        super().__init__()
        self.width, self.blocks = width, blocks
        channels = [scaled_channels(channels, width) for channels in STAGE_CHANNELS]
        inputs = [channels[0], *(4 * outputs for outputs in channels)]
        self.num_features = inputs[-1]
        self.conv1 = nn.Conv2d(3, channels[0], 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(channels[0])
        stages = [_stage(*stage) for stage in zip(inputs, channels, STAGE_STRIDES, blocks, strict=False)]
        self.layer1, self.layer2, self.layer3, self.layer4 = stages
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(3, 1, 1), persistent=False)
        self.apply(_initialize)

    def forward(self, pictures: Tensor) -> Tensor:
        x = (pictures - self.mean) / self.std
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, stride=2, padding=1)
        features: Tensor = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return features

    def load_imagenet(self, path: Path) -> None:
        """Start from a torchvision ``resnet50`` ImageNet file; everything but its classifier must fit.

        Raises WeightsError when the file is missing, is no ResNet-50, or this trunk is narrowed or shortened.
        """
        if self.width != 1.0 or self.blocks != RESNET50_BLOCKS:
            raise WeightsError(f"{path}: fits the full ResNet-50 only; set width to 1 and blocks to {RESNET50_BLOCKS}")
        found = {key: value for key, value in read_torch_file(path).items() if not key.startswith("fc.")}
        own = self.state_dict().keys()
        if found.keys() != own:
            raise WeightsError(f"{path}: not a torchvision resnet50, first difference {min(found.keys() ^ own)!r}")
        try:
            self.load_state_dict(found)
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
