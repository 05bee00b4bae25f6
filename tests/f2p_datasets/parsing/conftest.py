"""Miniature copies of the published parsing sets, made up: two labelled photos of 24 x 32 pixels each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine_bridge.frames import Mask, Picture
from f2p_datasets.parsing import FASSEG

HEIGHT, WIDTH = 32, 24
Build = Callable[[Path], Path]


def save(path: Path, pixels: Mask | Picture) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def save_palette(path: Path, indices: Mask) -> None:
    """A palette picture whose colors say nothing about its indices."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(indices).convert("P")
    image.putdata(indices.ravel().tolist())
    image.putpalette([(7 * number + 50) % 256 for number in range(768)])
    image.save(path)


def photo() -> Picture:
    return np.full((HEIGHT, WIDTH, 3), (180, 140, 120), np.uint8)


def stripes(num_classes: int) -> Mask:
    """Class ids from the top down, every class there."""
    rows = np.arange(HEIGHT) * num_classes // HEIGHT
    return np.repeat(rows[:, None], WIDTH, 1).astype(np.uint8)


@pytest.fixture
def helen(tmp_path: Path) -> Path:
    """Probability maps: 120 for a pixel's class, 90 for every other one."""
    root = tmp_path / "helen"
    for name in ("232194_1", "100032540_1"):
        save(root / f"images/{name}.jpg", photo())
        for part in range(11):
            probability = np.where(stripes(11) == part, 120, 90).astype(np.uint8)
            save(root / f"labels/{name}/{name}_lbl{part:02d}.png", probability)
    (root / "exemplars.txt").write_text("1 , 232194_1\n\n")
    (root / "testing.txt").write_text("1 , 100032540_1\r\n")
    return root


@pytest.fixture
def lapa(tmp_path: Path) -> Path:
    root = tmp_path / "lapa"
    for partition in ("train", "val"):
        save(root / f"{partition}/images/1_0.jpg", photo())
        save(root / f"{partition}/labels/1_0.png", stripes(11))
    return root


@pytest.fixture
def celebamask(tmp_path: Path) -> Path:
    """As published: part files in RGB, half as large, by the thousand; photo 2001 is a test photo of CelebA."""
    root = tmp_path / "celebamask"
    for number in (7, 2001):
        save(root / f"CelebA-HQ-img/{number}.jpg", photo())
        stem = root / f"CelebAMask-HQ-mask-anno/{number // 2000}/{number:05d}"
        skin = np.zeros((HEIGHT // 2, WIDTH // 2), np.uint8)
        skin[2:14, 2:10] = 255
        eye, ear = np.zeros_like(skin), np.zeros_like(skin)
        eye[4:6, 7:9], ear[4:8, 9:12] = 255, 255
        for part, layer in (("skin", skin), ("l_eye", eye), ("l_ear", ear)):
            save(stem.with_name(f"{stem.name}_{part}.png"), np.repeat(layer[..., None], 3, axis=2))
    (root / "CelebA-HQ-to-CelebA-mapping.txt").write_text(
        "idx     orig_idx    orig_file\n7   119613    119613.jpg\n2001   190000  190000.jpg\n"
    )
    return root


@pytest.fixture
def packed_celebamask(tmp_path: Path) -> Path:
    """As packed for challenges: palette pictures, and test photos without any."""
    root = tmp_path / "packed"
    save(root / "train/images/00ab.jpg", photo())
    save_palette(root / "train/masks/00ab.png", stripes(19))
    save(root / "test/images/00cd.jpg", photo())
    return root


@pytest.fixture
def fasseg(tmp_path: Path) -> Path:
    """V2, labels blended at the edges; and a folder of V3 beside it would be ``Train_labels/90``."""
    root = tmp_path / "fasseg"
    colors = np.array(FASSEG.colors, np.uint8)[stripes(6)]
    colors[1:] = (colors[1:].astype(int) * 3 // 4 + colors[:-1].astype(int) // 4).astype(np.uint8)
    for partition, name in (("Train", "2"), ("Train", "10"), ("Test", "1")):
        save(root / f"{partition}_RGB/{name}.bmp", photo())
        save(root / f"{partition}_Labels/{name}.bmp", colors)
    return root
