"""Whether a mask can be the mask of its picture. Cheap enough for every studio frame; only gross untruth is refused.

A studio mask shows a face from the front, and follows its picture: colours change where parts change. One that is
turned over, transposed, shifted, of quite another frame or not a mask at all does not. It is looked at on a grid of 64
to 127 points a side.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from engine_bridge.errors import FrameRejectedError
from engine_bridge.frames import Frame, Mask, Picture
from engine_bridge.parts import NUM_PARTS, Part

_GRID_PX: Final = 64
#: A face in front of something, and some of its parts: of 700 random mock faces the barest had 13 % skin and 7 parts.
_LEAST_SKIN, _LEAST_PARTS = 0.02, 5
#: How much stronger colours change at the parts' borders than elsewhere: 3.8 at least where the mask is right ...
_LEAST_CONTRAST: Final = 1.5
#: ... which is more than twice as much as with the mask upside down, the commonest fault of reading back a picture.
_LEAST_GAIN: Final = 1.1
#: How much of the colours' variance the parts explain: 0.35 at least where the mask is right.
_LEAST_EXPLAINED: Final = 0.15

_Floats = npt.NDArray[np.floating[Any]]


def check_plausible(frame: Frame) -> None:
    """Raise FrameRejectedError when the mask of a studio frame cannot belong to its picture."""
    fault = find_fault(frame.picture, frame.mask)
    if fault:
        raise FrameRejectedError(f"request {frame.request_id}: {fault}")


def find_fault(picture: Picture, mask: Mask) -> str | None:
    """What is wrong with a studio frame's mask, None if nothing is."""
    step = max(1, mask.shape[0] // _GRID_PX)
    colors, mask = picture[::step, ::step].astype(np.float32), mask[::step, ::step]
    counts = np.bincount(mask.ravel(), minlength=NUM_PARTS)
    return _find_missing(mask, counts) or _find_misplaced(mask, counts) or _find_misfit(colors, mask, counts)


def _find_missing(mask: Mask, counts: npt.NDArray[np.int64]) -> str | None:
    if counts[Part.BACKGROUND] == 0 or counts[Part.FACE_SKIN] < _LEAST_SKIN * mask.size:
        return "the mask shows no face before a background"
    if np.count_nonzero(counts) < min(_LEAST_PARTS, mask.shape[0] // 8):
        return f"the mask has {np.count_nonzero(counts)} parts only: a face has more"
    return None


def _find_misplaced(mask: Mask, counts: npt.NDArray[np.int64]) -> str | None:
    """Parts that are not to be seen are nowhere, and nothing is wrong with that."""
    with np.errstate(invalid="ignore", divide="ignore"):
        rows, columns = (
            np.bincount(mask.ravel(), weights=place.ravel(), minlength=NUM_PARTS) / counts
            for place in np.indices(mask.shape, np.float64)
        )
    for upper, lower in ((Part.LEFT_EYE, Part.NOSE), (Part.RIGHT_EYE, Part.NOSE), (Part.NOSE, Part.LOWER_LIP)):
        if rows[upper] > rows[lower]:
            return f"the mask has {_name(upper)} below {_name(lower)}: upside down?"
    if columns[Part.LEFT_EYE] < columns[Part.RIGHT_EYE]:
        return "the mask has the person's left eye on the left-hand side of the picture: mirrored?"
    return None


def _find_misfit(colors: _Floats, mask: Mask, counts: npt.NDArray[np.int64]) -> str | None:
    changes = [np.abs(np.diff(colors, axis=axis)).sum(axis=2) for axis in (0, 1)]
    borders = [np.diff(mask.astype(np.int8), axis=axis) != 0 for axis in (0, 1)]
    contrast = _contrast(changes, borders)
    upside_down = _contrast(changes, [border[::-1] for border in borders])
    if (
        contrast < max(_LEAST_CONTRAST, _LEAST_GAIN * upside_down)
        or _explained(colors, mask, counts) < _LEAST_EXPLAINED
    ):
        return "the mask does not fit its picture: colours do not change where parts do"
    return None


def _contrast(changes: list[_Floats], borders: list[npt.NDArray[np.bool_]]) -> float:
    """Mean change of colour across borders of parts, as a multiple of the mean change inside them."""
    change = np.concatenate([one.ravel() for one in changes])
    border = np.concatenate([one.ravel() for one in borders])
    if border.all() or not border.any():
        return 0.0
    return float(change[border].mean() / max(change[~border].mean(), 1e-6))


def _explained(colors: _Floats, mask: Mask, counts: npt.NDArray[np.int64]) -> float:
    """Variance between the parts' mean colours, as a fraction of all variance."""
    flat = (colors - colors.mean(axis=(0, 1))).reshape(-1, 3)
    sums = np.stack([np.bincount(mask.ravel(), weights=channel, minlength=NUM_PARTS) for channel in flat.T])
    between = (sums**2 / np.maximum(counts, 1)).sum()
    return float(between / max((flat**2).sum(), 1e-6))


def _name(part: Part) -> str:
    return f"the {part.name.lower().replace('_', ' ')}"
