"""The imitator and the segmenter on held-out renders.

B batch, P parts, H W pixels. Sources give batches of the held-out split; see :mod:`f2p_models.training.sources`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch

from engine_bridge.parts import NUM_PARTS, Part
from f2p_models.imitator import Imitator
from f2p_models.metrics import confusion_matrix, iou_per_class, mean_iou, pixel_accuracy
from f2p_models.pictures import to_unit
from f2p_models.segmenter import Segmenter
from f2p_models.training.imitator import mean_picture_metrics, measure_constant_picture
from f2p_models.training.segmenter import at_grid, count_parts, measure_constant_mask
from f2p_models.training.sources import BatchSource, mask_of, vector_of


@dataclass(frozen=True, kw_only=True)
class ImitatorQuality:
    """Means over held-out pairs, pictures in [0, 1]. ``constant_l1`` is that of the best constant picture."""

    num_pairs: int
    l1: float
    psnr_db: float
    ssim: float
    constant_l1: float

    @property
    def l1_ratio(self) -> float:
        """Below 1 the imitator looks at the vector; 0 is the engine itself."""
        return self.l1 / self.constant_l1


@dataclass(frozen=True, kw_only=True)
class SegmenterQuality:
    """On the segmenter's output grid. ``part_iou`` has the parts that occur.

    The ``constant_`` figures are those of one mask for all pictures. Faces are aligned, so even it does well: what
    counts is how far the segmenter is ahead.
    """

    num_pairs: int
    pixel_accuracy: float
    mean_iou: float
    part_iou: Mapping[str, float]
    constant_accuracy: float
    constant_mean_iou: float


@torch.no_grad()
def evaluate_imitator(imitator: Imitator, train: BatchSource, heldout: BatchSource) -> ImitatorQuality:
    """Against the engine's pictures; the constant picture is the pixel-wise median of training pictures."""
    device = next(imitator.parameters()).device
    metrics = mean_picture_metrics(
        (to_unit(batch.image, device), imitator.picture(vector_of(batch).to(device))) for batch in heldout.epoch(0)
    )
    return ImitatorQuality(
        num_pairs=heldout.num_pairs,
        l1=metrics["l1"],
        psnr_db=metrics["psnr"],
        ssim=metrics["ssim"],
        constant_l1=measure_constant_picture(train, heldout, device)["l1"],
    )


@torch.no_grad()
def evaluate_segmenter(segmenter: Segmenter, train: BatchSource, heldout: BatchSource) -> SegmenterQuality:
    """Against the engine's masks; the constant mask is the most frequent part of each grid point in training masks."""
    device, grid_px = next(segmenter.parameters()).device, segmenter.config.grid_px
    confusion = torch.zeros(NUM_PARTS, NUM_PARTS, dtype=torch.int64)
    for batch in heldout.epoch(0):
        predicted = segmenter(to_unit(batch.image, device)).logits.argmax(1).cpu()
        confusion += confusion_matrix(predicted, at_grid(mask_of(batch).cpu(), grid_px), NUM_PARTS)
    iou = iou_per_class(confusion).tolist()
    constant = measure_constant_mask(count_parts(train, grid_px), heldout, grid_px)
    return SegmenterQuality(
        num_pairs=heldout.num_pairs,
        pixel_accuracy=pixel_accuracy(confusion),
        mean_iou=mean_iou(confusion),
        part_iou={part.name.lower(): iou[part] for part in Part if not math.isnan(iou[part])},
        constant_accuracy=constant["accuracy"],
        constant_mean_iou=constant["miou"],
    )
