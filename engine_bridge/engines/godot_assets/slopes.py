"""How the bones tilt the skin.

Skinning turns a normal only where a bone turns. Where a bone moves its surroundings and leaves the rest, the slope in
between comes from the change of its weight along the surface, which a vertex cannot see. So the change travels beside
it, in a texture: for every vertex the strongest few bones and the gradients of their weights.

N  vertices      M  triangles      B  bones      K  bones kept
"""

from __future__ import annotations

from typing import Final

import numpy as np

from engine_bridge.mock.assets import Bytes, Floats, Head, Ints

NUM_KEPT: Final = 4
VERTICES_PER_ROW: Final = 64


def slope_texture(head: Head, vertices: Ints) -> tuple[Bytes, float]:
    """A texture (rows, VERTICES_PER_ROW * 2 K, 4) of 8-bit channels, and the largest slope that it can hold.

    Godot 3 keeps no floats in a texture under OpenGL ES 2, so every number takes two channels, the high byte first:
    x and y of an influence's gradient in one texel, z and the bone in the next.
    """
    bones, gradients = steepest(head, NUM_KEPT)
    reach = float(np.abs(gradients[vertices]).max())
    rows = -(-len(vertices) // VERTICES_PER_ROW)
    numbers = np.zeros((rows * VERTICES_PER_ROW, NUM_KEPT, 4), np.uint16)
    numbers[: len(vertices), :, :3] = np.round(32767.5 * (1.0 + gradients[vertices] / reach))
    numbers[: len(vertices), :, 3] = bones[vertices]
    return numbers.astype(">u2").view(np.uint8).reshape(rows, VERTICES_PER_ROW * 2 * NUM_KEPT, 4), reach


def steepest(head: Head, count: int) -> tuple[Ints, Floats]:
    """The bones (N, K) whose weight changes most at each vertex, and its gradients (N, K, 3) along the surface."""
    gradients = weight_gradients(head)
    order = np.argsort(-np.linalg.norm(gradients, axis=2), axis=1, kind="stable")[:, :count]
    return order.astype(np.int32), np.take_along_axis(gradients, order[:, :, None], 1)


def weight_gradients(head: Head) -> Floats:
    """(N, B, 3): of every bone's weight at every vertex, averaged over the triangles around it by their areas."""
    corners = head.positions[head.tris].astype(np.float64)
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    area = np.linalg.norm(normal, axis=1)
    weights, total = _table(head), np.zeros((int(head.weld.max()) + 1, len(head.bones), 3))
    slope = np.zeros((len(head.tris), len(head.bones), 3))
    for corner in range(3):  # the area cancels: the gradient of a corner's share is (normal x opposite side) / area
        opposite = corners[:, (corner + 2) % 3] - corners[:, (corner + 1) % 3]
        share = np.cross(normal, opposite) / np.maximum(area, 1e-12)[:, None]
        slope += weights[head.tris[:, corner]][:, :, None] * share[:, None, :]
    areas = np.zeros(len(total))
    for corner in range(3):
        np.add.at(total, head.weld[head.tris[:, corner]], slope)
        np.add.at(areas, head.weld[head.tris[:, corner]], area)
    return (total / np.maximum(areas, 1e-12)[:, None, None])[head.weld].astype(np.float32)


def _table(head: Head) -> Floats:
    counts = np.diff(head.weight_start)
    table = np.zeros((len(counts), len(head.bones)), np.float32)
    table[np.repeat(np.arange(len(counts)), counts), head.weight_bone] = head.weight
    return table
