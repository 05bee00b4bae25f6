from __future__ import annotations

import math

import pytest
import torch

from f2p_models.judges.proportions import PROPORTIONS, other_sides, proportions, symmetric, without_pose


@pytest.fixture
def mesh() -> torch.Tensor:
    """A made-up face (1, 468, 3): mirrored about x = 0, its points elsewhere at random."""
    left = torch.rand(468, 3, generator=torch.Generator().manual_seed(3)) - 0.5
    left[:, 0] = -left[:, 0].abs() - 0.05
    left[10], left[152] = torch.tensor([0.0, -1.0, 0.1]), torch.tensor([0.0, 1.0, -0.1])
    others = other_sides()
    for number, other in enumerate(others):
        if other > number:
            left[other] = left[number] * torch.tensor([-1.0, 1.0, 1.0])
        elif other == number:
            left[number, 0] = 0.0
    return left[None]


def turned(mesh: torch.Tensor) -> torch.Tensor:
    """Yawed by 25 and rolled by 10 degrees, three times as large, elsewhere."""
    yaw, roll = math.radians(25), math.radians(10)
    about_y = torch.tensor([[math.cos(yaw), 0, math.sin(yaw)], [0, 1.0, 0], [-math.sin(yaw), 0, math.cos(yaw)]])
    about_z = torch.tensor([[math.cos(roll), -math.sin(roll), 0], [math.sin(roll), math.cos(roll), 0], [0, 0, 1.0]])
    return 3.0 * mesh @ (about_y @ about_z) + torch.tensor([7.0, -2.0, 5.0])


def test_pose_size_and_place_are_taken_away(mesh: torch.Tensor) -> None:
    torch.testing.assert_close(without_pose(turned(mesh)), without_pose(mesh), atol=1e-5, rtol=0.0)


def test_a_mesh_without_pose_has_a_mean_square_of_one(mesh: torch.Tensor) -> None:
    assert float(without_pose(5.0 * mesh).square().mean()) == pytest.approx(1.0)


def test_a_wider_jaw_stays_after_pose_is_taken_away(mesh: torch.Tensor) -> None:
    wider = mesh.clone()
    wider[:, [172, 397], 0] *= 1.5
    moved = (without_pose(turned(wider)) - without_pose(mesh)).square().sum(-1)[0]
    assert set(moved.topk(2).indices.tolist()) == {172, 397}


def test_every_point_is_the_counterpart_of_its_counterpart() -> None:
    others = other_sides()
    assert [others[other] for other in others] == list(range(468))
    assert (others[33], others[61], others[152]) == (263, 291, 152)


def test_a_symmetric_face_is_its_own_mean_with_its_mirror_image(mesh: torch.Tensor) -> None:
    torch.testing.assert_close(symmetric(mesh), mesh)


def test_what_is_wrong_on_one_side_is_halved(mesh: torch.Tensor) -> None:
    wrong = mesh.clone()
    wrong[:, 33, 1] += 1.0
    risen = symmetric(wrong)[0, [33, 263], 1] - mesh[0, [33, 263], 1]
    torch.testing.assert_close(risen, torch.tensor([0.5, 0.5]))


def test_proportions_are_in_widths_of_the_face(mesh: torch.Tensor) -> None:
    face = mesh.clone()
    face[0, 234], face[0, 454] = torch.tensor([-2.0, 0.0, 0.0]), torch.tensor([2.0, 0.0, 0.0])
    face[0, 61], face[0, 291] = torch.tensor([-0.5, 1.0, 0.0]), torch.tensor([0.5, 1.0, 0.0])
    face[0, 10], face[0, 152] = torch.tensor([0.0, -3.0, 0.0]), torch.tensor([0.0, 3.0, 0.0])
    for seen in (face, turned(face)):
        found = dict(zip(PROPORTIONS, proportions(seen)[0].tolist(), strict=True))
        assert found["mouth width"] == pytest.approx(0.25)
        assert found["face height"] == pytest.approx(1.5)
