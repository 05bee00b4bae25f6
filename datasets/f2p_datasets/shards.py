"""Shards: WebDataset tars of pairs.

    shard-000003.tar       KEY.image.<ext>, KEY.mask.png, KEY.vector.npy, KEY.json for every pair, in index order
    shard-000003.parquet   the shard's rows of pairs.parquet; its metadata is the ShardRecord: written after the tar,
                           it says that the tar is complete, what it weighs and what it hashes to

The same pairs give the same bytes: times, owners and modes are constants. A shard that does not verify against its
record is thrown away, never repaired.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
import numpy.typing as npt

from f2p_datasets.durable import appearing_file, sha256_of
from f2p_datasets.encodings import ENCODERS, decode_mask, decode_picture, encode_mask
from f2p_datasets.errors import DatasetError
from f2p_datasets.pair_table import Row, read_sealed_rows, row_of, table_schema, write_rows
from f2p_datasets.pairs import Pair, Reject, key_of
from f2p_datasets.provenance import Provenance

_RECORD_KEY: Final = b"f2p.shard"
_REJECTS_KEY: Final = b"f2p.rejects"


@dataclass(frozen=True, kw_only=True)
class ShardRecord:
    """What a finished shard consists of.

    dataset_key   key of the dataset it was made for: no other dataset takes it
    num_rejects   pairs that were to be there and could not be used (no face found); their indices are missing
    """

    name: str
    dataset_key: str
    num_pairs: int
    num_rejects: int
    num_bytes: int
    sha256: str


def shard_name(shard_index: int) -> str:
    """File name of a shard."""
    return f"shard-{shard_index:06d}.tar"


def rows_path(folder: Path, name: str) -> Path:
    """Where a shard's rows and its record lie."""
    return (folder / name).with_suffix(".parquet")


def write_shard(folder: Path, shard_index: int, pairs: Iterable[Pair | Reject], provenance: Provenance) -> ShardRecord:
    """Pairs -> a tar under its final name, then its rows and its record.

    Raises DatasetError when the tar does not read back as it was written; nothing appears then.
    """
    name, rows, rejects = shard_name(shard_index), list[Row](), list[Row]()
    folder.mkdir(parents=True, exist_ok=True)
    rows_path(folder, name).unlink(missing_ok=True)
    with appearing_file(folder / name, lambda written: _read_back(written, record)) as stream:
        hashed = _HashingStream(stream)
        with tarfile.open(fileobj=hashed, mode="w|", format=tarfile.USTAR_FORMAT, bufsize=1 << 20) as archive:
            for pair in pairs:
                if isinstance(pair, Reject):
                    rejects.append({"key": key_of(pair.index), "reason": pair.reason, **pair.facts})
                else:
                    rows.append(row_of(pair, name, _add_pair(archive, pair, provenance.encoding), provenance.schema))
        record = ShardRecord(
            name=name,
            dataset_key=provenance.key,
            num_pairs=len(rows),
            num_rejects=len(rejects),
            num_bytes=hashed.num_bytes,
            sha256=hashed.sha256.hexdigest(),
        )
    columns = table_schema(provenance.domain, provenance.schema)
    metadata = {_RECORD_KEY: _canonical(asdict(record)), _REJECTS_KEY: _canonical(rejects)}
    with appearing_file(rows_path(folder, name)) as stream:
        write_rows(stream, rows, columns.with_metadata(metadata))
    return record


def finished_shard(folder: Path, shard_index: int, dataset_key: str) -> ShardRecord | None:
    """The record of a shard that is there, belongs to the dataset and verifies.

    Otherwise None, and a damaged or foreign one is deleted. One of which a file is missing stays as it is: a network
    file system may not show yet what another machine has just written, and whoever renders the shard replaces it.
    """
    name = shard_name(shard_index)
    if not (rows_path(folder, name).is_file() and (folder / name).is_file()):
        return None
    try:
        record = read_record(folder, name)
        if record.dataset_key == dataset_key:
            check_shard(folder / name, record)
            return record
    except DatasetError:
        pass  # thrown away below
    rows_path(folder, name).unlink(missing_ok=True)
    (folder / name).unlink(missing_ok=True)
    return None


def read_record(folder: Path, name: str) -> ShardRecord:
    """A shard's record. Raises DatasetError when it is missing or damaged."""
    path = rows_path(folder, name)
    if not path.is_file():
        raise DatasetError(f"{path}: missing; render the shard again")
    rows = read_sealed_rows(path)
    try:
        record = ShardRecord(**json.loads(rows.schema.metadata[_RECORD_KEY]))
    except (TypeError, KeyError, ValueError) as error:
        raise DatasetError(f"{path}: holds no shard record ({error}); render the shard again") from error
    if rows.num_rows != record.num_pairs:
        raise DatasetError(f"{path}: has {rows.num_rows} rows for {record.num_pairs} pairs; render the shard again")
    return record


def read_rejects(folder: Path, name: str) -> list[Row]:
    """What a finished shard had to leave out: key, reason and facts of each."""
    rejects: list[Row] = json.loads(read_sealed_rows(rows_path(folder, name)).schema.metadata[_REJECTS_KEY])
    return rejects


def check_shard(path: Path, record: ShardRecord) -> None:
    """Raise DatasetError, naming the shard, unless size and SHA-256 are the record's."""
    if not path.is_file():
        raise DatasetError(f"{record.name}: missing from {path.parent}; render it again")
    if path.stat().st_size != record.num_bytes:
        raise DatasetError(
            f"{record.name}: {path.stat().st_size} bytes instead of {record.num_bytes} in {path.parent}: "
            "truncated or changed; delete it and render it again"
        )
    if sha256_of(path) != record.sha256:
        raise DatasetError(f"{record.name}: tampered with or damaged in {path.parent}; delete it and render it again")


def _read_back(path: Path, record: ShardRecord) -> None:
    """What was written is what is there, and reads as so many pairs. Whoever looks later needs the hash alone."""
    check_shard(path, record)
    num_pairs = sum(1 for _ in iterate_members(path))
    if num_pairs != record.num_pairs:
        raise DatasetError(f"{record.name}: holds {num_pairs} pairs instead of {record.num_pairs}; render it again")


def iterate_members(path: Path) -> Iterator[tuple[str, dict[str, bytes]]]:
    """(key, bytes by field, e.g. ``mask.png``) of every pair of a shard, in order."""
    key, members = "", dict[str, bytes]()
    with tarfile.open(path, "r|", bufsize=1 << 20) as archive:
        for entry in archive:
            entry_key, _, field = entry.name.partition(".")
            if entry_key != key and members:
                yield key, members
                members = {}
            content = archive.extractfile(entry)
            key, members[field] = entry_key, content.read() if content else b""
    if members:
        yield key, members


def read_shard(path: Path) -> Iterator[Pair]:
    """The pairs of a shard, decoded. Check the shard first: a cut tar just ends early."""
    for key, members in iterate_members(path):
        field = next(name for name in members if name.startswith("image."))
        yield Pair(
            index=int(key),
            picture=decode_picture(members[field], field.removeprefix("image.")),
            mask=decode_mask(members["mask.png"]) if "mask.png" in members else None,
            vector=decode_vector(members["vector.npy"]) if "vector.npy" in members else None,
            facts=json.loads(members["json"]),
        )


def decode_vector(data: bytes) -> npt.NDArray[np.float32]:
    """NPY file -> float32 (V,). Never unpickles."""
    return np.asarray(np.load(io.BytesIO(data), allow_pickle=False), np.float32)


def _add_pair(archive: tarfile.TarFile, pair: Pair, encoding: str) -> str:
    """Add a pair's members; returns the SHA-256 of the encoded picture."""
    key, image = key_of(pair.index), ENCODERS[encoding](pair.picture)
    _add_member(archive, f"{key}.image.{encoding}", image)
    if pair.mask is not None:
        _add_member(archive, f"{key}.mask.png", encode_mask(pair.mask))
    if pair.vector is not None:
        buffer = io.BytesIO()
        np.save(buffer, np.asarray(pair.vector, "<f4"), allow_pickle=False)
        _add_member(archive, f"{key}.vector.npy", buffer.getvalue())
    _add_member(archive, f"{key}.json", _canonical({"index": pair.index, **pair.facts}))
    return hashlib.sha256(image).hexdigest()


def _add_member(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    entry = tarfile.TarInfo(name)  # time, owner and group are 0, the mode 644
    entry.size = len(data)
    archive.addfile(entry, io.BytesIO(data))


def _canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


class _HashingStream(io.RawIOBase):
    """Hashes what a tar writer writes, on its way to the file."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream, self.sha256, self.num_bytes = stream, hashlib.sha256(), 0

    def write(self, data: Any) -> int:
        self.sha256.update(data)
        self.num_bytes += len(data)
        return self._stream.write(data)
