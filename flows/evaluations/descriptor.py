"""``f2p evaluate descriptor``: which descriptor tells people apart (TPAMI, equations 5 and 6, left open there).

Two kinds of pairs: two photos of a person, and a photo-like picture with the engine's studio render of the same
character. The first asks for a descriptor that ignores pose and light; the second, that a photo and a render meet.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from engine_bridge.errors import InputError
from f2p_datasets.loaders.memory import MemoryPairs
from f2p_datasets.manifest import DatasetManifest, read_manifest
from f2p_datasets.pair_table import read_rows
from f2p_models.evaluation.descriptor import CONTENT_IN_USE, IDENTITY_IN_USE, measure_descriptor, view_pictures
from f2p_models.evaluation.retrieval import Retrieval
from f2p_models.pictures import from_pictures, to_unit
from f2p_models.training.previews import picture_sheet
from flows.evaluations.hardware import circumstances
from flows.evaluations.page import EvaluationPage, Figure, Place, Table, evaluate_once
from flows.evaluations.subject import Subject
from flows.photos.imported import open_imported
from flows.settings import Settings

FEWEST_PEOPLE: Final = 2
SHOWN: Final = 8

Pictures = tuple[Tensor, Tensor]
"""Two pictures of each of N people: (N, 3, H, H) each, in [0, 1]."""


@dataclass(frozen=True, kw_only=True)
class DescriptorOptions:
    """Where the pairs come from; one of the two at least.

    photos      an imported collection that says who is who: two front views of each person
    renders     a photo-like dataset of the character: its held-out pairs
    num_people  at most, of each
    """

    photos: Path | None = None
    renders: Path | None = None
    num_people: int = 200

    def __post_init__(self) -> None:
        if self.photos is None and self.renders is None:
            raise InputError("photos, renders: give imported photos, a photo-like dataset, or both")
        if self.num_people < FEWEST_PEOPLE:
            raise InputError(f"num_people: {self.num_people}; give {FEWEST_PEOPLE} or more")


def evaluate_descriptor(
    settings: Settings, subject: Subject, options: DescriptorOptions, *, command: str, out: Path | None = None
) -> tuple[Path, dict[str, Any]]:
    """The evaluation's folder and its JSON document, found or made."""
    if options.photos is not None:
        open_imported(options.photos, subject.schema.character, subject.template, subject.resolution)
    datasets = {
        name: read_manifest(folder)
        for name, folder in {"photos": options.photos, "renders": options.renders}.items()
        if folder is not None
    }
    inputs = {
        **{f"{name}_sha256": manifest.sha256 for name, manifest in datasets.items()},
        **subject.hashes,
        "num_people": options.num_people,
        "engine": subject.engine_build,
    }
    place = Place.of(settings, character=subject.schema.character, verb="descriptor", inputs=inputs, out=out)

    def measure() -> EvaluationPage:
        return _measure(subject, options, datasets, command=command)

    return place.folder, evaluate_once(settings, place, measure)


def _measure(
    subject: Subject, options: DescriptorOptions, datasets: Mapping[str, DatasetManifest], *, command: str
) -> EvaluationPage:
    compared: dict[str, Pictures] = {}
    if options.photos is not None:
        compared["two photos of a person"] = _photos(subject, options.photos, options.num_people)
    if options.renders is not None:
        pictures = _renders(subject, options.renders, datasets["renders"], options.num_people)
        compared["photo-like picture and studio render"] = pictures
    found = {kind: _compare(subject, pictures) for kind, pictures in compared.items()}
    return EvaluationPage(
        verb="descriptor",
        character=subject.schema.character,
        title="Which descriptor tells people apart",
        command=command,
        provenance={
            **subject.provenance(),
            **{name: manifest.key for name, manifest in datasets.items()},
            **circumstances(),
        },
        measurements={kind: {name: asdict(retrieval) for name, retrieval in by.items()} for kind, by in found.items()},
        tables=[_table(kind, by) for kind, by in found.items()],
        figures=[_sheet(kind, pictures) for kind, pictures in compared.items()],
        notes=(
            "Nearest: share of pictures whose nearest other is of the same person. AUC: probability that two pictures "
            "of one person are nearer than two of different people; chance is 0.5.",
            f"Weighted by probabilities as in equation 6. The losses use {IDENTITY_IN_USE!r} and {CONTENT_IN_USE!r}.",
        ),
    )


def _table(kind: str, by: Mapping[str, Retrieval]) -> Table:
    return Table(
        title=f"{kind[0].upper()}{kind[1:]}, {next(iter(by.values())).num_photos} people",
        header=("descriptor", "AUC", "nearest", "among the ten nearest", "median rank"),
        rows=tuple(
            (name, f"{one.verification_auc:.4f}", f"{one.top1:.3f}", f"{one.top10:.3f}", one.median_rank)
            for name, one in by.items()
        ),
    )


def _sheet(kind: str, pictures: Pictures) -> Figure:
    """Some people, one above the other."""
    first, second = (one[:SHOWN] for one in pictures)
    return Figure(name=kind.replace(" ", "-"), title=kind.capitalize(), picture=picture_sheet(first, second))


def _compare(subject: Subject, pictures: Pictures) -> dict[str, Retrieval]:
    bundle = subject.creator.bundle
    first, second = (view_pictures(one.to(bundle.device), bundle.embedder, bundle.segmenter) for one in pictures)
    return measure_descriptor(first, second, bundle.embedder)


def _photos(subject: Subject, folder: Path, num_people: int) -> Pictures:
    """The first and the last front view of each person who has two."""
    by_person: dict[str, list[int]] = {}
    for row in read_rows(folder / "pairs.parquet").to_pylist():
        if row.get("identity") and row["frontal"]:
            by_person.setdefault(row["identity"], []).append(row["index"])
    people = [indices for _, indices in sorted(by_person.items()) if len(indices) > 1][:num_people]
    if len(people) < FEWEST_PEOPLE:
        raise InputError(
            f"photos: {folder} has {len(people)} people with two front views; import a collection that says who is who"
        )
    first, second = ([indices[end] for indices in people] for end in (0, -1))
    return _read(folder, first, subject.resolution)[0], _read(folder, second, subject.resolution)[0]


def _renders(subject: Subject, folder: Path, manifest: DatasetManifest, num_people: int) -> Pictures:
    """Held-out photo-like pictures, and what the engine draws of their vectors in the studio."""
    if manifest.schema is None or manifest.schema.fingerprint != subject.schema.fingerprint:
        raise InputError(f"renders: {folder} has no vectors of {subject.schema.character}; give its photo-like dataset")
    rows = read_rows(folder / "pairs.parquet").to_pylist()
    indices = sorted(row["index"] for row in rows if row["split"] == "heldout")[:num_people]
    photos, vectors = _read(folder, indices, subject.resolution, with_vectors=True)
    return photos, from_pictures(subject.renderer()(vectors.numpy()))


def _read(folder: Path, indices: list[int], resolution: int, *, with_vectors: bool = False) -> tuple[Tensor, Tensor]:
    """Pictures and vectors, an empty one without, of the pairs with these indices, in their order."""
    manifest = read_manifest(folder)
    pairs = MemoryPairs(
        [folder / shard.name for shard in manifest.shards if shard.num_pairs],
        indices,
        fields=("vector", "image") if with_vectors else ("image",),
        resolution=resolution,
        device=torch.device("cpu"),
    )
    batch = pairs.batch(np.arange(len(indices)))
    assert batch.image is not None
    return to_unit(batch.image), torch.empty(0) if batch.vector is None else batch.vector
