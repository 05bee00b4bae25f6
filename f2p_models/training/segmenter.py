"""Training the segmenter from the engine's own masks (Shi et al., TPAMI, section 3.6).

The paper fine-tunes on Helen's photos. Here the masks cost nothing and are exact, so strong augmentation makes up for
pictures that are no photos. A segmenter that has learned from renders may then go on with photos: labelled ones like
the paper's, or any others, which it labels itself (Lee, 2013).

B batch, P parts, N backgrounds, H W pixels, h w the segmenter's output grid
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from engine_bridge.parts import NOT_JUDGED, NUM_PARTS, Part
from f2p_models.devices import choose_device
from f2p_models.errors import TrainingError
from f2p_models.metrics import confusion_matrix, iou_per_class, mean_iou, pixel_accuracy
from f2p_models.pictures import to_unit
from f2p_models.segmenter import Segmentation, Segmenter, SegmenterConfig, enlarge
from f2p_models.training.augmentation import Augmentation, augment
from f2p_models.training.distributed import mean_weight
from f2p_models.training.loop import TrainingResult, fit
from f2p_models.training.optimization import Optimizer, Schedule
from f2p_models.training.previews import PREVIEW_PAIRS, mask_sheet
from f2p_models.training.progress import Progress
from f2p_models.training.run_folder import Record
from f2p_models.training.settings import FitSettings, require_choice, require_range
from f2p_models.training.sources import Batch, BatchSource, GuardedSource, MixedSource, heldout_index, mask_of
from f2p_models.trunks import find_packaged_weights

ClassWeighting = Literal["none", "sqrt"]

#: Training masks that are counted for the class weights and for the constant mask.
COUNTED_MASKS = 400


@dataclass(frozen=True, kw_only=True)
class SegmenterTraining(FitSettings):
    """The defaults are the paper's: as the imitator's, with lr 0.001. ``epochs`` is for an ImageNet trunk.

    class_weighting     ``sqrt`` weighs a part by one over the square root of its share of all pixels, so that brows and
                        lips are not drowned by skin and background; ``none`` is the paper's plain cross-entropy
    fine_labels         learn every pixel of the mask instead of one per grid point: logits are enlarged first
    imagenet_trunk      ImageNet's weights for the trunk: a file, or ``packaged`` for those that can be installed
    photo_confidence    a photo without a mask teaches only where the segmenter that starts is at least so sure
    """

    epochs: int = 500
    batch_size: int = 16
    optimizer: Optimizer = "sgd"
    learning_rate: float = 0.001
    schedule: Schedule = "step_decay"
    class_weighting: ClassWeighting = "none"
    augmentation: Augmentation = field(default_factory=Augmentation)
    fine_labels: bool = False
    imagenet_trunk: Path | Literal["packaged"] | None = None
    photo_confidence: float = 0.8

    def __post_init__(self) -> None:
        super().__post_init__()
        require_range("photo_confidence", self.photo_confidence, 0.0, 1.0)
        require_choice("class_weighting", self.class_weighting, get_args(ClassWeighting))


def train_segmenter(
    config: SegmenterConfig,
    training: SegmenterTraining,
    *,
    train: Sequence[BatchSource],
    heldout: BatchSource,
    folder: Path,
    start: Segmenter | None = None,
    photos: BatchSource | None = None,
    backgrounds: Tensor | None = None,
    resume: bool = False,
    progress: Progress | None = None,
    device: torch.device | None = None,
) -> TrainingResult:
    """Train a segmenter on pictures and masks from one or more sources, which take turns.

    ``start`` goes on with a trained segmenter of the same configuration. ``photos`` have no masks and take turns too;
    they need a start, because it labels them. ``backgrounds`` (N, 3, h, w) uint8 are photos seen behind the heads.

    Metrics, on the output grid: ``accuracy`` (share of grid points), ``miou``, and ``iou_<part>`` of every part in the
    held-out masks. Baseline: the constant mask, each grid point's most frequent part in the training masks.
    """
    if photos is not None and start is None:
        raise TrainingError("photos: without masks they need a trained segmenter to start from, which labels them")
    device = device or choose_device()
    guard = heldout_index(heldout)
    source = GuardedSource(MixedSource([*train, photos] if photos else train), guard)
    counts = count_parts(GuardedSource(MixedSource(train), guard), config.grid_px)
    baseline = measure_constant_mask(counts, heldout, config.grid_px)
    task = SegmenterTask(
        module=_build(config, training, start, device),
        heldout=heldout,
        class_weights=class_weights(counts, training.class_weighting).to(device),
        training=training,
        teacher=None if start is None else copy.deepcopy(start).to(device).eval().requires_grad_(False),
        backgrounds=backgrounds,
        device=device,
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


def _build(
    config: SegmenterConfig, training: SegmenterTraining, start: Segmenter | None, device: torch.device
) -> Segmenter:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(training.seed)
        module = Segmenter(config)
    if start is not None:
        if start.config != config:
            raise TrainingError(f"start: a segmenter of {start.config} cannot go on as {config}")
        module.load_state_dict(start.state_dict())
    elif training.imagenet_trunk is not None:
        module.load_imagenet_trunk(_trunk_file(training.imagenet_trunk))
    module = module.to(device)
    if training.channels_last:
        module = module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    if training.compile:
        module.compile()
    return module


def _trunk_file(trunk: Path | Literal["packaged"]) -> Path:
    return find_packaged_weights() if trunk == "packaged" else Path(trunk)


@dataclass(frozen=True, kw_only=True)
class SegmenterTask:
    """See :class:`f2p_models.training.loop.Task`. ``class_weights`` (P,); ``teacher`` labels photos."""

    module: Segmenter
    heldout: BatchSource
    class_weights: Tensor
    training: SegmenterTraining
    teacher: Segmenter | None
    backgrounds: Tensor | None
    device: torch.device

    def losses(self, batch: Batch, step: int, generator: torch.Generator) -> dict[str, Tensor]:  # noqa: ARG002
        """Pixel cross-entropy on augmented pictures, where something is known."""
        pictures = self._pictures(batch)
        masks = self._self_labelled(pictures) if batch.mask is None else self._masks(batch)
        augmentation = self.training.augmentation
        pictures, masks = augment(pictures, masks, augmentation, generator, self.backgrounds)
        segmentation: Segmentation = self.module(pictures)
        logits = segmentation.logits.float()
        if self.training.fine_labels:
            logits = enlarge(logits, pictures.shape[-1])
        labels = at_grid(masks, logits.shape[-1]).long()
        total = F.cross_entropy(logits, labels, weight=self.class_weights, ignore_index=NOT_JUDGED, reduction="sum")
        weight = mean_weight(self.class_weights[labels[labels != NOT_JUDGED]].sum())
        return {"loss": total / weight.clamp_min(1.0)}  # nothing may be judged at all: a mean would be 0 / 0

    def evaluate(self) -> Record:
        """On pictures as they are, without augmentation."""
        return segmentation_metrics((self._predict(batch), self._labels(batch)) for batch in self.heldout.epoch(0))

    def preview(self) -> npt.NDArray[np.uint8]:
        """Picture above the engine's mask above the segmenter's, both on the output grid."""
        batch = next(iter(self.heldout.epoch(0)))
        picture = to_unit(batch.image[:PREVIEW_PAIRS], self.device)
        return mask_sheet(picture, self._labels(batch)[:PREVIEW_PAIRS], self._predict(batch)[:PREVIEW_PAIRS])

    def _predict(self, batch: Batch) -> Tensor:
        segmentation: Segmentation = self.module(self._pictures(batch))
        return segmentation.logits.argmax(1)

    def _labels(self, batch: Batch) -> Tensor:
        return at_grid(mask_of(batch).to(self.device), self.module.config.grid_px)

    def _pictures(self, batch: Batch) -> Tensor:
        """At the input's size: augmenting what the network does not see would be a waste."""
        side = self.module.config.input_px
        pictures = to_unit(batch.image, self.device, channels_last=self.training.channels_last)
        if pictures.shape[-1] != side:
            pictures = F.interpolate(pictures, (side, side), mode="bilinear", antialias=True, align_corners=False)
        return pictures.clamp(0.0, 1.0)

    def _masks(self, batch: Batch) -> Tensor:
        return at_grid(mask_of(batch).to(self.device), self.module.config.input_px)

    def _self_labelled(self, pictures: Tensor) -> Tensor:
        """What the teacher sees in the photos as they are, where it is sure: (B, H, W) uint8."""
        if self.teacher is None:
            raise TrainingError(
                "source: photos without masks need a trained segmenter to start from, which labels them"
            )
        probabilities = self.teacher.enlarged_probabilities(pictures, pictures.shape[-1])
        sure, parts = probabilities.max(1)
        return parts.to(torch.uint8).masked_fill(sure < self.training.photo_confidence, NOT_JUDGED)


def at_grid(masks: Tensor, side: int) -> Tensor:
    """Masks (B, H, W) uint8 -> (B, side, side) uint8: the part at the centre of every cell."""
    if masks.shape[-1] == side:
        return masks
    return F.interpolate(masks[:, None].float(), (side, side), mode="nearest-exact")[:, 0].to(torch.uint8)


def segmentation_metrics(pairs: Iterator[tuple[Tensor, Tensor]]) -> Record:
    """``accuracy``, ``miou`` and ``iou_<part>`` over pairs of (predicted, target) part ids (B, h, w)."""
    confusion = torch.stack([_confusion(*pair) for pair in pairs]).sum(0)
    per_part = zip(Part, iou_per_class(confusion).tolist(), (confusion.sum(1) > 0).tolist(), strict=True)
    ious = {f"iou_{part.name.lower()}": iou for part, iou, present in per_part if present}
    return {"accuracy": pixel_accuracy(confusion), "miou": mean_iou(confusion), **ious}


def _confusion(predicted: Tensor, target: Tensor) -> Tensor:
    """(P, P) on the CPU, of what is judged."""
    judged = target != NOT_JUDGED
    return confusion_matrix(predicted[judged], target[judged], NUM_PARTS).cpu()


def count_parts(source: BatchSource, grid_px: int) -> Tensor:
    """How often each part is seen at each grid point, over up to 400 training masks: (P, h, w) int64."""
    counts, num_masks = torch.zeros(NUM_PARTS, grid_px, grid_px, dtype=torch.int64), 0
    for batch in source.epoch(0):
        labels = at_grid(mask_of(batch).cpu(), grid_px).long()
        counts += torch.stack([(labels == part).sum(0) for part in Part])
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
