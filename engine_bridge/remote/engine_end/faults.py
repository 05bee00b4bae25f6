"""Faults that the mock engine can have on purpose, for tests of the bridge: their names and how they are written.

A fault is written ``NAME[=VALUE][@WHEN][!]``; a colon does for the equals sign. WHEN counts the frames of the process
from 1: ``@40`` that frame, ``@40+`` from it on, ``@p0.01`` one in a hundred, drawn from the seed; without it always.
``!`` lets the fault happen once only, however often the engine is restarted (remembered in a folder).
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from typing import Final

from engine_bridge.errors import InputError

FAULTS: Final = {
    "crash_before": "the process dies instead of sending the frame",
    "crash_after": "the process dies after sending the frame",
    "hang": "the engine stops for VALUE seconds (an hour) before sending the frame",
    "slow": "the frame takes VALUE seconds (0.5) longer",
    "goodbye": "the engine says goodbye instead of sending the frame",
    "lost": "the frame is never sent",
    "late": "picture and mask, with their stamps, are those of VALUE (1) frames earlier; the header is right",
    "late_mask": "the mask, with its stamp, is that of VALUE (1) frames earlier",
    "duplicate": "the frame is sent twice",
    "swap": "this frame and the next change pictures and masks; the headers are right",
    "swap_ids": "this frame and the next change ids",
    "black": "the picture is black",
    "constant": "the picture is one colour",
    "wrong_size": "the picture has half the side",
    "truncated": "the message ends VALUE (100) bytes early",
    "garbled": "the header is not JSON",
    "mask_is_picture": "the mask is the red channel of the picture",
    "read_back": "the first slider is read back VALUE (0.1) away from what was asked",
    "drift": "the picture, but not its stamp, brightens by VALUE (1) of 255 with every frame",
    "memory": "VALUE (16) MB more are kept with every frame",
    "wrong_schema": "the first slider's range is not the character's",
    "wrong_protocol": "the engine speaks version 2.0",
    "wrong_token": "the engine does not know the token",
    "new_build": "every process has a build of its own",
    "mute": "the engine connects and never says hello",
    "no_stamp": "the engine cannot draw stamps",
}

_PATTERN: Final = re.compile(r"([a-z_]+)(?:[:=]([0-9.]+))?(?:@(?:(\d+)(\+?)|p([0-9.]+)))?(!?)")
_DEFAULTS: Final = {"hang": 3600.0, "slow": 0.5, "truncated": 100.0, "read_back": 0.1, "memory": 16.0}


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One fault and when it happens: at frame ``frame`` (``onwards``: and all after it), or with a probability."""

    name: str
    value: float
    frame: int | None = None
    onwards: bool = False
    probability: float | None = None
    once: bool = False

    def is_due(self, frame: int, seed: int) -> bool:
        """Whether it happens at the process's frame number ``frame``."""
        if self.probability is not None:
            return random.Random(f"{seed} {self.name} {frame}").random() < self.probability
        return self.frame is None or frame == self.frame or (self.onwards and frame > self.frame)


def parse_fault(text: str) -> Fault:
    """A fault from ``NAME[=VALUE][@WHEN][!]``. Raises InputError."""
    parsed = _PATTERN.fullmatch(text.strip())
    if parsed is None or parsed[1] not in FAULTS:
        raise InputError(f"fault: {text!r} is none; write NAME[=VALUE][@WHEN][!] with a name of {', '.join(FAULTS)}")
    try:
        return Fault(
            name=parsed[1],
            value=float(parsed[2] or _DEFAULTS.get(parsed[1], 1.0)),
            frame=int(parsed[3]) if parsed[3] else None,
            onwards=bool(parsed[4]),
            probability=float(parsed[5]) if parsed[5] else None,
            once=bool(parsed[6]),
        )
    except ValueError as error:
        raise InputError(f"fault: {text!r}: {error}") from error


def parse_faults(text: str) -> tuple[Fault, ...]:
    """Faults separated by commas; none for an empty text. Raises InputError."""
    return tuple(parse_fault(part) for part in text.split(",") if part.strip())
