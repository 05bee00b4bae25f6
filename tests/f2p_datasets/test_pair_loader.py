from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from f2p_datasets.errors import DatasetError
from f2p_datasets.loaders import PairLoader
from f2p_datasets.manifest import DatasetManifest
from f2p_datasets.rendering import DatasetPlan
from f2p_datasets.shards import read_shard

MODES: list[dict[str, Any]] = [{"mode": "memory"}, {"mode": "stream"}, {"mode": "stream", "workers": 2}]
TRAIN: dict[str, Any] = {"split": "train", "batch_size": 7, "seed": 3}
HELDOUT: dict[str, Any] = {"split": "heldout", "batch_size": 5, "seed": 3}


def batch_indices(loader: PairLoader, epoch: int, start_batch: int = 0) -> list[list[int]]:
    return [batch.index.tolist() for batch in loader.epoch(epoch, start_batch)]


def epoch_indices(loader: PairLoader) -> list[int]:
    return list(chain.from_iterable(batch_indices(loader, 0)))


@pytest.mark.parametrize("mode", MODES)
def test_the_splits_never_mix_and_nothing_comes_twice(finished_dataset: Path, mode: dict[str, Any]) -> None:
    train = epoch_indices(PairLoader(finished_dataset, **TRAIN, **mode))
    heldout = epoch_indices(PairLoader(finished_dataset, **HELDOUT, **mode))
    assert sorted(heldout) == list(range(4, 60, 5))
    assert all(index % 5 != 4 for index in train)
    assert len(set(train)) == len(train) == 42  # 48 pairs, the last incomplete batch dropped


@pytest.mark.parametrize("mode", MODES)
def test_batches_hold_what_the_shards_hold(finished_dataset: Path, mode: dict[str, Any]) -> None:
    pairs = {pair.index: pair for shard in finished_dataset.glob("*.tar") for pair in read_shard(shard)}
    batch = next(PairLoader(finished_dataset, **TRAIN, **mode).epoch(0))
    assert batch.vector is not None
    assert batch.image is not None
    assert batch.mask is not None
    for row, index in enumerate(batch.index.tolist()):
        np.testing.assert_array_equal(batch.vector[row].numpy(), np.asarray(pairs[index].vector))
        np.testing.assert_array_equal(batch.image[row].numpy().transpose(1, 2, 0), pairs[index].picture)
        np.testing.assert_array_equal(batch.mask[row].numpy(), np.asarray(pairs[index].mask))


@pytest.mark.parametrize("mode", MODES)
def test_shapes_and_types_are_those_of_the_contract(finished_dataset: Path, mode: dict[str, Any]) -> None:
    batch = next(PairLoader(finished_dataset, **TRAIN, **mode).epoch(0))
    assert batch.vector is not None
    assert batch.image is not None
    assert batch.mask is not None
    assert (batch.index.dtype, batch.vector.dtype) == (torch.int64, torch.float32)
    assert (batch.image.dtype, batch.mask.dtype) == (torch.uint8, torch.uint8)
    assert (batch.image.shape, batch.mask.shape) == ((7, 3, 32, 32), (7, 32, 32))
    assert batch.size == 7


@pytest.mark.parametrize("mode", MODES)
def test_an_epoch_resumes_at_any_batch(finished_dataset: Path, mode: dict[str, Any]) -> None:
    whole = batch_indices(PairLoader(finished_dataset, **TRAIN, **mode), 2)
    assert batch_indices(PairLoader(finished_dataset, **TRAIN, **mode), 2, start_batch=4) == whole[4:]


@pytest.mark.parametrize("mode", MODES)
def test_the_order_follows_seed_and_epoch(finished_dataset: Path, mode: dict[str, Any]) -> None:
    loader = PairLoader(finished_dataset, **TRAIN, **mode)
    other = PairLoader(finished_dataset, **TRAIN | {"seed": 0}, **mode)
    assert batch_indices(loader, 1) == batch_indices(loader, 1)
    assert batch_indices(loader, 1) != batch_indices(loader, 0)
    assert batch_indices(loader, 1) != batch_indices(other, 1)


@pytest.mark.parametrize("mode", MODES)
def test_loading_leaves_the_global_generator_alone(finished_dataset: Path, mode: dict[str, Any]) -> None:
    before = torch.random.get_rng_state()
    batch_indices(PairLoader(finished_dataset, **TRAIN, **mode), 0)
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize("mode", MODES)
def test_the_number_of_batches_is_known_beforehand(finished_dataset: Path, mode: dict[str, Any]) -> None:
    for request in (TRAIN, HELDOUT, TRAIN | {"batch_size": 100}):
        loader = PairLoader(finished_dataset, **request, **mode)
        assert len(batch_indices(loader, 0)) == loader.num_batches
    assert PairLoader(finished_dataset, **TRAIN).num_pairs == 48


def test_more_workers_than_shards_are_no_harm(
    plan: DatasetPlan, render: Callable[[DatasetPlan, Path], DatasetManifest], tmp_path: Path
) -> None:
    render(replace(plan, shard_size=60), tmp_path)
    loader = PairLoader(tmp_path, **HELDOUT, mode="stream", workers=2)
    assert sorted(epoch_indices(loader)) == list(range(4, 60, 5))


@pytest.mark.parametrize("mode", MODES)
def test_pictures_are_reduced_by_area_and_masks_by_the_nearest_pixel(
    finished_dataset: Path, mode: dict[str, Any]
) -> None:
    pair = next(pair for pair in read_shard(finished_dataset / "shard-000000.tar") if pair.index == 4)
    batch = next(PairLoader(finished_dataset, **HELDOUT, **mode, resolution=16).epoch(0))
    assert batch.image is not None
    assert batch.mask is not None
    row = batch.index.tolist().index(4)
    reduced = cv2.resize(pair.picture, (16, 16), interpolation=cv2.INTER_AREA)
    np.testing.assert_array_equal(batch.image[row].permute(1, 2, 0).numpy(), reduced)
    assert set(batch.mask[row].unique().tolist()) <= set(np.unique(np.asarray(pair.mask)).tolist())


@pytest.mark.parametrize("mode", MODES)
def test_only_the_fields_asked_for_are_loaded(finished_dataset: Path, mode: dict[str, Any]) -> None:
    batch = next(PairLoader(finished_dataset, **TRAIN, **mode, fields=("image",)).epoch(0))
    assert batch.image is not None
    assert batch.vector is None
    assert batch.mask is None


def test_a_folder_may_be_called_anything(finished_dataset: Path, tmp_path: Path) -> None:
    odd = Path(shutil.copytree(finished_dataset, tmp_path / "a{0..3}::b c"))
    assert len(epoch_indices(PairLoader(odd, **HELDOUT, mode="stream"))) == 12


def test_auto_takes_memory_when_the_split_fits(finished_dataset: Path) -> None:
    needed = 48 * (4 * 32 * 32 + 4 * 19)
    assert PairLoader(finished_dataset, **TRAIN, memory_limit_bytes=needed).mode == "memory"
    assert PairLoader(finished_dataset, **TRAIN, memory_limit_bytes=needed - 1).mode == "stream"


def test_a_cut_shard_is_refused_before_anything_is_read(dataset: Path) -> None:
    PairLoader(dataset, **TRAIN)
    path = dataset / "shard-000001.tar"
    path.write_bytes(path.read_bytes()[:-10240])
    with pytest.raises(DatasetError, match=r"shard-000001\.tar: 71680 bytes instead of 81920"):
        PairLoader(dataset, **TRAIN)


def test_a_tampered_shard_is_refused_by_name(dataset: Path) -> None:
    path = dataset / "shard-000001.tar"
    content = bytearray(path.read_bytes())
    content[5000] ^= 1
    path.write_bytes(content)
    with pytest.raises(DatasetError, match=r"shard-000001\.tar: tampered with"):
        PairLoader(dataset, **TRAIN)


def test_a_missing_shard_is_refused_by_name(dataset: Path) -> None:
    (dataset / "shard-000004.tar").unlink()
    with pytest.raises(DatasetError, match=r"shard-000004\.tar: missing"):
        PairLoader(dataset, **TRAIN)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"split": "test"}, "split: 'test' is unknown; choose one of train, heldout"),
        ({"batch_size": 0}, "batch_size: 0; give 1 or more"),
        ({"mode": "disk"}, "mode: 'disk' is unknown; choose one of auto, memory, stream"),
        ({"fields": ("depth",)}, r"fields: \['depth'\] asked for; a studio dataset has"),
        ({"resolution": 64}, "resolution: 64 px asked for, the dataset has 32 px"),
        ({"subset": "frontal"}, "a studio dataset knows no 'frontal' subset"),
    ],
)
def test_a_bad_request_is_refused_with_the_way_out(
    finished_dataset: Path, change: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(DatasetError, match=complaint):
        PairLoader(finished_dataset, **TRAIN | change)


@pytest.mark.parametrize("mode", MODES)
def test_a_complete_pass_has_the_pairs_that_epochs_drop(finished_dataset: Path, mode: dict[str, Any]) -> None:
    batches = [batch.index.tolist() for batch in PairLoader(finished_dataset, **TRAIN, **mode).complete()]
    assert [len(batch) for batch in batches] == [7] * 6 + [6]
    assert sorted(chain.from_iterable(batches)) == [index for index in range(60) if index % 5 != 4]
