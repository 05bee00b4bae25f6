"""What an engine survives: nonsense on the wire, a cut connection, a restart."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import numpy as np

from engine_bridge.conformance.differences import compare
from engine_bridge.conformance.evidence import Evidence, Exhibit, judge, skip
from engine_bridge.conformance.sheets import compared
from engine_bridge.conformance.trial import Trial
from engine_bridge.frames import Frame

NO_WIRE: Final = "no wire to speak on: the engine runs in this process, or several in a pool"
#: How long an engine may take to answer nonsense.
ANSWER_S: Final = 10.0
#: Pings announced for the check of silence, and how long it lasts; an engine looks at its clock once in a while.
SHORT_PING_S, LONGEST_SILENCE_S = 0.5, 10.0
#: Codes that say the message was understood to be wrong.
REFUSALS: Final = ("bad_message", "bad_request", "unknown_character", "stale_schema")


def _message(header: object, payload: bytes = b"", announced: int | None = None) -> bytes:
    """A binary message; ``announced`` lies about the length of its header."""
    text = json.dumps(header).encode()
    return struct.pack("<I", len(text) if announced is None else announced) + text + payload


#: Messages that no honest bridge sends.
NONSENSE: Final[Mapping[str, str | bytes]] = {
    "text that is no JSON": "{'render': now",
    "JSON that is no object": "[1, 2, 3]",
    "an object without a type": '{"id": 1}',
    "an unknown type": '{"type": "dance", "id": 1}',
    "an empty text": "",
    "an empty binary": b"",
    "three bytes": b"\x01\x02\x03",
    "random bytes": np.random.Generator(np.random.Philox(key=(7, 0))).bytes(1024),
    "a header cut short": _message({"type": "render", "character": "a"})[:20],
    "a header of 4 GiB": _message({"type": "render"}, announced=2**32 - 1),
    "a header that is no UTF-8": struct.pack("<I", 4) + b"\xff\xfe\xff\xfe",
    "a render without members": _message({"type": "render"}),
    "a render as text": '{"type": "render", "ids": [0]}',
    "a render without its vectors": _message(
        {
            "type": "render",
            "character": "?",
            "fingerprint": "?",
            "resolution": 64,
            "encoding": "raw",
            "stamp": False,
            "deadline_ms": 10_000,
            "ids": [2**31 - 1],
        }
    ),
}


def survives_nonsense(trial: Trial) -> Evidence:
    """Every malformed message is answered with an error, and the session goes on."""
    wire = trial.subject.wire
    if wire is None:
        return skip(NO_WIRE)
    with wire.session() as session:
        codes = {name: session.refusal_of(data, timeout_s=ANSWER_S) for name, data in NONSENSE.items()}
        alive = session.draws(trial.character, resolution=trial.announced.minimum_px, timeout_s=ANSWER_S)
    trial.subject.engine = wire.engine()
    wrong = {name: code for name, code in codes.items() if code not in REFUSALS}
    if wrong:
        told = "; ".join(f"{name}: {f'error {code}' if code else 'no error'}" for name, code in wrong.items())
        return judge(False, f"{told}; expected an error of code bad_message", figures=codes, names=tuple(wrong))
    told = (
        f"{len(codes)} kinds of nonsense answered with an error, {'and it draws on' if alive else 'then drew no more'}"
    )
    return judge(alive, told, figures=codes)


def refuses_wrong_orders(trial: Trial) -> Evidence:
    """Orders that read well and cannot be drawn get the error that says why; nothing is drawn instead."""
    wire = trial.subject.wire
    if wire is None:
        return skip(NO_WIRE)
    with wire.session() as session:
        average = trial.schema.default_vector()
        good = session.order(trial.character, [average], resolution=trial.announced.minimum_px)
        orders = {
            "bad_request": replace(good, ids=(101,), vectors=np.concatenate([average, average])[None]),
            "stale_schema": replace(good, ids=(102,), fingerprint="0123456789abcdef"),
            "unknown_character": replace(good, ids=(103,), character="nobody-of-that-name"),
        }
        codes = {expected: session.refusal_of(order, timeout_s=ANSWER_S) for expected, order in orders.items()}
        alive = session.draws(trial.character, resolution=trial.announced.minimum_px, timeout_s=ANSWER_S)
    trial.subject.engine = wire.engine()
    wrong = tuple(f"{expected}: {code or 'no error'}" for expected, code in codes.items() if code != expected)
    if wrong:
        return judge(False, f"expected code and what came: {', '.join(wrong)}", figures=codes, names=wrong)
    return judge(alive, f"{', '.join(codes)}, {'and it draws on' if alive else 'then drew no more'}", figures=codes)


def leaves_silent_bridge(trial: Trial) -> Evidence:
    """A bridge that says nothing for four times ``ping_s`` is gone: the engine drops it and dials again."""
    wire = trial.subject.wire
    if wire is None:
        return skip(NO_WIRE)
    with wire.session(ping_s=SHORT_PING_S) as session:
        dropped_s = session.wait_dropped(timeout_s=LONGEST_SILENCE_S)
    trial.subject.engine = wire.engine()
    if dropped_s is None:
        return judge(False, f"still there after {LONGEST_SILENCE_S:g} s of silence, ping_s was {SHORT_PING_S:g}")
    patient = dropped_s >= SHORT_PING_S
    return judge(patient, f"hung up after {dropped_s:.1f} s of silence (ping_s {SHORT_PING_S:g}) and dialled again")


def reconnects(trial: Trial) -> Evidence:
    """When the connection is cut the engine dials again and draws what it drew before."""
    wire = trial.subject.wire
    if wire is None:
        return skip(NO_WIRE)
    before = trial.render([trial.shot()])[0]
    with wire.session() as session:
        session.cut()
    trial.subject.engine = wire.engine()
    return _same_as_before(trial, before, "dialled again")


def restarts_alike(trial: Trial) -> Evidence:
    """A fresh process draws the same studio pictures: nothing was drawn at random, nothing depends on history."""
    if trial.subject.restart is None:
        return skip("the engine cannot be started again from here")
    before = trial.render([trial.shot()])[0]
    trial.restart(trial.subject.restart)
    return _same_as_before(trial, before, "restarted")


def _same_as_before(trial: Trial, before: Frame, how: str) -> Evidence:
    """Also by the canaries, as a pool judges it."""
    fingerprint = trial.engine.describe(trial.character).fingerprint
    if fingerprint != trial.schema.fingerprint:
        return judge(False, f"{how} with another schema: {fingerprint}, before {trial.schema.fingerprint}")
    first, complaint = trial.repeatability, trial.measure_repeatability().complaint
    after = trial.render([trial.shot()])[0]
    difference = compare(before, after)
    if first.covers(before, after) and (complaint is None or first.complaint is not None):
        return judge(True, f"{how}, and draws the same face" + (", byte for byte" if difference.nothing else ""))
    told = f"{how}, and draws another face: it differs by {difference}" + (f"; {complaint}" if complaint else "")
    shown = (Exhibit(title="before and after", picture=compared(before, after), caption="right: the difference"),)
    return judge(False, told, exhibits=shown)
