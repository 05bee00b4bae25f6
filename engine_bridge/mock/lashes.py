"""The eyelashes: a soft layer over the finished surfaces, for they are thinner than a pixel."""

# numba infers the types of the kernels.
# mypy: disable-error-code="no-untyped-def"
# ruff: noqa: PLR0917

from __future__ import annotations

import numpy as np

from engine_bridge.mock.compiler import kernel
from engine_bridge.mock.keys import inverse_of

STRANDS_PER_DM = 95.0


@kernel
def draw_lashes(points, tris, lash, keys, strength, cover):
    """Fill ``cover`` (H, W) with the opacity of the lashes in front of what ``keys`` see."""
    side = cover.shape[0]
    cover[:] = 0.0
    for t in range(tris.shape[0]):
        a, b, c = tris[t, 0], tris[t, 1], tris[t, 2]
        x0, y0, x1, y1, x2, y2 = points[a, 0], points[a, 1], points[b, 0], points[b, 1], points[c, 0], points[c, 1]
        area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
        if area == 0.0:
            continue
        for y in range(max(0, int(min(y0, y1, y2))), min(side - 1, int(max(y0, y1, y2))) + 1):
            for x in range(max(0, int(min(x0, x1, x2))), min(side - 1, int(max(x0, x1, x2))) + 1):
                from_x, from_y = x + 0.5 - x0, y + 0.5 - y0
                w1 = (from_x * (y2 - y0) - (x2 - x0) * from_y) / area
                w2 = ((x1 - x0) * from_y - from_x * (y1 - y0)) / area
                if w1 < 0.0 or w2 < 0.0 or w1 + w2 > 1.0:
                    continue
                w0 = 1.0 - w1 - w2
                near = w0 * points[a, 2] + w1 * points[b, 2] + w2 * points[c, 2]
                if near < inverse_of(keys[y, x]):
                    continue
                along = w0 * lash[a, 0] + w1 * lash[b, 0] + w2 * lash[c, 0]
                out = w0 * lash[a, 1] + w1 * lash[b, 1] + w2 * lash[c, 1]
                density = w0 * lash[a, 2] + w1 * lash[b, 2] + w2 * lash[c, 2]
                phase = along * STRANDS_PER_DM
                gap = 2.0 * abs(phase - np.floor(phase) - 0.5)
                opacity = strength * density * (1.0 - out) * (1.35 - out * gap)
                cover[y, x] = max(cover[y, x], min(1.0, opacity))
