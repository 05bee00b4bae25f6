"""A reply becomes a frame only here: everything that the protocol lets the bridge check is checked."""

from __future__ import annotations

import numpy as np

from engine_bridge.errors import FrameRejectedError
from engine_bridge.frames import Frame, RenderRequest, check_frame, settle_vector
from engine_bridge.remote.wire.messages import Capabilities, FrameReply
from engine_bridge.remote.wire.pictures import Encoded, decode_pictures
from engine_bridge.remote.wire.stamps import Stamp, check_stamp, remove_stamp
from engine_bridge.schema import ParameterSchema, Vector


def verify_reply(
    reply: FrameReply, request: RenderRequest, schema: ParameterSchema, capabilities: Capabilities, encoding: str
) -> Frame:
    """The frame of a reply, its stamp verified and removed. Raises FrameRejectedError."""
    side = request.resolution
    if (reply.width, reply.height, reply.encoding) != (side, side, encoding):
        raise FrameRejectedError(
            f"request {request.request_id}: a picture of {reply.width} x {reply.height} pixels as {reply.encoding}, "
            f"expected {side} x {side} as {encoding}"
        )
    vector = read_back(reply.vector, request, schema, capabilities.read_back_tolerance)
    picture, mask = decode_pictures(Encoded(reply.picture, reply.mask), side, encoding)
    frame = Frame(request_id=request.request_id, frame_id=reply.frame, vector=vector, picture=picture, mask=mask)
    check_frame(frame, request)
    if not capabilities.stamp:
        return frame
    check_stamp(picture, mask, Stamp(reply.id))
    remove_stamp(picture, mask)
    return check_frame(frame, request)  # a stamp on a black picture made it look like one


def read_back(applied: Vector, request: RenderRequest, schema: ParameterSchema, tolerance: float) -> Vector:
    """The vector (V,) that was applied, inside [0, 1]. Raises FrameRejectedError when it is not the one asked for."""
    asked = schema.harden(request.vector)
    if applied.shape != asked.shape:
        raise FrameRejectedError(
            f"request {request.request_id}: {applied.size} values read back, the schema has {asked.size}"
        )
    difference = np.abs(applied - asked)
    worst = int(np.argmax(difference))
    if not difference[worst] <= tolerance:  # NaN is no value either
        raise FrameRejectedError(
            f"request {request.request_id}: {_name(schema, worst)} was asked to be {asked[worst]:.4f} and read back as "
            f"{applied[worst]:.4f}; the engine announced a tolerance of {tolerance:g}"
        )
    return settle_vector(applied, asked)


def _name(schema: ParameterSchema, index: int) -> str:
    """Which parameter an entry of a vector belongs to."""
    if index < schema.num_continuous:
        return schema.continuous[index].name
    return next(name for name, block in schema.blocks.items() if block.start <= index < block.stop)
