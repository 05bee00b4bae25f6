"""How fast an engine is, whether it keeps its own word on it, and its stamps."""

from __future__ import annotations

from time import perf_counter
from typing import Final

import numpy as np

from engine_bridge.conformance.evidence import Evidence, judge, skip
from engine_bridge.conformance.spans import span
from engine_bridge.conformance.trial import Shot, Trial
from engine_bridge.parts import Part

#: Sides that the speed is stated for, and pictures each, once alone and once asked for together.
SPEED_PX, SPEED_FRAMES = (256, 512), 16
#: Pictures at the largest side, each alone.
LARGEST_FRAMES: Final = 2
#: A pair dataset of the paper's size.
DATASET_PAIRS: Final = 20_000
STAMP_PX: Final = 4
NO_STAMPS: Final = (
    "the engine announces no stamps, so a pool sends it away: draw them, or accept that a late picture may pass for a "
    'true one with stamps = "optional" in engine.toml, or with ?stamps=optional behind the address'
)


def keeps_pace(trial: Trial) -> Evidence:
    """States pictures per second; no frame took longer than the engine announced, and each was looked at by itself."""
    largest, longest = trial.announced.maximum_px, trial.announced.longest_frame_s
    rates = {size: _rate(trial, size) for size in SPEED_PX if size <= largest}
    _draw_alone(trial, largest, LARGEST_FRAMES)
    figures = {f"pictures_per_s_{size}_px": round(rate, 1) for size, rate in rates.items()}
    figures["slowest_frame_s"] = round(trial.slowest_frame_s, 3)
    told = ", ".join(f"{rate:.0f} pictures/s at {size} px" for size, rate in rates.items())
    if trial.slowest_frame_s > longest:
        slow = f"a frame took {trial.slowest_frame_s:.1f} s, announced were {longest:g} s"
        return judge(False, "; ".join(filter(None, (told, slow))), figures=figures)
    if not rates:
        return judge(True, f"no frame took longer than {trial.slowest_frame_s:.2f} s", figures=figures)
    return judge(True, f"{told}: {DATASET_PAIRS:,} pairs in {span(DATASET_PAIRS / rates[max(rates)])}", figures=figures)


def stamps_prove_pictures(trial: Trial) -> Evidence:
    """The bridge verifies every stamp and replaces it; none is left in the picture or in the mask."""
    if not trial.announced.stamp and trial.subject.needs_stamps:
        return judge(False, NO_STAMPS)
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
    """Pictures per second of a warm engine that always knows what is next; before that, each picture alone."""
    _draw_alone(trial, size, SPEED_FRAMES)
    began = perf_counter()
    trial.render(_shots(trial, size, SPEED_FRAMES))
    return SPEED_FRAMES / (perf_counter() - began)


def _draw_alone(trial: Trial, size: int, count: int) -> None:
    trial.warm_up(size)
    trial.render(_shots(trial, size, count), batch=1)


def _shots(trial: Trial, size: int, count: int) -> list[Shot]:
    return [trial.shot(trial.random_vector(60 + seed), resolution=size) for seed in range(count)]
