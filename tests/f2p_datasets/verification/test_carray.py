from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from engine_bridge.frames import Picture
from f2p_datasets.errors import DatasetError
from f2p_datasets.verification import open_verification_set
from f2p_datasets.verification.carray import Carray, read_carray_set


@pytest.fixture
def carray(tmp_path: Path, write_carray: Callable[..., Path], crops: list[Picture]) -> Path:
    """Eight crops as face.evoLVe stores them, in chunks of three rows."""
    planes = np.stack(crops)[..., ::-1].transpose(0, 3, 1, 2)
    stored = ((planes / 255.0 - 0.5) / 0.5).astype(np.float32)
    return write_carray(tmp_path / "lfw", stored, [True, False, True, False])


def test_crops_come_back_to_the_byte_in_rgb(carray: Path, crops: list[Picture]) -> None:
    found = open_verification_set(carray)
    for index in (7, 0, 5, 2):  # across chunks, and in the shorter last one
        np.testing.assert_array_equal(found.pictures[index], crops[index])


def test_pairs_are_neighbours_and_flags_lie_beside_the_folder(carray: Path) -> None:
    found = read_carray_set(carray)
    assert (found.name, found.framing) == ("lfw", "crops")
    assert found.pairs.tolist() == [[0, 1], [2, 3], [4, 5], [6, 7]]
    assert found.same.tolist() == [True, False, True, False]


def test_rows_of_any_type_and_shape_are_read(tmp_path: Path, write_carray: Callable[..., Path]) -> None:
    rows = np.arange(35, dtype=np.int16).reshape(7, 5)
    array = Carray.open(write_carray(tmp_path / "plain", rows, [], chunk_rows=4))
    np.testing.assert_array_equal(np.stack([array.row(index) for index in range(len(array))]), rows)


def test_few_chunks_stay_in_memory(tmp_path: Path, write_carray: Callable[..., Path]) -> None:
    array = Carray.open(write_carray(tmp_path / "plain", np.zeros((20, 4), np.float32), [], chunk_rows=1))
    for index in range(20):
        array.row(index)
    assert len(array._chunks) <= 2


def damage(file: Path, change: Callable[[bytes], bytes]) -> None:
    file.write_bytes(change(file.read_bytes()))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda content: content[:-5], "cut short"),
        (lambda content: content[:10], "not a chunk"),
        (lambda content: b"zzzz" + content[4:], "not a chunk"),
        (lambda content: content[:20] + b"\xff\xff\xff\x7f" + content[24:], "of another shape"),
        (lambda content: content[:40] + bytes(len(content) - 40), "cannot be decompressed|another shape"),
    ],
)
def test_a_damaged_chunk_is_named(carray: Path, change: Callable[[bytes], bytes], message: str) -> None:
    damage(carray / "data" / "__1.blp", change)
    found = read_carray_set(carray)
    with pytest.raises(DatasetError, match=rf"__1.blp: .*({message})"):
        found.pictures[4]


def test_a_missing_chunk_is_told_before_anything_is_measured(carray: Path) -> None:
    (carray / "data" / "__2.blp").unlink()
    with pytest.raises(DatasetError, match=r"__2.blp: missing"):
        _ = read_carray_set(carray).fingerprint


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"shape": [8, 1, 112, 112]}, "expected pictures"),
        ({"shape": [8, 3, 112, 96]}, "expected pictures"),
        ({"shape": [7, 3, 112, 112]}, "7 pictures for 4 flags"),
        ({"shape": [0, 3, 112, 112]}, "cannot be read"),
        ({"shape": "many"}, "not a bcolz array"),
        ({}, "not a bcolz array"),
        ([], "expected a JSON object"),
    ],
)
def test_a_wrong_shape_is_refused(carray: Path, sizes: object, message: str) -> None:
    (carray / "meta" / "sizes").write_text(json.dumps(sizes))
    with pytest.raises(DatasetError, match=message):
        read_carray_set(carray)


@pytest.mark.parametrize("dtype", ["object", "int8"])
def test_other_types_than_floats_are_refused(carray: Path, dtype: str) -> None:
    storage = json.loads((carray / "meta" / "storage").read_text()) | {"dtype": dtype}
    (carray / "meta" / "storage").write_text(json.dumps(storage))
    with pytest.raises(DatasetError, match=r"cannot be read|floating-point"):
        read_carray_set(carray)


def test_flags_that_are_no_plain_array_are_refused(carray: Path) -> None:
    flags = carray.parent / "lfw_list.npy"
    np.save(flags, np.array([{}, {}, {}, {}], object), allow_pickle=True)
    with pytest.raises(DatasetError, match=r"lfw_list.npy: no flags"):
        read_carray_set(carray)
    np.save(flags, np.zeros((4, 2), bool))
    with pytest.raises(DatasetError, match="expected one true or false per pair"):
        read_carray_set(carray)
    flags.unlink()
    with pytest.raises(DatasetError, match=r"lfw_list.npy: no flags"):
        read_carray_set(carray)
