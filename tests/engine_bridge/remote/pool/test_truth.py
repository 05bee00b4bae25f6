from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine_bridge.errors import FrameRejectedError, InputError
from engine_bridge.frames import Frame, RenderRequest
from engine_bridge.mock import MockEngine
from engine_bridge.remote.pool.canary_pictures import CanaryPictures, Difference, compare
from engine_bridge.remote.pool.plausibility import find_fault
from engine_bridge.remote.pool.truth import Truth, canary_vectors

SIDE = 64
RandomFaces = Callable[[str, int, int], list[Frame]]


class Camera:
    """Draws like the engine, and then does to the frame what the test wants; knows what it drew before."""

    def __init__(self, engine: MockEngine, spoil: Callable[[Camera, Frame], Frame]) -> None:
        self.engine, self.spoil, self.drawn = engine, spoil, list[Frame]()

    def __call__(self, request: RenderRequest) -> Frame:
        (frame,) = self.engine.render([request])
        self.drawn.append(frame)
        return self.spoil(self, frame)


def make_truth(engine: MockEngine, pictures: CanaryPictures | None = None) -> Truth:
    return Truth(engine.describe("tiny"), SIDE, "build", pictures or CanaryPictures())


def brighter(frame: Frame, levels: float) -> Frame:
    picture = np.clip(frame.picture + levels, 0, 255).astype(np.uint8)
    return replace(frame, picture=picture)


def noisy(camera: Camera, frame: Frame) -> Frame:
    """One pixel in fifty is a level off, another one every time."""
    draw = np.random.default_rng(len(camera.drawn))
    off = (draw.random(frame.picture.shape) < 0.02) * draw.choice([-1, 1], frame.picture.shape)
    return replace(frame, picture=np.clip(frame.picture + off, 0, 255).astype(np.uint8))


def test_canaries_are_the_same_wherever_the_schema_is(engine: MockEngine) -> None:
    schema = engine.describe("tiny")
    np.testing.assert_array_equal(canary_vectors(schema), canary_vectors(MockEngine().describe("tiny")))
    for vector in canary_vectors(schema):
        np.testing.assert_array_equal(schema.harden(vector), vector)


def test_an_exact_engine_has_no_noise(engine: MockEngine) -> None:
    truth = make_truth(engine)
    camera = Camera(engine, lambda _, frame: frame)
    assert truth.warm_up(camera, 8) == 2
    truth.settle(camera)
    assert truth.noise == Difference()


def test_warming_up_goes_on_until_two_frames_agree(engine: MockEngine) -> None:
    camera = Camera(engine, lambda camera, frame: brighter(frame, 20 * max(0, 3 - len(camera.drawn))))
    assert make_truth(engine).warm_up(camera, 8) == 4


def test_warming_up_ends_at_its_limit(engine: MockEngine) -> None:
    assert make_truth(engine).warm_up(Camera(engine, noisy), 5) == 5


def test_noise_is_measured_and_allowed_for(engine: MockEngine) -> None:
    truth, camera = make_truth(engine), Camera(engine, noisy)
    truth.settle(camera)
    assert 0 < truth.noise.mean < 0.1
    for _ in range(6):
        canary = truth.next_canary()
        truth.check_canary(camera(canary), canary)


def test_an_engine_that_differs_from_itself_too_much_is_refused(engine: MockEngine) -> None:
    camera = Camera(engine, lambda camera, frame: brighter(frame, 10 * (len(camera.drawn) % 3)))
    with pytest.raises(FrameRejectedError, match="draws the same vector differently"):
        make_truth(engine).settle(camera)


def test_a_look_that_drifts_is_no_noise(engine: MockEngine) -> None:
    camera = Camera(engine, lambda camera, frame: brighter(frame, len(camera.drawn) // 5))
    with pytest.raises(FrameRejectedError, match="drifts"):
        make_truth(engine).settle(camera)


def look_at_canaries(truth: Truth, camera: Camera) -> None:
    """One canary, and again for as long as it is in doubt."""
    while True:
        canary = truth.next_canary()
        truth.check_canary(camera(canary), canary)
        if not truth.is_in_doubt:
            return


def settled(engine: MockEngine) -> Truth:
    truth = make_truth(engine)
    truth.settle(Camera(engine, lambda _, frame: frame))
    return truth


def with_a_hair(_: Camera, frame: Frame) -> Frame:
    mask = frame.mask.copy()
    mask[0, 0] = 10
    return replace(frame, mask=mask)


def test_a_canary_of_another_look_is_refused(engine: MockEngine) -> None:
    truth = settled(engine)
    with pytest.raises(FrameRejectedError, match=r"differs from its first picture by 1\.000 levels"):
        look_at_canaries(truth, Camera(engine, lambda _, frame: brighter(frame, 1)))


def test_one_mask_pixel_of_a_canary_is_enough_when_it_stays(engine: MockEngine) -> None:
    truth, camera = settled(engine), Camera(engine, with_a_hair)
    with pytest.raises(FrameRejectedError, match="1 mask pixels"):
        look_at_canaries(truth, camera)
    assert len(camera.drawn) == 3


def test_a_pixel_that_flickers_is_noise_that_was_not_seen_before(engine: MockEngine) -> None:
    truth = settled(engine)
    camera = Camera(engine, lambda camera, frame: with_a_hair(camera, frame) if len(camera.drawn) == 1 else frame)
    look_at_canaries(truth, camera)
    assert len(camera.drawn) == 2
    assert truth.noise.mask_pixels == 1


def test_quite_another_picture_has_no_second_look(engine: MockEngine) -> None:
    truth, camera = settled(engine), Camera(engine, lambda _, frame: brighter(frame, 2))
    with pytest.raises(FrameRejectedError, match="differs"):
        look_at_canaries(truth, camera)
    assert len(camera.drawn) == 1


def test_noise_is_learned_from_but_not_without_end(engine: MockEngine) -> None:
    """An engine whose look creeps away in steps that its noise allows is caught when it is a level away."""
    creeping = Camera(engine, lambda camera, frame: brighter(noisy(camera, frame), 0.02 * len(camera.drawn)))
    truth = make_truth(engine)
    truth.settle(Camera(engine, noisy))
    with pytest.raises(FrameRejectedError):
        look_at_many(truth, creeping)
    assert 10 < len(creeping.drawn) < 60


def look_at_many(truth: Truth, camera: Camera) -> None:
    for _ in range(100):
        look_at_canaries(truth, camera)


def test_the_order_of_the_canaries_is_random_and_the_seeds_own(engine: MockEngine) -> None:
    def order(seed: int) -> list[int]:
        truth = Truth(engine.describe("tiny"), SIDE, "build", CanaryPictures(), seed=seed)
        return [truth.next_canary().request_id % 3 for _ in range(40)]

    assert order(1) == order(1) != order(2)
    assert all(one != other for one, other in itertools.pairwise(order(1)))
    assert order(1)[:20] != order(1)[20:]


def test_one_frame_in_eight_is_drawn_again_in_another_order(engine: MockEngine) -> None:
    truth = make_truth(engine)
    assert [len(truth.sample(range(count))) for count in (1, 8, 9, 64)] == [1, 1, 2, 8]
    assert truth.sample(range(64)) != sorted(truth.sample(range(64)))


def test_a_picture_is_late_by_however_many_frames(engine: MockEngine, random_faces: RandomFaces) -> None:
    frames = random_faces("tiny", 40, SIDE)
    truth = make_truth(engine)
    for frame in frames:
        truth.check(frame, request_for(frame))
    late = replace(frames[30], vector=1 - frames[2].vector, picture=frames[2].picture)
    with pytest.raises(FrameRejectedError, match="late"):
        truth.check(late, request_for(late))


@pytest.mark.parametrize("lag", [1, 2, 3])
def test_an_engine_that_answers_late_does_not_settle(engine: MockEngine, lag: int) -> None:
    def late(camera: Camera, frame: Frame) -> Frame:
        shown = camera.drawn[max(0, len(camera.drawn) - 1 - lag)]
        return replace(frame, picture=shown.picture, mask=shown.mask)

    truth, camera = make_truth(engine), Camera(engine, late)
    truth.warm_up(camera, 4)
    with pytest.raises(FrameRejectedError):
        truth.settle(camera)


def test_a_mask_that_comes_late_does_not_settle(engine: MockEngine) -> None:
    def late(camera: Camera, frame: Frame) -> Frame:
        return replace(frame, mask=camera.drawn[max(0, len(camera.drawn) - 2)].mask)

    truth, camera = make_truth(engine), Camera(engine, late)
    truth.warm_up(camera, 4)
    with pytest.raises(FrameRejectedError):
        truth.settle(camera)


def request_for(frame: Frame) -> RenderRequest:
    return RenderRequest(request_id=frame.request_id, character="tiny", vector=frame.vector, resolution=SIDE)


def test_a_picture_that_was_shown_for_another_face_is_refused(engine: MockEngine, random_faces: RandomFaces) -> None:
    one, other = random_faces("tiny", 2, SIDE)
    truth = make_truth(engine)
    truth.check(one, request_for(one))
    repeated = replace(other, picture=one.picture)
    with pytest.raises(FrameRejectedError, match="the picture of an earlier request came again"):
        truth.check(repeated, request_for(repeated))


def test_a_mask_that_was_shown_for_another_face_is_refused(engine: MockEngine, random_faces: RandomFaces) -> None:
    one, other = random_faces("tiny", 2, SIDE)
    truth = make_truth(engine)
    truth.check(one, request_for(one))
    repeated = replace(other, mask=one.mask)
    with pytest.raises(FrameRejectedError, match="the mask of an earlier request came again"):
        truth.check(repeated, request_for(repeated))


def test_the_same_picture_for_nearly_the_same_face_is_fine(engine: MockEngine, random_faces: RandomFaces) -> None:
    """A hidden choice, or a slider whose effect is hidden by hair."""
    (one,) = random_faces("tiny", 1, SIDE)
    vector = one.vector.copy()
    vector[:3] = 1.0 - vector[:3]
    truth = make_truth(engine)
    truth.check(one, request_for(one))
    truth.check(replace(one, vector=vector), request_for(one))


@pytest.mark.parametrize(("character", "side"), [("tiny", 64), ("justice_female", 64), ("justice_male", 32)])
def test_no_true_frame_is_suspected(engine: MockEngine, random_faces: RandomFaces, character: str, side: int) -> None:
    truth = Truth(engine.describe(character), side, "build", CanaryPictures())
    for frame in random_faces(character, 200, side):
        truth.check(frame, replace(request_for(frame), resolution=side))


@pytest.mark.parametrize(
    "spoil",
    [
        np.zeros_like,
        np.ones_like,
        lambda mask: np.where(mask == 1, 0, mask),
        lambda mask: np.minimum(mask, 1),
        np.transpose,
        np.flipud,
        np.fliplr,
        lambda mask: (np.arange(mask.size).reshape(mask.shape) * 7 % 11).astype(np.uint8),
    ],
    ids=["empty", "all skin", "no skin", "no parts", "transposed", "upside down", "mirrored", "noise"],
)
def test_a_mask_that_cannot_be_one_is_refused(
    spoil: Callable[[np.ndarray], np.ndarray], random_faces: RandomFaces
) -> None:
    for frame in random_faces("tiny", 20, SIDE):
        assert find_fault(frame.picture, frame.mask) is None
        assert find_fault(frame.picture, spoil(frame.mask)) is not None


def test_a_picture_that_is_upside_down_is_refused(random_faces: RandomFaces) -> None:
    for frame in random_faces("justice_female", 20, SIDE):
        assert find_fault(frame.picture[::-1], frame.mask) is not None


def test_first_pictures_are_a_pools_and_a_folders(tmp_path: Path, random_faces: RandomFaces) -> None:
    one, other = random_faces("tiny", 2, SIDE)
    noise = Difference(maximum=3, mean=0.25, mask_pixels=2)
    before, after = CanaryPictures(), CanaryPictures()
    with before.kept_in(tmp_path / "one"):
        assert [compare(first, one) for first in before.first(("build", 1), one, noise)] == [Difference()] * 2
    with after.kept_in(tmp_path / "one"):
        own, kept = after.first(("build", 1), other, Difference())
        assert compare(own, other) == compare(kept, one) == Difference()
        assert (own.noise, kept.noise) == (Difference(), noise)
        (_, fresh) = after.first(("another build", 1), other, noise)
        assert compare(fresh, other) == Difference()
    assert len(after.first(("build", 1), one, noise)) == 1


def test_a_first_picture_that_cannot_be_read_is_named(tmp_path: Path, random_faces: RandomFaces) -> None:
    (frame,) = random_faces("tiny", 1, SIDE)
    pictures = CanaryPictures()
    with pictures.kept_in(tmp_path):
        pictures.first(("build", 1), frame, Difference())
    (file,) = tmp_path.iterdir()
    file.write_bytes(b"PK\x03\x04 no more")
    with pictures.kept_in(tmp_path), pytest.raises(InputError, match=f"{file.name}: cannot be used"):
        pictures.first(("build", 1), frame, Difference())


def test_two_pools_may_differ_by_the_noise_of_either(engine: MockEngine, tmp_path: Path) -> None:
    """The one that measured less noise than the other is not to be refused for what the other's picture has of it."""
    first, second = CanaryPictures(), CanaryPictures()
    with first.kept_in(tmp_path):
        make_truth(engine, first).settle(Camera(engine, noisy))
    with second.kept_in(tmp_path):
        make_truth(engine, second).settle(Camera(engine, lambda _, frame: frame))


def test_a_difference_is_counted_in_levels_and_pixels(random_faces: RandomFaces) -> None:
    (frame,) = random_faces("tiny", 1, SIDE)
    picture, mask = frame.picture.copy(), frame.mask.copy()
    picture[0, 0, 0] ^= 8
    mask[3, 3:5] = 9
    assert compare(frame, replace(frame, picture=picture, mask=mask)) == Difference(
        maximum=8, mean=8 / picture.size, mask_pixels=2
    )
