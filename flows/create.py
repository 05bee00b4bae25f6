"""Creating characters from photos with a published version.

OUT/<photo>/               one folder per face
  parameters.json          values in engine units, by group
  aligned.png              the photo in the studio's frame
  imitator.png engine.png  the imitator's picture, and the engine's own, of the same parameters
  side_by_side.png
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import torch
from PIL import Image
from prefect import task
from prefect.cache_policies import NO_CACHE
from torch import Tensor

from engine_bridge.bridge import EngineBridge
from engine_bridge.errors import InputError
from engine_bridge.frames import Picture
from f2p_datasets.alignment import AlignmentTemplate, align_face
from f2p_datasets.detection import DetectedFace, FaceDetector
from f2p_datasets.errors import PhotoError
from f2p_datasets.photo_sets import SMALLEST_FACE_PX
from f2p_datasets.photos import read_photo
from f2p_models.bundle_manifest import hash_file
from f2p_models.creation import (
    Creation,
    Creator,
    ModeChoice,
    Panel,
    choose_mode,
    fixed_mode,
    parameters_document,
    side_by_side,
)
from f2p_models.creator_bundle import load_bundle
from f2p_models.registry import ModelVersion
from flows.artifacts import show_picture
from flows.evaluate import renderer
from flows.photo_names import folder_names
from flows.progress import ProgressBar, say
from flows.runs import Run
from flows.steps import Step, alone, is_done, plain

FACES_AT_ONCE: Final = 16
#: Side of the pictures for people; networks see the version's resolution.
SHOWN_PX: Final = 512
OUTCOME_FILE: Final = "outcome.json"

Faces = Literal["largest", "all"]


@dataclass(frozen=True, kw_only=True)
class Portrait:
    """A face that was found: its photo, its folder's name, and the mode chosen for it.

    aligned   in the studio's frame, at the version's resolution: what the networks see
    shown     the same at 512 pixels, for people
    """

    photo: Path
    name: str
    aligned: Picture
    shown: Picture
    choice: ModeChoice


@dataclass(kw_only=True)
class Outcome:
    """Folders of the created characters, and one line per photo that could not be used."""

    created: list[Path] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


class Studio:
    """A version, an engine, and how photos are to be treated."""

    def __init__(self, creator: Creator, engine: EngineBridge, *, version: int, mode: str, faces: Faces) -> None:
        self.creator, self.engine, self.version, self.mode, self.faces = creator, engine, version, mode, faces
        if mode != "auto":
            fixed_mode(mode)
        self._detector = FaceDetector()
        self._template = AlignmentTemplate(np.asarray(creator.bundle.template, np.float64))
        self._render = renderer(engine, creator.bundle.schema.character, creator.bundle.resolution)
        self._render_shown = renderer(engine, creator.bundle.schema.character, SHOWN_PX)

    def create(self, photos: Sequence[Path], out: Path, bar: ProgressBar) -> Outcome:
        """Characters of all photos below ``out``. A photo that cannot be used does not stop the others."""
        outcome = Outcome()
        bar.start(len(photos))
        waiting: list[Portrait] = []
        for photo, name in zip(photos, folder_names(photos), strict=True):
            try:
                waiting += self._portraits(photo, name)
            except PhotoError as error:
                outcome.failed.append(str(error))
            if len(waiting) >= FACES_AT_ONCE:
                outcome.created += self._create_together(waiting, out)
                waiting = []
            bar.advance()
        outcome.created += self._create_together(waiting, out)
        return outcome

    def _portraits(self, photo: Path, name: str) -> Iterator[Portrait]:
        picture = read_photo(photo)
        faces = self._detector.detect(picture)
        if not faces:
            raise PhotoError(f"{photo}: no face found; use a photo in which the face is larger and seen from the front")
        chosen = faces if self.faces == "all" else faces[:1]
        for number, face in enumerate(chosen, 1):
            yield self._portrait(photo, picture, face, name if len(chosen) == 1 else f"{name}-face{number}")

    def _portrait(self, photo: Path, picture: Picture, face: DetectedFace, name: str) -> Portrait:
        if face.height_px < SMALLEST_FACE_PX:
            raise PhotoError(
                f"{photo}: the face is {face.height_px:.0f} pixels high; {SMALLEST_FACE_PX:.0f} at least are needed"
            )
        aligned = align_face(picture, face.landmarks, self._template, self.creator.bundle.resolution)
        shown = align_face(picture, face.landmarks, self._template, SHOWN_PX)
        width_px = face.box[2] - face.box[0]
        choice = choose_mode(aligned.pose, width_px) if self.mode == "auto" else fixed_mode(self.mode)
        return Portrait(photo=photo, name=name, aligned=aligned.picture, shown=shown.picture, choice=choice)

    def _create_together(self, portraits: Sequence[Portrait], out: Path) -> list[Path]:
        """Faces are searched in batches: one by one would leave a GPU idle."""
        if not portraits:
            return []
        photos = _to_tensor([portrait.aligned for portrait in portraits])
        creations = self.creator.create(photos, [portrait.choice for portrait in portraits])
        vectors = torch.cat([creation.vectors for creation in creations])
        rendered = self._render(vectors.numpy())
        shown = self._render_shown(vectors.numpy())
        imitated = _to_pictures(self.creator.pictures(vectors))
        similarities = self.creator.similarity(photos, _to_tensor(list(rendered))).tolist()
        return [
            self._write(
                out / portrait.name,
                portrait,
                creations[row],
                rendered=shown[row],
                imitated=imitated[row],
                similarity=similarities[row],
            )
            for row, portrait in enumerate(portraits)
        ]

    def _write(
        self,
        folder: Path,
        portrait: Portrait,
        creation: Creation,
        *,
        rendered: Picture,
        imitated: Picture,
        similarity: float,
    ) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        reason = creation.reasons[0]
        document = parameters_document(
            self.creator.bundle.schema,
            creation.vector(0),
            version=self.version,
            mode=creation.mode,
            reason=reason,
            similarity=similarity,
            photo=portrait.photo.name,
        )
        panels = [
            Panel(title="photo", picture=portrait.shown),
            Panel(title="imitator", picture=imitated),
            Panel(title="engine", picture=rendered, note=f"similarity {similarity:.2f}"),
        ]
        pictures = {
            "aligned": portrait.shown,
            "imitator": imitated,
            "engine": rendered,
            "side_by_side": side_by_side(panels, caption=f"{creation.mode}: {reason}"),
        }
        for name, picture in pictures.items():
            Image.fromarray(picture).save(folder / f"{name}.png")
        (folder / "parameters.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
        return folder


def open_studio(
    version: ModelVersion, engine: EngineBridge, *, mode: str = "auto", faces: Faces = "largest", weights: Path | None
) -> Studio:
    """A published version, verified and loaded. Raises InputError for an unknown mode or a damaged version."""
    creator = Creator(load_bundle(version.folder, embedder_checkpoint=weights))
    engine_schema = engine.describe(version.character)
    if engine_schema.fingerprint != creator.bundle.schema.fingerprint:
        raise InputError(
            f"{version.character}: version {version.version} was made for schema {creator.bundle.schema.fingerprint}, "
            f"the engine now has {engine_schema.fingerprint}; run the pipeline for a new version"
        )
    return Studio(creator, engine, version=version.version, mode=mode, faces=faces)


@task(task_run_name="create characters", cache_policy=NO_CACHE, persist_result=False)
def create_characters(run: Run, version: ModelVersion, photos: Sequence[Path]) -> Outcome:
    """A character for every photo that came with the order."""
    if not photos:
        return Outcome()
    inputs = {
        "version": version.identity,
        "photos": [[photo.name, hash_file(photo)] for photo in photos if photo.is_file()],
        "engine": [run.engine.name, run.engine.build],
    }
    step = Step(stage="creation", character=run.schema.character, inputs=inputs)
    out = step.folder(run.settings.creations)
    with run.step("Create characters", "creation", step.key, out) as record:
        record.cached = is_done(out, _read_outcome)
        if not record.cached:
            with alone(out), ProgressBar("Create characters") as bar:
                studio = open_studio(version, run.engine, weights=run.settings.lightcnn_weights)
                made = studio.create(photos, out, bar)
                (out / OUTCOME_FILE).write_text(json.dumps(plain(made)), encoding="utf-8")
        outcome = _read_outcome(out)
        record.figures = {"created": len(outcome.created), "failed": len(outcome.failed)}
    for line in outcome.failed:
        say(f"  [yellow]{line}[/]")
    for folder in outcome.created:
        show_picture(f"{folder.name} as {run.schema.character}", folder / "side_by_side.png")
    run.record.results["characters"] = [str(folder) for folder in outcome.created]
    run.save()
    return outcome


def _read_outcome(out: Path) -> Outcome:
    """What an earlier call created, if all of it is still there. Raises InputError."""
    try:
        data = json.loads((out / OUTCOME_FILE).read_text(encoding="utf-8"))
        outcome = Outcome(created=[Path(folder) for folder in data["created"]], failed=data["failed"])
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{out}: nothing was created here ({error})") from error
    for folder in outcome.created:
        if not (folder / "parameters.json").is_file():
            raise InputError(f"{folder}: the character is gone")
    return outcome


def _to_tensor(pictures: Sequence[Picture]) -> Tensor:
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 255.0


def _to_pictures(tensor: Tensor) -> Any:
    return tensor.mul(255.0).round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).numpy()
