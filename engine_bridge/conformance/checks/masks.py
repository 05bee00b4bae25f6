"""The mask against its picture: the same pose of the same frame, to the pixel.

The *fit* of a mask to a picture is the mean step of the picture's colour across the mask's edges, in levels. A mask
that is shifted by one pixel or belongs to another face loses more than a third of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from engine_bridge.conformance.evidence import Evidence, Exhibit, judge
from engine_bridge.conformance.sheets import beside, painted
from engine_bridge.conformance.trial import Trial
from engine_bridge.frames import Frame, Mask, Picture

#: Steps beyond this many levels count as this many, so that strands of hair do not outweigh the outline.
LARGEST_STEP: Final = 48
#: Shifts of the mask that are tried, and the largest that may fit best: smoothing puts an edge half a pixel aside.
FARTHEST_PX, NEAR_PX = 4, 1
#: The fit must fall to this share when the mask is shifted by FARTHEST_PX.
SHIFTED_SHARE: Final = 0.75
#: Of the sliders that move the picture, this share moves the mask; of the mask's changes, this share is in the picture.
MOVING_SHARE, COVERED_SHARE = 0.5, 0.9

Shift = tuple[int, int]


@dataclass(frozen=True)
class Steps:
    """By how many levels a picture changes from each pixel to its right (H, W-1) and its lower (H-1, W) neighbour."""

    right: npt.NDArray[np.uint8]
    down: npt.NDArray[np.uint8]

    @classmethod
    def of(cls, picture: Picture) -> Steps:
        return cls(_steps(picture[:, 1:], picture[:, :-1]), _steps(picture[1:], picture[:-1]))

    def fit(self, mask: Mask, shift: Shift = (0, 0)) -> float:
        """Mean step across the edges of the mask, which is first shifted (right, down). 0 without edges."""
        moved = np.roll(mask, shift[::-1], (0, 1))
        across, along = moved[:, 1:] != moved[:, :-1], moved[1:] != moved[:-1]
        total = int(self.right[across].sum()) + int(self.down[along].sum())
        return total / max(int(across.sum()) + int(along.sum()), 1)


def mask_fits_picture(trial: Trial) -> Evidence:
    """Mask edges lie on picture edges, and every picture is fitted best by its own mask."""
    vectors = [trial.schema.default_vector(), *[trial.random_vector(20 + seed) for seed in range(4)]]
    frames = trial.render([trial.shot(vector) for vector in vectors])
    steps = [Steps.of(frame.picture) for frame in frames]
    shifts = [_best_shift(one, frame.mask) for one, frame in zip(steps, frames, strict=True)]
    fits = np.array([[one.fit(other.mask) for other in frames] for one in steps])
    figures = {
        "fit": [round(float(fit), 1) for fit in fits.diagonal()],
        "best_shift": [list(shift) for shift in shifts],
    }
    for place, frame in enumerate(frames):
        complaint = _complaint(steps[place], frame.mask, shifts[place], fits[place], place)
        if complaint:
            caption = "picture; mask; edges of the mask on the picture"
            shown = Exhibit(title="mask and picture", picture=_edges_drawn(frame), caption=caption)
            return judge(False, complaint, figures=figures, exhibits=(shown,))
    return judge(
        True, f"edges coincide (mean step {fits.diagonal().mean():.0f} levels), each with its own", figures=figures
    )


def _complaint(steps: Steps, mask: Mask, shift: Shift, fits: npt.NDArray[np.float64], own: int) -> str | None:
    if fits.argmax() != own:
        return f"a picture is fitted better by another frame's mask ({fits.max():.1f} against {fits[own]:.1f} levels)"
    if max(map(abs, shift)) > NEAR_PX:
        return f"the mask fits best when moved by {shift[0]} px right and {shift[1]} px down: same camera, same size?"
    far = max(steps.fit(mask, _far(quarter)) for quarter in range(4))
    if far > SHIFTED_SHARE * fits[own]:
        return f"edges of the mask are no edges of the picture ({fits[own]:.1f} levels, elsewhere {far:.1f})"
    return None


def mask_moves_with_picture(trial: Trial) -> Evidence:
    """Where a slider changes the mask it changes the picture, and most sliders do change it."""
    moved = [move for move in trial.slider_sweep if move.difference.pixels]
    in_mask = [move for move in moved if move.difference.mask_pixels]
    changed = sum(move.difference.mask_pixels for move in moved)
    covered = sum(move.covered for move in moved) / max(changed, 1)
    share = len(in_mask) / max(len(moved), 1)
    figures = {"sliders_that_move_the_mask": len(in_mask), "sliders": len(moved), "covered": round(covered, 4)}
    told = f"{len(in_mask)} of {len(moved)} sliders move the mask, {covered:.1%} of its changes are in the picture too"
    if share < MOVING_SHARE:
        return judge(False, f"{told}; is the mask drawn from the same bones?", figures=figures)
    good = covered >= COVERED_SHARE
    return judge(good, told if good else f"{told}; is it the mask of another frame?", figures=figures)


def _best_shift(steps: Steps, mask: Mask) -> Shift:
    reach = range(-FARTHEST_PX, FARTHEST_PX + 1)
    shifts = [(right, down) for right in reach for down in reach]
    return max(shifts, key=lambda shift: steps.fit(mask, shift))


def _far(quarter: int) -> Shift:
    """A shift by FARTHEST_PX to the left, right, top or bottom."""
    step = FARTHEST_PX if quarter % 2 else -FARTHEST_PX
    return (step, 0) if quarter < 2 else (0, step)


def _steps(first: Picture, second: Picture) -> npt.NDArray[np.uint8]:
    between = np.maximum(first, second) - np.minimum(first, second)
    steps: npt.NDArray[np.uint8] = np.minimum(between.max(axis=2), LARGEST_STEP)
    return steps


def _edges_drawn(frame: Frame) -> Picture:
    edges = np.zeros(frame.mask.shape, bool)
    edges[:, 1:] |= frame.mask[:, 1:] != frame.mask[:, :-1]
    edges[1:] |= frame.mask[1:] != frame.mask[:-1]
    drawn = frame.picture.copy()
    drawn[edges] = (80, 255, 120)
    return beside(frame.picture, painted(frame.mask), drawn)
