"""Beards as hairs on the face chart."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from scipy.interpolate import PchipInterpolator

from engine_bridge.mock.build.face_chart import FaceChart, hair_noise
from engine_bridge.mock.build.scalp import Floats, smoothstep

#: Azimuth in degrees -> height of the beard's upper edge: under the nose, mouth corner, cheek, sideburn.
CHEEK_LINE: Final = (
    (0, -0.44),
    (13, -0.56),
    (22, -0.62),
    (34, -0.57),
    (48, -0.43),
    (58, -0.33),
    (65, -0.10),
    (71, 0.16),
    (90, 0.16),
)
#: Azimuth in degrees -> height of the lower edge: under the chin, jaw, ear lobe.
NECK_LINE: Final = ((0, -1.16), (30, -1.13), (46, -1.02), (58, -0.82), (68, -0.58), (76, -0.35), (90, -0.2))
#: The edge of the jaw, along which a chin strap runs.
JAW_LINE: Final = ((0, -1.06), (14, -1.03), (26, -0.95), (40, -0.84), (54, -0.68), (64, -0.50), (72, -0.30), (90, -0.2))


def _line(chart: FaceChart, points: tuple[tuple[float, float], ...]) -> Floats:
    azimuth, height = np.array(points, np.float64).T
    return np.asarray(PchipInterpolator(azimuth, height)(np.clip(chart.azimuth_deg, 0.0, 90.0)))


def _off_the_lips(chart: FaceChart) -> Floats:
    return 1.0 - smoothstep(-0.012, 0.004, chart.inside_lips)


def _whole(chart: FaceChart, softness: float) -> Floats:
    """Everything between cheek and neck line."""
    below = smoothstep(-softness, softness, _line(chart, CHEEK_LINE) - chart.y)
    above = smoothstep(-softness, softness, chart.y - _line(chart, NECK_LINE))
    before_ear = 1.0 - smoothstep(76.0, 80.0, chart.azimuth_deg)
    bare = np.exp(-(((chart.x - 0.115) / 0.05) ** 2) - ((chart.y + 0.765) / 0.035) ** 2)
    return np.asarray(below * above * before_ear * (1.0 - 0.45 * bare) * _off_the_lips(chart))


def _moustache(chart: FaceChart, *, reach: float = 0.27, droop: float = 2.2, weight: float = 0.052) -> Floats:
    middle = -0.487 - droop * np.maximum(chart.x - 0.06, 0.0) ** 2
    half = weight * (1.0 - 0.55 * smoothstep(0.10, reach, chart.x))
    inside = smoothstep(-0.016, 0.016, half - np.abs(chart.y - middle)) * (
        1.0 - smoothstep(reach - 0.03, reach, chart.x)
    )
    groove = 1.0 - 0.45 * np.exp(-((chart.x / 0.014) ** 2))
    return np.asarray(inside * groove * _off_the_lips(chart))


def _chin(chart: FaceChart, width: float) -> Floats:
    half = width * (0.62 + 0.38 * smoothstep(0.74, 0.86, -chart.y)) * (1.0 - 0.35 * smoothstep(0.95, 1.12, -chart.y))
    inside = smoothstep(-0.02, 0.02, half - chart.x) * smoothstep(-0.01, 0.03, -0.755 - chart.y)
    return np.asarray(inside * smoothstep(-0.04, 0.04, chart.y + 1.14))


def _soul_patch(chart: FaceChart) -> Floats:
    return np.asarray(np.exp(-((chart.x / 0.045) ** 2) - ((chart.y + 0.765) / 0.05) ** 4) * _off_the_lips(chart))


def _full_beard(chart: FaceChart) -> Floats:
    return np.maximum(_whole(chart, 0.035), _moustache(chart, weight=0.06))


def _stubble(chart: FaceChart) -> Floats:
    return np.maximum(_whole(chart, 0.075), _moustache(chart, weight=0.05)) * 0.85


def _goatee(chart: FaceChart) -> Floats:
    """A circle around the mouth, with the chin."""
    ring = smoothstep(-0.02, 0.02, 0.072 - np.abs(np.hypot(chart.x / 0.96, chart.y + 0.68) - 0.235))
    ring = ring * smoothstep(-0.02, 0.02, -0.52 - chart.y) * _off_the_lips(chart)
    parts = np.stack([ring, _chin(chart, 0.24), _moustache(chart), _soul_patch(chart)])
    return np.asarray(parts.max(0) * (chart.places[..., 2] > -0.25))


def _van_dyke(chart: FaceChart) -> Floats:
    """A turned-up moustache and a small pointed chin beard that do not meet."""
    moustache = _moustache(chart, reach=0.34, droop=-1.6, weight=0.040)
    return np.maximum(moustache, np.maximum(_chin(chart, 0.125), _soul_patch(chart)))


def _chin_strap(chart: FaceChart) -> Floats:
    lower = _line(chart, JAW_LINE)
    width = 0.13 + 0.06 * smoothstep(62.0, 72.0, chart.azimuth_deg)
    band = smoothstep(-0.02, 0.02, chart.y - lower) * smoothstep(-0.02, 0.02, lower + width - chart.y)
    sideburn = _whole(chart, 0.02) * smoothstep(63.0, 67.0, chart.azimuth_deg)
    return np.maximum(band * (1.0 - smoothstep(74.0, 78.0, chart.azimuth_deg)), sideburn)


def _clean_shaven(chart: FaceChart) -> Floats:
    return np.zeros_like(chart.y)


BEARD_PAINTERS: Final[dict[str, Callable[[FaceChart], Floats]]] = {
    "clean_shaven": _clean_shaven,
    "stubble": _stubble,
    "moustache": _moustache,
    "goatee": _goatee,
    "van_dyke": _van_dyke,
    "chin_strap": _chin_strap,
    "full_beard": _full_beard,
}


def paint_beard(chart: FaceChart, style: str) -> Floats:
    """Coverage (S, S) in [0, 1] of a beard style: its region, roughened and filled with hairs that grow downwards."""
    region = BEARD_PAINTERS[style](chart)
    around = np.radians(chart.azimuth_deg) * 0.85
    if style == "stubble":
        dots = hair_noise(around / 0.011, chart.y / 0.013, 23)
        return np.asarray(region * (0.35 + 0.65 * smoothstep(0.35, 0.75, dots)) * chart.covered)
    lean = around + 0.25 * np.where(chart.places[..., 0] > 0, 1.0, -1.0) * (chart.y + 0.6) * 0.3
    hair = 0.6 * hair_noise(lean / 0.0095, chart.y / 0.05, 31) + 0.4 * hair_noise(lean / 0.022, chart.y / 0.09, 37)
    rough = smoothstep(0.15, 0.85, region + 0.7 * (hair - 0.5) * (region > 0.02))
    return np.asarray(rough * (1.0 - 0.30 * smoothstep(0.35, 0.8, 1.0 - hair)) * chart.covered)
