"""Pictures of facial priors: how much each component holds, and what it does to a face (figure 6 of the TPAMI paper).

H, W   pixels of a picture
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont

from engine_bridge.frames import Picture
from engine_bridge.schema import ParameterSchema, Vector
from f2p_models.creation import Panel, side_by_side
from f2p_models.priors import FacialPriors, PriorGroup

Renderer = Callable[[Vector], Picture]
"""Vectors (B, V) -> the engine's pictures (B, H, W, 3) uint8."""

Rgb = tuple[int, int, int]

#: Okabe and Ito's colors, which people with any color vision tell apart; the yellow is too light for a line.
LINE_COLORS: Final[tuple[Rgb, ...]] = (
    (0, 114, 178),
    (213, 94, 0),
    (0, 158, 115),
    (204, 121, 167),
    (230, 159, 0),
    (86, 180, 233),
    (60, 60, 60),
)
SIGMAS: Final = (-2.0, -1.0, 0.0, 1.0, 2.0)
PANEL_PX: Final = 200

_PAPER: Final[Rgb] = (250, 249, 246)
_INK: Final[Rgb] = (38, 40, 46)
_GRID: Final[Rgb] = (222, 220, 214)
_WIDTH, _HEIGHT = 960, 560
_LEFT, _RIGHT, _TOP, _BOTTOM = 80, 250, 40, 70
_SMOOTHING: Final = 2  # drawn larger and reduced: Pillow's lines have stairs


def energy_chart(priors: FacialPriors) -> Picture:
    """Share of each group's variance that its first components hold; the dots are what the priors keep."""
    chart = _Chart(most=max(len(group.indices) for group in priors.groups))
    for number, group in enumerate(priors.groups):
        chart.draw_group(group, LINE_COLORS[number % len(LINE_COLORS)], row=number)
    return chart.picture()


def directions_sheet(
    priors: FacialPriors, schema: ParameterSchema, render: Renderer, *, components: int = 1
) -> Picture:
    """The first components of every group, from -2 to +2 standard deviations: a row each, drawn by the engine."""
    rows, start = [], 0
    for group in priors.groups:
        for component in range(min(components, group.num_components)):
            moved = render(move_along(priors, schema, start + component))
            share = float(group.variances[component] / group.variances.sum())
            caption = f"{group.name}, component {component + 1}: {share:.0%} of the group's variance"
            panels = [
                Panel(title=f"{sigma:+g} sd" if sigma else "mean face", picture=picture)
                for sigma, picture in zip(SIGMAS, moved, strict=True)
            ]
            rows.append(side_by_side(panels, caption=caption, side_px=PANEL_PX))
        start += group.num_components
    return np.concatenate(rows)


def move_along(priors: FacialPriors, schema: ParameterSchema, component: int) -> Vector:
    """The mean face moved along one component by :data:`SIGMAS`: (5, V), with the schema's default choices."""
    coefficients = torch.zeros(len(SIGMAS), priors.num_components)
    coefficients[:, component] = torch.tensor(SIGMAS)
    vectors = np.repeat(schema.default_vector()[None], len(SIGMAS), 0)
    vectors[:, : priors.num_sliders] = priors.decode(coefficients).numpy()
    return vectors


def face_rows(rows: Sequence[tuple[str, Sequence[Picture]]], *, side_px: int = PANEL_PX) -> Picture:
    """Rows of faces, each with its name below."""
    return np.concatenate(
        [
            side_by_side([Panel(title="", picture=face) for face in faces], caption=name, side_px=side_px)
            for name, faces in rows
        ]
    )


class _Chart:
    """Percent over number of components, 0 to ``most``."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._image = Image.new("RGB", (_WIDTH * _SMOOTHING, _HEIGHT * _SMOOTHING), _PAPER)
        self._draw = ImageDraw.Draw(self._image)
        self._draw_axes()

    def draw_group(self, group: PriorGroup, color: Rgb, *, row: int) -> None:
        """Its curve, from nothing kept to everything; a dot where the priors stop; and its line of the legend."""
        shares = [0.0, *group.energy.tolist()]
        points = [self._place(count, share) for count, share in enumerate(shares)]
        self._draw.line(points, fill=color, width=3 * _SMOOTHING, joint="curve")
        self._dot(self._place(group.num_components, shares[group.num_components]), color)
        top = (_TOP + 8 + 34 * row) * _SMOOTHING
        left = (_WIDTH - _RIGHT + 30) * _SMOOTHING
        self._dot((left, top + 11 * _SMOOTHING), color)
        text = f"{group.name}: {group.num_components} of {len(group.indices)}"
        self._text((left + 16 * _SMOOTHING, top), text, anchor="la")

    def picture(self) -> Picture:
        return np.asarray(self._image.resize((_WIDTH, _HEIGHT), Image.Resampling.LANCZOS))

    def _draw_axes(self) -> None:
        for percent in range(0, 101, 20):
            left, right = self._place(0, percent / 100), self._place(self._most, percent / 100)
            self._draw.line([left, right], fill=_GRID, width=_SMOOTHING)
            self._text((left[0] - 10 * _SMOOTHING, left[1]), f"{percent} %", anchor="rm")
        step = max(1, round(self._most / 10))
        for count in range(0, self._most + 1, step):
            x, y = self._place(count, 0.0)
            self._text((x, y + 10 * _SMOOTHING), str(count), anchor="ma")
        middle, bottom = self._place(self._most / 2, 0.0)
        self._text((middle, bottom + 36 * _SMOOTHING), "components kept", anchor="ma")
        self._text((self._place(0, 1.0)[0], 8 * _SMOOTHING), "variance of the group's sliders", anchor="la")

    def _place(self, count: float, share: float) -> tuple[float, float]:
        x = _LEFT + (_WIDTH - _LEFT - _RIGHT) * count / self._most
        y = _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * share
        return x * _SMOOTHING, y * _SMOOTHING

    def _dot(self, at: tuple[float, float], color: Rgb) -> None:
        radius = 6 * _SMOOTHING
        self._draw.ellipse([at[0] - radius, at[1] - radius, at[0] + radius, at[1] + radius], fill=color)

    def _text(self, at: tuple[float, float], text: str, *, anchor: str) -> None:
        self._draw.text(at, text, fill=_INK, font=ImageFont.load_default(17 * _SMOOTHING), anchor=anchor)
