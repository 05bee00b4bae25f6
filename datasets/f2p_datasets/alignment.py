"""Faces found, and brought into the studio's frame.

Every picture downstream lies in the coordinate frame of the studio render: photos get there by dlib's 68 landmarks
and the similarity (rotation, one scale, shift) that brings them nearest to the landmarks of the average face.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from engine_bridge.frames import Mask, Picture
from f2p_datasets.detection import FaceDetector, Landmarks
from f2p_datasets.durable import appearing_file
from f2p_datasets.errors import DatasetError, PhotoError
from f2p_datasets.pose import Pose, estimate_pose

#: Brows, nose, eyes and mouth decide; the jaw line (0 to 16) moves too much with pose and beards.
INNER_FACE: Final = slice(17, 68)
_STATED_PX: Final = 512  # distances are stated in pixels of the paper's picture, whatever the resolution

Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class AlignmentTemplate:
    """Landmarks of the average face, (68, 2) float64 in fractions of the picture's side, x right, y down."""

    points: npt.NDArray[np.float64]

    def __post_init__(self) -> None:
        if self.points.shape != (68, 2) or not np.isfinite(self.points).all():
            raise DatasetError(f"template: expected (68, 2) finite landmarks, got {self.points.shape}")

    @classmethod
    def from_average_face(cls, picture: Picture) -> AlignmentTemplate:
        """From the studio render of the default vector, at any square size. Raises PhotoError without a face."""
        faces = FaceDetector().detect(picture)
        if not faces:
            raise PhotoError("average face: no face found in the render of the default vector; look at the picture")
        return cls(_to_fractions(faces[0].landmarks, picture.shape[0]))

    @classmethod
    def from_points(cls, points: Sequence[Sequence[float]]) -> AlignmentTemplate:
        return cls(np.asarray(points, np.float64))

    @property
    def tuples(self) -> tuple[tuple[float, float], ...]:
        """The points as plain, hashable numbers."""
        return tuple((float(x), float(y)) for x, y in self.points)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 (first 16 hex digits) of the points."""
        return hashlib.sha256(json.dumps(self.tuples).encode()).hexdigest()[:16]

    @cached_property
    def pose(self) -> Pose:
        """What the pose estimate says of the average face: the zero that other faces are measured from."""
        return estimate_pose(self.points)

    def at(self, resolution: int) -> Landmarks:
        """(68, 2) in pixels of a picture of that side."""
        return self.points * resolution - 0.5

    def save(self, path: Path) -> None:
        """Write JSON: a list of 68 [x, y] as ``landmarks``, and the fingerprint."""
        with appearing_file(path) as stream:
            text = json.dumps({"landmarks": self.tuples, "fingerprint": self.fingerprint}, indent=0)
            stream.write(f"{text}\n".encode())

    @classmethod
    def load(cls, path: Path) -> AlignmentTemplate:
        """From what :meth:`save` wrote, or from the bare list that a published version has, with a hash elsewhere.

        Raises DatasetError for a missing or malformed file, and for landmarks of another fingerprint.
        """
        try:
            data = json.loads(path.read_text())
            template = cls.from_points(data["landmarks"] if isinstance(data, dict) else data)
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise DatasetError(f"{path}: not an alignment template ({error})") from error
        if isinstance(data, dict) and data.get("fingerprint") != template.fingerprint:
            raise DatasetError(f"{path}: its landmarks were changed; delete it, and it is measured again")
        return template


@dataclass(frozen=True, eq=False)
class AlignedFace:
    """A face in the studio's frame.

    picture    (H, H, 3) uint8 sRGB
    landmarks  (68, 2) pixels of ``picture``
    matrix     (2, 3) maps pixels of the photo to pixels of ``picture``
    scale      pixels of ``picture`` per pixel of the photo: above 1 the photo was enlarged
    pose       relative to the average face, or to what :func:`align_face` was given
    """

    picture: Picture
    landmarks: Landmarks
    matrix: Matrix
    scale: float
    pose: Pose

    def landmark_error_px(self, template: AlignmentTemplate) -> float:
        """Mean distance between the face's landmarks and the average face's, brows to mouth, in pixels of 512."""
        side = self.picture.shape[0]
        away = (self.landmarks - template.at(side))[INNER_FACE] * (_STATED_PX / side)
        return float(np.hypot(away[:, 0], away[:, 1]).mean())


def align_face(
    picture: Picture,
    landmarks: Landmarks,
    template: AlignmentTemplate,
    resolution: int,
    *,
    straight: Pose | None = None,
) -> AlignedFace:
    """Bring the face with these landmarks (68, 2) into the studio's frame at ``resolution``.

    straight   what the pose estimate says of such a face when it looks straight ahead: the average face's by default,
               which is right for renders; :data:`f2p_datasets.pose.PEOPLE` for photos of people
    """
    matrix, scale = fit_similarity(landmarks[INNER_FACE], template.at(resolution)[INNER_FACE])
    return AlignedFace(
        picture=warp_picture(picture, matrix, resolution),
        landmarks=landmarks @ matrix[:, :2].T + matrix[:, 2],
        matrix=matrix,
        scale=scale,
        pose=estimate_pose(landmarks).relative_to(straight or template.pose),
    )


def fit_similarity(source: Landmarks, target: Landmarks) -> tuple[Matrix, float]:
    """Least-squares similarity (Umeyama, PAMI 1991) from points (N, 2) to points (N, 2): matrix (2, 3) and scale."""
    source_mean, target_mean = source.mean(0), target.mean(0)
    source_centered, target_centered = source - source_mean, target - target_mean
    left, spread, right = np.linalg.svd(target_centered.T @ source_centered)
    mirror = np.array([1.0, np.sign(np.linalg.det(left @ right))])  # a face is never mirrored
    rotation = left @ np.diag(mirror) @ right
    scale = float((spread * mirror).sum() / (source_centered**2).sum())
    shift = target_mean - scale * rotation @ source_mean
    return np.column_stack([scale * rotation, shift]), scale


def warp_picture(picture: Picture, matrix: Matrix, resolution: int) -> Picture:
    """Resample (H, W, 3) into the frame; shrinking averages areas, so nothing aliases.

    Beyond the photo's edge its outermost pixels go on, blurred: hair stays hair and wall stays wall, without a hard
    edge, and no feature of the face appears twice as it would in a mirrored border.
    """
    picture, matrix = _shrink(picture, matrix)
    size = (resolution, resolution)
    warped = np.asarray(
        cv2.warpAffine(picture, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE), np.uint8
    )
    whole = np.full(picture.shape[:2], 255, np.uint8)
    inside = np.asarray(cv2.warpAffine(whole, matrix, size, flags=cv2.INTER_NEAREST, borderValue=0), np.uint8)
    return warped if inside.min() else _blur_outside(warped, inside)


def warp_mask(mask: Mask, matrix: Matrix, resolution: int) -> Mask:
    """Resample part ids (H, W) with the nearest one; beyond the edge is background."""
    size = (resolution, resolution)
    return np.asarray(cv2.warpAffine(mask, matrix, size, flags=cv2.INTER_NEAREST, borderValue=0), np.uint8)


def _shrink(picture: Picture, matrix: Matrix) -> tuple[Picture, Matrix]:
    """The picture at the size it will be seen at, when that is smaller, and the matrix from there."""
    scale = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    if scale >= 1.0:
        return picture, matrix
    height, width = (max(1, round(side * scale)) for side in picture.shape[:2])
    small = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
    ratio = np.array([picture.shape[1] / width, picture.shape[0] / height])
    shrunk = matrix.copy()
    shrunk[:, :2] *= ratio  # pixel centres: x_photo = (x_small + 0.5) * ratio - 0.5
    shrunk[:, 2] += matrix[:, :2] @ (0.5 * ratio - 0.5)
    return np.asarray(small, np.uint8), shrunk


def _blur_outside(picture: Picture, inside: Mask) -> Picture:
    """Blend to a blurred copy the further a pixel lies outside the photo (``inside`` is 0 there, 255 within)."""
    side = picture.shape[0]
    small = cv2.resize(picture, (32, 32), interpolation=cv2.INTER_AREA)  # a blur this wide needs no more pixels
    blurred = cv2.resize(cv2.GaussianBlur(small, (0, 0), 1.0), (side, side), interpolation=cv2.INTER_CUBIC)
    outside_px = cv2.distanceTransform(255 - inside, cv2.DIST_L2, 3)
    share = np.clip(outside_px * (32.0 / side), 0.0, 1.0).astype(np.float32)
    return np.asarray(cv2.blendLinear(picture, np.asarray(blurred, np.uint8), 1.0 - share, share), np.uint8)


def _to_fractions(landmarks: Landmarks, side: int) -> npt.NDArray[np.float64]:
    return np.asarray((landmarks + 0.5) / side, np.float64)
