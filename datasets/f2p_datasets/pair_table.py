"""The table of pairs: one row per pair, every parameter a column in engine units. ``pairs.parquet`` holds it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from engine_bridge.schema import ParameterSchema
from f2p_datasets.errors import DatasetError
from f2p_datasets.pairs import Pair, key_of, split_of

Row = dict[str, Any]

#: Of aligned pictures: what the detector saw. ``frontal`` marks the high-quality front views.
_FACE_COLUMNS: Final = (
    ("yaw_deg", pa.float32()),
    ("pitch_deg", pa.float32()),
    ("roll_deg", pa.float32()),
    ("face_px", pa.float32()),
    ("sharpness", pa.float32()),
    ("frontal", pa.bool_()),
)
_DOMAIN_COLUMNS: Final = {
    "studio": (("engine_frame", pa.int64()),),
    "photo-like": (("engine_frame", pa.int64()), *_FACE_COLUMNS),
    "photos": (
        ("file", pa.string()),
        ("identity", pa.string()),
        ("partition", pa.string()),
        *_FACE_COLUMNS,
        ("landmark_error_px", pa.float32()),
    ),
    "labelled-photos": (("file", pa.string()), ("partition", pa.string()), *_FACE_COLUMNS),
}


def table_schema(domain: str, schema: ParameterSchema | None) -> pa.Schema:
    """Columns of a domain's table; the parameters come last, in schema order."""
    columns = [("key", pa.string()), ("shard", pa.string()), ("index", pa.int64()), ("split", pa.string())]
    columns += [("image_sha256", pa.string()), *_DOMAIN_COLUMNS[domain]]
    if schema is not None:
        columns += [(slider.name, pa.float32()) for slider in schema.continuous]
        columns += [(choice.name, pa.string()) for choice in schema.discrete]
    return pa.schema(columns)


def row_of(pair: Pair, shard: str, image_sha256: str, schema: ParameterSchema | None) -> Row:
    """A pair's row, with the pair's facts beside the parameters."""
    row = {**pair.facts, "key": key_of(pair.index), "shard": shard, "index": pair.index}
    row |= {"split": split_of(pair.index), "image_sha256": image_sha256}
    if schema is not None and pair.vector is not None:
        row |= schema.decode(pair.vector)
    return row


def write_rows(stream: Any, rows: Sequence[Row], columns: pa.Schema) -> None:
    """One row group, in row order; facts without a column stay out of the table."""
    table = pa.table({name: [row.get(name) for row in rows] for name in columns.names}, schema=columns)
    pq.write_table(table, stream, write_page_checksum=True, row_group_size=max(len(rows), 1))


def read_rows(path: Path) -> pa.Table:
    """A table and the metadata of its schema. Raises DatasetError when the file is damaged."""
    try:
        return pq.read_table(path, page_checksum_verification=True, partitioning=None)
    except (OSError, pa.ArrowException) as error:
        raise DatasetError(f"{path}: not a readable table of pairs ({error}); render the shard again") from error


def num_rows(path: Path) -> int:
    """Rows of a table, by its footer. Raises DatasetError when the file is damaged."""
    try:
        return int(pq.read_metadata(path).num_rows)
    except (OSError, pa.ArrowException) as error:
        raise DatasetError(f"{path}: not a readable table of pairs ({error}); render the shard again") from error


def concatenate_rows(stream: Any, tables: Sequence[pa.Table]) -> None:
    """Shards' tables -> one file with a row group per shard that has pairs."""
    columns = tables[0].schema.remove_metadata()
    with pq.ParquetWriter(stream, columns, write_page_checksum=True) as writer:
        for table in tables:
            writer.write_table(table.replace_schema_metadata(None), row_group_size=max(table.num_rows, 1))
