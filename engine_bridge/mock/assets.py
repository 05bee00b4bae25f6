"""The built assets as arrays: the heads with their rig, and the wardrobe."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from engine_bridge.errors import EngineUnavailableError, InputError

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int32]
#: Compiled code need not check unsigned indices for counting from the end.
Indices = npt.NDArray[np.uint32]

FOLDER: Final = Path(__file__).parent / "assets"
HEAD_FILE, WARDROBE_FILE = "head.npz", "wardrobe.npz"

#: Square-root colours are stored as fractions of this linear factor's root.
BRIGHTEST: Final = 1.1


@dataclass(frozen=True, kw_only=True)
class Head:
    """One head: its own shape and the topology, rig and skin that all heads share.

    positions  (N, 3) decimetres    occlusion (N,) in [0, 1], 1 open    eyes (2, 3) centres, left first
    uv (N, 2), face_crop (4,) u0 v0 u1 v1    tris (M, 3)    surface (M,)    weld (N,) equal across uv seams
    bones (B,) names    pivots (B, 3)    weights of vertex i: entries weight_start[i] .. weight_start[i + 1]
    color (N, 3) square root of a factor on the skin tone    zone (N,) 1 face .. 0 neck .. -1 clothes
    lash (N, 3) along the lid, root to tip, density    skin (S, S, 6): colour, gloss, coverage, candidate part
    """

    name: str
    positions: Floats
    occlusion: Floats
    eyes: Floats
    uv: Floats
    face_crop: Floats
    tris: Ints
    surface: Bytes
    weld: Ints
    bones: tuple[str, ...]
    pivots: Floats
    weight_start: Ints
    weight_bone: Ints
    weight: Floats
    color: Floats
    zone: Floats
    lash: Floats
    skin: Bytes


@dataclass(frozen=True, kw_only=True)
class Hair:
    """A hairstyle on one head.

    positions (N, 3)    tris (M, 3)    strand (N, 2) across and root to tip    shade (N,) in [0, 1], 1 open
    anchor (N,) head vertex that each hair vertex moves along with
    """

    positions: Floats
    tris: Ints
    strand: Floats
    shade: Floats
    anchor: Ints


@lru_cache(maxsize=8)
def load_head(name: str) -> Head:
    """One head by name. Raises InputError for an unknown one, EngineUnavailableError without its file."""
    arrays = _open(HEAD_FILE)
    if f"{name}/positions" not in arrays:
        known = sorted(key.split("/")[0] for key in arrays if key.endswith("/positions"))
        raise InputError(f"head: the mock engine has no head {name!r}; it has {', '.join(known)}")
    return Head(
        name=name,
        positions=arrays[f"{name}/positions"],
        occlusion=_fractions(arrays[f"{name}/occlusion"]),
        eyes=arrays[f"{name}/eyes"],
        uv=arrays["uv"],
        face_crop=arrays["face_crop"],
        tris=arrays["tris"].astype(np.int32),
        surface=arrays["surface"],
        weld=arrays["weld"].astype(np.int32),
        bones=tuple(str(bone) for bone in arrays["bones"]),
        pivots=arrays[f"{name}/pivots"],
        weight_start=arrays["weight_start"].astype(np.int32),
        weight_bone=arrays["weight_bone"].astype(np.int32),
        weight=arrays["weight"].astype(np.float32),
        color=_fractions(arrays["color"]) * np.float32(np.sqrt(BRIGHTEST)),
        zone=arrays["zone"].astype(np.float32) / np.float32(127.0),
        lash=arrays["lash"].astype(np.float32),
        skin=arrays["skin"],
    )


@lru_cache(maxsize=128)
def load_hair(head: str, hairstyle: str) -> Hair | None:
    """A hairstyle's geometry, or None for a style without any (bald)."""
    wardrobe, key = _open(WARDROBE_FILE), f"hair/{head}/{hairstyle}"
    if f"{key}/positions" not in wardrobe:
        return None
    return Hair(
        positions=wardrobe[f"{key}/positions"].astype(np.float32),
        tris=wardrobe[f"{key}/tris"].astype(np.int32),
        strand=wardrobe[f"{key}/strand"].astype(np.float32),
        shade=_fractions(wardrobe[f"{key}/shade"]),
        anchor=wardrobe[f"{key}/anchor"].astype(np.int32),
    )


@lru_cache(maxsize=256)
def load_makeup(kind: str, style: str) -> Bytes | None:
    """The (S, S) coverage of ``brow``, ``lipstick`` or ``beard`` on the skin texture; None when it has none."""
    coverage: Bytes | None = _open(WARDROBE_FILE).get(f"{kind}/{style}")  # every access unpacks it anew
    return coverage if coverage is not None and coverage.any() else None


@lru_cache(maxsize=1)
def assets_hash() -> str:
    """SHA-256 of all asset files."""
    digest = hashlib.sha256()
    for name in (HEAD_FILE, WARDROBE_FILE):
        digest.update(_path(name).read_bytes())
    return digest.hexdigest()


@lru_cache(maxsize=2)
def _open(name: str) -> np.lib.npyio.NpzFile:
    archive: np.lib.npyio.NpzFile = np.load(io.BytesIO(_path(name).read_bytes()), allow_pickle=False)
    return archive


def _path(name: str) -> Path:
    path = FOLDER / name
    if not path.is_file():
        raise EngineUnavailableError(f"mock engine: {path} is missing; reinstall the package or rebuild its assets")
    return path


def _fractions(values: npt.NDArray[np.uint8]) -> Floats:
    return values.astype(np.float32) / np.float32(255.0)
