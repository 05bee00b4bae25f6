"""The segmenter F_seg: picture -> part features and part probabilities (Shi et al., TPAMI, section 3.6, Table 3).

B   batch
P   parts: the eleven classes of ``engine_bridge.parts.Part``
F   feature channels of the trunk
h w output grid: an eighth of the input side with the paper's trunk, a quarter with EfficientNet-Lite's pyramid

    pictures (B, 3, H, W) -> (B, 3, input_px, input_px) -> trunk -> features (B, F, h, w)
                                                                 -> 1x1 convolution -> logits (B, P, h, w)
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engine_bridge.parts import NUM_PARTS
from f2p_models.boundaries import check_pictures
from f2p_models.errors import ConfigError
from f2p_models.mirroring import mirror_maps
from f2p_models.trunks import RESNET50_BLOCKS, EfficientNetLiteTrunk, ResNetTrunk

Trunk = Literal["resnet50", "efficientnet_lite0"]
#: The input side is a multiple of it: of what the trunk divides by.
_COARSEST: Final[dict[Trunk, int]] = {"resnet50": 8, "efficientnet_lite0": 32}


@dataclass(frozen=True, kw_only=True)
class SegmenterConfig:
    """The defaults are Table 3.

    trunk      the paper's ``resnet50``, or ``efficientnet_lite0``, whose ImageNet weights can be had offline
    width      scales the ResNet's channels; blocks is the depth of its four stages
    input_px   pictures are resized to this side
    """

    trunk: Trunk = "resnet50"
    width: float = 1.0
    blocks: tuple[int, int, int, int] = RESNET50_BLOCKS
    input_px: int = 256

    def __post_init__(self) -> None:
        object.__setattr__(self, "blocks", tuple(self.blocks))  # JSON gives a list
        if self.trunk not in get_args(Trunk):
            raise ConfigError(f"trunk: {self.trunk!r} is unknown; use one of {', '.join(get_args(Trunk))}")
        if not 0.0 < self.width <= 4.0:
            raise ConfigError(f"width: {self.width} must lie in (0, 4]; 1 is the paper's")
        if len(self.blocks) != 4 or min(self.blocks) < 1:
            raise ConfigError(
                f"blocks: {self.blocks} must be four counts of at least 1; the paper's are {RESNET50_BLOCKS}"
            )
        if self.trunk != "resnet50" and (self.width, self.blocks) != (1.0, RESNET50_BLOCKS):
            raise ConfigError(f"width, blocks: are the ResNet's; trunk {self.trunk!r} has one size")
        coarsest = _COARSEST[self.trunk]
        if self.input_px < 32 or self.input_px % coarsest:
            raise ConfigError(
                f"input_px: {self.input_px} must be a multiple of {coarsest} and at least 32; the paper's is 256"
            )

    @property
    def grid_px(self) -> int:
        """Side of the output grid."""
        stride = ResNetTrunk.stride if self.trunk == "resnet50" else EfficientNetLiteTrunk.stride
        return self.input_px // stride


class Segmentation(NamedTuple):
    """What F_seg sees. ``features`` is the map that enters the last 1x1 convolution: f of equation 6."""

    logits: Tensor
    features: Tensor

    @property
    def probabilities(self) -> Tensor:
        """(B, P, h, w), summing to 1 over the parts."""
        return self.logits.softmax(1)


class Segmenter(nn.Module):
    """Pictures (B, 3, H, W) in [0, 1] of any size -> :class:`Segmentation`."""

    def __init__(self, config: SegmenterConfig) -> None:
        super().__init__()
        self.config = config
        self.trunk = _build_trunk(config)
        self.head = nn.Conv2d(self.trunk.num_features, NUM_PARTS, 1)
        # He's rule would start the few outputs of the head with huge logits, and training with unlearning them.
        nn.init.normal_(self.head.weight, std=0.01)
        self.head.bias = nn.Parameter(torch.zeros(NUM_PARTS))
        self.register_load_state_dict_pre_hook(_name_trunk)  # type: ignore[no-untyped-call]

    def forward(self, pictures: Tensor) -> Segmentation:
        """(B, 3, H, W) float in [0, 1], RGB -> logits (B, P, h, w) and features (B, F, h, w), h = w = grid_px."""
        check_pictures(pictures)
        features = self.trunk(self._resized(pictures))
        return Segmentation(logits=self.head(features), features=features)

    @torch.no_grad()
    def enlarged_probabilities(self, pictures: Tensor, resolution: int) -> Tensor:
        """(B, P, resolution, resolution) of pictures (B, 3, H, W): the mean of what is seen as they are and mirrored.

        Probabilities are enlarged before the largest is chosen, so that outlines run between the points of the grid.
        """
        seen = self(pictures).probabilities + mirror_maps(self(pictures.flip(-1)).probabilities)
        return enlarge(0.5 * seen, resolution)

    def parts(self, pictures: Tensor, resolution: int) -> Tensor:
        """Part ids (B, resolution, resolution) uint8 of pictures (B, 3, H, W)."""
        return self.enlarged_probabilities(pictures, resolution).argmax(1).to(torch.uint8)

    def _resized(self, pictures: Tensor) -> Tensor:
        side = self.config.input_px
        if pictures.shape[-2:] == (side, side):
            return pictures
        return F.interpolate(pictures, (side, side), mode="bilinear", antialias=True, align_corners=False)

    def load_imagenet_trunk(self, path: Path) -> None:
        """Start from ImageNet's weights for this trunk.

        Raises WeightsError when the file is missing or belongs to another network, or the trunk is not of full size.
        """
        self.trunk.load_imagenet(path)


def enlarge(maps: Tensor, side: int) -> Tensor:
    """Maps (B, P, h, w) -> (B, P, side, side), bilinear."""
    return F.interpolate(maps.float(), (side, side), mode="bilinear", align_corners=False)


def _build_trunk(config: SegmenterConfig) -> ResNetTrunk | EfficientNetLiteTrunk:
    if config.trunk == "resnet50":
        return ResNetTrunk(config.width, config.blocks)
    return EfficientNetLiteTrunk()


def _name_trunk(module: nn.Module, state: dict[str, Any], prefix: str, *_: Any) -> None:  # noqa: ARG001
    """Segmenters saved when there was only one trunk have its tensors at the top: move them below ``trunk``."""
    for key in [key for key in state if not key.startswith((f"{prefix}trunk.", f"{prefix}head."))]:
        state[f"{prefix}trunk.{key.removeprefix(prefix)}"] = state.pop(key)
