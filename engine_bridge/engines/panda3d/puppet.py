"""The head as a Panda3D character: joints, skinning weights, and what the joints really did.

Every joint hangs from the head's root and joints add up: a vertex moves by the sum over joints of weight times motion.
As linear blend skinning that is a root joint with the weight 1 - (sum of the weights), which may be negative.

N  vertices      B  joints
"""

from __future__ import annotations

import numpy as np
from panda3d.core import (
    Character,
    CharacterJoint,
    Geom,
    GeomVertexAnimationSpec,
    GeomVertexArrayFormat,
    GeomVertexData,
    GeomVertexFormat,
    GeomVertexWriter,
    InternalName,
    JointVertexTransform,
    LMatrix4f,
    PandaNode,
    PartGroup,
    SparseArray,
    Thread,
    TransformBlend,
    TransformBlendTable,
    TransformState,
)

from engine_bridge.engines.panda3d.anatomy import eyeballs
from engine_bridge.engines.panda3d.joints import Doubles, Floats, joint_matrices, probe_points, read_channels
from engine_bridge.mock.assets import Head

#: Eyeballs follow only the translation of the eye joints: they keep looking at the camera.
GAZE_OF = {"gaze.L": "eye.L", "gaze.R": "eye.R"}


class Puppet:
    """One head's skeleton and skin. ``response`` weakens every channel of the shared rig."""

    def __init__(self, head: Head, response: float) -> None:
        self._pivots, self._response, self._num_vertices = head.pivots, response, len(head.positions)
        self._character = Character(head.name)
        self._controls = {name: PandaNode(name) for name in (*head.bones, *GAZE_OF)}
        self._skinned = self._skin(head, self._grow(head))
        self._gaze_joints = [head.bones.index(joint) for joint in GAZE_OF.values()]
        self._bones = [self._controls[name] for name in head.bones]
        self._gazes = [self._controls[name] for name in GAZE_OF]

    def pose(self, channels: Floats) -> None:
        """Move every joint to its nine channels (B, 9)."""
        matrices = joint_matrices(channels, self._pivots, self._response)
        for node, matrix in zip(self._bones, matrices.reshape(-1, 16).tolist(), strict=True):
            node.setTransform(TransformState.makeMat(LMatrix4f(*matrix)))
        for node, place in zip(self._gazes, matrices[self._gaze_joints, 3, :3].tolist(), strict=True):
            node.setTransform(TransformState.makePos(tuple(place)))
        self._character.forceUpdate()

    def skinned(self) -> tuple[Floats, Doubles]:
        """Where the engine put the vertices (N, 3), and the channels (B, 9) read back from its joints' probes."""
        animated = self._skinned.animateVertices(True, Thread.getCurrentThread())
        points = np.frombuffer(memoryview(animated.getArray(0)), np.float32).reshape(-1, 3)
        probes = points[self._num_vertices :].reshape(-1, 4, 3)
        return points[: self._num_vertices], read_channels(probes, self._pivots, self._response)

    def _grow(self, head: Head) -> list[JointVertexTransform]:
        """The joints, the root first, each under the control of the node of its name."""
        bundle = self._character.getBundle(0)
        skeleton = PartGroup(bundle, "<skeleton>")
        root = CharacterJoint(self._character, bundle, skeleton, "root", LMatrix4f.identMat())
        pivots = dict(zip(head.bones, head.pivots.tolist(), strict=True))
        joints = [root]
        for name, control in self._controls.items():
            rest = LMatrix4f.translateMat(*pivots[GAZE_OF.get(name, name)])
            joints.append(CharacterJoint(self._character, bundle, root, name, rest))
            bundle.controlJoint(name, control)
        return [JointVertexTransform(joint) for joint in joints]

    def _skin(self, head: Head, joints: list[JointVertexTransform]) -> GeomVertexData:
        """Vertices of the head followed by four probes per bone."""
        points = np.concatenate([head.positions, probe_points(head.pivots).reshape(-1, 3)])
        data = GeomVertexData("skin", _skinned_format(), Geom.UHDynamic)
        data.uncleanSetNumRows(len(points))
        memoryview(data.modifyArray(0)).cast("B")[:] = points.astype(np.float32).tobytes()
        table = TransformBlendTable()
        row_of_blend = GeomVertexWriter(data, InternalName.getTransformBlend())
        for blend in (*_head_blends(head, joints), *_probe_blends(head, joints)):
            row_of_blend.setData1i(table.addBlend(blend))
        table.setRows(SparseArray.lowerOn(len(points)))
        data.setTransformBlendTable(table)
        return data


def _skinned_format() -> GeomVertexFormat:
    places = GeomVertexArrayFormat(InternalName.getVertex(), 3, Geom.NTFloat32, Geom.CPoint)
    blends = GeomVertexArrayFormat(InternalName.getTransformBlend(), 1, Geom.NTUint16, Geom.CIndex)
    skinned = GeomVertexFormat()
    skinned.addArray(places)
    skinned.addArray(blends)
    animation = GeomVertexAnimationSpec()
    animation.setPanda()
    skinned.setAnimation(animation)
    return GeomVertexFormat.registerFormat(skinned)


def _head_blends(head: Head, joints: list[JointVertexTransform]) -> list[TransformBlend]:
    root, *bones = joints
    left, right = ({*ball.tolist()} for ball in eyeballs(head))
    gazes = bones[len(head.bones) :]
    blends = []
    for vertex in range(len(head.positions)):
        blend = TransformBlend()
        if vertex in left or vertex in right:
            blend.addTransform(gazes[0 if vertex in left else 1], 1.0)
        else:
            entries = slice(head.weight_start[vertex], head.weight_start[vertex + 1])
            blend.addTransform(root, 1.0 - float(head.weight[entries].sum()))
            for bone, weight in zip(head.weight_bone[entries].tolist(), head.weight[entries].tolist(), strict=True):
                blend.addTransform(bones[bone], weight)
        blends.append(blend)
    return blends


def _probe_blends(head: Head, joints: list[JointVertexTransform]) -> list[TransformBlend]:
    return [TransformBlend(joint, 1.0) for joint in joints[1 : len(head.bones) + 1] for _ in range(4)]
