from __future__ import annotations

import pytest

from engine_bridge.frames import RenderRequest
from engine_bridge.mock import MockEngine
from engine_bridge.scene import Scene
from f2p_datasets.alignment import AlignmentTemplate
from f2p_datasets.detection import DetectedFace, FaceDetector
from f2p_datasets.pose import PEOPLE, Pose, estimate_pose


@pytest.mark.parametrize("angle", ["yaw_deg", "pitch_deg", "roll_deg"])
@pytest.mark.parametrize("degrees", [-18.0, 18.0])
def test_known_angles_of_a_rendered_head_are_estimated_with_their_sign(
    mock_engine: MockEngine, template: AlignmentTemplate, angle: str, degrees: float
) -> None:
    schema = mock_engine.describe("justice_female")
    request = RenderRequest(
        request_id=0, character=schema.character, vector=schema.default_vector(), scene=Scene(**{angle: degrees})
    )
    (face,) = FaceDetector().detect(mock_engine.render([request])[0].picture)
    pose = estimate_pose(face.landmarks).relative_to(template.pose)
    expected = Pose(**({"yaw_deg": 0.0, "pitch_deg": 0.0, "roll_deg": 0.0} | {angle: degrees}))
    assert pose.yaw_deg == pytest.approx(expected.yaw_deg, abs=5.0)
    assert pose.pitch_deg == pytest.approx(expected.pitch_deg, abs=7.0)
    assert pose.roll_deg == pytest.approx(expected.roll_deg, abs=3.0)


def test_a_portrait_looks_straight_ahead_by_the_zero_for_people(astronaut_face: DetectedFace) -> None:
    pose = estimate_pose(astronaut_face.landmarks).relative_to(PEOPLE)
    assert abs(pose.yaw_deg) < 6
    assert abs(pose.pitch_deg) < 10


def test_size_and_place_of_a_face_do_not_change_its_pose(template: AlignmentTemplate) -> None:
    moved = estimate_pose(template.points * 900 + 70)
    assert moved.yaw_deg == pytest.approx(template.pose.yaw_deg, abs=0.1)
    assert moved.pitch_deg == pytest.approx(template.pose.pitch_deg, abs=0.1)
