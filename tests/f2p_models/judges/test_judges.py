from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from f2p_models.embedders import Template
from f2p_models.errors import TensorError, WeightsError
from f2p_models.judges import Judge, find_judges, open_judge
from f2p_models.judges.crop import FIVE_POINTS, face_crop
from f2p_models.judges.facemesh import FaceMesh
from f2p_models.judges.faceres import FaceRes
from f2p_models.judges.graph import GraphNetwork
from f2p_models.judges.tfjs import read_tfjs


@pytest.fixture(scope="module")
def judges(weights: Path, portrait) -> dict[str, Judge]:
    return {judge.name: judge for judge in find_judges(weights, portrait.template)}


def test_without_weights_there_are_no_judges(tmp_path: Path, template: Template) -> None:
    assert find_judges(tmp_path, template) == ()


def test_asking_for_a_judge_without_weights_says_how_to_install_them(tmp_path: Path, template: Template) -> None:
    with pytest.raises(WeightsError, match=r"faceres has no weights in .*python -m infra\.judges"):
        open_judge("faceres", tmp_path, template)


def test_an_unknown_judge_is_told_with_those_there_are(tmp_path: Path, template: Template) -> None:
    with pytest.raises(WeightsError, match="'king' is none of faceres, facemesh"):
        open_judge("king", tmp_path, template)


@pytest.mark.parametrize("name", ["faceres.json", "face_landmark.tflite"])
def test_damaged_weights_are_not_passed_over(tmp_path: Path, template: Template, name: str) -> None:
    (tmp_path / name).write_bytes(b"{}")
    with pytest.raises(WeightsError, match=r"SHA-256|cannot be read"):
        find_judges(tmp_path, template)


def test_half_a_judge_is_damage_and_not_absence(weights: Path, tmp_path: Path, template: Template) -> None:
    shutil.copy(weights / "faceres.json", tmp_path)
    with pytest.raises(WeightsError, match=r"faceres\.bin: cannot be read"):
        find_judges(tmp_path, template)


def test_the_recogniser_is_what_tensorflow_js_gives(weights: Path) -> None:
    """Numbers of @tensorflow/tfjs 4.22.0, which differ from ours by 2e-6 at most."""
    across = torch.arange(224.0).expand(224, 224) * 255 / 223
    picture = torch.stack([across - 104, across.T - 117, (across + across.T) / 2 - 124])[None]
    found = GraphNetwork(read_tfjs(weights / "faceres.json", "global_pooling/Mean"))(picture)
    assert found.shape == (1, 1024)
    assert float(found.sum()) == pytest.approx(2.77235, abs=1e-3)
    assert float(found.norm()) == pytest.approx(1.09995, abs=1e-4)


@pytest.mark.parametrize("name", ["faceres", "facemesh"])
def test_a_face_is_most_like_itself(judges: dict[str, Judge], portrait, name: str) -> None:
    judge, flipped = judges[name], portrait.tensor.flip(2)  # upside down: another picture of the same colors
    own, other = judge.embed(portrait.tensor), judge.embed(flipped)
    assert own.shape == (1, judge.embedding_size)
    assert float(judge.similarity(own, own)) == pytest.approx(1.0, abs=1e-5)
    assert float(judge.similarity(own, other)) < 0.6
    assert float(judge.distance(own, other)) == pytest.approx(1.0 - float(judge.similarity(own, other)))


def test_the_same_face_in_other_light_is_the_same_person(judges: dict[str, Judge], portrait) -> None:
    judge = judges["faceres"]
    darker = portrait.tensor**1.5 * torch.tensor([1.0, 0.9, 0.8]).view(1, 3, 1, 1)
    assert float(judge.similarity(judge.embed(portrait.tensor), judge.embed(darker))) > 0.8


def test_geometry_does_not_see_which_way_a_picture_is_mirrored(judges: dict[str, Judge], portrait) -> None:
    judge = judges["facemesh"]
    mirrored = portrait.tensor.flip(3)
    placed = FaceMesh.embed(judge, mirrored)  # the crop is the unmirrored face's, and nearly in the middle
    assert float(judge.distance(judge.embed(portrait.tensor), placed)) < 0.7


def test_a_wider_face_has_other_proportions(judges: dict[str, Judge], portrait) -> None:
    judge = judges["facemesh"]
    assert isinstance(judge, FaceMesh)
    side = portrait.tensor.shape[-1]
    wide = torch.nn.functional.interpolate(portrait.tensor, (side, round(side * 1.2)), mode="bilinear")
    left = round(portrait.template[30][0] * side * 0.2)  # the nose stays where it is
    narrow, wider = (judge.proportions(seen)[0, -1] for seen in (portrait.tensor, wide[..., left : left + side]))
    assert float(wider) < 0.93 * float(narrow)


def test_gradients_reach_the_picture(judges: dict[str, Judge], portrait) -> None:
    for judge in judges.values():
        picture = portrait.tensor.clone().requires_grad_(True)
        judge.embed(picture).square().mean().backward()
        assert picture.grad is not None
        assert bool((picture.grad != 0).any())


def test_pictures_in_bytes_are_refused(judges: dict[str, Judge], portrait) -> None:
    for judge in judges.values():
        with pytest.raises(TensorError, match="divide 8-bit pictures by 255"):
            judge.embed(portrait.tensor * 255)


def test_every_judge_says_where_it_comes_from(judges: dict[str, Judge]) -> None:
    for judge in judges.values():
        provenance = judge.provenance
        assert all((provenance.source, provenance.licence, provenance.trained_on, provenance.credential))
        assert len(provenance.sha256) == 64


def test_a_recogniser_and_a_geometer_are_asked(judges: dict[str, Judge]) -> None:
    assert {judge.judges for judge in judges.values()} == {"identity", "geometry"}
    assert isinstance(judges["faceres"], FaceRes)


@pytest.mark.parametrize(("face_scale", "lowered"), [(1.0, 0.0), (0.8, -0.1)])
def test_a_crop_puts_the_five_points_where_the_network_wants_them(face_scale: float, lowered: float) -> None:
    """A template that has the five points where insightface has them, in a picture that is the crop itself."""
    template = np.full((68, 2), 0.5)
    template[36:42], template[42:48] = FIVE_POINTS[0], FIVE_POINTS[1]
    template[[30, 48, 54]] = FIVE_POINTS[2:]
    crop = face_crop(template, 64, face_scale=face_scale, lowered=lowered)
    spot = np.array(FIVE_POINTS[2])
    placed = ((spot - 0.5) * face_scale + 0.5 + (0.0, lowered)) * 64
    assert crop.placement.matrix @ placed + crop.placement.shift == pytest.approx(spot)
