from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engine_bridge.frames import Picture
from f2p_datasets.errors import PhotoError
from f2p_datasets.photos import list_photos, read_photo


def save(picture: Picture, path: Path, mode: str = "RGB", **options: Any) -> Path:
    Image.fromarray(picture).convert(mode).save(path, **options)
    return path


def test_a_plain_photo_comes_back_as_rgb(astronaut: Picture, tmp_path: Path) -> None:
    np.testing.assert_array_equal(read_photo(save(astronaut, tmp_path / "a.png")), astronaut)


@pytest.mark.parametrize(("orientation", "quarter_turns"), [(3, 2), (6, -1), (8, 1)])
def test_a_photo_rotated_by_exif_stands_upright(
    astronaut: Picture, tmp_path: Path, orientation: int, quarter_turns: int
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    lying = np.ascontiguousarray(np.rot90(astronaut, -quarter_turns)[:, :300])
    photo = read_photo(save(lying, tmp_path / "a.png", exif=exif))
    np.testing.assert_array_equal(photo, np.rot90(lying, quarter_turns))


@pytest.mark.parametrize("mode", ["L", "1", "P", "CMYK", "LA"])
def test_other_color_models_become_rgb(astronaut: Picture, tmp_path: Path, mode: str) -> None:
    photo = read_photo(save(astronaut, tmp_path / ("a.tif" if mode == "CMYK" else "a.png"), mode))
    assert (photo.shape, photo.dtype) == (astronaut.shape, np.uint8)
    assert np.abs(photo.mean() - astronaut.mean()) < 12


def test_sixteen_bit_grey_keeps_its_brightness(astronaut: Picture, tmp_path: Path) -> None:
    grey = astronaut[..., 0].astype(np.uint16) * 257
    Image.fromarray(grey).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_photo(tmp_path / "a.png")[..., 1], astronaut[..., 0])


def test_transparent_parts_lie_on_mid_grey(astronaut: Picture, tmp_path: Path) -> None:
    alpha = np.full((512, 512, 1), 255, np.uint8)
    alpha[:256] = 0
    Image.fromarray(np.concatenate([astronaut, alpha], 2)).save(tmp_path / "a.png")
    photo = read_photo(tmp_path / "a.png")
    assert (photo[:256] == 128).all()
    np.testing.assert_array_equal(photo[256:], astronaut[256:])


def test_forty_megapixels_are_read(tmp_path: Path) -> None:
    Image.new("L", (8000, 5000), 90).save(tmp_path / "a.png")
    assert read_photo(tmp_path / "a.png").shape == (5000, 8000, 3)


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and has no pixels."""
    chunk = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))


@pytest.mark.parametrize("side", [6400, 12000, 60000])
def test_larger_pictures_are_refused_before_they_are_decoded(tmp_path: Path, side: int) -> None:
    (tmp_path / "bomb.png").write_bytes(png_header(side, side))
    with pytest.raises(PhotoError, match=r"bomb\.png: "):
        read_photo(tmp_path / "bomb.png")


def test_a_truncated_photo_is_refused_by_name(astronaut: Picture, tmp_path: Path) -> None:
    buffer = io.BytesIO()
    Image.fromarray(astronaut).save(buffer, "JPEG")
    (tmp_path / "cut.jpg").write_bytes(buffer.getvalue()[:9000])
    with pytest.raises(PhotoError, match=r"cut\.jpg: truncated or damaged"):
        read_photo(tmp_path / "cut.jpg")


@pytest.mark.parametrize(
    ("content", "complaint"), [(b"", "the file is empty"), (b"no picture at all", "not an image file")]
)
def test_a_file_that_is_no_image_is_refused_by_name(tmp_path: Path, content: bytes, complaint: str) -> None:
    (tmp_path / "odd.jpg").write_bytes(content)
    with pytest.raises(PhotoError, match=rf"odd\.jpg: {complaint}"):
        read_photo(tmp_path / "odd.jpg")


def test_a_folder_and_a_missing_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(PhotoError, match="a folder, not a photo"):
        read_photo(tmp_path)
    with pytest.raises(PhotoError, match="no such file"):
        read_photo(tmp_path / "nothing.jpg")


def test_a_picture_of_a_few_pixels_is_refused(astronaut: Picture, tmp_path: Path) -> None:
    with pytest.raises(PhotoError, match="8 x 8 pixels are too few"):
        read_photo(save(astronaut[:8, :8], tmp_path / "a.png"))


def test_photos_are_listed_from_all_subfolders_in_order(astronaut: Picture, tmp_path: Path) -> None:
    for name in ("b/2.JPG", "a/1.png", ".hidden/3.png", "notes.txt", "c.webp"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert [path.relative_to(tmp_path).as_posix() for path in list_photos(tmp_path)] == ["a/1.png", "b/2.JPG", "c.webp"]


def test_a_folder_without_photos_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PhotoError, match="holds no photos"):
        list_photos(tmp_path)
    with pytest.raises(PhotoError, match="no such folder"):
        list_photos(tmp_path / "nowhere")
