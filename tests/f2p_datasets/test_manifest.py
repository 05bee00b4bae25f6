from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from engine_bridge.bridge import EngineBridge
from engine_bridge.schema import ParameterSchema
from f2p_datasets.errors import DatasetError
from f2p_datasets.manifest import DatasetManifest, find_dataset_keys, finish_dataset, read_manifest, verify_dataset
from f2p_datasets.pairs import split_of
from f2p_datasets.rendering import DatasetPlan
from f2p_datasets.shards import read_shard


def edit_manifest(folder: Path, edit: Callable[[dict[str, Any]], Any]) -> None:
    content = json.loads((folder / "manifest.json").read_text())
    edit(content)
    (folder / "manifest.json").write_text(json.dumps(content))


def test_a_finished_dataset_verifies(dataset: Path) -> None:
    assert verify_dataset(dataset).num_pairs == 60


def test_the_manifest_says_where_the_dataset_comes_from(dataset: Path, schema: ParameterSchema) -> None:
    content = json.loads((dataset / "manifest.json").read_text())
    assert content["fingerprint"] == schema.fingerprint
    assert content["split"] == "heldout when index % 5 == 4, else train"
    stated = {name: content["provenance"][name] for name in ("sampler", "seed", "engine", "engine_build", "resolution")}
    assert stated == {"sampler": "uniform", "seed": 0, "engine": "stripes", "engine_build": "1", "resolution": 32}


def test_the_manifest_survives_reading_and_writing(dataset: Path) -> None:
    assert read_manifest(dataset).to_json() == (dataset / "manifest.json").read_text()


def test_the_table_has_a_row_per_pair_with_values_in_engine_units(dataset: Path, schema: ParameterSchema) -> None:
    rows = pq.read_table(dataset / "pairs.parquet").to_pylist()
    pairs = [pair for shard in sorted(dataset.glob("*.tar")) for pair in read_shard(shard)]
    for row, pair in zip(rows, pairs, strict=True):
        assert pair.vector is not None
        assert {name: row[name] for name in schema.names} == schema.decode(pair.vector)
        assert (row["key"], row["index"], row["split"]) == (f"{pair.index:08d}", pair.index, split_of(pair.index))
        assert row["shard"] == f"shard-{pair.index // 12:06d}.tar"
        assert row["engine_frame"] == pair.facts["engine_frame"] == pair.index % 12


def test_the_table_has_a_row_group_per_shard(dataset: Path) -> None:
    assert pq.ParquetFile(dataset / "pairs.parquet").num_row_groups == 5


def test_there_is_no_manifest_while_a_shard_is_missing(dataset: Path, plan: DatasetPlan, engine: EngineBridge) -> None:
    (dataset / "manifest.json").unlink()
    (dataset / "shard-000003.tar").unlink()
    with pytest.raises(DatasetError, match=r"shard-000003\.tar is missing or damaged; render it again"):
        finish_dataset(dataset, plan.provenance(engine))
    assert not (dataset / "manifest.json").exists()


def test_finishing_twice_gives_the_same_bytes(dataset: Path, plan: DatasetPlan, engine: EngineBridge) -> None:
    before = {path.name: path.read_bytes() for path in dataset.iterdir()}
    finish_dataset(dataset, plan.provenance(engine))
    assert {path.name: path.read_bytes() for path in dataset.iterdir()} == before


def test_finishing_sweeps_up_after_killed_writers(dataset: Path, plan: DatasetPlan, engine: EngineBridge) -> None:
    (dataset / "shard-000001.tar.99.tmp").write_bytes(b"half")
    finish_dataset(dataset, plan.provenance(engine))
    assert not list(dataset.glob("*.tmp"))


@pytest.mark.parametrize(
    ("edit", "complaint"),
    [
        (lambda content: content.pop("split"), "field split is missing"),
        (lambda content: content.update(colour=1), "field colour is unknown"),
        (lambda content: content["provenance"].pop("sampler"), "field provenance.sampler is missing"),
        (lambda content: content["shards"][1].update(size=1), r"field shards\[1\].size is unknown"),
        (lambda content: content.update(fingerprint="0"), "fingerprint: states '0', its contents give"),
        (lambda content: content.update(num_pairs=61), "num_pairs: states 61, its contents give 60"),
        (lambda content: content["provenance"].update(seed=1), "key: states"),
        (lambda content: content.update(format=2), "format: 2 is not 1"),
        (lambda content: content["provenance"]["schema"].pop("title"), "not a parameter schema: 'title'"),
    ],
)
def test_a_manifest_that_does_not_hold_names_file_and_field(
    dataset: Path, edit: Callable[[dict[str, Any]], Any], complaint: str
) -> None:
    edit_manifest(dataset, edit)
    with pytest.raises(DatasetError, match=rf"manifest\.json: .*{complaint}"):
        read_manifest(dataset)


@pytest.mark.parametrize("content", ["", "[]", "{", '{"format": 1, "shards": 3}'])
def test_a_file_that_is_no_manifest_is_refused(dataset: Path, content: str) -> None:
    (dataset / "manifest.json").write_text(content)
    with pytest.raises(DatasetError, match=r"manifest\.json"):
        read_manifest(dataset)


def test_a_folder_without_a_manifest_is_no_dataset(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="is no finished dataset"):
        verify_dataset(tmp_path)


def test_a_changed_table_is_refused(dataset: Path) -> None:
    content = bytearray((dataset / "pairs.parquet").read_bytes())
    content[100] ^= 1
    (dataset / "pairs.parquet").write_bytes(content)
    with pytest.raises(DatasetError, match=r"pairs\.parquet: missing, tampered with or damaged"):
        verify_dataset(dataset)


def test_the_manifest_hash_follows_its_contents(finished_dataset: Path) -> None:
    manifest = read_manifest(finished_dataset)
    other = DatasetManifest(provenance=manifest.provenance, shards=manifest.shards[:4], pairs_sha256="")
    assert manifest.sha256 == read_manifest(finished_dataset).sha256
    assert manifest.sha256 != other.sha256


def test_a_folder_tells_whose_shards_it_holds_even_unfinished(finished_dataset: Path, tmp_path: Path) -> None:
    key = read_manifest(finished_dataset).key
    unfinished = tmp_path / "unfinished"
    shutil.copytree(finished_dataset, unfinished)
    (unfinished / "manifest.json").unlink()
    assert find_dataset_keys(finished_dataset) == find_dataset_keys(unfinished) == {key}
    assert find_dataset_keys(tmp_path) == set()


def test_a_manifest_with_other_numbers_of_pairs_than_its_table_is_refused(dataset: Path) -> None:
    """By shard: pairs that a loader looks for in the wrong one would be zeros."""

    def move_one(content: dict[str, Any]) -> None:
        content["shards"][0]["num_pairs"] += 1
        content["shards"][1]["num_pairs"] -= 1

    edit_manifest(dataset, move_one)
    with pytest.raises(DatasetError, match=r"pairs\.parquet: has other numbers of pairs by shard than manifest\.json"):
        verify_dataset(dataset)


def test_a_shards_own_table_belongs_to_it(dataset: Path) -> None:
    rows = dataset / "shard-000001.parquet"
    content = rows.read_bytes()
    rows.write_bytes((dataset / "shard-000000.parquet").read_bytes())
    with pytest.raises(DatasetError, match=r"shard-000001\.parquet: is not of the manifest's shard"):
        verify_dataset(dataset)
    rows.write_bytes(b"noise" + content[5:])
    with pytest.raises(DatasetError, match=r"shard-000001\.parquet: "):
        verify_dataset(dataset)
    rows.unlink()  # a copy of what the manifest lists is a dataset
    assert verify_dataset(dataset).num_pairs == 60
    with pytest.raises(DatasetError, match=r"shard-000001\.parquet: missing; render the shard again"):
        verify_dataset(dataset, with_rows=True)
