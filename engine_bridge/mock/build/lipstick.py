"""Lipstick as coverage on the face chart."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from engine_bridge.mock.build.face_chart import FaceChart, hair_noise
from engine_bridge.mock.build.scalp import Floats, smoothstep

EDGE = 0.009


def _inside(chart: FaceChart, grow: Floats | float = 0.0) -> Floats:
    """The lips with their contour moved outwards by ``grow`` decimetres."""
    return smoothstep(-EDGE, EDGE, chart.inside_lips + grow)


def _upper(chart: FaceChart) -> Floats:
    return smoothstep(-0.006, 0.006, chart.seam_height)


def _bump(chart: FaceChart, center: float, width: float) -> Floats:
    return np.asarray(np.exp(-(((chart.x - center) / width) ** 2)))


def _full(chart: FaceChart) -> Floats:
    return _inside(chart)


def _blurred(chart: FaceChart) -> Floats:
    return smoothstep(-0.045, 0.075, chart.inside_lips)


def _bitten(chart: FaceChart) -> Floats:
    near_seam = np.exp(-((chart.seam_height / 0.036) ** 2))
    return np.asarray(_inside(chart) * near_seam * (1.0 - 0.75 * smoothstep(0.08, 0.19, chart.x)))


def _ombre_edge(chart: FaceChart) -> Floats:
    return np.asarray(_inside(chart) * (1.0 - 0.85 * smoothstep(0.008, 0.045, chart.inside_lips)))


def _ombre_vertical(chart: FaceChart) -> Floats:
    return np.asarray(_inside(chart) * (0.12 + 0.88 * smoothstep(-0.085, 0.035, chart.seam_height)))


def _overlined(chart: FaceChart) -> Floats:
    return _inside(chart, 0.030 * (1.0 - 0.6 * smoothstep(0.15, 0.22, chart.x)))


def _underlined(chart: FaceChart) -> Floats:
    return _inside(chart, -0.024)


def _cupid_bow(chart: FaceChart) -> Floats:
    peaks = 0.030 * _bump(chart, 0.062, 0.040) - 0.016 * _bump(chart, 0.0, 0.026)
    return _inside(chart, _upper(chart) * peaks - 0.010 * (1.0 - _upper(chart)))


def _rounded_bow(chart: FaceChart) -> Floats:
    dome = 0.034 * _bump(chart, 0.0, 0.075) - 0.045 * smoothstep(0.09, 0.19, chart.x)
    return _inside(chart, dome)


def _upper_only(chart: FaceChart) -> Floats:
    return np.asarray(_inside(chart) * _upper(chart))


def _lower_only(chart: FaceChart) -> Floats:
    return np.asarray(_inside(chart) * (1.0 - _upper(chart)))


def _liner_only(chart: FaceChart) -> Floats:
    return np.asarray(np.exp(-(((chart.inside_lips - 0.004) / 0.0105) ** 2)))


def _center_accent(chart: FaceChart) -> Floats:
    return np.asarray(_inside(chart) * (0.18 + 0.82 * _bump(chart, 0.0, 0.062)))


def _corner_accent(chart: FaceChart) -> Floats:
    return np.asarray(_inside(chart) * (0.10 + 0.90 * smoothstep(0.06, 0.125, chart.x)))


def _doll(chart: FaceChart) -> Floats:
    heart = 0.012 * _bump(chart, 0.045, 0.03) - 0.13 * smoothstep(0.045, 0.17, chart.x)
    return _inside(chart, heart)


LIPSTICK_PAINTERS: Final[dict[str, Callable[[FaceChart], Floats]]] = {
    "full_matte": _full,
    "full_satin": _full,
    "full_gloss": _full,
    "frosted": _full,
    "sheer_tint": _full,
    "blurred": _blurred,
    "bitten": _bitten,
    "ombre_edge": _ombre_edge,
    "ombre_vertical": _ombre_vertical,
    "overlined": _overlined,
    "underlined": _underlined,
    "cupid_bow": _cupid_bow,
    "rounded_bow": _rounded_bow,
    "upper_only": _upper_only,
    "lower_only": _lower_only,
    "liner_only": _liner_only,
    "center_accent": _center_accent,
    "corner_accent": _corner_accent,
    "doll": _doll,
}


def paint_lipstick(chart: FaceChart, style: str) -> Floats:
    """Coverage (S, S) in [0, 1] of a lipstick style, with the lips' fine vertical lines."""
    lines = 0.93 + 0.07 * hair_noise(chart.places[..., 0] / 0.013, chart.y / 0.2, 17)
    near = (chart.inside_lips > -0.08) & chart.covered
    return np.asarray(LIPSTICK_PAINTERS[style](chart) * lines * near)
