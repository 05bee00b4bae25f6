"""Inception-v3 as pictures' statistics are taken with: 2048 pooled features and 1000 class probabilities.

Torchvision's ImageNet weights, which the user points to. The published FID figures were taken with TensorFlow's 2015
weights, whose features have another scale: compare such figures among themselves only.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from torch import Tensor, nn
from torch.nn import functional as F

from f2p_models.boundaries import check_pictures
from f2p_models.errors import WeightsError
from f2p_models.vision import torchvision
from f2p_models.weights import read_torch_file

_SIDE_PX: Final = 299


class Inception(nn.Module):
    """Frozen. Raises WeightsError when the file is missing, cut, or of another network."""

    name = "inception"

    def __init__(self, checkpoint: Path) -> None:
        super().__init__()
        self.network = torchvision.models.inception_v3(
            weights=None, aux_logits=True, transform_input=False, init_weights=False
        )
        try:
            self.network.load_state_dict(read_torch_file(checkpoint))
        except RuntimeError as error:
            reason = str(error).splitlines()[-1].strip()
            raise WeightsError(
                f"{checkpoint}: not torchvision's Inception-v3 ({reason}); give inception_v3_google-0cc3c7bd.pth"
            ) from error
        self.network.AuxLogits = None
        self.network.fc, self._classifier = nn.Identity(), self.network.fc
        self.eval().requires_grad_(False)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Pictures (B, 3, H, W), RGB in [0, 1] -> features (B, 2048) and class probabilities (B, 1000)."""
        check_pictures(pictures)
        enlarged = F.interpolate(pictures, (_SIDE_PX, _SIDE_PX), mode="bilinear", antialias=True)
        features = self.network(enlarged * 2.0 - 1.0)
        return features, self._classifier(features).softmax(1)
