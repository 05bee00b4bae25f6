"""Eyebrows as strokes on the face chart."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np

from engine_bridge.mock.build.face_chart import FaceChart, hair_noise
from engine_bridge.mock.build.scalp import Floats, smoothstep

Arch = Literal["smooth", "angle", "round", "wave"]


@dataclass(frozen=True, kw_only=True)
class BrowShape:
    """One eyebrow. Lengths in decimetres of the adult female's face.

    start, end  distances of its two ends from the midline     height   above the eyes, at the inner end
    weight      thickness of the body                          arch     rise of the peak over the chord
    peak        where the peak is, 0 inner .. 1 outer end      slope    rise of the outer end over the inner
    head, tail  share of the length over which it thickens and thins
    contrast    how clearly single hairs show, 0..1            rough    unevenness of the outline, 0..1
    slit        where hair is missing, or 0                    density  coverage of the body
    """

    start: float = 0.115
    end: float = 0.50
    height: float = 0.165
    weight: float = 0.062
    arch: float = 0.03
    peak: float = 0.62
    kind: Arch = "smooth"
    slope: float = 0.0
    head: float = 0.16
    tail: float = 0.55
    contrast: float = 0.30
    rough: float = 0.35
    slit: float = 0.0
    density: float = 1.0


_CURVES: Final[dict[str, BrowShape]] = {
    "straight": BrowShape(arch=0.004, slope=0.012, end=0.49),
    "soft_arch": BrowShape(arch=0.032, slope=0.008),
    "high_arch": BrowShape(arch=0.078, slope=0.0, peak=0.66),
    "angled": BrowShape(arch=0.055, slope=0.055, peak=0.72, kind="angle", rough=0.2),
    "rounded": BrowShape(arch=0.060, slope=-0.030, kind="round", peak=0.5),
    "droopy": BrowShape(arch=0.010, slope=-0.085, height=0.195, end=0.52),
    "upturned": BrowShape(arch=0.004, slope=0.095, height=0.145, peak=0.8),
    "s_shape": BrowShape(arch=0.032, slope=0.020, kind="wave", height=0.17),
}
_WEIGHTS: Final[dict[str, float]] = {"thin": 0.030, "medium": 0.060, "thick": 0.098}

BROW_SHAPES: Final[dict[str, BrowShape]] = {
    **{
        f"{curve}_{weight}": replace(shape, weight=thickness)
        for curve, shape in _CURVES.items()
        for weight, thickness in _WEIGHTS.items()
    },
    "feathered_soft": BrowShape(weight=0.088, arch=0.03, contrast=0.85, rough=0.9, density=1.0),
    "feathered_bold": BrowShape(weight=0.115, arch=0.035, slope=0.02, contrast=0.8, rough=1.0, tail=0.7),
    "pencil": BrowShape(weight=0.018, arch=0.055, contrast=0.0, rough=0.0, head=0.05, tail=0.3, end=0.53),
    "faint": BrowShape(weight=0.066, arch=0.02, contrast=0.4, rough=0.4, density=0.75),
    "short_straight": BrowShape(end=0.36, arch=0.004, weight=0.072, tail=0.35),
    "short_rounded": BrowShape(end=0.37, arch=0.045, kind="round", peak=0.5, weight=0.058, slope=-0.01),
    "long_sweep": BrowShape(start=0.095, end=0.64, arch=0.060, slope=-0.03, weight=0.050, tail=0.8),
    "tapered": BrowShape(weight=0.105, arch=0.035, head=0.05, tail=0.98, contrast=0.25, slope=0.015),
    "slit": BrowShape(weight=0.080, arch=0.040, slit=0.70, slope=0.025),
    "blocky": BrowShape(weight=0.082, arch=0.012, head=0.02, tail=0.12, contrast=0.1, rough=0.05, end=0.47),
    "bushy": BrowShape(weight=0.135, arch=0.022, contrast=0.6, rough=1.0, tail=0.4, start=0.10, height=0.17),
    "wide_set": BrowShape(start=0.20, end=0.55, arch=0.035, weight=0.062, slope=-0.01),
    "unibrow": BrowShape(start=-0.02, end=0.50, arch=0.025, weight=0.075, head=0.02, rough=0.6, height=0.16),
}


def paint_brow(chart: FaceChart, shape: BrowShape) -> Floats:
    """Coverage (S, S) in [0, 1] of both brows."""
    along = (chart.x - shape.start) / (shape.end - shape.start)
    t = np.clip(along, 0.0, 1.0)
    across = chart.y - shape.height - rise(shape, t)
    half = 0.5 * shape.weight * body(shape, t)
    hair = _hairs(chart, shape, t, across)
    edge = half * (1.0 + 0.55 * shape.rough * (hair - 0.5)) + 0.010 * shape.rough * (hair - 0.45)
    cover = smoothstep(-0.009, 0.009, edge - np.abs(across))
    cover = (
        cover
        * smoothstep(-0.03, 0.03, along - 0.12 * shape.rough * (hair - 0.4))
        * smoothstep(-0.02, 0.06, 1.0 - along)
    )
    if shape.slit:
        cover = cover * smoothstep(0.035, 0.060, np.abs(along - shape.slit - 1.6 * across))
    strokes = 1.0 - shape.contrast * smoothstep(0.25, 0.85, 1.0 - hair)
    front = (chart.places[..., 2] > -0.35) & chart.covered
    return np.asarray(cover * strokes * shape.density * front)


def rise(shape: BrowShape, t: Floats) -> Floats:
    """Height of the middle line over the inner end at ``t`` in [0, 1]."""
    line = shape.slope * t
    if shape.kind == "wave":
        return np.asarray(line - shape.arch * np.sin(2 * np.pi * t**0.9) * (0.45 + 0.75 * t))
    before, after = t / shape.peak, (1.0 - t) / (1.0 - shape.peak)
    tent = np.minimum(before, after)
    if shape.kind == "angle":
        return np.asarray(line + shape.arch * tent)
    if shape.kind == "round":
        return np.asarray(line + shape.arch * np.sqrt(np.maximum(1.0 - (2.0 * t - 1.0) ** 2, 0.0)))
    return np.asarray(line + shape.arch * np.sin(0.5 * np.pi * tent))


def body(shape: BrowShape, t: Floats) -> Floats:
    """Relative thickness at ``t``: a blunt head, a full body, a thin tail."""
    head = 0.62 + 0.38 * smoothstep(0.0, max(shape.head, 1e-3), t)
    return np.asarray(head * (0.16 + 0.84 * smoothstep(0.0, shape.tail, 1.0 - t)))


def _hairs(chart: FaceChart, shape: BrowShape, t: Floats, across: Floats) -> Floats:
    """Single hairs in [0, 1]: upright at the head of the brow, lying flat towards its tail."""
    angle = np.radians(np.interp(t, (0.0, 0.2, 0.55, 1.0), (72.0, 48.0, 26.0, -12.0)))
    along = t * (shape.end - shape.start)
    side = np.where(chart.places[..., 0] > 0, 0.0, 7.3)
    q = along * np.sin(angle) - across * np.cos(angle)
    r = along * np.cos(angle) + across * np.sin(angle)
    fine = hair_noise(q / 0.0105 + side, r / 0.055 + 11.0, 5)
    coarse = hair_noise(q / 0.021 + side, r / 0.075 + 3.0, 9)
    return np.asarray(0.65 * fine + 0.35 * coarse)
