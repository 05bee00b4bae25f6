"""Arrays become Panda3D geometry and textures.

N  vertices      M  triangles      S  side of a texture
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from panda3d.core import (
    Geom,
    GeomNode,
    GeomTriangles,
    GeomVertexArrayFormat,
    GeomVertexData,
    GeomVertexFormat,
    InternalName,
    OmniBoundingVolume,
    SamplerState,
    Texture,
    TextureStage,
)

from engine_bridge.mock.assets import Bytes, Floats, Ints

#: The second set of texture coordinates: where a vertex lies between face, neck and clothes.
ZONE = InternalName.getTexcoordName("zone")


class Surface:
    """Some triangles of a mesh with the vertices that they need, drawn as one node.

    Places and normals change with every pose; colours (N, 4), texture coordinates ``uv`` (N, 2) and ``zone`` (N, 2)
    stay. All are the whole mesh's; the engine lights every vertex it is given, so each surface keeps only its own.
    """

    def __init__(self, tris: Ints, colors: Bytes, uv: Floats, zone: Floats) -> None:
        self._used, corners = np.unique(tris, return_inverse=True)
        self._data = GeomVertexData("surface", _surface_format(), Geom.UHDynamic)
        self._data.uncleanSetNumRows(len(self._used))
        self._geom = Geom(self._data)
        self._geom.addPrimitive(_triangles(corners))
        self._fill(2, colors[self._used])
        self._fill(3, np.concatenate([uv, zone], 1)[self._used].astype(np.float32))

    def move(self, positions: Floats, normals: Floats | None = None) -> None:
        """Put the mesh's vertices at (N, 3), and turn them if there are normals (N, 3)."""
        self._fill(0, positions[self._used])
        if normals is not None:
            self._fill(1, normals[self._used])

    def node(self, name: str) -> GeomNode:
        """A node that is never culled."""
        node = GeomNode(name)
        node.addGeom(self._geom)
        node.setBounds(OmniBoundingVolume())
        node.setFinal(True)
        return node

    def _fill(self, array: int, values: npt.NDArray[np.generic]) -> None:
        memoryview(self._data.modifyArray(array)).cast("B")[:] = values.data.cast("B")


def _triangles(corners: npt.NDArray[np.intp]) -> GeomTriangles:
    triangles = GeomTriangles(Geom.UHStatic)
    triangles.setIndexType(Geom.NTUint16)
    indices = triangles.modifyVertices()
    indices.uncleanSetNumRows(corners.size)
    memoryview(indices).cast("B")[:] = corners.astype(np.uint16).tobytes()
    return triangles


def _surface_format() -> GeomVertexFormat:
    layout = GeomVertexFormat()
    layout.addArray(GeomVertexArrayFormat(InternalName.getVertex(), 3, Geom.NTFloat32, Geom.CPoint))
    layout.addArray(GeomVertexArrayFormat(InternalName.getNormal(), 3, Geom.NTFloat32, Geom.CNormal))
    layout.addArray(GeomVertexArrayFormat(InternalName.getColor(), 4, Geom.NTUint8, Geom.CColor))
    texcoords = GeomVertexArrayFormat()
    texcoords.addColumn(InternalName.getTexcoord(), 2, Geom.NTFloat32, Geom.CTexcoord)
    texcoords.addColumn(ZONE, 2, Geom.NTFloat32, Geom.CTexcoord)
    layout.addArray(texcoords)
    return GeomVertexFormat.registerFormat(layout)


def texture(name: str, pixels: Bytes, *, smooth: bool = False, repeat: bool = False) -> Texture:
    """A texture of (H, W), (H, W, 3) blue-green-red or (H, W, 4) pixels, the bottom row first.

    A ``smooth`` one is interpolated, which the software renderer does only when the best quality is asked for.
    """
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    made = Texture(name)
    kind = {1: Texture.FLuminance, 3: Texture.FRgb, 4: Texture.FRgba}[channels]
    made.setup2dTexture(pixels.shape[1], pixels.shape[0], Texture.TUnsignedByte, kind)
    made.setMinfilter(SamplerState.FTLinear if smooth else SamplerState.FTNearest)
    made.setMagfilter(SamplerState.FTLinear if smooth else SamplerState.FTNearest)
    made.setQualityLevel(Texture.QLBest if smooth else Texture.QLFastest)
    wrap = SamplerState.WMRepeat if repeat else SamplerState.WMClamp
    made.setWrapU(wrap)
    made.setWrapV(wrap)
    made.setRamImage(np.ascontiguousarray(pixels).data.cast("B"))
    return made


def zone_stage(name: str) -> TextureStage:
    """A texture stage that looks its texture up by the zone."""
    stage = TextureStage(name)
    stage.setTexcoordName(ZONE)
    return stage
