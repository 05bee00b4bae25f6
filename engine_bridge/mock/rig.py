"""The bone rig: slider values -> bone offsets -> the deformed head.

Linear blend skinning with every bone hanging from the head's root: a vertex moves by the sum over bones of
weight * ((R S - I)(vertex - pivot) + t). Bones add up instead of competing, so no slider is muted by its neighbours.

B  bones      N  vertices
"""

# numba infers the types of the kernels.
# mypy: disable-error-code="no-untyped-def"
# ruff: noqa: PLR0917

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from engine_bridge.errors import SchemaError
from engine_bridge.mock.assets import Floats
from engine_bridge.mock.compiler import kernel
from engine_bridge.schema import ParameterSchema

CHANNELS: Final = ("tx", "ty", "tz", "rx", "ry", "rz", "sx", "sy", "sz")
#: Channels whose sign flips on the right-hand twin of a mirrored pair.
MIRRORED_CHANNELS: Final = ("tx", "ry", "rz")
REST_CHANNELS: Final = np.array([0, 0, 0, 0, 0, 0, 1, 1, 1], np.float32)
MILLIMETRES_PER_UNIT: Final = 100.0

#: Heads that answer the shared rig more weakly than an adult's.
RIG_RESPONSE: Final[Mapping[str, float]] = {"girl": 0.75}


@dataclass(frozen=True, kw_only=True)
class SliderMap:
    """Which (bone, channel) each slider drives, its twin's if it has one, and its range in engine units."""

    target: npt.NDArray[np.intp]
    twin: npt.NDArray[np.intp]
    twin_sign: Floats
    minimum: Floats
    span: Floats

    @classmethod
    def of(cls, schema: ParameterSchema, bones: tuple[str, ...]) -> SliderMap:
        """Look every slider's bone up. Raises SchemaError for a bone or a channel that the rig does not have."""
        targets, twins, signs = [], [], []
        for slider in schema.continuous:
            mirrored = f"{slider.bone}.L" in bones
            if slider.controller not in CHANNELS or not (mirrored or slider.bone in bones):
                raise SchemaError(f"{slider.name}: the rig has no {slider.controller!r} of a bone {slider.bone!r}")
            channel = CHANNELS.index(slider.controller)
            first = bones.index(f"{slider.bone}.L" if mirrored else slider.bone) * 9 + channel
            targets.append(first)
            twins.append(bones.index(f"{slider.bone}.R") * 9 + channel if mirrored else -1)
            signs.append(-1.0 if slider.controller in MIRRORED_CHANNELS else 1.0)
        minimum = np.array([slider.minimum for slider in schema.continuous], np.float32)
        maximum = np.array([slider.maximum for slider in schema.continuous], np.float32)
        return cls(
            target=np.array(targets),
            twin=np.array(twins),
            twin_sign=np.array(signs, np.float32),
            minimum=minimum,
            span=maximum - minimum,
        )

    def values(self, sliders: Floats) -> Floats:
        """Encoded (S,) -> engine units (S,), in float32 as the engine applies them."""
        return np.asarray(self.minimum + sliders * self.span, np.float32)

    def encode(self, values: Floats) -> Floats:
        """The inverse of :meth:`values`."""
        return np.asarray(np.clip((values - self.minimum) / self.span, 0.0, 1.0), np.float32)

    def channels(self, values: Floats, num_bones: int) -> Floats:
        """Engine units (S,) -> every bone's nine channels (B, 9), the undriven ones at rest."""
        channels = np.tile(REST_CHANNELS, (num_bones, 1))
        flat = channels.reshape(-1)
        flat[self.target] = values
        paired = self.twin >= 0
        flat[self.twin[paired]] = (values * self.twin_sign)[paired]
        return channels


def bone_offsets(channels: Floats, response: float = 1.0) -> Floats:
    """(B, 9) channels -> (B, 3, 4): rotation times scale minus identity, and the translation in decimetres.

    ``response`` weakens every channel: what makes another adult of an adult's face would distort a child's.
    """
    channels = REST_CHANNELS + np.float32(response) * (channels - REST_CHANNELS)
    rx, ry, rz = np.deg2rad(channels[:, 3:6].astype(np.float64)).T
    sin_x, cos_x, sin_y, cos_y, sin_z, cos_z = np.sin(rx), np.cos(rx), np.sin(ry), np.cos(ry), np.sin(rz), np.cos(rz)
    offsets = np.empty((len(channels), 3, 4), np.float32)
    offsets[:, 0, 0] = cos_z * cos_y
    offsets[:, 0, 1] = cos_z * sin_y * sin_x - sin_z * cos_x
    offsets[:, 0, 2] = cos_z * sin_y * cos_x + sin_z * sin_x
    offsets[:, 1, 0] = sin_z * cos_y
    offsets[:, 1, 1] = sin_z * sin_y * sin_x + cos_z * cos_x
    offsets[:, 1, 2] = sin_z * sin_y * cos_x - cos_z * sin_x
    offsets[:, 2, 0] = -sin_y
    offsets[:, 2, 1] = cos_y * sin_x
    offsets[:, 2, 2] = cos_y * cos_x
    offsets[:, :, :3] *= channels[:, None, 6:9]
    offsets[:, range(3), range(3)] -= np.float32(1.0)
    offsets[:, :, 3] = channels[:, :3] * np.float32(1.0 / MILLIMETRES_PER_UNIT)
    return offsets


@kernel
def deform(rest, weight_start, weight_bone, weight, pivots, offsets, out):
    """Linear blend skinning of ``rest`` (N, 3) into ``out``."""
    for v in range(rest.shape[0]):
        x, y, z = rest[v, 0], rest[v, 1], rest[v, 2]
        moved_x, moved_y, moved_z = x, y, z
        for entry in range(weight_start[v], weight_start[v + 1]):
            bone, share = weight_bone[entry], weight[entry]
            from_x, from_y, from_z = x - pivots[bone, 0], y - pivots[bone, 1], z - pivots[bone, 2]
            moved_x += share * (
                offsets[bone, 0, 0] * from_x
                + offsets[bone, 0, 1] * from_y
                + offsets[bone, 0, 2] * from_z
                + offsets[bone, 0, 3]
            )
            moved_y += share * (
                offsets[bone, 1, 0] * from_x
                + offsets[bone, 1, 1] * from_y
                + offsets[bone, 1, 2] * from_z
                + offsets[bone, 1, 3]
            )
            moved_z += share * (
                offsets[bone, 2, 0] * from_x
                + offsets[bone, 2, 1] * from_y
                + offsets[bone, 2, 2] * from_z
                + offsets[bone, 2, 3]
            )
        out[v, 0], out[v, 1], out[v, 2] = moved_x, moved_y, moved_z


@kernel
def keep_off_eyes(positions, lids, eyes, radius):
    """Push the vertices ``lids`` (L,) out of both eyeballs, straight away from their centres."""
    for entry in range(lids.shape[0]):
        v = lids[entry]
        for eye in range(2):
            x, y, z = positions[v, 0] - eyes[eye, 0], positions[v, 1] - eyes[eye, 1], positions[v, 2] - eyes[eye, 2]
            distance = np.sqrt(x * x + y * y + z * z)
            if distance < radius:
                out = radius / max(distance, np.float32(1e-6))
                positions[v, 0], positions[v, 1] = eyes[eye, 0] + x * out, eyes[eye, 1] + y * out
                positions[v, 2] = eyes[eye, 2] + z * out


@kernel
def follow_anchors(rest, anchor, looseness, head_rest, head_moved, out):
    """Hair (N, 3) moves with its anchor on the head, less so the looser it hangs."""
    for v in range(rest.shape[0]):
        share, a = np.float32(1.0) - looseness[v], anchor[v]
        for axis in range(3):
            out[v, axis] = rest[v, axis] + share * (head_moved[a, axis] - head_rest[a, axis])


@kernel
def smooth_normals(positions, tris, weld, total, attributes):
    """Write unit normals into the first three columns of ``attributes``; ``total`` is scratch (welded vertices, 3)."""
    total[:] = np.float32(0.0)
    for t in range(tris.shape[0]):
        a, b, c = tris[t, 0], tris[t, 1], tris[t, 2]
        x, y, z = positions[a, 0], positions[a, 1], positions[a, 2]
        ux, uy, uz = positions[b, 0] - x, positions[b, 1] - y, positions[b, 2] - z
        vx, vy, vz = positions[c, 0] - x, positions[c, 1] - y, positions[c, 2] - z
        normal_x, normal_y, normal_z = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        for v in (a, b, c):
            w = weld[v]
            total[w, 0] += normal_x
            total[w, 1] += normal_y
            total[w, 2] += normal_z
    for v in range(weld.shape[0]):
        x, y, z = total[weld[v], 0], total[weld[v], 1], total[weld[v], 2]
        inverse = np.float32(1.0) / np.sqrt(x * x + y * y + z * z + np.float32(1e-20))
        attributes[v, 0], attributes[v, 1], attributes[v, 2] = x * inverse, y * inverse, z * inverse
