"""What to look at after an import: a sheet of aligned photos, and a page of those that were left out.

sheet.jpg       aligned photos, evenly spread over the collection; front views of high quality have a green frame
rejects.html    thumbnails of what was left out, and why; one page that can be mailed
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from PIL import Image

from engine_bridge.frames import Picture
from f2p_datasets.collections import PhotoCollection, PhotoRecord, read_record
from f2p_datasets.durable import appearing_file
from f2p_datasets.errors import PhotoError
from f2p_datasets.manifest import TABLE_NAME, read_manifest
from f2p_datasets.pair_table import read_rows
from f2p_datasets.pairs import Pair
from f2p_datasets.photo_summary import list_rejects
from f2p_datasets.shards import read_shard
from flows.pictures.contact_sheets import BACKGROUND

SHEET_FILE: Final = "sheet.jpg"
REJECTS_PAGE: Final = "rejects.html"
SHEET_COLUMNS, SHEET_ROWS = 10, 6
TILE_PX, FRAME_PX = 128, 4
MOST_SHARDS: Final = 6
MOST_THUMBNAILS: Final = 400
THUMBNAIL_PX: Final = 120
FRONTAL_FRAME: Final = (70, 200, 110)


def photo_sheet(folder: Path) -> Picture:
    """Aligned photos of a dataset, (H, W, 3) uint8 sRGB."""
    manifest = read_manifest(folder)
    shards = _spread([shard.name for shard in manifest.shards if shard.num_pairs], MOST_SHARDS)
    table = read_rows(folder / TABLE_NAME).select(["index", "shard", "frontal"]).to_pylist()
    frontal = {row["index"]: row["frontal"] for row in table}
    per_shard = -(-SHEET_COLUMNS * SHEET_ROWS // max(1, len(shards)))
    tiles: list[Picture] = []
    for shard in shards:
        wanted = set(_spread([row["index"] for row in table if row["shard"] == shard], per_shard))
        tiles += [_tile(pair, frontal[pair.index]) for pair in read_shard(folder / shard) if pair.index in wanted]
    return _arrange(tiles[: SHEET_COLUMNS * SHEET_ROWS])


def write_sheet(folder: Path, path: Path) -> Path:
    """The sheet as a picture file of any format that its name says."""
    with appearing_file(path) as stream:
        Image.fromarray(photo_sheet(folder)).save(
            stream, Image.registered_extensions()[path.suffix.lower()], quality=90
        )
    return path


def write_rejects_page(folder: Path, collection: PhotoCollection) -> Path:
    """The page of what an import left out, with thumbnails of the first ones. Returns its path."""
    rejects = list_rejects(folder)
    environment = Environment(
        loader=PackageLoader("flows"), undefined=StrictUndefined, autoescape=select_autoescape(["html.j2"])
    )
    page = environment.get_template("rejects.html.j2").render(
        title=f"{collection.format.title}: photos left out",
        num_photos=len(collection.records),
        num_rejects=len(rejects),
        shown=list(_described(collection, rejects[:MOST_THUMBNAILS])),
        others=[{"file": reject["file"], "reason": reject["reason"]} for reject in rejects[MOST_THUMBNAILS:]],
    )
    with appearing_file(folder / REJECTS_PAGE) as stream:
        stream.write(page.encode())
    return folder / REJECTS_PAGE


def _described(collection: PhotoCollection, rejects: Sequence[dict[str, Any]]) -> Iterator[dict[str, str]]:
    for reject in rejects:
        record = collection.records[int(reject["key"])]
        yield {"file": reject["file"], "reason": reject["reason"], "uri": _thumbnail(collection.root, record)}


def _thumbnail(root: Path, record: PhotoRecord) -> str:
    """The photo as a small data URI; nothing when it cannot be read."""
    try:
        picture = Image.fromarray(read_record(root, record))
    except PhotoError:
        return ""
    picture.thumbnail((THUMBNAIL_PX, THUMBNAIL_PX))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=80)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _tile(pair: Pair, frontal: bool) -> Picture:
    inner = TILE_PX - 2 * FRAME_PX
    tile: Picture = np.empty((TILE_PX, TILE_PX, 3), np.uint8)
    tile[:] = FRONTAL_FRAME if frontal else BACKGROUND
    tile[FRAME_PX:-FRAME_PX, FRAME_PX:-FRAME_PX] = cv2.resize(
        pair.picture, (inner, inner), interpolation=cv2.INTER_AREA
    )
    return tile


def _arrange(tiles: Sequence[Picture]) -> Picture:
    rows = max(1, -(-len(tiles) // SHEET_COLUMNS))
    sheet: Picture = np.empty((rows * TILE_PX, SHEET_COLUMNS * TILE_PX, 3), np.uint8)
    sheet[:] = BACKGROUND
    for number, tile in enumerate(tiles):
        row, column = divmod(number, SHEET_COLUMNS)
        sheet[row * TILE_PX : (row + 1) * TILE_PX, column * TILE_PX : (column + 1) * TILE_PX] = tile
    return sheet


def _spread(items: Sequence[Any], count: int) -> list[Any]:
    """``count`` of the items, evenly spread; all of them when there are fewer."""
    if len(items) <= count:
        return list(items)
    return [items[position] for position in np.linspace(0, len(items) - 1, count).round().astype(int)]
