"""``f2p photos import``: a collection of photos, aligned once into shards that training reads."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from f2p_datasets.collections import PhotoCollection, open_collection
from f2p_datasets.photo_sets import PhotoPlan
from f2p_datasets.photo_summary import PhotoSummary, summarize_photos
from flows.engines.orders import EngineOrder
from flows.photos.pages import REJECTS_PAGE, SHEET_FILE, write_rejects_page, write_sheet
from flows.recipes import quick
from flows.render import align_photos, find_template
from flows.runs import open_run
from flows.settings import Settings

DEFAULT_CHARACTER: Final = "justice_female"
DEFAULT_RESOLUTION: Final = 256
SHARD_SIZE: Final = 500


@dataclass(frozen=True, kw_only=True)
class ImportOrder:
    """What to import.

    source       the collection's folder, or a tar
    format_name  one of ``f2p_datasets.collections.FORMATS``, or ``auto``
    partition    one of the collection's, or None for all of it
    character    photos are aligned to its average face
    limit        the first photos only; None for all
    out          the dataset's folder; None for one in the home
    """

    source: Path
    format_name: str
    partition: str | None = None
    character: str = DEFAULT_CHARACTER
    resolution: int = DEFAULT_RESOLUTION
    limit: int | None = None
    out: Path | None = None


def import_collection(
    settings: Settings, order: ImportOrder, *, engine: EngineOrder, num_workers: int | None = None
) -> PhotoSummary:
    """Align a collection, as far as it is missing, and write the pages to look at. Raises InputError."""
    collection = open_collection(order.source, order.format_name, order.partition, limit=order.limit)
    named = replace(quick(), name="photos")  # a run has a recipe, but this one asks it nothing: the order says it all
    with open_run(settings, character=order.character, recipe=named, engine=engine, num_workers=num_workers) as run:
        plan = PhotoPlan(
            root=collection.root,
            records=collection.records,
            template=find_template(run),
            subject=collection.format.subject,
            resolution=order.resolution,
            shard_size=SHARD_SIZE,
        )
        folder = align_photos(run, plan, folder=order.out)
        _write_pages(folder, collection)
    return summarize_photos(folder)


def _write_pages(folder: Path, collection: PhotoCollection) -> None:
    """A dataset does not change once it is finished, so neither do its pages."""
    if not (folder / SHEET_FILE).is_file():
        write_sheet(folder, folder / SHEET_FILE)
    if not (folder / REJECTS_PAGE).is_file():
        write_rejects_page(folder, collection)
