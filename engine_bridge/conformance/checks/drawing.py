"""Frames: their ids, their faces, and whether the same vector gives the same one."""

from __future__ import annotations

from dataclasses import asdict
from itertools import pairwise

import numpy as np

from engine_bridge.conformance.differences import Difference, compare
from engine_bridge.conformance.evidence import Evidence, Exhibit, judge
from engine_bridge.conformance.sheets import beside, compared, painted
from engine_bridge.conformance.trial import Trial
from engine_bridge.frames import Frame
from engine_bridge.parts import Part
from engine_bridge.remote.pool.canary_pictures import Difference as Noise

#: A lit face: mean and spread of its skin in levels of 255.
DARKEST_SKIN, BRIGHTEST_SKIN, FLATTEST_PICTURE = 25.0, 250.0, 8.0
#: A face fills this share of the studio picture.
SMALLEST_FACE, LARGEST_FACE = 0.04, 0.75


def draws(trial: Trial) -> Evidence:
    """The average face comes back at the size asked for, with a mask and a vector of the right length."""
    frame = trial.average
    height, width = frame.mask.shape
    return judge(True, f"picture and mask of {width} x {height} pixels")


def draws_headless(trial: Trial) -> Evidence:
    """Engines without a display often answer with black, grey or the clear colour."""
    frame = trial.average
    face = (frame.mask != Part.BACKGROUND) & (frame.mask != Part.HAIR)
    share = float(face.mean())
    brightness = float(frame.picture[face].mean()) if face.any() else 0.0
    spread = float(frame.picture.std())
    figures = {"face_share": round(share, 4), "skin_level": round(brightness, 1), "spread": round(spread, 1)}
    complaint = _headless_complaint(share, brightness, spread)
    if complaint:
        shown = (Exhibit(title="average face", picture=beside(frame.picture, painted(frame.mask))),)
        return judge(False, complaint, figures=figures, exhibits=shown)
    return judge(True, f"a face on {share:.0%} of the picture, mean level {brightness:.0f} of 255", figures=figures)


def _headless_complaint(share: float, brightness: float, spread: float) -> str | None:
    if spread < FLATTEST_PICTURE:
        return f"the picture is almost one colour (spread {spread:.1f} levels); was the scene drawn at all?"
    if not SMALLEST_FACE <= share <= LARGEST_FACE:
        return f"the face fills {share:.1%} of the picture, expected {SMALLEST_FACE:.0%} to {LARGEST_FACE:.0%}"
    if not DARKEST_SKIN <= brightness <= BRIGHTEST_SKIN:
        return f"the face's mean level is {brightness:.0f} of 255; is the light on, and is the output sRGB?"
    return None


def echoes_ids(trial: Trial) -> Evidence:
    """Ids that neither start at zero nor ascend come back in the order of the requests."""
    requests = trial.requests([trial.shot(resolution=trial.announced.minimum_px)] * 5)
    asked = [requests[place] for place in (3, 0, 4, 2, 1)]
    sent, received = [r.request_id for r in asked], [frame.request_id for frame in trial.answer(asked)]
    return judge(received == sent, f"sent {sent}, received {received}")


def counts_frames(trial: Trial) -> Evidence:
    """The engine's own frame number grows with every frame, within a batch and from one to the next."""
    shots = [trial.shot(resolution=trial.announced.minimum_px)] * 3
    numbers = [frame.frame_id for _ in range(2) for frame in trial.render(shots)]
    growing = all(earlier < later for earlier, later in pairwise(numbers))
    return judge(growing, f"frame numbers {numbers}" + ("" if growing else "; each must be larger than the one before"))


def repeats(trial: Trial) -> Evidence:
    """One vector gives one picture: nothing moves, nothing is drawn at random, nothing is still on its way."""
    noise, complaint = trial.repeatability.noise, trial.repeatability.complaint
    figures = asdict(noise)
    if complaint is None:
        exact = noise == Noise()
        told = "byte-identical pictures and masks" if exact else f"two pictures of one vector differ by {noise}"
        return judge(True, told, figures=figures)
    first, second = trial.render([trial.shot(trial.random_vector(1)), trial.shot(), trial.shot()])[1:]
    shown = (Exhibit(title="same vector twice", picture=compared(first, second), caption="right: the difference"),)
    way_out = (
        "; a pool sends such an engine away: switch off animation, temporal filters and random draws, and capture "
        "after the frame is finished"
    )
    return judge(False, complaint + way_out, figures=figures, exhibits=shown)


def returns_to_a(trial: Trial) -> Evidence:
    """A, then B, then A again: nothing of B is left, in the picture or in the mask."""
    face, other = trial.shot(), trial.shot(trial.random_vector(2))
    batched = trial.render([face, other, face])
    single = [trial.render([shot])[0] for shot in (face, other, face)]
    rounds = (batched[0], batched[2]), (single[0], single[2])
    differences = [compare(*pair) for pair in rounds]
    bad = [place for place, pair in enumerate(rounds) if not trial.repeatability.covers(*pair)]
    if not bad and compare(batched[0], batched[1]).pixels == 0:
        return judge(False, "another vector gives the same picture: is the vector applied at all?")
    if not bad:
        return judge(True, _told(differences))
    shown = tuple(_returned(*rounds[place]) for place in bad)
    return judge(False, f"{_told(differences)}; is the capture a frame late?", exhibits=shown)


def _returned(first: Frame, again: Frame) -> Exhibit:
    caption = "before B, after B, difference; below: their masks"
    masks = beside(
        painted(first.mask), painted(again.mask), np.repeat((first.mask != again.mask)[..., None], 3, 2) * np.uint8(255)
    )
    return Exhibit(title="A and A again", picture=np.concatenate([compared(first, again), masks]), caption=caption)


def _told(differences: list[Difference]) -> str:
    worst = max(differences, key=lambda difference: (difference.maximum, difference.mask_pixels))
    if worst.nothing:
        return "the first and the last picture are byte-identical"
    pixels = f"{worst.pixels} pixels of the picture and {worst.mask_pixels} of the mask"
    return f"A differs from A by up to {worst.maximum} levels, in {pixels}"
