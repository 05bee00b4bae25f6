"""What each scene field must do to the picture of the average face, given the bold value that the check sends.

Each effect compares the studio frame with the scene's and returns what is wrong, None when nothing is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from engine_bridge.conformance.differences import VISIBLE_LEVELS, level_differences
from engine_bridge.frames import Frame, Mask
from engine_bridge.parts import Part

Effect = Callable[[Frame, Frame], str | None]
Bools = npt.NDArray[np.bool_]

#: How far a head that is shifted by 0.08 may miss it, and how much larger an area zoom 1.25 makes (1.56 expected).
SHIFT, SHIFT_TOLERANCE = 0.08, 0.03
ZOOMED_AREA, AREA_TOLERANCE = 1.5625, 0.2
#: A part's centre that moves by less than this share of the side has not moved.
LEAST_MOVE: Final = 0.005
#: Most changed pixels lie in the parts that a tint colours.
TINTED_SHARE: Final = 0.6

_FEATURES: Final = tuple(part for part in Part if part not in (Part.BACKGROUND, Part.HAIR, Part.FACE_SKIN))
_EYES: Final = (Part.LEFT_EYE, Part.RIGHT_EYE)
_LIPS: Final = (Part.UPPER_LIP, Part.LOWER_LIP)
_HAIRY: Final = (Part.HAIR, Part.LEFT_BROW, Part.RIGHT_BROW, Part.FACE_SKIN)  # a beard is skin in the mask
_SKIN: Final = (Part.FACE_SKIN, Part.NOSE, Part.UPPER_LIP, Part.LOWER_LIP)


@dataclass(frozen=True, kw_only=True)
class Spot:
    """A centre in fractions of the side; x to the right, y upwards."""

    x: float
    y: float


def _spot(mask: Mask, parts: tuple[Part, ...]) -> Spot:
    rows, columns = np.nonzero(np.isin(mask, parts))
    side = len(mask)
    return Spot(x=float(columns.mean()) / side, y=1.0 - float(rows.mean()) / side)


def _turned_right(studio: Frame, frame: Frame) -> str | None:
    """The nose comes nearer to the picture's right edge of the face."""
    move = _beside(frame, (Part.NOSE,), _EYES).x - _beside(studio, (Part.NOSE,), _EYES).x
    return (
        None if move > LEAST_MOVE else f"must turn the nose to the picture's right, moved {move:+.3f} against the eyes"
    )


def _turned_up(studio: Frame, frame: Frame) -> str | None:
    move = _beside(frame, (Part.NOSE,), _EYES).y - _beside(studio, (Part.NOSE,), _EYES).y
    return None if move > LEAST_MOVE else f"must raise the nose towards the eyes, moved {move:+.3f}"


def _leaning_right(studio: Frame, frame: Frame) -> str | None:
    move = _beside(frame, _EYES, _LIPS).x - _beside(studio, _EYES, _LIPS).x
    return (
        None
        if move > LEAST_MOVE
        else f"must lean the crown to the picture's right, eyes moved {move:+.3f} over the lips"
    )


def _shifted(axis: str) -> Effect:
    def effect(studio: Frame, frame: Frame) -> str | None:
        move = getattr(_spot(frame.mask, _FEATURES), axis) - getattr(_spot(studio.mask, _FEATURES), axis)
        good = abs(move - SHIFT) <= SHIFT_TOLERANCE
        return None if good else f"must move the head by {SHIFT:+.2f} of the side, moved it by {move:+.3f}"

    return effect


def _grown(factor: float) -> Effect:
    def effect(studio: Frame, frame: Frame) -> str | None:
        areas = [float(np.isin(one.mask, _FEATURES).sum()) for one in (studio, frame)]
        grown = areas[1] / max(areas[0], 1.0)
        good = abs(grown / factor - 1.0) <= AREA_TOLERANCE
        return None if good else f"must make the features {factor:.2f} times as large, made them {grown:.2f} times"

    return effect


def _same_size(studio: Frame, frame: Frame) -> str | None:
    """Perspective enlarges the nose and narrows the head, which stays as large as it was."""
    areas = [float((one.mask != Part.BACKGROUND).sum()) for one in (studio, frame)]
    grown = areas[1] / areas[0]
    return None if 0.6 <= grown <= 1.6 else f"must keep the head's size, made it {grown:.2f} times as large"


def _lit_from_left(studio: Frame, frame: Frame) -> str | None:
    """The half of the face on the picture's left gains light on the other."""
    balances = [_left_share(one) for one in (studio, frame)]
    return None if balances[1] > balances[0] + 0.01 else "must light the picture's left side of the face"


def _warmer(studio: Frame, frame: Frame) -> str | None:
    ratios = [_ratio(one, 0, 2) for one in (studio, frame)]
    return None if ratios[1] > 1.05 * ratios[0] else "must make the face redder"


def _bluer(studio: Frame, frame: Frame) -> str | None:
    ratios = [_ratio(one, 2, 0) for one in (studio, frame)]
    return None if ratios[1] > 1.05 * ratios[0] else "must make the face's shades bluer"


def _confined(parts: tuple[Part, ...], what: str) -> Effect:
    def effect(studio: Frame, frame: Frame) -> str | None:
        changed = level_differences(studio.picture, frame.picture) > VISIBLE_LEVELS
        share = float(np.isin(studio.mask[changed], parts).mean())
        return (
            None if share >= TINTED_SHARE else f"must colour {what}, but {1.0 - share:.0%} of what changed is elsewhere"
        )

    return effect


def _painted_background(studio: Frame, frame: Frame) -> str | None:
    del studio
    expected = np.round(255.0 * np.array((0.7, 0.2, 0.1)))
    colors, counts = np.unique(frame.picture[frame.mask == Part.BACKGROUND], axis=0, return_counts=True)
    color = colors[counts.argmax()]
    good = bool(np.all(np.abs(color - expected) <= 3.0))
    return None if good else f"must paint it {expected.astype(int).tolist()} (sRGB), painted {color.tolist()}"


def _beside(frame: Frame, parts: tuple[Part, ...], anchor: tuple[Part, ...]) -> Spot:
    """The centre of parts against that of an anchor, which shifts of the whole head do not change."""
    spot, base = _spot(frame.mask, parts), _spot(frame.mask, anchor)
    return Spot(x=spot.x - base.x, y=spot.y - base.y)


def _left_share(frame: Frame) -> float:
    """Of the light on the face, the share on the picture's left of the nose."""
    columns = np.arange(frame.mask.shape[1]) / frame.mask.shape[1]
    face = _face(frame)
    left = face & (columns[None] < _spot(frame.mask, (Part.NOSE,)).x)
    levels = frame.picture.mean(axis=2)
    mean_left, mean_right = float(levels[left].mean()), float(levels[face & ~left].mean())
    return mean_left / max(mean_left + mean_right, 1e-6)


def _ratio(frame: Frame, over: int, under: int) -> float:
    means = frame.picture[_face(frame)].mean(axis=0)
    return float(means[over] / max(means[under], 1e-6))


def _face(frame: Frame) -> Bools:
    face: Bools = np.isin(frame.mask, _SKIN)
    return face


#: By field of the scene. The values sent are those of the check's table.
EFFECTS: Final[Mapping[str, Effect]] = {
    "yaw_deg": _turned_right,
    "pitch_deg": _turned_up,
    "roll_deg": _leaning_right,
    "focal_length_mm": _same_size,
    "shift_x": _shifted("x"),
    "shift_y": _shifted("y"),
    "zoom": _grown(ZOOMED_AREA),
    "light_direction": _lit_from_left,
    "light_color": _warmer,
    "ambient_color": _bluer,
    "skin_tint": _confined(_SKIN, "the skin"),
    "hair_tint": _confined(_HAIRY, "hair, brows and beard"),
    "iris_tint": _confined(_EYES, "the irises"),
    "background_color": _painted_background,
}
