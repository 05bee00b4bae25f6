"""The table of pairs: one row per pair, every parameter a column in engine units. ``pairs.parquet`` holds it."""

from __future__ import annotations

import hashlib
import io
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final

import pyarrow as pa
import pyarrow.parquet as pq

from engine_bridge.schema import ParameterSchema
from f2p_datasets.errors import DatasetError
from f2p_datasets.pairs import Pair, key_of, split_of

Row = dict[str, Any]

#: A shard's table states the SHA-256 that it had with zeros in the place of these 64 digits: Parquet's checksums are of
#: the pages, and its footer has none. In the footer's encoding (Thrift, compact) a key and its value lie side by side.
_SEAL_KEY: Final = b"f2p.sha256"
_UNSEALED: Final = b"0" * 64
_BEFORE_SEAL: Final = _SEAL_KEY + b"\x18\x40"

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


def write_rows(stream: BinaryIO, rows: Sequence[Row], columns: pa.Schema) -> None:
    """One row group, in row order, sealed with a hash; facts without a column stay out of the table."""
    sealed = columns.with_metadata({**(columns.metadata or {}), _SEAL_KEY: _UNSEALED})
    table = pa.table({name: [row.get(name) for row in rows] for name in columns.names}, schema=sealed)
    buffer = io.BytesIO()
    pq.write_table(table, buffer, write_page_checksum=True, row_group_size=max(len(rows), 1))
    content = buffer.getvalue()
    digits = _seal_of(content)
    if content[digits] != _UNSEALED:
        raise DatasetError(f"pyarrow {pa.__version__} lays out a table's metadata in a way that is not known here")
    stream.write(_resealed(content, digits, hashlib.sha256(content).hexdigest().encode()))


def read_rows(path: Path) -> pa.Table:
    """A table and the metadata of its schema. Raises DatasetError when the file is damaged."""
    try:
        return pq.read_table(path, page_checksum_verification=True, partitioning=None)
    except (OSError, pa.ArrowException) as error:
        raise _unreadable(path, error) from error


def read_sealed_rows(path: Path) -> pa.Table:
    """The same of a shard's table, none of whose bytes may have changed.

    One of before there were seals is as good as Parquet's own checksums.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from error
    digits = _seal_of(content)
    if content[digits] and _digest_of(content, digits) != content[digits]:
        raise DatasetError(f"{path}: tampered with or damaged; render the shard again")
    try:
        table = pq.read_table(pa.BufferReader(content), page_checksum_verification=True)
    except (OSError, pa.ArrowException) as error:
        raise _unreadable(path, error) from error
    if not content[digits] and _SEAL_KEY in (table.schema.metadata or {}):
        raise DatasetError(f"{path}: its seal is broken; render the shard again")
    return table


def _unreadable(path: Path, error: Exception) -> DatasetError:
    return DatasetError(f"{path}: not a readable table of pairs ({error}); render the shard again")


def _seal_of(content: bytes) -> slice:
    """Where its digits are, empty if it has none. The footer comes last, so whatever rows may hold is not meant."""
    place = content.rfind(_BEFORE_SEAL)
    start = place + len(_BEFORE_SEAL)
    return slice(start, start + len(_UNSEALED)) if place >= 0 else slice(0)


def _resealed(content: bytes, digits: slice, digest: bytes) -> bytes:
    return content[: digits.start] + digest + content[digits.stop :]


def _digest_of(content: bytes, digits: slice) -> bytes:
    return hashlib.sha256(_resealed(content, digits, _UNSEALED)).hexdigest().encode()


def rows_by_shard(path: Path) -> dict[str, int]:
    """How many rows a table has of each shard. Raises DatasetError when the file is damaged."""
    try:
        column = pq.read_table(path, columns=["shard"], partitioning=None).column("shard")
    except (OSError, pa.ArrowException) as error:
        raise _unreadable(path, error) from error
    return dict(Counter(column.to_pylist()))


def concatenate_rows(stream: Any, tables: Sequence[pa.Table]) -> None:
    """Shards' tables -> one file with a row group per shard that has pairs."""
    columns = tables[0].schema.remove_metadata()
    with pq.ParquetWriter(stream, columns, write_page_checksum=True) as writer:
        for table in tables:
            writer.write_table(table.replace_schema_metadata(None), row_group_size=max(table.num_rows, 1))
