"""One photo each of many people, for evaluations that ask who is who.

N people, H the side of a picture
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
import torch
from torch import Tensor

from engine_bridge.errors import InputError
from f2p_datasets.collections import open_collection
from f2p_datasets.loaders.memory import MemoryPairs
from f2p_datasets.manifest import TABLE_NAME
from f2p_datasets.pair_table import read_rows
from f2p_datasets.photo_sets import PhotoPlan, import_photos
from f2p_datasets.quality import FaceQuality
from f2p_datasets.randomness import generator
from f2p_models.pictures import to_unit
from flows.evaluations.subject import Subject
from flows.photos.imported import is_imported, open_imported
from flows.progress import ProgressBar
from flows.settings import Settings
from flows.steps import alone, digest

FEWEST: Final = 2
_STREAM: Final = "evaluation.people"
#: Aligned beyond those asked for: in some photos no face is found.
_SPARE_SHARE, _SPARE_AT_LEAST = 0.15, 4
_SHARD_SIZE: Final = 500
_FACE_FACTS: Final = ("yaw_deg", "pitch_deg", "roll_deg", "face_px", "sharpness", "frontal")

Photo = TypeVar("Photo")


@dataclass(frozen=True, kw_only=True)
class Draw:
    """How many people, and the seed that draws them."""

    count: int
    seed: int


@dataclass(frozen=True, kw_only=True)
class People:
    """Aligned photos (N, 3, H, H) in [0, 1], a file's name and what was measured of each; the hash of all photos."""

    photos: Tensor
    names: tuple[str, ...]
    faces: tuple[FaceQuality, ...]
    fingerprint: str

    def __len__(self) -> int:
        return len(self.names)


def find_people(settings: Settings, subject: Subject, source: Path, draw: Draw, *, num_workers: int = 0) -> People:
    """People of imported photos, or of any collection, drawn at random; all of them if there are fewer.

    A collection that does not say who is who has as many people as photos. Raises InputError for fewer than two.
    """
    folder = source if is_imported(source) else _align(settings, subject, source, draw, num_workers=num_workers)
    manifest = open_imported(folder, subject.schema.character, subject.template, subject.resolution)
    rows = read_rows(folder / TABLE_NAME).to_pylist()
    chosen = _one_each([(row["identity"] or row["file"], row) for row in rows], draw)
    if len(chosen) < FEWEST:
        raise InputError(f"photos: {source} has {len(chosen)} people with a usable face; {FEWEST} at least are needed")
    chosen.sort(key=lambda row: row["index"])
    shards = [folder / shard.name for shard in manifest.shards if shard.num_pairs]
    indices = [row["index"] for row in chosen]
    device = torch.device("cpu")
    pairs = MemoryPairs(shards, indices, fields=("image",), resolution=subject.resolution, device=device)
    image = pairs.batch(np.arange(len(indices))).image
    assert image is not None
    return People(
        photos=to_unit(image),
        names=tuple(row["file"] for row in chosen),
        faces=tuple(_quality(row) for row in chosen),
        fingerprint=hashlib.sha256("".join(row["image_sha256"] for row in chosen).encode()).hexdigest()[:16],
    )


def _align(settings: Settings, subject: Subject, source: Path, draw: Draw, *, num_workers: int) -> Path:
    """The photos of as many people as are asked for, and some to spare, imported into the home."""
    collection = open_collection(source, "auto")
    spare = max(_SPARE_AT_LEAST, round(_SPARE_SHARE * draw.count))
    named = [(record.identity or record.name, record) for record in collection.records]
    plan = PhotoPlan(
        root=collection.root,
        records=tuple(_one_each(named, Draw(count=draw.count + spare, seed=draw.seed))),
        template=subject.template,
        subject=collection.format.subject,
        resolution=subject.resolution,
        shard_size=_SHARD_SIZE,
    )
    provenance = plan.provenance()
    folder = settings.datasets / f"{subject.schema.character}-people-{digest({'key': provenance.key})}"
    with alone(folder, settings.cache / "locks"), ProgressBar("Align photos") as bar:
        bar.start(len(plan.records))
        import_photos(
            plan, folder, workers=num_workers, progress=lambda _done, _total: bar.advance(), provenance=provenance
        )
    return folder


def _one_each(named: Sequence[tuple[str, Photo]], draw: Draw) -> list[Photo]:
    """The first photo of each of some people; who they are depends on the draw and the people alone."""
    first: dict[str, Photo] = {}
    for name, photo in named:
        first.setdefault(name, photo)
    people = sorted(first)
    order = generator(draw.seed, 0, _STREAM).permutation(len(people))[: draw.count]
    return [first[people[index]] for index in order]


def _quality(row: Mapping[str, Any]) -> FaceQuality:
    return FaceQuality(**{name: row[name] for name in _FACE_FACTS})
