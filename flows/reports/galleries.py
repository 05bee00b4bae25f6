"""The pictures of a run: its characters, what the engine draws, and what the networks make of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Final

import numpy as np

from engine_bridge.parts import paint_mask
from f2p_datasets.manifest import read_manifest
from f2p_datasets.pairs import Pair, key_of
from f2p_datasets.shards import read_shard
from flows.layout import PARAMETERS_FILE, PICTURES
from flows.pictures.evaluation_pictures import DRAWN, Drawing
from flows.reports.pictures import Figure, Tile, read_columns, read_pixels, reduced, tile

NUM_FACES: Final = 24
_FACE_PX: Final = 160
#: Pictures in a created character's folder, and what they are called.
_OF_CHARACTER: Final = {"aligned.png": "photo", "imitator.png": "imitator", "engine.png": "engine"}


def characters(folders: Sequence[Path]) -> list[Figure]:
    """What was created from the user's photos, one figure each."""
    return [_character(folder) for folder in folders if (folder / PARAMETERS_FILE).is_file()]


def engine_faces(dataset: Path) -> Figure:
    """The first pairs of a rendered dataset: picture and part mask beside each other."""
    shards = [dataset / shard.name for shard in read_manifest(dataset).shards if shard.num_pairs]
    pairs = islice((pair for shard in shards for pair in read_shard(shard)), NUM_FACES)
    return Figure(
        title="What the engine draws",
        caption="The first pairs of the dataset: pictures and part masks as the engine drew them.",
        tiles=[_face(pair) for pair in pairs],
        columns=6,
    )


def evaluation_figures(evaluation: Path) -> list[Figure]:
    """The sheets of an evaluation, cut into columns."""
    sheets = {evaluation / PICTURES / f"{name}.png": drawn for name, drawn in DRAWN.items()}
    return [_sheet(path, drawn) for path, drawn in sheets.items() if path.is_file()]


def _sheet(path: Path, drawn: Drawing) -> Figure:
    facts, columns = column_facts(path), read_columns(path)
    tiles = [tile(column, f"{drawn.title}, {number}", _told(facts, number)) for number, column in enumerate(columns)]
    caption = f"{drawn.caption} Below each its L1 and its key." if facts else drawn.caption
    return Figure(title=drawn.title, caption=caption, tiles=tiles, columns=len(tiles))


def column_facts(sheet: Path) -> list[dict[str, Any]]:
    """Which pair each column of a sheet is and its error; empty for a sheet that does not say."""
    path = sheet.with_suffix(".json")
    facts: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []
    return facts


def _told(facts: Sequence[dict[str, Any]], number: int) -> str:
    return f"{facts[number]['l1']:.4f} · {key_of(facts[number]['pair'])}" if number < len(facts) else ""


def _character(folder: Path) -> Figure:
    """The photo, and the character as the imitator and as the engine draws it."""
    document = json.loads((folder / PARAMETERS_FILE).read_text(encoding="utf-8"))
    pictures = {words: folder / name for name, words in _OF_CHARACTER.items() if (folder / name).is_file()}
    tiles = [tile(read_pixels(path), f"{folder.name}, {words}", words) for words, path in pictures.items()]
    similarity = f" Similarity {document['similarity']:.2f}." if document.get("similarity") is not None else ""
    caption = f"{document['mode']}: {document['reason']}.{similarity}"
    return Figure(title=folder.name, caption=caption, tiles=tiles, columns=max(1, len(tiles)))


def _face(pair: Pair) -> Tile:
    pictures = [pair.picture, *([] if pair.mask is None else [paint_mask(pair.mask)])]
    return tile(np.concatenate([reduced(picture, _FACE_PX) for picture in pictures], axis=1), f"pair {pair.index}")
