"""Folders that ``f2p photos import`` made, when they are given as the photos to learn from."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from engine_bridge.errors import InputError
from f2p_datasets.alignment import AlignmentTemplate
from f2p_datasets.manifest import MANIFEST_NAME, DatasetManifest, verify_dataset

#: Landmarks of two templates that differ by less mean the same face: dlib answers in whole pixels of 512.
LARGEST_DIFFERENCE_PX: Final = 1.5
_PX: Final = 512


def is_imported(folder: Path) -> bool:
    """Whether a folder holds shards of ours, finished or not; photos of a user's lie in no such folder."""
    return (folder / MANIFEST_NAME).is_file() or any(folder.glob("shard-*.parquet"))


def open_imported(folder: Path, character: str, template: AlignmentTemplate, resolution: int) -> DatasetManifest:
    """The manifest of imported photos that a character can learn from at that resolution.

    Raises InputError, with the way out, when the import was stopped, the folder holds no photos, they were aligned to
    another face, or are smaller.
    """
    again = f"f2p photos import SOURCE --character {character} --out DIR"
    if not (folder / MANIFEST_NAME).is_file():
        raise InputError(f"photos: the import into {folder} was stopped; run the same 'f2p photos import' to its end")
    manifest = verify_dataset(folder)
    provenance = manifest.provenance
    if provenance.domain != "photos" or provenance.template is None:
        raise InputError(f"photos: {folder} holds {provenance.domain} pairs, no photos; import some: {again}")
    away_px = _PX * np.abs(np.asarray(provenance.template) - template.points).max()
    if away_px > LARGEST_DIFFERENCE_PX:
        raise InputError(f"photos: {folder} was aligned to another face than {character}'s; import again: {again}")
    if provenance.resolution < resolution:
        raise InputError(
            f"photos: {folder} has {provenance.resolution} px, the recipe needs {resolution}; "
            f"import again: {again} --resolution {resolution}"
        )
    return manifest
