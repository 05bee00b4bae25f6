"""Render orders: how the bridge writes one, and how an engine looks at it before anything of it is drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from engine_bridge.errors import InputError, RequestRefusedError
from engine_bridge.frames import RenderRequest
from engine_bridge.remote.wire.fields import one_line
from engine_bridge.remote.wire.messages import MAX_ID, Capabilities, Hello, RenderOrder, Welcome
from engine_bridge.scene import STUDIO, Scene, engine_scene
from engine_bridge.schema import ParameterSchema


def write_order(
    wire_ids: Sequence[int],
    requests: Sequence[RenderRequest],
    schema: ParameterSchema,
    abilities: Capabilities,
    deadline_s: float,
) -> RenderOrder:
    """An order for requests of one character and one size. Raises InputError for what the engine cannot draw."""
    scenes = [_engine_scene(request.scene, abilities) for request in requests]
    return RenderOrder(
        character=schema.character,
        fingerprint=schema.fingerprint,
        resolution=_check_resolution(requests[0].resolution, abilities),
        encoding=abilities.encodings[0],
        stamp=abilities.stamp,
        deadline_ms=min(int(deadline_s * 1000), MAX_ID),
        ids=tuple(wire_ids),
        scenes=tuple(scenes) if any(scenes) else (),
        vectors=np.stack([schema.check_vector(request.vector) for request in requests]),
    )


def check_order(order: RenderOrder, hello: Hello, welcome: Welcome, num_waiting: int) -> None:
    """Raises RequestRefusedError, its code the protocol's, for an order that this engine cannot or must not draw."""
    abilities = hello.capabilities
    if order.character not in {schema.character for schema in hello.schemas}:
        raise _refusal("unknown_character", f"character: there is no {one_line(order.character, 60)!r} here")
    if order.fingerprint != welcome.fingerprints.get(order.character):
        raise _refusal(
            "stale_schema", f"fingerprint: {one_line(order.fingerprint, 60)!r} is not the one of the welcome"
        )
    if len(order.ids) > abilities.max_batch or num_waiting + len(order.ids) > abilities.max_in_flight:
        raise _refusal("overloaded", f"ids: {num_waiting} requests are waiting, {len(order.ids)} more are too many")
    complaint = _find_impossible(order, abilities)
    if complaint:
        raise _refusal("bad_request", complaint)


def read_requests(order: RenderOrder, schema: ParameterSchema) -> list[RenderRequest]:
    """The requests of an order, their ids those on the wire. Raises InputError for a bad vector or scene."""
    scenes = order.scenes or ({},) * len(order.ids)
    return [
        RenderRequest(
            request_id=wire_id,
            character=order.character,
            vector=schema.check_vector(vector),
            resolution=order.resolution,
            scene=Scene.from_dict(scene),
        )
        for wire_id, vector, scene in zip(order.ids, order.vectors, scenes, strict=True)
    ]


def _find_impossible(order: RenderOrder, abilities: Capabilities) -> str | None:
    if not abilities.minimum_px <= order.resolution <= abilities.maximum_px:
        return f"resolution: {order.resolution} lies outside [{abilities.minimum_px}, {abilities.maximum_px}] pixels"
    if order.encoding not in abilities.encodings:
        return f"encoding: {one_line(order.encoding, 60)!r} is none of {list(abilities.encodings)}"
    if order.stamp and not abilities.stamp:
        return "stamp: this engine announced that it cannot draw stamps"
    beyond = sorted({name for scene in order.scenes for name in scene} - abilities.scene)
    return f"scene: {one_line(beyond[0], 60)!r} is not honoured here" if beyond else None


def _check_resolution(resolution: int, abilities: Capabilities) -> int:
    low, high = abilities.minimum_px, abilities.maximum_px
    if not low <= resolution <= high:
        raise InputError(f"resolution: the engine draws {low} to {high} pixels, {resolution} were asked for")
    return resolution


def _engine_scene(scene: Scene, abilities: Capabilities) -> Mapping[str, Any]:
    """The fields on the wire. What the engine does not honour is refused, never ignored in silence."""
    changed = {name for name, value in vars(scene).items() if value != getattr(STUDIO, name)}
    beyond = sorted(changed - abilities.scene)
    if beyond:
        raise InputError(f"scene: the engine does not honour {', '.join(beyond)}; leave them at their defaults")
    return engine_scene(scene)


def _refusal(code: str, words: str) -> RequestRefusedError:
    return RequestRefusedError(words, code=code)
