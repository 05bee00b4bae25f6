"""How well a segmenter parses labelled photos, in the classes of the labels.

H W pixels, K classes
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from engine_bridge.frames import Mask
from engine_bridge.parts import NOT_JUDGED
from f2p_models.metrics import confusion_matrix, iou_per_class, mean_iou, pixel_accuracy

Counts = npt.NDArray[np.int64]
"""Pixels (K, K): row the label's class, column the answer's."""


@dataclass(frozen=True, kw_only=True)
class ParsingQuality:
    """Over all judged pixels of all photos. ``class_iou`` has the classes that occur; ``mean_iou`` is their mean."""

    num_photos: int
    pixel_accuracy: float
    mean_iou: float
    class_iou: Mapping[str, float]


def count_pixels(answer: Mask, label: Mask, num_classes: int) -> Counts:
    """Confusion (K, K) of one photo's class ids (H, W), of pixels that both sides judge."""
    judged = (answer != NOT_JUDGED) & (label != NOT_JUDGED)
    answered, labelled = torch.from_numpy(answer[judged]), torch.from_numpy(label[judged])
    counts: Counts = confusion_matrix(answered, labelled, num_classes).numpy()
    return counts


def judge_parsing(counts: Sequence[Counts], names: Sequence[str]) -> ParsingQuality:
    """Sum the photos' pixels, then judge: where a photo has little of a class, it decides little."""
    confusion = torch.from_numpy(np.sum(counts, axis=0))
    ious = iou_per_class(confusion).tolist()
    return ParsingQuality(
        num_photos=len(counts),
        pixel_accuracy=pixel_accuracy(confusion),
        mean_iou=mean_iou(confusion),
        class_iou={name: iou for name, iou in zip(names, ious, strict=True) if not math.isnan(iou)},
    )


def rank_worst(counts: Sequence[Counts]) -> list[int]:
    """Numbers of the photos, the lowest mean IoU of its own classes first."""
    scores = [mean_iou(torch.from_numpy(of_photo)) for of_photo in counts]
    return sorted(range(len(counts)), key=lambda number: scores[number])
