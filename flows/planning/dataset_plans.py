"""The datasets of a run: what is to be rendered and aligned, and where that is to lie."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from engine_bridge.errors import InputError
from f2p_datasets.alignment import AlignmentTemplate
from f2p_datasets.collections import open_for_training
from f2p_datasets.errors import DatasetError
from f2p_datasets.manifest import DatasetManifest, verify_dataset
from f2p_datasets.parsing import ParsingPlan, ParsingSet
from f2p_datasets.photo_sets import PhotoPlan
from f2p_datasets.provenance import Provenance
from f2p_datasets.rendering import DatasetPlan
from f2p_datasets.shards import read_record
from flows.layout import HELDOUT_PHOTOS, PARSING, PHOTO_LIKE, PHOTOS, STUDIO, TEMPLATE
from flows.steps import digest
from flows.targets import Order, Target, step_target

TEMPLATE_FILE: Final = "template.json"
#: The seed of the held-out photos; it is nobody's training seed and always the same, so scores compare across runs.
HELDOUT_SEED: Final = 2**31 - 1
HELDOUT_PX: Final = 512
HELDOUT_SHARD_SIZE: Final = 14
TITLES: Final = {
    STUDIO: "Render studio pairs",
    TEMPLATE: "Find the average face's landmarks",
    PHOTO_LIKE: "Render photo-like pictures",
    HELDOUT_PHOTOS: "Render held-out photos",
    PHOTOS: "Align the photos",
    PARSING: "Align the labelled photos",
}


def studio_plan(order: Order) -> DatasetPlan:
    """The pairs that the recipe wants the imitator to learn from."""
    return DatasetPlan(
        schema=order.schema,
        count=order.recipe.num_pairs,
        seed=order.seed,
        sampler=order.recipe.sampler,
        resolution=order.recipe.resolution,
        shard_size=order.recipe.shard_size,
    )


def photo_like_plan(order: Order, template: AlignmentTemplate) -> DatasetPlan:
    """The photo-like renders that the recipe wants segmenter and translator to learn from."""
    return DatasetPlan(
        schema=order.schema,
        count=order.recipe.num_photo_like,
        seed=order.seed,
        sampler="natural",
        resolution=order.recipe.photo_resolution,
        shard_size=order.recipe.shard_size,
        domain="photo-like",
        template=template,
    )


def heldout_photos_plan(order: Order, template: AlignmentTemplate) -> DatasetPlan:
    """Neither seed nor recipe shape them (but for their number), so that the scores of versions compare."""
    return replace(
        photo_like_plan(order, template),
        count=order.recipe.num_heldout_photos,
        seed=HELDOUT_SEED,
        resolution=HELDOUT_PX,
        shard_size=HELDOUT_SHARD_SIZE,
    )


def photo_set_plan(order: Order, template: AlignmentTemplate, photos: Path) -> PhotoPlan:
    """The user's photos in the studio's frame: of a known collection the training partition, else a whole folder."""
    collection = open_for_training(photos)
    return PhotoPlan(
        root=collection.root,
        records=collection.records,
        template=template,
        subject=collection.format.subject,
        resolution=order.recipe.photo_resolution,
        shard_size=order.recipe.shard_size,
    )


def labelled_plan(order: Order, template: AlignmentTemplate, labelled: ParsingSet) -> ParsingPlan:
    """A parsing set's photos and masks in the studio's frame."""
    return ParsingPlan(
        labelled=labelled,
        template=template,
        resolution=order.recipe.photo_resolution,
        shard_size=order.recipe.shard_size,
    )


def template_target(order: Order) -> Target:
    """The average face's landmarks, as this engine draws it."""
    inputs = {"fingerprint": order.schema.fingerprint, "engine": [order.engine.name, order.engine.build]}
    return step_target(
        TITLES[TEMPLATE],
        order.step(TEMPLATE, inputs),
        order.settings.datasets,
        lambda folder: AlignmentTemplate.load(folder / TEMPLATE_FILE),
    )


def dataset_target(order: Order, provenance: Provenance, stage: str, title: str, folder: Path | None = None) -> Target:
    """A dataset, in ``folder`` or under its own key in the home."""
    place = folder or own_folder(order, stage, provenance)
    return Target(
        title=title,
        stage=stage,
        key=provenance.key,
        folder=place,
        inputs=inputs_of(provenance),
        verify=lambda: verify_dataset_of(place, provenance.key),
    )


def own_folder(order: Order, stage: str, provenance: Provenance) -> Path:
    """Where a dataset lies when nobody says otherwise."""
    return order.settings.datasets / f"{order.schema.character}-{stage}-{provenance.key}"


def inputs_of(provenance: Provenance) -> dict[str, Any]:
    """What a run's record keeps of a dataset's provenance: long lists by their hash."""
    inputs = provenance.to_dict()
    if provenance.schema:
        inputs["schema"] = provenance.schema.fingerprint
    if provenance.template:
        inputs["template"] = digest(inputs["template"])
    return {name: value for name, value in inputs.items() if value is not None}


def share_missing(target: Target, provenance: Provenance) -> float:
    """How much of an unfinished dataset is still to be made, in [0, 1]."""
    return 1.0 - pairs_there(target) / max(1, provenance.count)


def pairs_there(target: Target) -> int:
    """Pairs of an unfinished dataset's shards that look whole; the run will read them to be sure."""
    found = 0
    for rows in target.folder.glob("shard-*.parquet"):
        with suppress(DatasetError, OSError):
            record = read_record(target.folder, rows.with_suffix(".tar").name)
            if record.dataset_key == target.key and rows.with_suffix(".tar").stat().st_size == record.num_bytes:
                found += record.num_pairs + record.num_rejects
    return found


def verify_dataset_of(folder: Path, key: str) -> DatasetManifest:
    """The manifest of a dataset that verifies. Raises InputError when it is another than ``key``."""
    manifest = verify_dataset(folder, with_rows=True)
    if manifest.key != key:
        raise InputError(f"{folder}: holds dataset {manifest.key}, asked for is {key}; choose another folder")
    return manifest
