"""Training the segmenter from the engine's own masks (Shi et al., TPAMI, section 3.6).

The paper fine-tunes on Helen's photos. Here the masks cost nothing and are exact, so strong augmentation makes up for
pictures that are no photos, and photo-like renders may be mixed in.

B batch, P parts, H W pixels, h w the segmenter's output grid
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from engine_bridge.parts import NUM_PARTS, Part
from f2p_models.devices import choose_device
from f2p_models.metrics import confusion_matrix, iou_per_class, mean_iou, pixel_accuracy
from f2p_models.pictures import to_unit
from f2p_models.segmenter import Segmentation, Segmenter, SegmenterConfig
from f2p_models.training.augmentation import Augmentation, augment
from f2p_models.training.loop import TrainingResult, fit
from f2p_models.training.optimization import Optimizer, Schedule
from f2p_models.training.previews import PREVIEW_PAIRS, mask_sheet
from f2p_models.training.progress import Progress
from f2p_models.training.run_folder import Record
from f2p_models.training.settings import FitSettings, require_choice
from f2p_models.training.sources import Batch, BatchSource, GuardedSource, MixedSource, heldout_index, mask_of

ClassWeighting = Literal["none", "sqrt"]

#: Training masks that are counted for the class weights and for the constant mask.
COUNTED_MASKS = 400


@dataclass(frozen=True, kw_only=True)
class SegmenterTraining(FitSettings):
    """The defaults are the paper's: as the imitator's, with lr 0.001. ``epochs`` is for an ImageNet trunk.

    ``class_weighting``: ``sqrt`` weighs a part by one over the square root of its share of all pixels, so that brows
    and lips are not drowned by skin and background; ``none`` is the paper's plain cross-entropy.
    ``imagenet_trunk``: torchvision's resnet50 weights, if the user has them.
    """

    epochs: int = 500
    batch_size: int = 16
    optimizer: Optimizer = "sgd"
    learning_rate: float = 0.001
    schedule: Schedule = "step_decay"
    class_weighting: ClassWeighting = "none"
    augmentation: Augmentation = field(default_factory=Augmentation)
    imagenet_trunk: Path | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        require_choice("class_weighting", self.class_weighting, get_args(ClassWeighting))


def train_segmenter(
    config: SegmenterConfig,
    training: SegmenterTraining,
    *,
    train: Sequence[BatchSource],
    heldout: BatchSource,
    folder: Path,
    resume: bool = False,
    progress: Progress | None = None,
    device: torch.device | None = None,
) -> TrainingResult:
    """Train a segmenter on pictures and masks from one or more sources, which take turns.

    Metrics, on the output grid: ``accuracy`` (share of grid points), ``miou``, and ``iou_<part>`` of every part in the
    held-out masks. Baseline: the constant mask, each grid point's most frequent part in the training masks.
    """
    device = device or choose_device()
    source = GuardedSource(MixedSource(train), heldout_index(heldout))
    counts = count_parts(source, config.grid_px)
    baseline = measure_constant_mask(counts, heldout, config.grid_px)
    weights = class_weights(counts, training.class_weighting).to(device)
    task = SegmenterTask(
        _build(config, training, device), heldout, weights, training.augmentation, training.channels_last, device
    )
    history = fit(
        task,
        source,
        training,
        folder=folder,
        device=device,
        title="segmenter",
        identity={"architecture": str(config), "num_pairs": source.num_pairs},
        resume=resume,
        progress=progress,
    )
    return TrainingResult.of(task.module, baseline, history)


def _build(config: SegmenterConfig, training: SegmenterTraining, device: torch.device) -> Segmenter:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(training.seed)
        module = Segmenter(config)
    if training.imagenet_trunk is not None:
        module.load_imagenet_trunk(training.imagenet_trunk)
    module = module.to(device)
    if training.channels_last:
        module = module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    if training.compile:
        module.compile()
    return module


@dataclass(frozen=True)
class SegmenterTask:
    """See :class:`f2p_models.training.loop.Task`. ``class_weights`` is (P,)."""

    module: Segmenter
    heldout: BatchSource
    class_weights: Tensor
    augmentation: Augmentation
    channels_last: bool
    device: torch.device

    def losses(self, batch: Batch, step: int, generator: torch.Generator) -> dict[str, Tensor]:  # noqa: ARG002
        """Pixel cross-entropy on augmented pictures."""
        pictures, masks = augment(*self._at_input_size(batch), self.augmentation, generator)
        segmentation: Segmentation = self.module(pictures)
        labels = at_grid(masks, self.module.config.grid_px).long()
        return {"loss": F.cross_entropy(segmentation.logits.float(), labels, weight=self.class_weights)}

    def evaluate(self) -> Record:
        """On pictures as they are, without augmentation."""
        return segmentation_metrics((self._predict(batch), self._labels(batch)) for batch in self.heldout.epoch(0))

    def preview(self) -> npt.NDArray[np.uint8]:
        """Picture above the engine's mask above the segmenter's, both on the output grid."""
        batch = next(iter(self.heldout.epoch(0)))
        picture = to_unit(batch.image[:PREVIEW_PAIRS], self.device)
        return mask_sheet(picture, self._labels(batch)[:PREVIEW_PAIRS], self._predict(batch)[:PREVIEW_PAIRS])

    def _predict(self, batch: Batch) -> Tensor:
        pictures, _ = self._at_input_size(batch)
        segmentation: Segmentation = self.module(pictures)
        return segmentation.logits.argmax(1)

    def _labels(self, batch: Batch) -> Tensor:
        return at_grid(mask_of(batch).to(self.device), self.module.config.grid_px)

    def _at_input_size(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Augmenting what the network does not see would be a waste."""
        side = self.module.config.input_px
        pictures = to_unit(batch.image, self.device, channels_last=self.channels_last)
        if pictures.shape[-1] != side:
            pictures = F.interpolate(pictures, (side, side), mode="bilinear", antialias=True, align_corners=False)
        return pictures.clamp(0.0, 1.0), at_grid(mask_of(batch).to(self.device), side)


def at_grid(masks: Tensor, side: int) -> Tensor:
    """Masks (B, H, W) uint8 -> (B, side, side) uint8: the part at the centre of every cell."""
    if masks.shape[-1] == side:
        return masks
    return F.interpolate(masks[:, None].float(), (side, side), mode="nearest-exact")[:, 0].to(torch.uint8)


def segmentation_metrics(pairs: Iterator[tuple[Tensor, Tensor]]) -> Record:
    """``accuracy``, ``miou`` and ``iou_<part>`` over pairs of (predicted, target) part ids (B, h, w)."""
    confusion = torch.stack([confusion_matrix(*pair, NUM_PARTS).cpu() for pair in pairs]).sum(0)
    per_part = zip(Part, iou_per_class(confusion).tolist(), (confusion.sum(1) > 0).tolist(), strict=True)
    ious = {f"iou_{part.name.lower()}": iou for part, iou, present in per_part if present}
    return {"accuracy": pixel_accuracy(confusion), "miou": mean_iou(confusion), **ious}


def count_parts(source: BatchSource, grid_px: int) -> Tensor:
    """How often each part is seen at each grid point, over up to 400 training masks: (P, h, w) int64."""
    counts, num_masks = torch.zeros(NUM_PARTS, grid_px, grid_px, dtype=torch.int64), 0
    for batch in source.epoch(0):
        labels = at_grid(mask_of(batch).cpu(), grid_px).long()
        counts += F.one_hot(labels, NUM_PARTS).sum(0).permute(2, 0, 1)
        num_masks += labels.shape[0]
        if num_masks >= COUNTED_MASKS:
            break
    return counts


def class_weights(counts: Tensor, weighting: ClassWeighting) -> Tensor:
    """(P,) float32; the mean weight of a pixel is 1. A part that is never seen weighs nothing."""
    shares = counts.sum((1, 2)).double() / counts.sum()
    if weighting == "none":
        return torch.ones(NUM_PARTS)
    weights = torch.where(shares > 0, shares.clamp_min(1e-4).rsqrt(), 0.0)
    return (weights / (weights * shares).sum()).float()


def measure_constant_mask(counts: Tensor, heldout: BatchSource, grid_px: int) -> Record:
    """Held-out metrics of answering each grid point's most frequent part, whatever the picture."""
    constant = counts.argmax(0)
    labels = (at_grid(mask_of(batch).cpu(), grid_px) for batch in heldout.epoch(0))
    return segmentation_metrics((constant.expand_as(target), target) for target in labels)
