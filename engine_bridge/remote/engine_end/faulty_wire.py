"""A wire that lies, dawdles or dies: the faults of faults.py happening to an engine's messages."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from engine_bridge.frames import Picture
from engine_bridge.remote.engine_end.faults import Fault
from engine_bridge.remote.wire.messages import FrameReply, Goodbye, Hello, Message
from engine_bridge.remote.wire.protocol import encode
from engine_bridge.remote.wire.stamps import STAMP_PX
from engine_bridge.schema import ParameterSchema

CRASHED: Final = 3
_LONGEST_LATENESS: Final = 8

Sent = Message | str | bytes


class FaultyWire:
    """Lets faults happen to the messages of one engine process. ``die`` ends the process.

    ``memory`` is the folder that remembers, across processes, which of the faults that happen once have happened.
    """

    def __init__(
        self,
        faults: Sequence[Fault],
        *,
        seed: int = 0,
        memory: Path | None = None,
        die: Callable[[int], object] = os._exit,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._faults, self._seed, self._memory, self._die, self._sleep = faults, seed, memory, die, sleep
        self._num_frames = 0
        self._earlier: deque[FrameReply] = deque(maxlen=_LONGEST_LATENESS)
        self._held: tuple[FrameReply, str] | None = None
        self._happened: set[str] = set()
        self._ballast: list[object] = []

    def outgoing(self, message: Message) -> Iterator[Sent]:
        """What is sent instead of ``message``."""
        match message:
            case Hello():
                yield from self._introduce(message)
            case FrameReply():
                self._num_frames += 1
                yield from self._reply(message, [fault for fault in self._faults if self._is_due(fault)])
            case _:
                yield message

    def _introduce(self, hello: Hello) -> Iterator[Message]:
        names = {fault.name for fault in self._faults}
        for fault in self._faults:
            misstated = _misstate(hello, fault.name)
            if misstated and (not fault.once or self._is_first(fault)):
                hello = replace(hello, **misstated)
        if "mute" not in names:
            yield hello

    def _reply(self, reply: FrameReply, due: Sequence[Fault]) -> Iterator[Sent]:
        faulty = reply
        for fault in due:
            faulty = replace(faulty, **self._spoil(faulty, fault))
        self._earlier.append(reply)
        for fault in due:
            self._suffer(fault)
        yield from self._send(faulty, due)
        if any(fault.name == "crash_after" for fault in due):
            self._die(CRASHED)

    def _spoil(self, reply: FrameReply, fault: Fault) -> dict[str, Any]:
        """Members of the frame that the fault changes."""
        earlier = self._frame_before(int(fault.value)) or reply
        match fault.name:
            case "late":
                return {"picture": earlier.picture, "mask": earlier.mask}
            case "late_mask":
                return {"mask": earlier.mask}
            case "drift":
                return {"picture": _brighten(reply, fault.value * self._num_frames)}
            case _:
                return _damage(reply, fault)

    def _suffer(self, fault: Fault) -> None:
        """What happens to the process before the frame leaves."""
        match fault.name:
            case "crash_before":
                self._die(CRASHED)
            case "memory":
                self._ballast.append(np.ones(int(fault.value * 2**20), np.uint8))
            case "hang" | "slow":
                self._sleep(fault.value)

    def _send(self, reply: FrameReply, due: Sequence[Fault]) -> Sequence[Sent]:
        """The messages that leave for the frame."""
        if self._held is not None:
            (first, kind), self._held = self._held, None
            return _exchange(first, reply, kind)
        sent: Sequence[Sent] = (reply,)
        for fault in due:
            match fault.name:
                case "swap" | "swap_ids":
                    self._held, sent = (reply, fault.name), ()
                case "lost":
                    sent = ()
                case "duplicate":
                    sent = (reply, reply)
                case "goodbye":
                    sent = (Goodbye(reason="somebody closed the editor", again=True),)
                case "truncated":
                    sent = (encode(reply)[: -int(fault.value)],)
                case "garbled":
                    sent = (b"\x08\x00\x00\x00not JSON" + bytes(reply.picture),)
        return sent

    def _is_due(self, fault: Fault) -> bool:
        return fault.is_due(self._num_frames, self._seed) and (not fault.once or self._is_first(fault))

    def _is_first(self, fault: Fault) -> bool:
        if self._memory is None:
            first = fault.name not in self._happened
            self._happened.add(fault.name)
            return first
        self._memory.mkdir(parents=True, exist_ok=True)
        try:
            (self._memory / f"{fault.name}.happened").touch(exist_ok=False)
        except FileExistsError:
            return False
        return True

    def _frame_before(self, num_frames: int) -> FrameReply | None:
        return self._earlier[-num_frames] if 1 <= num_frames <= len(self._earlier) else None


def _damage(reply: FrameReply, fault: Fault) -> dict[str, Any]:
    match fault.name:
        case "black":
            return {"picture": bytes(len(reply.picture))}
        case "constant":
            return {"picture": b"\x80" * len(reply.picture)}
        case "wrong_size":
            half = _pixels(reply)[: reply.height // 2, : reply.width // 2]
            return {"height": len(half), "width": len(half), "picture": half.tobytes(), "mask": bytes(half.size // 3)}
        case "mask_is_picture":
            return {"mask": _pixels(reply)[..., 0].tobytes()}
        case "read_back":
            step = fault.value if reply.vector[0] < 0.5 else -fault.value
            return {"vector": np.concatenate([reply.vector[:1] + np.float32(step), reply.vector[1:]])}
    return {}


def _misstate(hello: Hello, fault: str) -> dict[str, Any]:
    """Members of the hello that the fault changes."""
    match fault:
        case "wrong_schema":
            return {"schemas": tuple(_widen_first_slider(schema) for schema in hello.schemas)}
        case "wrong_protocol":
            return {"protocol": (2, 0)}
        case "wrong_token":
            return {"token": "x" * len(hello.token)}
        case "new_build":
            return {"build": f"{hello.build[:60]}-{os.getpid()}-{time.time_ns()}"}
        case "no_stamp":
            return {"capabilities": replace(hello.capabilities, stamp=False)}
    return {}


def _exchange(first: FrameReply, second: FrameReply, kind: str) -> tuple[FrameReply, FrameReply]:
    if kind == "swap_ids":
        return replace(first, id=second.id), replace(second, id=first.id)
    return (
        replace(first, picture=second.picture, mask=second.mask),
        replace(second, picture=first.picture, mask=first.mask),
    )


def _brighten(reply: FrameReply, levels: float) -> bytes:
    """The picture brighter by so many levels of 255, but for the rows of its stamp."""
    picture = _pixels(reply).astype(np.float32)
    picture[STAMP_PX:] += levels
    return picture.clip(0, 255).astype(np.uint8).tobytes()


def _widen_first_slider(schema: ParameterSchema) -> ParameterSchema:
    first = replace(schema.continuous[0], maximum=schema.continuous[0].maximum + 1.0)
    return replace(schema, continuous=(first, *schema.continuous[1:]))


def _pixels(reply: FrameReply) -> Picture:
    return np.frombuffer(reply.picture, np.uint8).reshape(reply.height, reply.width, 3)
