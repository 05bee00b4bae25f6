"""``f2p evaluate style``: what is refused, what is compared, what the page says."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from engine_bridge.errors import InputError
from f2p_datasets.quality import FaceQuality
from flows.evaluations import style
from flows.evaluations.people import People
from flows.evaluations.style import StyleOptions, evaluate_style, measure_style
from flows.evaluations.subject import Subject
from flows.settings import Settings


class FakeInception:
    """Mean colors as features, and classes that follow brightness."""

    def to(self, _: torch.device) -> FakeInception:
        return self

    def __call__(self, pictures: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        colors = pictures.mean((2, 3))
        return colors, (20.0 * colors).softmax(1)


@pytest.fixture
def photos() -> torch.Tensor:
    coarse = torch.rand(4, 3, 6, 6, generator=torch.Generator().manual_seed(11))
    return torch.nn.functional.interpolate(coarse, (64, 64), mode="bicubic").clamp(0.0, 1.0)


@pytest.fixture
def people(monkeypatch: pytest.MonkeyPatch, photos: torch.Tensor) -> People:
    view = FaceQuality(yaw_deg=0.0, pitch_deg=0.0, roll_deg=0.0, face_px=200.0, sharpness=300.0, frontal=True)
    found = People(photos=photos, names=tuple("abcd"), faces=(view,) * 4, fingerprint="four")
    monkeypatch.setattr(style, "find_people", lambda *_, **__: found)
    return found


@pytest.mark.parametrize(
    ("wrong", "words"), [({"count": 1}, "count"), ({"repetitions": 0}, "repetitions"), ({"mode": "best"}, "'best'")]
)
def test_bad_options_are_refused(wrong: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        StyleOptions(**wrong)  # type: ignore[arg-type]


def test_without_inception_the_page_has_the_distance_by_name_and_says_what_it_is_not(
    tmp_path: Path, subject: Subject, people: People
) -> None:
    options = StyleOptions(count=4, repetitions=2)
    _, document = evaluate_style(
        Settings(home=tmp_path), subject, tmp_path, options, command="f2p evaluate style", out=tmp_path / "page"
    )
    (table,) = document["tables"]
    assert [row[0] for row in table["rows"]] == ["dlib (the creator's own)"]
    assert "No FID and no mode score" in document["notes"][1]
    assert (tmp_path / "page" / "pictures" / "looks.png").is_file()


def test_photos_of_another_look_are_farther_than_the_engines_own_faces(subject: Subject, photos: torch.Tensor) -> None:
    result, reference = measure_style(
        subject,
        photos,
        photos.roll(1, 0),
        StyleOptions(count=4, repetitions=3),
        inception=FakeInception(),  # type: ignore[arg-type]
    )
    found = result.distances["inception"]
    assert found.photos == pytest.approx(found.characters)  # the same pictures in another order
    assert min(found.photos) > max(found.engine)
    assert len(result.mode_scores) == len(found.characters) == 3
    assert reference.shape == photos.shape


def test_every_repetition_draws_other_faces(subject: Subject, photos: torch.Tensor) -> None:
    result, _ = measure_style(
        subject,
        photos,
        photos,
        StyleOptions(count=4, repetitions=2),
        inception=FakeInception(),  # type: ignore[arg-type]
    )
    first, second = result.distances["inception"].characters
    assert first != second


def test_weights_that_are_not_there_are_told_before_anything_is_rendered(
    tmp_path: Path, subject: Subject, people: People
) -> None:
    with pytest.raises(InputError, match=r"inception\.pth: no such file"):
        evaluate_style(
            Settings(home=tmp_path),
            subject,
            tmp_path,
            StyleOptions(count=4),
            command="",
            inception=tmp_path / "inception.pth",
        )
