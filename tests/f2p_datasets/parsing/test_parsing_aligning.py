from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine_bridge.frames import Mask, Picture
from engine_bridge.parts import NOT_JUDGED, Part
from f2p_datasets.alignment import AlignmentTemplate
from f2p_datasets.errors import DatasetError, PhotoError
from f2p_datasets.loaders import PairLoader
from f2p_datasets.parsing import (
    FASSEG,
    ParsingPlan,
    ParsingSet,
    align_labelled,
    import_parsing_set,
    open_for_training,
    open_parsing_set,
    with_own_sides,
)

SKIN = FASSEG.names.index("skin")
EYES = slice(36, 48)
UPRIGHT = np.eye(2, 3)


@pytest.fixture
def save_set(astronaut: Picture, tmp_path: Path) -> Callable[..., ParsingSet]:
    """A LaPa set of a real photo, cut to the head: several times, with the given labels."""

    def save(labels: Mask, count: int = 1) -> ParsingSet:
        for kind in ("images", "labels"):
            (tmp_path / f"lapa/train/{kind}").mkdir(parents=True, exist_ok=True)
        for number in range(count):
            Image.fromarray(astronaut[:400, 80:400]).save(tmp_path / f"lapa/train/images/{number}.jpg", quality=95)
            Image.fromarray(labels).save(tmp_path / f"lapa/train/labels/{number}.png")
        return open_parsing_set(tmp_path / "lapa")

    return save


@pytest.fixture
def labels() -> Mask:
    """Skin everywhere, hair at the top."""
    mask = np.full((400, 320), Part.FACE_SKIN, np.uint8)
    mask[:60] = Part.HAIR
    return mask


def test_labels_and_answers_are_compared_in_the_photos_own_pixels(
    save_set: Callable[..., ParsingSet], labels: Mask, template: AlignmentTemplate
) -> None:
    labelled = save_set(labels)
    aligned = align_labelled(labelled, labelled.photos[0], template, 256)
    assert aligned.mask.shape == aligned.picture.shape[:2] == (400, 320)
    left_eye = aligned.face.landmarks[EYES][6:].mean(0)
    answer = np.zeros((256, 256), np.uint8)
    x, y = left_eye.round().astype(int)
    answer[y - 6 : y + 7, x - 6 : x + 7] = Part.LEFT_EYE
    rows, columns = np.nonzero(aligned.in_photo(answer) == Part.LEFT_EYE)
    seen = aligned.found.landmarks[EYES][6:].mean(0)
    assert np.abs([columns.mean() - seen[0], rows.mean() - seen[1]]).max() < 2.0


def test_an_answer_of_another_resolution_lands_on_the_same_pixels(
    save_set: Callable[..., ParsingSet], labels: Mask, template: AlignmentTemplate
) -> None:
    labelled = save_set(labels)
    aligned = align_labelled(labelled, labelled.photos[0], template, 256)
    coarse = np.random.default_rng(0).integers(0, 11, (64, 64)).astype(np.uint8)
    fine = coarse.repeat(4, 0).repeat(4, 1)
    differ = aligned.in_photo(coarse) != aligned.in_photo(fine)
    assert differ.mean() < 0.02


def test_what_the_frame_does_not_reach_is_not_judged(
    save_set: Callable[..., ParsingSet], labels: Mask, template: AlignmentTemplate
) -> None:
    labelled = save_set(labels)
    aligned = align_labelled(labelled, labelled.photos[0], template, 64)
    near = AlignmentTemplate(0.5 + 3.0 * (template.points - 0.5))
    close = align_labelled(labelled, labelled.photos[0], near, 64)
    answer = np.zeros((64, 64), np.uint8)
    assert (close.in_photo(answer) == NOT_JUDGED).mean() > (aligned.in_photo(answer) == NOT_JUDGED).mean() + 0.2


def test_neck_and_ears_are_skin_beyond_the_jaw_line(
    save_set: Callable[..., ParsingSet], labels: Mask, template: AlignmentTemplate
) -> None:
    labelled = save_set(labels)
    aligned = align_labelled(labelled, labelled.photos[0], template, 64)
    within = aligned.within_jaw(Part.FACE_SKIN)
    chin, nose = aligned.found.landmarks[8].astype(int), aligned.found.landmarks[30].astype(int)
    assert within[nose[1], nose[0]] == Part.FACE_SKIN
    assert within[chin[1] + 12, chin[0]] == NOT_JUDGED
    assert (within[aligned.mask == Part.HAIR] == Part.HAIR).all()


def test_labelled_photos_become_a_dataset_with_masks(
    save_set: Callable[..., ParsingSet], labels: Mask, template: AlignmentTemplate, tmp_path: Path
) -> None:
    plan = ParsingPlan(labelled=save_set(labels, count=3), template=template, resolution=64, shard_size=2)
    manifest = import_parsing_set(plan, tmp_path / "set")
    assert (manifest.num_pairs, manifest.num_rejects) == (3, 0)
    loader = PairLoader(tmp_path / "set", split="train", batch_size=3, seed=0, fields=("image", "mask"))
    batch = next(loader.epoch(0))
    assert batch.mask is not None
    assert set(batch.mask.unique().tolist()) == {Part.FACE_SKIN, Part.HAIR, NOT_JUDGED}


def test_a_stopped_import_goes_on_and_ends_with_the_same_bytes(
    save_set: Callable[..., ParsingSet], labels: Mask, template: AlignmentTemplate, tmp_path: Path
) -> None:
    plan = ParsingPlan(labelled=save_set(labels, count=3), template=template, resolution=64, shard_size=1)

    def stop(done: int, _total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_parsing_set(plan, tmp_path / "one", progress=stop)
    import_parsing_set(plan, tmp_path / "one")
    import_parsing_set(plan, tmp_path / "two")
    first, second = ({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("one", "two"))
    assert first == second


def test_photos_with_wrong_labels_or_no_face_are_left_out_with_the_reason(
    save_set: Callable[..., ParsingSet], labels: Mask, template: AlignmentTemplate, tmp_path: Path
) -> None:
    labelled = save_set(labels, count=3)
    (labelled.root / "train/labels/0.png").unlink()
    Image.new("RGB", (320, 400), (90, 90, 90)).save(labelled.root / "train/images/1.jpg")
    import_parsing_set(ParsingPlan(labelled=labelled, template=template, resolution=64), tmp_path / "set")
    reasons = [json.loads(line)["reason"] for line in (tmp_path / "set/rejects.jsonl").read_text().splitlines()]
    assert ["no such file" in reasons[0], "no face found" in reasons[1], len(reasons)] == [True, True, 2]


def test_a_set_that_does_not_tell_all_parts_apart_cannot_teach(fasseg: Path, template: AlignmentTemplate) -> None:
    with pytest.raises(DatasetError, match="FASSEG has FASSEG's six classes"):
        ParsingPlan(labelled=open_parsing_set(fasseg), template=template)


def test_only_training_photos_are_learned_from(helen: Path, fasseg: Path) -> None:
    assert [photo.partition for photo in open_for_training(helen).photos] == ["train"]
    assert {photo.partition for photo in open_for_training(fasseg).photos} == {"train"}


def test_a_photo_without_a_face_is_refused_by_name(lapa: Path, template: AlignmentTemplate) -> None:
    labelled = open_parsing_set(lapa)
    with pytest.raises(PhotoError, match=r"1_0\.jpg: no face found"):
        align_labelled(labelled, labelled.photos[0], template, 64)


def test_the_viewers_sides_are_exchanged_and_the_persons_own_kept() -> None:
    own = np.zeros((8, 12), np.uint8)
    own[2, 8:10], own[2, 2:4] = Part.LEFT_EYE, Part.RIGHT_EYE
    viewers = np.zeros_like(own)
    viewers[2, 8:10], viewers[2, 2:4] = Part.RIGHT_EYE, Part.LEFT_EYE
    assert np.array_equal(with_own_sides(own, UPRIGHT), own)
    assert np.array_equal(with_own_sides(viewers, UPRIGHT), own)
    upside_down = -UPRIGHT
    assert np.array_equal(with_own_sides(own, upside_down), viewers)


def test_a_face_of_which_one_side_is_seen_keeps_its_labels() -> None:
    profile = np.zeros((8, 12), np.uint8)
    profile[2, 2:4] = Part.LEFT_EYE
    assert np.array_equal(with_own_sides(profile, UPRIGHT), profile)


def test_a_set_that_never_said_whose_sides_it_means_is_told_by_the_face(
    save_set: Callable[..., ParsingSet], labels: Mask, template: AlignmentTemplate
) -> None:
    labels[100:110, 120:130], labels[100:110, 160:170] = Part.LEFT_EYE, Part.RIGHT_EYE  # the viewer's
    labelled = save_set(labels)
    mask = align_labelled(labelled, labelled.photos[0], template, 64).mask
    assert (mask[105, 125], mask[105, 165]) == (Part.RIGHT_EYE, Part.LEFT_EYE)
