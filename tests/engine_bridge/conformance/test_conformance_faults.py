"""A check that cannot fail proves nothing: every behaviour is broken here at least once, and found to be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from engine_bridge.conformance import BEHAVIOURS, Verdict
from engine_bridge.frames import Frame, RenderRequest
from engine_bridge.mock import MockEngine
from engine_bridge.parts import Part
from engine_bridge.scene import STUDIO
from engine_bridge.schema import Vector

Fault = Callable[[MockEngine, Sequence[RenderRequest]], list[Frame]]
DEAD_SLIDER = 3


def honest(engine: MockEngine, requests: Sequence[RenderRequest]) -> list[Frame]:
    return engine.render(requests)


def on_frames(spoil: Callable[[Frame], Frame]) -> Fault:
    return lambda engine, requests: [spoil(frame) for frame in engine.render(requests)]


def on_pictures(spoil: Callable[[Any], Any]) -> Fault:
    return on_frames(lambda frame: replace(frame, picture=spoil(frame.picture)))


def on_masks(spoil: Callable[[Any], Any]) -> Fault:
    return on_frames(lambda frame: replace(frame, mask=spoil(frame.mask)))


def on_requests(spoil: Callable[[RenderRequest], RenderRequest]) -> Fault:
    """Draw something else, and claim that it is what was asked for."""

    def fault(engine: MockEngine, requests: Sequence[RenderRequest]) -> list[Frame]:
        frames = engine.render([spoil(request) for request in requests])
        return [replace(frame, vector=request.vector) for frame, request in zip(frames, requests, strict=True)]

    return fault


def on_vectors(spoil: Callable[[Vector], Vector]) -> Fault:
    return on_requests(lambda request: replace(request, vector=spoil(request.vector.copy())))


def late(what: str) -> Fault:
    """Picture or mask are those of the frame before."""
    last: dict[int, Frame] = {}

    def spoil(frame: Frame) -> Frame:
        before = last.get(len(frame.mask), frame)
        last[len(frame.mask)] = frame
        return replace(frame, **{what: getattr(before, what)})

    return on_frames(spoil)


def numbered(frames: list[Frame]) -> list[Frame]:
    return [replace(frame, request_id=place) for place, frame in enumerate(frames)]


def dead_slider(vector: Vector) -> Vector:
    vector[DEAD_SLIDER] = 0.5
    return vector


def equal_choices(vector: Vector) -> Vector:
    """The third hairstyle of the tiny character is the second."""
    vector[13] = max(vector[13], vector[14])
    vector[14] = 0.0
    return vector


def patched(vector: Vector, size: int = 19) -> Vector:
    """An engine that makes something of every vector."""
    return np.nan_to_num(np.resize(vector, size), nan=0.5, posinf=1.0)


def noise() -> Fault:
    random = np.random.default_rng(3)
    return on_pictures(lambda picture: np.clip(picture + random.normal(0, 6, picture.shape), 0, 255).astype(np.uint8))


def swapped_sides(mask: Any) -> Any:
    table = np.arange(11, dtype=np.uint8)
    table[[Part.LEFT_EYE, Part.RIGHT_EYE]] = Part.RIGHT_EYE, Part.LEFT_EYE
    return table[mask]


def darker_in_batches(engine: MockEngine, requests: Sequence[RenderRequest]) -> list[Frame]:
    return [
        replace(frame, picture=frame.picture - frame.picture // 8 * (len(requests) > 1))
        for frame in engine.render(requests)
    ]


def lit_by_neighbours(engine: MockEngine, requests: Sequence[RenderRequest]) -> list[Frame]:
    return [
        replace(frame, picture=frame.picture - frame.picture // 16 * np.uint8(place % 2))
        for place, frame in enumerate(engine.render(requests))
    ]


def always_64(engine: MockEngine, requests: Sequence[RenderRequest]) -> list[Frame]:
    return engine.render([replace(request, resolution=64) for request in requests])


def cropped(engine: MockEngine, requests: Sequence[RenderRequest]) -> list[Frame]:
    """Beyond 256 px the camera shows only the upper left quarter of the view."""
    return [
        replace(frame, picture=np.kron(frame.picture[: side // 2, : side // 2], np.ones((2, 2, 1), np.uint8)))
        if (side := len(frame.mask)) > 256
        else frame
        for frame in engine.render(requests)
    ]


def sticky_scene() -> Fault:
    """The light of the last scene stays on."""
    light = {"light_color": STUDIO.light_color}

    def spoil(request: RenderRequest) -> RenderRequest:
        if request.scene != STUDIO:
            light["light_color"] = request.scene.light_color
        return replace(request, scene=replace(request.scene, **light))

    return on_requests(spoil)


def mirrored_yaw(request: RenderRequest) -> RenderRequest:
    return replace(request, scene=replace(request.scene, yaw_deg=-request.scene.yaw_deg))


def shown_numbers(frame: Frame) -> Frame:
    """A frame number that never changes."""
    return replace(frame, frame_id=1)


#: Broken in test_conformance_wire_faults.py.
ON_THE_WIRE = {"nonsense", "wrong-orders", "silence", "reconnects"}
#: A fault, and the behaviours that find it.
FAULTS: dict[str, tuple[Fault, tuple[str, ...]]] = {
    "a slider that does nothing": (on_vectors(dead_slider), ("sliders",)),
    "two choices that are one": (on_vectors(equal_choices), ("choices",)),
    "every face the average face": (on_vectors(lambda vector: np.eye(19, dtype=np.float32)[12]), ("a-b-a", "sliders")),
    "values clamped in silence": (on_frames(lambda f: replace(f, vector=f.vector.clip(0.1, 0.9))), ("reads-back",)),
    "requests for read-backs": (on_vectors(lambda vector: vector), ("reads-back",)),
    "vectors made to fit": (on_vectors(patched), ("wrong-vectors",)),
    "pictures late by one": (late("picture"), ("repeats", "a-b-a", "mask-fits")),
    "masks late by one": (late("mask"), ("repeats", "a-b-a", "mask-fits")),
    "noise": (noise(), ("repeats",)),
    "ids counted anew": (lambda engine, requests: numbered(engine.render(requests)), ("ids",)),
    "frame numbers that stand still": (on_frames(shown_numbers), ("frame-numbers",)),
    "black pictures": (on_pictures(np.zeros_like), ("draws", "headless")),
    "almost black pictures": (on_pictures(lambda picture: picture // 32), ("headless",)),
    "a mask that is the picture": (on_frames(lambda f: replace(f, mask=f.picture[..., 0])), ("draws",)),
    "a mask painted from the picture": (on_frames(lambda f: replace(f, mask=f.picture[..., 0] // 24)), ("parts",)),
    "a mask moved by three pixels": (on_masks(lambda mask: np.roll(mask, 3, axis=1)), ("mask-fits",)),
    "a mask upside down": (on_masks(lambda mask: mask[::-1]), ("parts", "mask-fits")),
    "a mask that never changes": (
        on_frames(lambda f, kept={}: replace(f, mask=kept.setdefault(len(f.mask), f.mask))),
        ("mask-fits", "mask-moves", "hair"),
    ),
    "left and right swapped": (on_masks(swapped_sides), ("sides",)),
    "no face in the mask": (on_masks(lambda mask: mask * np.uint8(mask == Part.HAIR)), ("headless", "parts")),
    "one size for all": (always_64, ("draws", "sizes")),
    "another view at another size": (cropped, ("sizes",)),
    "darker in batches": (darker_in_batches, ("batches",)),
    "lit by its neighbours": (lit_by_neighbours, ("order", "batches")),
    "clutter in the studio": (
        on_requests(lambda request: replace(request, scene=replace(request.scene, background_clutter=0.9))),
        ("background",),
    ),
    "scenes ignored": (on_requests(lambda request: replace(request, scene=STUDIO)), ("scene-fields",)),
    "turned the other way": (on_requests(mirrored_yaw), ("scene-fields",)),
    "a scene that stays": (sticky_scene(), ("studio",)),
}


@pytest.mark.parametrize(
    ("fault", "name"),
    [pytest.param(fault, name, id=f"{fault}-{name}") for fault in FAULTS for name in FAULTS[fault][1]],
)
def test_a_fault_is_found(fault, name, with_fault, attempt):
    finding = attempt(with_fault(FAULTS[fault][0]), name)
    assert finding.failed, finding.evidence.reason


def test_a_dead_slider_is_named_and_shown(with_fault, attempt, mock):
    evidence = attempt(with_fault(on_vectors(dead_slider)), "sliders").evidence
    name = mock.describe("tiny").continuous[DEAD_SLIDER].name
    assert evidence.names == (name,)
    assert [exhibit.title for exhibit in evidence.exhibits] == [name]


def test_equal_choices_are_named(with_fault, attempt):
    evidence = attempt(with_fault(on_vectors(equal_choices)), "choices").evidence
    assert evidence.names == ("hairstyle: bob = long_straight",)


def test_a_schema_that_changes_is_found(with_fault, attempt, mock):
    schema = mock.describe("tiny")
    titles = iter("abcdefgh")
    engine = with_fault(honest, describe=lambda character: replace(schema, title=next(titles)))
    assert attempt(engine, "describes").failed


def test_describing_just_any_character_is_found(with_fault, attempt, mock):
    engine = with_fault(honest, describe=lambda character: mock.describe("tiny"))
    assert attempt(engine, "unknown-character").failed


def test_scene_fields_that_are_not_announced_but_drawn_are_found(with_fault, attempt):
    finding = attempt(with_fault(honest, scene_fields=frozenset({"yaw_deg"})), "other-fields")
    assert finding.failed
    assert "zoom" in finding.evidence.names


def test_frames_slower_than_announced_are_found(with_fault, attempt):
    assert attempt(with_fault(honest, capabilities=capabilities(longest_frame_s=1e-6)), "pace").failed


@pytest.mark.parametrize("needs_stamps", [True, False])
def test_an_engine_without_stamps_fails_where_a_pool_sends_it_away(mock, attempt, needs_stamps):
    evidence = attempt(mock, "stamps", needs_stamps=needs_stamps).evidence
    assert evidence.verdict is (Verdict.FAILED if needs_stamps else Verdict.SKIPPED)


def test_stamps_left_in_the_picture_are_found(with_fault, attempt):
    def stamped(picture: Any) -> Any:
        marked = picture.copy()
        marked[:4, :4] = (240, 16, 112)
        return marked

    finding = attempt(with_fault(on_pictures(stamped), capabilities=capabilities(stamp=True)), "stamps")
    assert finding.failed


def test_another_look_after_a_restart_is_found(with_fault, attempt, mock):
    repainted = on_pictures(lambda picture: 255 - picture)
    finding = attempt(mock, "restarts", restart=lambda: with_fault(repainted))
    assert finding.failed


def test_every_behaviour_is_broken_somewhere_in_this_file():
    tried = {name for _, names in FAULTS.values() for name in names}
    tried |= {"describes", "unknown-character", "other-fields", "pace", "stamps", "restarts"} | ON_THE_WIRE
    assert tried == {behaviour.name for behaviour in BEHAVIOURS}


def capabilities(**announced: Any) -> SimpleNamespace:
    usual = {"minimum_px": 16, "maximum_px": 512, "max_batch": 8, "stamp": False, "read_back_tolerance": 1e-3}
    return SimpleNamespace(**usual | {"longest_frame_s": 10.0} | announced)
