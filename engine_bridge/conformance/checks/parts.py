"""The mask by itself: known parts, where a face has them, on the right side."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from engine_bridge.conformance.evidence import Evidence, Exhibit, judge
from engine_bridge.conformance.sheets import beside, painted
from engine_bridge.conformance.trial import Trial
from engine_bridge.frames import Frame, Mask
from engine_bridge.parts import Part

#: Share of the studio picture that a part covers on the average face, smallest and largest. Hair and the inner mouth
#: may be missing: heads are shaved and mouths are shut.
PLAUSIBLE_SHARES: Final = {
    Part.BACKGROUND: (0.05, 0.95),
    Part.FACE_SKIN: (0.03, 0.70),
    Part.LEFT_BROW: (0.0002, 0.03),
    Part.RIGHT_BROW: (0.0002, 0.03),
    Part.LEFT_EYE: (0.0003, 0.03),
    Part.RIGHT_EYE: (0.0003, 0.03),
    Part.NOSE: (0.002, 0.10),
    Part.UPPER_LIP: (0.0005, 0.05),
    Part.LOWER_LIP: (0.0005, 0.05),
    Part.HAIR: (0.0, 0.75),
    Part.INNER_MOUTH: (0.0, 0.05),
}
#: Each part lies above the next; features are no wider or higher than this share of the side.
TOP_TO_BOTTOM: Final = (Part.LEFT_BROW, Part.LEFT_EYE, Part.NOSE, Part.UPPER_LIP, Part.LOWER_LIP)
WIDEST_FEATURE: Final = 0.45
FEATURES: Final = (*TOP_TO_BOTTOM, Part.RIGHT_BROW, Part.RIGHT_EYE)
#: The plain background is one colour on this share of its pixels (clothes are background too), which is found on
#: no more than that share of the character.
PLAINEST_SHARE, STRAY_SHARE = 0.5, 0.05


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a part lies, in fractions of the side: its centre, and its extent without the outermost 2 % of pixels."""

    share: float
    x: float
    y: float
    width: float
    height: float


def find_part(mask: Mask, part: Part) -> Place:
    """The part's place in a mask; a missing part has share 0 and lies nowhere (NaN)."""
    rows, columns = np.nonzero(mask == part)
    if not rows.size:
        return Place(share=0.0, x=np.nan, y=np.nan, width=np.nan, height=np.nan)
    side = len(mask)
    low, high = np.percentile(np.stack([columns, rows]), (1, 99), axis=1) / side
    width, height = (high - low).tolist()
    return Place(
        share=rows.size / mask.size,
        x=float(columns.mean() + 0.5) / side,
        y=float(rows.mean() + 0.5) / side,
        width=width,
        height=height,
    )


def parts_are_plausible(trial: Trial) -> Evidence:
    """Every part has the size and the place that it has on a face."""
    frame = trial.average
    places = {part: find_part(frame.mask, part) for part in Part}
    figures = {part.name.lower(): round(place.share, 5) for part, place in places.items()}
    complaints = (*_wrong_sizes(places), *_wrong_places(places))
    if complaints:
        return judge(False, "; ".join(complaints), figures=figures, exhibits=_shown(frame))
    return judge(True, "every part is there, in the size and order that a face has", figures=figures)


def sides_are_right(trial: Trial) -> Evidence:
    """Left and right are the person's own: the left eye is on the right-hand side of the picture."""
    mask = trial.average.mask
    pairs = {"eyes": (Part.LEFT_EYE, Part.RIGHT_EYE), "brows": (Part.LEFT_BROW, Part.RIGHT_BROW)}
    places = {name: tuple(find_part(mask, part).x for part in parts) for name, parts in pairs.items()}
    swapped = tuple(name for name, (left, right) in places.items() if not left > right)
    left, right = places["eyes"]
    told = f"the left eye's centre is at {left:.2f} of the width, the right eye's at {right:.2f}"
    if swapped:
        told += f"; {' and '.join(swapped)} are swapped: left means the person's own left"
        return judge(False, told, names=swapped, exhibits=_shown(trial.average))
    return judge(True, told)


def background_is_plain(trial: Trial) -> Evidence:
    """The studio's background is one colour, and what has this colour is not marked as part of the character."""
    frame = trial.average
    behind = frame.mask == Part.BACKGROUND
    colors, counts = np.unique(frame.picture[behind], axis=0, return_counts=True)
    if not counts.size:
        return judge(False, "no pixel of the mask is background", exhibits=_shown(frame))
    color = colors[counts.argmax()]
    plain, stray = float(counts.max() / counts.sum()), _stray(frame, behind, color)
    figures = {"plain": round(plain, 4), "stray": round(stray, 4), "color": color.tolist()}
    told = f"{plain:.0%} of the background is one colour, {color.tolist()}, which is on {stray:.1%} of the character"
    good = plain >= PLAINEST_SHARE and stray <= STRAY_SHARE
    return judge(good, told, figures=figures, exhibits=() if good else _shown(frame))


def _stray(frame: Frame, behind: npt.NDArray[np.bool_], color: npt.NDArray[np.uint8]) -> float:
    return float((frame.picture[~behind] == color).all(axis=1).mean()) if not behind.all() else 0.0


def _wrong_sizes(places: dict[Part, Place]) -> list[str]:
    return [
        f"{_label(part)} covers {places[part].share:.2%} of the picture, expected {low:.2%} to {high:.0%}"
        for part, (low, high) in PLAUSIBLE_SHARES.items()
        if not low <= places[part].share <= high
    ]


def _wrong_places(places: dict[Part, Place]) -> list[str]:
    wide = [
        f"{_label(part)} is scattered over {max(places[part].width, places[part].height):.0%} of the side"
        for part in FEATURES
        if max(places[part].width, places[part].height) > WIDEST_FEATURE
    ]
    upside_down = [
        f"{_label(upper)} lies below {_label(lower)}"
        for upper, lower in pairwise(TOP_TO_BOTTOM)
        if places[upper].y > places[lower].y
    ]
    return wide + upside_down


def _label(part: Part) -> str:
    return part.name.lower().replace("_", " ")


def _shown(frame: Frame) -> tuple[Exhibit, ...]:
    return (Exhibit(title="average face and its mask", picture=beside(frame.picture, painted(frame.mask))),)
