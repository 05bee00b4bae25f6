"""Sheets of many small pictures: what an engine draws, seen at one glance."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Final

from PIL import Image

from engine_bridge.bridge import EngineBridge
from engine_bridge.mock.contact_sheet import arrange_pairs, contact_sheet, paint_mask
from f2p_datasets.manifest import read_manifest
from f2p_datasets.shards import read_shard

NUM_PAIRS: Final = 24


def engine_sheet(engine: EngineBridge, character: str, *, seed: int) -> Image.Image:
    """24 random faces of a character type, each beside its part mask, rendered now."""
    return Image.fromarray(contact_sheet(engine, character, count=NUM_PAIRS, seed=seed))


def dataset_sheet(folder: Path) -> Image.Image:
    """The first 24 pairs of a rendered dataset, arranged in the same way."""
    shards = [folder / shard.name for shard in read_manifest(folder).shards]
    pairs = islice((pair for shard in shards for pair in read_shard(shard)), NUM_PAIRS)
    tiles = [tile for pair in pairs if pair.mask is not None for tile in (pair.picture, paint_mask(pair.mask))]
    return Image.fromarray(arrange_pairs(tiles))
