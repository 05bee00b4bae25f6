"""Guide curves: how a lock runs from its root over the skull and then falls.

L locks   S steps of a guide
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from scipy.ndimage import gaussian_filter1d

from engine_bridge.mock.build.cap import thickness
from engine_bridge.mock.build.hair_shape import Flow, HairShape, Locks
from engine_bridge.mock.build.hairline import growth, rounded_edge
from engine_bridge.mock.build.roots import Roots
from engine_bridge.mock.build.scalp import Floats, Scalp, normalized, smoothstep
from engine_bridge.mock.build.scissors import cut_lengths

NUM_STEPS: Final = 44
DOWN: Final = np.array([0.0, -1.0, 0.0])
OUTWARDS_AND_UP: Final = np.array([0.0, 0.55, 0.0])
#: A lock comes out of the hair around it within this length.
EMERGES_WITHIN: Final = 0.25


@dataclass(frozen=True, kw_only=True)
class Guides:
    """curves (L, S + 1, 3) and the lengths (L,) of them to keep."""

    curves: Floats
    lengths: Floats


@dataclass(frozen=True)
class Comb:
    """Lets locks grow from their roots along the style's flow; they stay out of the skin and off the face."""

    scalp: Scalp
    shape: HairShape
    locks: Locks
    roots: Roots

    @property
    def flow(self) -> Flow:
        return self.locks.flow or self.shape.flow

    @cached_property
    def step(self) -> Floats:
        """Length (L,) of one step, shorter at the sides of some styles."""
        _, normal = self.scalp.distance(self.roots.points)
        share = self.locks.side_share + (1.0 - self.locks.side_share) * smoothstep(0.1, 0.8, normal[:, 1])
        return np.asarray(self.locks.length * self.scalp.scale / NUM_STEPS * share)

    @cached_property
    def emerged(self) -> Floats:
        """How far (L,) in [0, 1] a lock is out of the hair around it at its root."""
        return 0.6 * rounded_edge(self.shape.volume, growth(self.scalp, self.shape.outline, self.roots.points))

    def grow(self, rng: np.random.Generator) -> Guides:
        """The guide of every root."""
        points, count = self.roots.points, len(self.roots.points)
        layer = (0.008 + self.locks.depth * rng.uniform(0.0, 1.0, count)) * self.scalp.scale
        own_way = normalized(rng.normal(size=points.shape))
        _, normal = self.scalp.distance(points)
        direction = normal * self.locks.lift + self.combed(points, normal) + self.locks.scatter * own_way
        curve = [points]
        for index in range(1, NUM_STEPS + 1):
            wish = self.wish(points, normal, index / NUM_STEPS) + self.waywardness * own_way
            direction = self.locks.stiffness * normalized(direction) + (1.0 - self.locks.stiffness) * wish
            moved = points + self.step[:, None] * normalized(direction)
            rise = np.maximum(self.emerged, np.minimum(1.0, index * self.step / (EMERGES_WITHIN * self.scalp.scale)))
            points = self.settle(moved, rise * (layer + self.clearance(moved)))
            direction = points - curve[-1]
            _, normal = self.scalp.distance(points)
            curve.append(points)
        curves = _without_kinks(np.stack(curve, 1))
        poles = self.roots.poles if self.flow == "gather" else None
        return Guides(curves=curves, lengths=cut_lengths(self.scalp, self.shape, self.locks, curves, rng, poles=poles))

    @property
    def waywardness(self) -> float:
        """How much a lock goes its own way."""
        return 0.9 if self.flow == "curl" else self.locks.scatter

    def combed(self, points: Floats, normal: Floats) -> Floats:
        """The way hair is combed at ``points`` (L, 3), along the skin except for ``out`` and ``curl``."""
        side, back_sweep = self.roots.side, self.locks.back_sweep
        on_top = smoothstep(-0.05, 0.75, normal[:, 1])[:, None]
        if self.flow in ("out", "curl"):
            return normal
        if self.flow == "part":
            aside = np.stack([side, np.full(len(side), -0.25), np.full(len(side), -back_sweep)], 1)
            wanted = aside * on_top + (DOWN - np.array([0.0, 0.0, 0.5 * back_sweep])) * (1.0 - on_top)
        elif self.flow == "back":
            wanted = np.array([0.0, 0.05, -1.0]) * (0.25 + 0.75 * on_top) + 0.6 * DOWN * (1.0 - on_top)
        else:
            wanted = (self.roots.poles - points) * (1.0 if self.flow == "gather" else -1.0)
        return normalized(wanted - (wanted * normal).sum(1, keepdims=True) * normal)

    def wish(self, points: Floats, normal: Floats, s: float) -> Floats:
        """Where hair wants to go at the share ``s`` of its length: combing, weight, shoulders, flare."""
        wish = self.combed(points, normal) + self.locks.gravity * (0.3 + 1.7 * s) * DOWN + self.drape(points)
        if self.locks.flare:
            away = points - self.scalp.center
            away = normalized(away * np.array([1.0, 0.0, 1.0])) + OUTWARDS_AND_UP
            wish = wish + self.locks.flare * smoothstep(0.6, 1.0, s) * away
        return np.asarray(wish)

    def drape(self, points: Floats) -> Floats:
        """What keeps hair from sliding off the shoulders sideways: it falls to the chest or to the back."""
        local = self.scalp.local(points)
        low = smoothstep(1.0, 1.4, -local[:, 1])
        inwards = np.clip(self.roots.side * 0.52 - local[:, 0], -0.6, 0.6)
        forwards = np.where(self.scalp.azimuth_deg(self.roots.points) < 100.0, 1.1, -1.1)
        return np.stack([2.2 * low * inwards, np.zeros(len(low)), forwards * low], 1)

    def clearance(self, points: Floats) -> Floats:
        """How far (L,) locks keep off the skin: the hair's volume, and a bulge over the ears when they are covered."""
        _, normal = self.scalp.distance(points)
        local = self.scalp.local(points)
        ear = np.exp(-(((local[:, 2] + 0.02) / 0.26) ** 2) - ((local[:, 1] + 0.40) / 0.30) ** 2)
        bulge = self.locks.over_ears * 0.16 * self.scalp.scale * ear
        return np.asarray(thickness(self.scalp, self.shape.volume, points, normal) + bulge)

    def settle(self, points: Floats, clearance: Floats) -> Floats:
        """Out of the skin, and below the brows sideways until the face is free."""
        local = self.scalp.local(self.scalp.push_out(points, clearance, self.locks.cling))
        below_chin = smoothstep(0.9, 1.3, -local[:, 1])
        front = smoothstep(0.0, 0.3, local[:, 2] - 0.25 + 0.35 * below_chin)
        front = front * (1.0 - smoothstep(0.12, 0.45, local[:, 1])) * (1.0 - 0.35 * below_chin)
        side, x = self.roots.side, local[:, 0]
        local[:, 0] = np.where(front > 0, side * np.maximum(side * x, front * self.locks.face_open), x)
        return self.scalp.world(local)


def _without_kinks(curves: Floats) -> Floats:
    soft = gaussian_filter1d(curves, 2.0, axis=1, mode="nearest")
    soft[:, :2] = curves[:, :2]
    return np.asarray(soft)
