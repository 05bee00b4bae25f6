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
from typing import Final, Literal

import numpy as np
import torch
from PIL import Image
from prefect import task
from prefect.cache_policies import NO_CACHE

from engine_bridge.bridge import EngineBridge
from engine_bridge.errors import InputError
from engine_bridge.frames import Picture
from f2p_datasets.alignment import AlignmentTemplate, align_face
from f2p_datasets.detection import DetectedFace, FaceDetector
from f2p_datasets.durable import appearing_file, sha256_of
from f2p_datasets.errors import PhotoError
from f2p_datasets.photo_sets import usable_faces
from f2p_datasets.photos import read_photo
from f2p_models.bundle_manifest import read_manifest
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
from f2p_models.pictures import from_pictures, to_bytes
from f2p_models.registry import ModelVersion
from flows.artifacts import show_picture
from flows.engines import studio_renderer
from flows.layout import COMPARISON_FILE, ENGINE, PARAMETERS_FILE
from flows.photo_names import reserve_folder_names
from flows.progress import ProgressBar, say
from flows.runs import Run
from flows.steps import Step, is_done, plain

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


class PublishedCreator:
    """A version, an engine, and how photos are to be treated."""

    def __init__(self, creator: Creator, engine: EngineBridge, *, version: int, mode: str, faces: Faces) -> None:
        self.creator, self.engine, self.version, self.mode, self.faces = creator, engine, version, mode, faces
        if mode != "auto":
            fixed_mode(mode)
        self._detector = FaceDetector()
        self._template = AlignmentTemplate(np.asarray(creator.bundle.template, np.float64))
        self._render = studio_renderer(engine, creator.bundle.schema.character, creator.bundle.resolution)
        self._render_shown = studio_renderer(engine, creator.bundle.schema.character, SHOWN_PX)

    def create(self, photos: Sequence[Path], out: Path, bar: ProgressBar) -> Outcome:
        """Characters of all photos below ``out``. A photo that cannot be used does not stop the others."""
        outcome = Outcome()
        bar.start(len(photos))
        waiting: list[Portrait] = []
        taken: set[str] = set()
        for photo in photos:
            try:
                waiting += self._portraits(photo, taken)
            except PhotoError as error:
                outcome.failed.append(str(error))
            if len(waiting) >= FACES_AT_ONCE:
                outcome.created += self._create_together(waiting, out)
                waiting = []
            bar.advance()
        outcome.created += self._create_together(waiting, out)
        return outcome

    def _portraits(self, photo: Path, taken: set[str]) -> Iterator[Portrait]:
        picture = read_photo(photo)
        found = self._detector.detect(picture)
        faces = usable_faces(photo, found)
        if self.faces == "all" and len(faces) < len(found):
            say(f"  [yellow]{photo}: too small and left out: {len(found) - len(faces)} of {len(found)} faces[/]")
        chosen = faces if self.faces == "all" else faces[:1]
        for face, name in zip(chosen, reserve_folder_names(photo, len(chosen), taken), strict=True):
            yield self._portrait(photo, picture, face, name)

    def _portrait(self, photo: Path, picture: Picture, face: DetectedFace, name: str) -> Portrait:
        aligned = align_face(picture, face.landmarks, self._template, self.creator.bundle.resolution)
        shown = align_face(picture, face.landmarks, self._template, SHOWN_PX)
        width_px = face.box[2] - face.box[0]
        resolution = self.creator.bundle.resolution
        choice = choose_mode(aligned.pose, width_px, resolution) if self.mode == "auto" else fixed_mode(self.mode)
        return Portrait(photo=photo, name=name, aligned=aligned.picture, shown=shown.picture, choice=choice)

    def _create_together(self, portraits: Sequence[Portrait], out: Path) -> list[Path]:
        """Faces are searched in batches: one by one would leave a GPU idle."""
        if not portraits:
            return []
        photos = from_pictures([portrait.aligned for portrait in portraits])
        creations = self.creator.create(photos, [portrait.choice for portrait in portraits])
        vectors = torch.cat([creation.vectors for creation in creations])
        rendered = self._render(vectors.numpy())
        shown = self._render_shown(vectors.numpy())
        imitated = to_bytes(self.creator.pictures(vectors))
        similarities = self.creator.similarity(photos, from_pictures(rendered)).tolist()
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
            "aligned.png": portrait.shown,
            "imitator.png": imitated,
            "engine.png": rendered,
            COMPARISON_FILE: side_by_side(panels, caption=f"{creation.mode}: {reason}"),
        }
        for name, picture in pictures.items():
            Image.fromarray(picture).save(folder / name)
        with appearing_file(folder / PARAMETERS_FILE) as stream:  # last: a folder with it is whole
            stream.write((json.dumps(document, indent=1) + "\n").encode())
        return folder


def open_published(
    version: ModelVersion, engine: EngineBridge, *, mode: str = "auto", faces: Faces = "largest", weights: Path | None
) -> PublishedCreator:
    """A published version, verified and loaded.

    Raises InputError for an unknown mode, a damaged version, or one that was made for another engine.
    """
    refuse_other_engine(version, engine)
    creator = Creator(load_bundle(version.folder, embedder_checkpoint=weights))
    engine_schema = engine.describe(version.character)
    if engine_schema.fingerprint != creator.bundle.schema.fingerprint:
        raise InputError(
            f"{version.character}: version {version.version} was made for schema {creator.bundle.schema.fingerprint}, "
            f"the engine now has {engine_schema.fingerprint}; run the pipeline for a new version"
        )
    return PublishedCreator(creator, engine, version=version.version, mode=mode, faces=faces)


def refuse_other_engine(version: ModelVersion, engine: EngineBridge) -> None:
    """Another engine draws the same values differently, even where its sliders have the same names."""
    made_for = read_manifest(version.folder).parents.get(ENGINE, engine.name).partition(" ")[0]
    if made_for != engine.name:
        raise InputError(
            f"{version.character}: version {version.version} was made for {made_for}, asked for is {engine.name}; "
            f"give --engine {made_for}, or another --version"
        )


@task(task_run_name="create characters", cache_policy=NO_CACHE, persist_result=False)
def create_characters(run: Run, version: ModelVersion, photos: Sequence[Path]) -> Outcome:
    """A character for every photo that came with the order."""
    if not photos:
        return Outcome()
    inputs = {
        "version": version.identity,
        "photos": [[photo.name, sha256_of(photo)] for photo in photos if photo.is_file()],
        "engine": [run.engine.name, run.engine.build],
    }
    step = Step(stage="creation", character=run.schema.character, inputs=inputs)
    out = step.folder(run.settings.creations)
    with run.step("Create characters", "creation", step.key, out) as record:
        record.cached = is_done(out, _read_outcome)
        if not record.cached:
            with run.alone(out), ProgressBar("Create characters") as bar:
                published = open_published(version, run.engine, weights=run.settings.lightcnn_weights)
                made = published.create(photos, out, bar)
                with appearing_file(out / OUTCOME_FILE) as stream:
                    stream.write(json.dumps(plain(made)).encode())
        outcome = _read_outcome(out)
        record.figures = {"created": len(outcome.created), "failed": len(outcome.failed)}
    for line in outcome.failed:
        say(f"  [yellow]{line}[/]")
    for folder in outcome.created:
        show_picture(f"{folder.name} as {run.schema.character}", folder / COMPARISON_FILE)
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
        if not (folder / PARAMETERS_FILE).is_file():
            raise InputError(f"{folder}: the character is gone")
    return outcome
