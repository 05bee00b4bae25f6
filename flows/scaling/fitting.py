"""What a training needs to know, as plain data: one process trains by it, or several that share nothing but files.

An order names its datasets and parents by folder and says nothing about where it leaves its state. As JSON it goes to
the processes that ``torchrun`` starts (``flows/scaling/training_process.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal, Protocol, cast

import numpy as np
import torch

from engine_bridge.errors import InputError
from f2p_datasets.backgrounds import read_backgrounds
from f2p_datasets.errors import DatasetError
from f2p_datasets.loaders import PairLoader
from f2p_models import training
from f2p_models.checkpoints import load_imitator, load_segmenter
from f2p_models.embedders import build_embedder
from f2p_models.imitator import ImitatorConfig
from f2p_models.segmenter import SegmenterConfig
from f2p_models.training import Augmentation, ImitatorTraining, SegmenterTraining, TranslatorTraining
from f2p_models.training.loop import TrainingResult
from f2p_models.training.progress import Progress
from f2p_models.training.settings import FitSettings
from f2p_models.training.sources import BatchSource
from f2p_models.training.translator_task import FrozenNetworks
from f2p_models.translator import TranslatorConfig
from flows.progress import say
from flows.steps import plain

LOADER_WORKERS: Final = 2

Fit = Callable[[Path, Progress], TrainingResult]
"""Train in this folder, continuing what is there, and tell how far it is."""


class FitOrder(Protocol):
    """A network's training."""

    def fit(self, folder: Path, progress: Progress) -> TrainingResult:
        """Carry it out, continuing what is in the folder."""


@dataclass(frozen=True, kw_only=True)
class ImitatorOrder:
    """G learns from the studio pairs, at ``resolution``."""

    config: ImitatorConfig
    settings: ImitatorTraining
    resolution: int
    studio: Path

    def fit(self, folder: Path, progress: Progress) -> TrainingResult:
        fields = ("vector", "image")
        return training.train_imitator(
            self.config,
            self.settings,
            train=open_split(self.studio, "train", self.settings, self.resolution, fields=fields),
            heldout=open_split(self.studio, "heldout", self.settings, self.resolution, fields=fields),
            folder=folder,
            resume=True,
            progress=progress,
        )


@dataclass(frozen=True, kw_only=True)
class SegmenterOrder:
    """F_seg learns from studio pairs and photo-like ones; ``backgrounds`` is a folder of photos behind the heads."""

    config: SegmenterConfig
    settings: SegmenterTraining
    resolution: int
    studio: Path
    photo_like: Path
    backgrounds: Path | None = None

    def fit(self, folder: Path, progress: Progress) -> TrainingResult:
        fields = ("image", "mask")
        behind = read_backgrounds(self.backgrounds) if self.backgrounds else None
        datasets = (self.studio, self.photo_like)
        return training.train_segmenter(
            self.config,
            self.settings,
            train=[open_split(found, "train", self.settings, self.resolution, fields=fields) for found in datasets],
            heldout=open_split(self.photo_like, "heldout", self.settings, self.resolution, fields=fields),
            backgrounds=None if behind is None else torch.from_numpy(behind),
            folder=folder,
            resume=True,
            progress=progress,
        )


@dataclass(frozen=True, kw_only=True)
class TranslatorOrder:
    """T learns from photos, judged on photo-like renders.

    photos    may be the photo-like renders themselves, which then teach their vectors too
    template  68 landmarks of the average face, for the embedder's crop
    """

    config: TranslatorConfig
    settings: TranslatorTraining
    resolution: int
    photos: Path
    photo_like: Path
    imitator: Path
    segmenter: Path
    fingerprint: str
    embedder: str
    template: tuple[tuple[float, float], ...]
    lightcnn_weights: Path | None = None

    def fit(self, folder: Path, progress: Progress) -> TrainingResult:
        pairs = ("vector", "image")
        # Renders know their vectors. Photo-like ones that are the photos teach theirs there, and otherwise beside them.
        labelled = self.photos == self.photo_like
        fields = pairs if labelled else ("image",)
        renders = [] if labelled else [self.photo_like]
        return training.train_translator(
            self.config,
            self.settings,
            networks=self._frozen_networks(),
            photos=self._open(self.photos, "train", fields),
            frontal=self._open_frontal(fields),
            renders=[self._open(found, "train", pairs) for found in renders],
            heldout=self._open(self.photo_like, "heldout", pairs),
            folder=folder,
            resume=True,
            progress=progress,
        )

    def _open(self, dataset: Path, split: Literal["train", "heldout"], fields: tuple[str, ...]) -> BatchSource:
        return open_split(dataset, split, self.settings, self.resolution, fields=fields)

    def _open_frontal(self, fields: tuple[str, ...]) -> BatchSource | None:
        """The high-quality front views that the content loss learns from; None, for all photos, when there are none."""
        try:
            return open_split(self.photos, "train", self.settings, self.resolution, fields=fields, subset="frontal")
        except DatasetError:
            say("  [yellow]no high-quality front view among the photos: the content loss uses all of them[/]")
            return None

    def _frozen_networks(self) -> FrozenNetworks:
        network, card = load_imitator(self.imitator, expect_fingerprint=self.fingerprint)
        return FrozenNetworks(
            imitator=network,
            segmenter=load_segmenter(self.segmenter)[0],
            embedder=build_embedder(self.embedder, np.array(self.template), self.lightcnn_weights),
            imitator_metrics=card.metrics,
        )


def open_split(
    dataset: Path,
    split: Literal["train", "heldout"],
    settings: FitSettings,
    resolution: int,
    *,
    fields: tuple[str, ...],
    subset: Literal["all", "frontal"] = "all",
) -> BatchSource:
    """One split of a dataset as batches for a training; ``fields`` must have the image."""
    loader = PairLoader(
        dataset,
        split=split,
        batch_size=settings.batch_size,
        seed=settings.seed,
        fields=fields,
        subset=subset,
        resolution=resolution,
        workers=LOADER_WORKERS,
    )
    return cast(BatchSource, loader)  # its batches say "image or None", and here it is never None


def order_to_dict(order: ImitatorOrder | SegmenterOrder | TranslatorOrder) -> dict[str, Any]:
    """Plain JSON types."""
    data = {**asdict(order), "settings": order.settings.to_dict()}
    return {"network": _NAMES[type(order)], **cast(dict[str, Any], plain(data))}


def order_from_dict(data: Mapping[str, Any]) -> FitOrder:
    """Inverse of :func:`order_to_dict`. Raises InputError for what is no order."""
    try:
        order: FitOrder = _READERS[data["network"]]({name: data[name] for name in data if name != "network"})
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"order: not a training's ({error!r}); have 'f2p train' write it again") from error
    return order


def _read_imitator(data: dict[str, Any]) -> ImitatorOrder:
    settings = ImitatorTraining(**data.pop("settings"))
    return ImitatorOrder(config=ImitatorConfig(**data.pop("config")), settings=settings, **_with_paths(data))


def _read_segmenter(data: dict[str, Any]) -> SegmenterOrder:
    asked = data.pop("settings")
    trunk = asked.pop("imagenet_trunk")
    settings = SegmenterTraining(
        **{**asked, "augmentation": Augmentation(**asked["augmentation"])},
        imagenet_trunk=trunk if trunk in (None, "packaged") else Path(trunk),
    )
    config = data.pop("config")
    return SegmenterOrder(
        config=SegmenterConfig(**{**config, "blocks": tuple(config["blocks"])}), settings=settings, **_with_paths(data)
    )


def _read_translator(data: dict[str, Any]) -> TranslatorOrder:
    config = data.pop("config")
    return TranslatorOrder(
        config=TranslatorConfig(**{**config, "block_sizes": tuple(config["block_sizes"])}),
        settings=TranslatorTraining(**data.pop("settings")),
        template=tuple((x, y) for x, y in data.pop("template")),
        **_with_paths(data),
    )


def _with_paths(data: Mapping[str, Any]) -> dict[str, Any]:
    return {name: Path(value) if name in _PATHS and value is not None else value for name, value in data.items()}


_PATHS: Final = ("studio", "photo_like", "photos", "imitator", "segmenter", "backgrounds", "lightcnn_weights")
_NAMES: Final[dict[type, str]] = {
    ImitatorOrder: "imitator",
    SegmenterOrder: "segmenter",
    TranslatorOrder: "translator",
}
_READERS: Final[dict[str, Callable[[dict[str, Any]], FitOrder]]] = {
    "imitator": _read_imitator,
    "segmenter": _read_segmenter,
    "translator": _read_translator,
}
