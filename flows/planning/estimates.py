"""What a step will cost: seconds and bytes, by what earlier runs on this home needed, else by stated defaults.

Seconds are per pair of a dataset and per sample of a training, of runs of the same recipe with the same engine, so
that they carry over to another character or number of pairs. What went on with work that had broken off counts for its
own share of it. The defaults come from the recipe ``quick`` with the mock
engine on two cores (docs/benchmarks.md); a GPU is taken for ``GPU_GAIN`` times as fast at training, which nobody has
measured. An estimate says which of the two it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import median
from typing import Any, Final, Literal

import torch

from f2p_models.devices import choose_device
from f2p_models.imitator import Imitator
from f2p_models.segmenter import Segmenter
from f2p_models.translator import Translator, TranslatorConfig
from flows.layout import HELDOUT_PHOTOS, PARSING, PHOTO_LIKE, PHOTOS, STUDIO, TEMPLATE
from flows.run_records import RunRecord, StepRecord
from flows.targets import Order

Source = Literal["earlier runs", "defaults"]

#: Of the last times that a stage was really done the median counts: one night may have been disturbed.
_LAST: Final = 5
#: Who finds more than half of the work done spends much of the time on checking that.
_LEAST_SHARE: Final = 0.5
GPU_GAIN: Final = 20.0
#: Side in pixels, and seconds per pair at that size with two workers.
_PAIR: Final = {
    STUDIO: (128, 0.0025),
    PHOTO_LIKE: (256, 0.011),
    HELDOUT_PHOTOS: (512, 0.02),
    PHOTOS: (256, 0.05),
    PARSING: (256, 0.05),
}
#: Seconds per sample and million weights that it passes, forwards and backwards, at 128 pixels.
_SAMPLE: Final = {"imitator": 0.0032, "segmenter": 0.0105, "translator": 0.0087}
_SAMPLE_PX: Final = 128
#: Seconds and bytes of steps that take about as long whatever the recipe; a version's bytes follow from its networks.
_OTHER: Final = {
    TEMPLATE: (3.0, 10_000),
    "priors": (10.0, 2_000_000),
    "evaluation": (140.0, 20_000_000),
    "rescoring": (120.0, 100),
}
_VERSION_SECONDS: Final = 15.0
#: Bytes per pixel of lossless pictures with their masks: in the studio, and before backgrounds.
_STUDIO_BYTES, _PHOTO_BYTES = 1.4, 2.3
_FLOAT_BYTES: Final = 4
#: A network lies on disk with its optimiser's state and its best weights while it trains; a version's networks are
#: staged, published, and there once more as ONNX.
_COPIES_WHILE_TRAINING, _COPIES_OF_VERSION = 4, 3
#: The datasets that a network's epochs go through.
_LEARNED_FROM: Final = {"imitator": (STUDIO,), "segmenter": (STUDIO, PHOTO_LIKE), "translator": (PHOTO_LIKE,)}
_EMBEDDING_SIZE: Final = 256  # the largest: it hardly counts


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """Seconds of work, and bytes on disk at its largest."""

    seconds: float = 0.0
    bytes: int = 0
    source: Source = "earlier runs"


NOTHING: Final = Estimate()


class Estimator:
    """Estimates for an order. ``records`` are the runs of this home, the latest first."""

    def __init__(self, order: Order, records: Sequence[RunRecord]) -> None:
        self._order = order
        self._records = [record for record in records if record.recipe == order.recipe.name]

    def dataset(self, stage: str, num_pairs: int, resolution: int) -> Estimate:
        """So many pairs to be rendered or aligned."""
        per_pixel = _STUDIO_BYTES if stage == STUDIO else _PHOTO_BYTES
        size = int(num_pairs * resolution**2 * per_pixel)
        usual_px, seconds = _PAIR[stage]
        default = num_pairs * seconds * (resolution / usual_px) ** 2
        return self._estimate(stage, num_pairs, _num_pairs, default, size)

    def training(self, stage: str, num_pairs: int) -> Estimate:
        """A network that learns from so many pairs, those that are held out among them."""
        settings = getattr(self._order.recipe, stage).to_dict()
        samples = _num_samples(settings, num_pairs)
        passed = sum(self._weights.values()) if stage == "translator" else self._weights[stage]
        pixels = (self._order.recipe.resolution / _SAMPLE_PX) ** 2
        gain = GPU_GAIN if choose_device().type == "cuda" else 1.0
        default = samples * _SAMPLE[stage] * passed / 1e6 * pixels / gain
        size = self._weights[stage] * _FLOAT_BYTES * _COPIES_WHILE_TRAINING
        return self._estimate(stage, samples, _samples_of, default, size)

    def other(self, stage: str) -> Estimate:
        """A step that takes as long as the last times."""
        version_bytes = sum(self._weights.values()) * _FLOAT_BYTES * _COPIES_OF_VERSION
        default, size = _OTHER.get(stage, (_VERSION_SECONDS, version_bytes))
        return self._estimate(stage, 1, lambda _step, _record: 1, default, size)

    def _estimate(
        self, stage: str, units: int, count: Callable[[StepRecord, RunRecord], int], default: float, size: int
    ) -> Estimate:
        measured = self._seconds_each(stage, count)
        if measured is None:
            return Estimate(seconds=default, bytes=size, source="defaults")
        return Estimate(seconds=units * measured, bytes=size)

    def _seconds_each(self, stage: str, count: Callable[[StepRecord, RunRecord], int]) -> float | None:
        """Seconds per unit in the median of the last times; None when it was never done here."""
        found = [
            step.seconds / (units * step.share)
            for record in self._records
            if record.engine.split(" ")[0] == self._order.engine.name
            for step in record.steps
            if step.stage == stage and not step.cached and step.share >= _LEAST_SHARE
            if (units := count(step, record))
        ]
        return median(found[:_LAST]) if found else None

    @cached_property
    def _weights(self) -> dict[str, int]:
        """How many numbers each network consists of; none of them is stored for it."""
        schema, recipe = self._order.schema, self._order.recipe
        blocks = tuple(len(choice.choices) for choice in schema.discrete)
        translator = TranslatorConfig(
            embedding_size=_EMBEDDING_SIZE, num_continuous=schema.num_continuous, block_sizes=blocks
        )
        with torch.device("meta"):
            networks = {
                "imitator": Imitator(recipe.imitator_config(schema)),
                "segmenter": Segmenter(recipe.segmenter_config()),
                "translator": Translator(translator),
            }
        return {name: sum(weights.numel() for weights in network.parameters()) for name, network in networks.items()}


def in_all(estimates: Iterable[Estimate]) -> Estimate:
    """Their sum; a single default makes it one."""
    every = list(estimates)
    source: Source = "defaults" if any(one.source == "defaults" for one in every) else "earlier runs"
    return Estimate(seconds=sum(one.seconds for one in every), bytes=sum(one.bytes for one in every), source=source)


def _num_samples(training: Mapping[str, Any], num_pairs: int) -> int:
    """Four fifths of the pairs in every epoch, or as many as its batches are limited to."""
    in_epoch = 4 * num_pairs // 5
    limit = int(training.get("batches_per_epoch", 0)) * int(training["batch_size"])
    return int(training["epochs"]) * (min(in_epoch, limit) if limit else in_epoch)


def _samples_of(step: StepRecord, record: RunRecord) -> int:
    """How many samples a recorded training saw; 0 when the record does not say."""
    pairs = {done.stage: _num_pairs(done, record) for done in record.steps}
    learned_from = (PHOTOS,) if step.stage == "translator" and PHOTOS in pairs else _LEARNED_FROM[step.stage]
    known = sum(pairs.get(stage, 0) for stage in learned_from)
    return _num_samples(step.inputs["training"], known) if "training" in step.inputs else 0


def _num_pairs(step: StepRecord, _record: RunRecord) -> int:
    """Pairs that were drawn, with those that had to be thrown away."""
    return sum(int(step.figures.get(name, 0)) for name in ("pairs", "photos", "rejects"))
