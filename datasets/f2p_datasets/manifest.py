"""The manifest: what a dataset consists of and where it comes from. Written last; without it there is no dataset."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from engine_bridge.errors import SchemaError
from engine_bridge.schema import ParameterSchema
from f2p_datasets.durable import appearing_file, remove_leftovers, sha256_of
from f2p_datasets.engine_log import check_builds, summarize_rendering
from f2p_datasets.errors import DatasetError
from f2p_datasets.pair_table import concatenate_rows, read_sealed_rows, rows_by_shard
from f2p_datasets.pairs import SPLIT_RULE
from f2p_datasets.provenance import Provenance, check_fields
from f2p_datasets.shards import (
    ShardRecord,
    check_shard,
    finished_shard,
    read_record,
    read_rejects,
    rows_path,
    shard_name,
)

MANIFEST_NAME: Final = "manifest.json"
TABLE_NAME: Final = "pairs.parquet"
REJECTS_NAME: Final = "rejects.jsonl"
FORMAT: Final = 1


@dataclass(frozen=True, kw_only=True)
class DatasetManifest:
    """``manifest.json``: provenance, and every shard with its size and SHA-256.

    rendering   what happened to the engine meanwhile (``engine_log.py``): canaries, restarts, repeatability; only of
                engines that are watched. It is a report and no part of the dataset: ``sha256`` leaves it out.
    """

    provenance: Provenance
    shards: tuple[ShardRecord, ...]
    pairs_sha256: str
    rendering: Mapping[str, Any] | None = None

    @property
    def key(self) -> str:
        return self.provenance.key

    @property
    def schema(self) -> ParameterSchema | None:
        return self.provenance.schema

    @property
    def num_pairs(self) -> int:
        return sum(shard.num_pairs for shard in self.shards)

    @property
    def num_rejects(self) -> int:
        return sum(shard.num_rejects for shard in self.shards)

    @cached_property
    def sha256(self) -> str:
        """Of the file without ``rendering``: what a checkpoint records about its data."""
        return hashlib.sha256(_text(self._contents()).encode()).hexdigest()

    def to_json(self) -> str:
        """Contents of the file: but for ``rendering``, the same dataset gives the same bytes, so no times, hosts or
        folders are in it.
        """
        return _text(self._contents() | ({} if self.rendering is None else {"rendering": self.rendering}))

    def _contents(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "key": self.key,
            "fingerprint": self.schema.fingerprint if self.schema else None,
            "split": SPLIT_RULE,
            "num_pairs": self.num_pairs,
            "num_rejects": self.num_rejects,
            "pairs_sha256": self.pairs_sha256,
            "shards": [asdict(shard) for shard in self.shards],
            "provenance": self.provenance.to_dict(),
        }


def finish_dataset(folder: Path, provenance: Provenance) -> DatasetManifest:
    """Merge the finished shards' rows into ``pairs.parquet``, then write ``manifest.json``.

    Raises DatasetError, naming the shard, when one is missing or does not verify: a damaged one is gone by then.
    """
    shards = []
    for shard_index in range(provenance.num_shards):
        record = finished_shard(folder, shard_index, provenance.key)
        if record is None:
            raise DatasetError(f"{folder}: {shard_name(shard_index)} is missing or damaged; render it again")
        shards.append(record)
    with appearing_file(folder / TABLE_NAME) as stream:
        concatenate_rows(stream, [read_sealed_rows(rows_path(folder, shard.name)) for shard in shards])
    if provenance.domain != "studio":
        _write_rejects(folder, shards)
    manifest = DatasetManifest(
        provenance=provenance,
        shards=tuple(shards),
        pairs_sha256=sha256_of(folder / TABLE_NAME),
        rendering=summarize_rendering(folder, [shard.name for shard in shards], provenance),
    )
    with appearing_file(folder / MANIFEST_NAME) as stream:
        stream.write(manifest.to_json().encode())
    remove_leftovers(folder)
    return manifest


def read_manifest(folder: Path) -> DatasetManifest:
    """The manifest of a dataset; its files are not looked at.

    Raises DatasetError naming the file and the field when something is missing, unknown or contradicts itself.
    """
    path = folder / MANIFEST_NAME
    if not path.is_file():
        raise DatasetError(f"{path}: missing; {folder} is no finished dataset")
    try:
        manifest = _parse_manifest(json.loads(path.read_text()))
    except (DatasetError, SchemaError) as error:
        raise DatasetError(f"{path}: {error}") from error
    except (ValueError, TypeError, AttributeError) as error:
        raise DatasetError(f"{path}: not a dataset manifest ({error}); render the dataset again") from error
    return manifest


def verify_dataset(folder: Path, *, with_rows: bool = False) -> DatasetManifest:
    """The manifest, once every file has the size and SHA-256 that it states.

    A dataset that was copied without its shards' own rows is one as well, unless ``with_rows`` asks for them.
    Raises DatasetError naming the first file that does not.
    """
    manifest = read_manifest(folder)
    check_table(folder, manifest)
    for shard in manifest.shards:
        check_shard(folder / shard.name, shard)
        if with_rows or rows_path(folder, shard.name).is_file():
            _check_rows(folder, shard)
    return manifest


def find_dataset_keys(folder: Path) -> set[str]:
    """Keys of the datasets that a folder holds, finished or in part; what cannot be read has none."""
    keys = set()
    with suppress(DatasetError):
        keys.add(read_manifest(folder).key)
    for rows in folder.glob("shard-*.parquet"):
        with suppress(DatasetError):
            keys.add(read_record(folder, rows.with_suffix(".tar").name).dataset_key)
    return keys


def check_table(folder: Path, manifest: DatasetManifest) -> None:
    """Raise DatasetError unless ``pairs.parquet`` is the manifest's."""
    path = folder / TABLE_NAME
    if not path.is_file() or sha256_of(path) != manifest.pairs_sha256:
        raise DatasetError(f"{path}: missing, tampered with or damaged; delete {MANIFEST_NAME} and finish it again")
    stated = {shard.name: shard.num_pairs for shard in manifest.shards if shard.num_pairs}
    if rows_by_shard(path) != stated:
        raise DatasetError(
            f"{path}: has other numbers of pairs by shard than {MANIFEST_NAME}; render the dataset again"
        )


def _check_rows(folder: Path, shard: ShardRecord) -> None:
    """A shard's own rows are what rejects are read from, and what a later merge needs."""
    if read_record(folder, shard.name) != shard:
        path = rows_path(folder, shard.name)
        raise DatasetError(f"{path}: is not of the manifest's shard; delete both and render the shard again")


def _write_rejects(folder: Path, shards: list[ShardRecord]) -> None:
    with appearing_file(folder / REJECTS_NAME) as stream:
        for shard in shards:
            for reject in read_rejects(folder, shard.name):
                stream.write((json.dumps(reject, sort_keys=True) + "\n").encode())


def _parse_manifest(data: Mapping[str, Any]) -> DatasetManifest:
    if data.get("format") != FORMAT:
        raise DatasetError(f"format: {data.get('format')!r} is not {FORMAT}, the only one this version reads")
    stated = {"format", "key", "fingerprint", "split", "num_pairs", "num_rejects", "pairs_sha256"}
    data = {"rendering": None, **data}
    check_fields(data, stated | {"shards", "provenance", "rendering"}, "")
    for number, shard in enumerate(data["shards"]):
        check_fields(shard, {field.name for field in fields(ShardRecord)}, f"shards[{number}].")
    manifest = DatasetManifest(
        provenance=Provenance.from_dict(data["provenance"]),
        shards=tuple(ShardRecord(**shard) for shard in data["shards"]),
        pairs_sha256=data["pairs_sha256"],
        rendering=data["rendering"],
    )
    recomputed = json.loads(manifest.to_json())
    for name in sorted(stated):
        if data[name] != recomputed[name]:
            raise DatasetError(f"{name}: states {data[name]!r}, its contents give {recomputed[name]!r}")
    _check_origin(manifest)
    return manifest


def _check_origin(manifest: DatasetManifest) -> None:
    """One dataset, one engine build: shards of another key, or attempts by another build, do not belong to it."""
    for shard in manifest.shards:
        if shard.dataset_key != manifest.key:
            raise DatasetError(
                f"{shard.name}: belongs to dataset {shard.dataset_key}, the manifest is {manifest.key}'s"
            )
    if manifest.rendering is not None:
        check_builds(manifest.rendering, manifest.provenance)


def _text(contents: Mapping[str, Any]) -> str:
    return json.dumps(contents, indent=1, allow_nan=False) + "\n"
