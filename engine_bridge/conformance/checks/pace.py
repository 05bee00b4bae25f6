"""How fast an engine is, whether it keeps its own word on it, and its stamps."""

from __future__ import annotations

from time import perf_counter
from typing import Final

import numpy as np

from engine_bridge.conformance.evidence import Evidence, judge, skip
from engine_bridge.conformance.trial import Trial
from engine_bridge.parts import Part

#: Sides that the speed is stated for, and pictures each.
SPEED_PX, SPEED_FRAMES = (256, 512), 16
#: A pair dataset of the paper's size.
DATASET_PAIRS: Final = 20_000
STAMP_PX: Final = 4


def keeps_pace(trial: Trial) -> Evidence:
    """States pictures per second; no frame took longer than the engine announced."""
    rates = {size: _rate(trial, size) for size in SPEED_PX if size <= trial.announced.maximum_px}
    figures = {f"pictures_per_s_{size}_px": round(rate, 1) for size, rate in rates.items()}
    slowest, longest = trial.slowest_frame_s, trial.announced.longest_frame_s
    told = ", ".join(f"{rate:.0f} pictures/s at {size} px" for size, rate in rates.items())
    if slowest > longest:
        return judge(False, f"{told}; a frame took {slowest:.1f} s, announced were {longest:g} s", figures=figures)
    largest = max(rates, default=0)
    hours = DATASET_PAIRS / rates[largest] / 3600 if rates else 0.0
    return judge(True, f"{told}: {DATASET_PAIRS:,} pairs in {hours:.1f} h", figures=figures)


def stamps_prove_pictures(trial: Trial) -> Evidence:
    """The bridge verifies every stamp and replaces it; none is left in the picture or in the mask."""
    if not trial.announced.stamp:
        return skip("the engine announces no stamps, so pictures are tied to requests by canaries only")
    frames = trial.render([trial.shot(trial.random_vector(50 + seed)) for seed in range(2 * trial.announced.max_batch)])
    corners = [frame.picture[:STAMP_PX, :STAMP_PX].astype(int) for frame in frames]
    beside = [frame.picture[:STAMP_PX, STAMP_PX : 2 * STAMP_PX].astype(int) for frame in frames]
    largest = max(int(np.abs(left - right).max()) for left, right in zip(corners, beside, strict=True))
    parts = {int(part) for frame in frames for part in np.unique(frame.mask[:STAMP_PX, :STAMP_PX])}
    clean = largest <= 16 and parts <= {int(Part.BACKGROUND), int(Part.HAIR)}
    told = f"{len(frames)} stamps verified by the bridge"
    return judge(clean, told if clean else f"{told}, but traces of them are left in the corner")


def _rate(trial: Trial, size: int) -> float:
    shots = [trial.shot(trial.random_vector(60 + seed), resolution=size) for seed in range(SPEED_FRAMES)]
    began = perf_counter()
    trial.render(shots)
    return SPEED_FRAMES / (perf_counter() - began)
