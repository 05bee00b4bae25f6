from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from engine_bridge.errors import InputError
from f2p_models.creation import Creation
from flows.pictures.animations import LONGEST, draw_frames, record_every, write_animation

PHOTO = np.full((64, 64, 3), 200, np.uint8)


def creation(steps: int, every: int) -> Creation:
    num_frames = len(range(0, steps, every)) + 1
    return Creation(
        vectors=torch.zeros(1, 2),
        soft=torch.zeros(1, 2),
        losses=torch.zeros(1),
        curves=torch.linspace(0.9, 0.1, steps)[None],
        trail=torch.linspace(0.0, 1.0, num_frames).view(1, -1, 1).expand(1, num_frames, 2),
        mode="hybrid",
        reasons=("",),
    )


def grays(vectors: torch.Tensor) -> torch.Tensor:
    """Pictures as bright as the first slider."""
    return vectors[:, :1, None, None].expand(-1, 3, 64, 64)


@pytest.mark.parametrize("steps", [1, 15, 50, 1000])
def test_a_film_is_never_longer_than_is_worth_its_size(steps: int) -> None:
    frames = draw_frames(creation(steps, record_every(steps)), PHOTO, grays)
    assert 2 <= len(frames) <= LONGEST + 1


def test_the_film_shows_the_photo_beside_the_imitator_as_it_changes() -> None:
    frames = draw_frames(creation(6, 1), PHOTO, grays)
    middle = frames[0].shape[0] // 2
    width = frames[0].shape[1]
    assert {int(frame[middle, width // 4, 0]) for frame in frames} == {200}
    imitated = [int(frame[middle, 3 * width // 4, 0]) for frame in frames]
    assert imitated == sorted(imitated)
    assert imitated[-1] - imitated[0] > 200


def test_one_shot_creations_have_no_film() -> None:
    made = creation(3, 1)
    still = Creation(**{**vars(made), "trail": torch.zeros(1, 0, 2), "curves": torch.zeros(1, 0)})
    assert draw_frames(still, PHOTO, grays) == []


def test_a_gif_has_every_frame_repeats_and_rests_on_the_last(tmp_path: Path) -> None:
    frames = draw_frames(creation(5, 1), PHOTO, grays)
    write_animation(frames, tmp_path / "search.gif")
    with Image.open(tmp_path / "search.gif") as film:
        assert getattr(film, "n_frames", 1) == len(frames)
        assert film.info["loop"] == 0
        durations = []
        for frame in range(len(frames)):
            film.seek(frame)
            durations.append(film.info["duration"])
    assert durations[-1] > 5 * durations[0]


def test_an_mp4_can_be_played(tmp_path: Path) -> None:
    frames = draw_frames(creation(5, 1), PHOTO, grays)
    write_animation(frames, tmp_path / "search.mp4")
    film = cv2.VideoCapture(str(tmp_path / "search.mp4"))
    read, first = film.read()
    film.release()
    assert read
    assert np.abs(first[: frames[0].shape[0], :, ::-1].astype(int) - frames[0][: first.shape[0]]).mean() < 6.0
    assert [path.name for path in tmp_path.iterdir()] == ["search.mp4"]


def test_another_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"animation: '\.avi' is none of gif, mp4"):
        write_animation([PHOTO], tmp_path / "search.avi")
