from __future__ import annotations

import io
import os
import pickle
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine_bridge.frames import Picture
from f2p_datasets.errors import DatasetError, PhotoError
from f2p_datasets.verification.insightface_bin import read_bin

REAL = Path(__file__).parents[4] / "shared" / "data" / "small_lfw.bin"


@pytest.fixture
def write_bin(tmp_path: Path) -> Callable[..., Path]:
    def write(content: object, protocol: int = 3) -> Path:
        (tmp_path / "tiny.bin").write_bytes(pickle.dumps(content, protocol))
        return tmp_path / "tiny.bin"

    return write


@pytest.fixture
def encoded(crops: list[Picture], png_bytes: Callable[[Picture], bytes]) -> list[bytes]:
    return [png_bytes(crop) for crop in crops]


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4])
@pytest.mark.parametrize("kind", ["bytes", "column", "row"])
def test_pictures_and_flags_are_read_whatever_holds_the_bytes(
    protocol: int, kind: str, write_bin: Callable[..., Path], encoded: list[bytes], crops: list[Picture]
) -> None:
    wrap: dict[str, Callable[[bytes], Any]] = {
        "bytes": lambda content: content,
        "column": lambda content: np.frombuffer(content, np.uint8).reshape(-1, 1).copy(),
        "row": lambda content: np.frombuffer(content, np.uint8).copy(),
    }
    found = read_bin(write_bin(([wrap[kind](content) for content in encoded], [True, False, True, True]), protocol))
    assert found.same.tolist() == [True, False, True, True]
    assert found.pairs.tolist() == [[0, 1], [2, 3], [4, 5], [6, 7]]
    np.testing.assert_array_equal(found.pictures[5], crops[5])
    assert found.framing == "crops"


def test_a_real_file_is_read() -> None:
    if not REAL.is_file():
        pytest.skip(f"{REAL} is not there")
    found = read_bin(REAL)
    assert (found.num_pairs, found.same.all(), found.pictures[19].shape) == (10, True, (112, 112, 3))


def test_a_grey_picture_becomes_rgb(write_bin: Callable[..., Path], png_bytes: Callable[..., bytes]) -> None:
    grey = np.full((112, 112), 7, np.uint8)
    found = read_bin(write_bin(([png_bytes(grey)] * 2, [True])))
    assert found.pictures[0].shape == (112, 112, 3)


class Evil:
    """What a forged file would have called."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> Any:
        return self.call


@pytest.mark.parametrize(
    "evil",
    [Evil(os.system, "touch forged"), Evil(eval, "1"), Evil(getattr, "", "join"), Evil(io.open, "forged", "w")],
)
def test_a_pickle_that_calls_anything_is_refused_before_it_does(
    evil: Evil, write_bin: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DatasetError, match=r"tiny.bin: names \w+\.\w+, which such a set has no use for"):
        read_bin(write_bin(([evil, b""], [True])))
    assert not (tmp_path / "forged").exists()


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((2, 2), np.uint8), "one row of bytes"),
        (np.zeros(4, np.float64), "encoded pictures are bytes"),
        (np.array([{}], object), "encoded pictures are bytes"),
    ],
)
def test_arrays_that_are_no_row_of_bytes_are_refused(
    array: np.ndarray, message: str, write_bin: Callable[..., Path]
) -> None:
    with pytest.raises(DatasetError, match=message):
        read_bin(write_bin(([array, array], [True])))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (([b"a"] * 3, [True]), "3 pictures for 1 flags"),
        (([b"a"] * 2, [True, False]), "2 pictures for 2 flags"),
        (([], []), "0 pictures for 0 flags"),
        (([b"a"] * 2, [7]), "flags must be true or false"),
        (([b"a"] * 2,), "expected a pair of pictures and flags"),
        ({"pictures": []}, "found dict"),
        (("ab", [True]), "expected two lists, found str and list"),
        (([1, 2], [True]), "picture 0 is no encoded file but int"),
    ],
)
def test_a_pickle_of_something_else_is_refused(content: object, message: str, write_bin: Callable[..., Path]) -> None:
    with pytest.raises(DatasetError, match=message):
        read_bin(write_bin(content))


@pytest.mark.parametrize("kept", [0, 1, 100, -3])
def test_a_file_that_was_cut_is_refused(kept: int, write_bin: Callable[..., Path], encoded: list[bytes]) -> None:
    file = write_bin((encoded, [True] * 4))
    file.write_bytes(file.read_bytes()[:kept])
    with pytest.raises(DatasetError, match="cut short"):
        read_bin(file)


def test_a_damaged_picture_is_named_when_it_is_read(write_bin: Callable[..., Path], encoded: list[bytes]) -> None:
    found = read_bin(write_bin(([encoded[0], encoded[1][:200]], [True])))
    assert found.pictures[0].shape == (112, 112, 3)
    with pytest.raises(PhotoError, match=r"tiny.bin: picture 1 cannot be read"):
        found.pictures[1]


def test_a_number_in_the_file_does_not_say_how_much_memory_is_taken(tmp_path: Path) -> None:
    (tmp_path / "huge.bin").write_bytes(b"\x80\x02Nr" + (2**27).to_bytes(4, "little") + b".")
    tracemalloc.start()
    with pytest.raises(DatasetError, match="expected a pair"):
        read_bin(tmp_path / "huge.bin")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1 << 20
