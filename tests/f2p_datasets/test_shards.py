from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from engine_bridge.schema import ParameterSchema
from f2p_datasets.errors import DatasetError
from f2p_datasets.manifest import read_manifest
from f2p_datasets.pairs import Pair, Reject
from f2p_datasets.provenance import Provenance
from f2p_datasets.shards import check_shard, finished_shard, read_record, read_rejects, read_shard, write_shard


def make_pairs(schema: ParameterSchema, count: int = 3) -> list[Pair]:
    return [
        Pair(
            index=index,
            picture=np.full((16, 16, 3), index, np.uint8),
            mask=np.full((16, 16), index % 11, np.uint8),
            vector=schema.default_vector(),
            facts={"engine_frame": index},
        )
        for index in range(count)
    ]


@pytest.fixture
def provenance(schema: ParameterSchema) -> Provenance:
    return Provenance(
        domain="studio", code_version="1", count=3, resolution=16, shard_size=3, encoding="qoi", schema=schema
    )


def test_what_was_written_is_read_back(tmp_path: Path, schema: ParameterSchema, provenance: Provenance) -> None:
    written = make_pairs(schema)
    write_shard(tmp_path, 0, written, provenance)
    for pair, original in zip(read_shard(tmp_path / "shard-000000.tar"), written, strict=True):
        assert pair.index == original.index
        assert pair.facts == {"index": original.index, "engine_frame": original.index}
        np.testing.assert_array_equal(pair.picture, original.picture)
        np.testing.assert_array_equal(np.asarray(pair.mask), np.asarray(original.mask))
        np.testing.assert_array_equal(np.asarray(pair.vector), np.asarray(original.vector))


def test_a_pair_has_the_four_members_of_the_contract(finished_dataset: Path) -> None:
    with tarfile.open(finished_dataset / "shard-000001.tar") as archive:
        entries = archive.getmembers()[:4]
        facts = json.load(archive.extractfile("00000012.json") or io.BytesIO())
    assert [entry.name for entry in entries] == [
        "00000012.image.qoi",
        "00000012.mask.png",
        "00000012.vector.npy",
        "00000012.json",
    ]
    assert facts["index"] == 12


def test_times_owners_and_modes_are_constants(finished_dataset: Path) -> None:
    with tarfile.open(finished_dataset / "shard-000000.tar") as archive:
        constants = {(entry.mtime, entry.uid, entry.gid, entry.uname, entry.gname, entry.mode) for entry in archive}
    assert constants == {(0, 0, 0, "", "", 0o644)}


def test_an_error_while_writing_leaves_nothing(tmp_path: Path, schema: ParameterSchema, provenance: Provenance) -> None:
    def failing() -> Iterator[Pair]:
        yield from make_pairs(schema, 2)
        raise RuntimeError("the engine died")

    with pytest.raises(RuntimeError, match="the engine died"):
        write_shard(tmp_path, 0, failing(), provenance)
    assert list(tmp_path.iterdir()) == []


def test_a_cut_shard_is_refused_by_name(dataset: Path) -> None:
    shard = read_manifest(dataset).shards[2]
    path = dataset / shard.name
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(DatasetError, match=r"shard-000002\.tar: 40960 bytes instead of 81920"):
        check_shard(path, shard)


def test_a_tampered_shard_is_refused_by_name(dataset: Path) -> None:
    shard = read_manifest(dataset).shards[2]
    path = dataset / shard.name
    content = bytearray(path.read_bytes())
    content[600] ^= 1
    path.write_bytes(content)
    with pytest.raises(DatasetError, match=r"shard-000002\.tar: tampered with"):
        check_shard(path, shard)


def test_a_shard_that_does_not_read_back_as_its_pairs_never_appears(dataset: Path, tmp_path: Path) -> None:
    """Two pairs of one index would be read as one."""
    provenance = read_manifest(dataset).provenance
    pair = next(read_shard(dataset / "shard-000000.tar"))
    with pytest.raises(DatasetError, match="holds 1 pairs instead of 2"):
        write_shard(tmp_path / "written", 0, [pair, pair], provenance)
    assert list((tmp_path / "written").iterdir()) == []


def test_a_finished_shard_is_recognised(dataset: Path) -> None:
    manifest = read_manifest(dataset)
    assert finished_shard(dataset, 3, manifest.key) == manifest.shards[3]


@pytest.mark.parametrize("damaged", ["shard-000003.tar", "shard-000003.parquet"])
def test_a_damaged_shard_is_thrown_away(dataset: Path, damaged: str) -> None:
    content = bytearray((dataset / damaged).read_bytes())
    content[len(content) // 3] ^= 255
    (dataset / damaged).write_bytes(content)
    assert finished_shard(dataset, 3, read_manifest(dataset).key) is None
    assert not list(dataset.glob("shard-000003*"))


@pytest.mark.parametrize("hidden", ["shard-000003.tar", "shard-000003.parquet"])
def test_a_shard_of_which_a_file_is_not_to_be_seen_yet_keeps_the_other(dataset: Path, hidden: str) -> None:
    """A network file system may show late what another machine has written."""
    manifest = read_manifest(dataset)
    (dataset / hidden).rename(dataset / "elsewhere")
    assert finished_shard(dataset, 3, manifest.key) is None
    (dataset / "elsewhere").rename(dataset / hidden)
    assert finished_shard(dataset, 3, manifest.key) == manifest.shards[3]


def test_a_shard_of_another_dataset_is_thrown_away(dataset: Path) -> None:
    assert finished_shard(dataset, 3, "another") is None
    assert not (dataset / "shard-000003.tar").exists()


def test_rejects_are_counted_and_their_reasons_kept(
    tmp_path: Path, schema: ParameterSchema, provenance: Provenance
) -> None:
    rejected = [*make_pairs(schema, 2), Reject(index=2, reason="no face found", facts={"file": "a.jpg"})]
    record = write_shard(tmp_path, 0, rejected, provenance)
    assert (record.num_pairs, record.num_rejects) == (2, 1)
    assert read_rejects(tmp_path, record.name) == [{"key": "00000002", "reason": "no face found", "file": "a.jpg"}]


def test_the_record_states_what_the_file_weighs(dataset: Path) -> None:
    for shard in read_manifest(dataset).shards:
        content = (dataset / shard.name).read_bytes()
        assert (shard.num_bytes, shard.sha256) == (len(content), hashlib.sha256(content).hexdigest())


@pytest.mark.parametrize("place", range(0, 1000, 25))
def test_a_flipped_byte_in_a_shards_table_is_seen_wherever_it_is(dataset: Path, place: int) -> None:
    """The footer is most of a small table, and Parquet's own checksums leave it out."""
    path = dataset / "shard-000000.parquet"
    content = bytearray(path.read_bytes())
    content[len(content) * place // 1000] ^= 1
    path.write_bytes(content)
    with pytest.raises(DatasetError, match=r"shard-000000\.parquet"):
        read_record(dataset, "shard-000000.tar")


def test_a_table_of_before_there_were_seals_is_read(dataset: Path) -> None:
    path = dataset / "shard-000000.parquet"
    record, rows = read_record(dataset, "shard-000000.tar"), pq.read_table(path)
    unsealed = {key: value for key, value in rows.schema.metadata.items() if key != b"f2p.sha256"}
    pq.write_table(rows.replace_schema_metadata(unsealed), path, write_page_checksum=True)
    assert read_record(dataset, "shard-000000.tar") == record


def test_an_unsealed_table_of_another_count_than_its_record_states_is_refused(dataset: Path) -> None:
    path = dataset / "shard-000000.parquet"
    rows = pq.read_table(path)
    unsealed = {key: value for key, value in rows.schema.metadata.items() if key != b"f2p.sha256"}
    pq.write_table(rows.replace_schema_metadata(unsealed).slice(1), path, write_page_checksum=True)
    with pytest.raises(DatasetError, match=r"shard-000000\.parquet: has 11 rows for 12 pairs"):
        read_record(dataset, "shard-000000.tar")
