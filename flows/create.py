"""Creating characters from photos with a published version.

OUT/<photo>/     one folder per face, see flows.character_files
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Final

import numpy as np
import torch
from prefect import task
from prefect.cache_policies import NO_CACHE

from engine_bridge.bridge import EngineBridge
from engine_bridge.errors import InputError
from f2p_datasets.alignment import AlignmentTemplate
from f2p_datasets.durable import appearing_file, sha256_of
from f2p_datasets.errors import PhotoError
from f2p_models.bundle_manifest import read_manifest
from f2p_models.checkpoints import read_card
from f2p_models.creation import Creator, IterativeConfig, Mode
from f2p_models.creator_bundle import load_bundle
from f2p_models.evaluation import Calibration, read_evaluation
from f2p_models.pictures import from_pictures, to_bytes
from f2p_models.registry import ModelVersion
from flows.artifacts import show_picture
from flows.character_files import Character, Confidence, write_character
from flows.engines.orders import studio_renderer
from flows.layout import COMPARISON_FILE, ENGINE, EVALUATION_FILE, PARAMETERS_FILE
from flows.photos.portraits import SHOWN_PX, Faces, Portrait, PortraitFinder
from flows.pictures.animations import AnimationFormat, draw_frames, record_every
from flows.progress import ProgressBar, say
from flows.recipes import RECIPES, find_recipe
from flows.runs import Run
from flows.steps import Step, is_done

FACES_AT_ONCE: Final = 16
RESTARTS_WITH_SEED: Final = 2
OUTCOME_FILE: Final = "outcome.json"


@dataclass(kw_only=True)
class Outcome:
    """Folders of the created characters, and one line per photo that could not be used."""

    created: list[Path] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class SearchOrder:
    """What the user changes of a version's search.

    steps      of the search; None as the version has it
    restarts   further searches from starts moved at random; None: two if there is a seed, none otherwise
    seed       what they are moved by; without restarts nothing in creating is random
    animation  format of the search's film; None for no film
    """

    steps: int | None = None
    restarts: int | None = None
    seed: int | None = None
    animation: AnimationFormat | None = None

    def __post_init__(self) -> None:
        if self.steps is not None and self.steps < 1:
            raise InputError(f"steps: {self.steps}; give 1 or more")
        if self.seed is not None and self.restarts == 0:
            raise InputError(
                f"seed: {self.seed} changes nothing without restarts, nothing else is random; leave it out, or give "
                f"--restarts {RESTARTS_WITH_SEED}"
            )

    def config(self, search: IterativeConfig) -> IterativeConfig:
        """The version's search with these changes."""
        restarts = self.restarts if self.restarts is not None else RESTARTS_WITH_SEED * (self.seed is not None)
        searched = search if self.steps is None else search.with_steps(self.steps)
        return replace(searched, restarts=restarts, seed=self.seed or 0)


class PublishedCreator:
    """A version, an engine, and how photos are to be treated."""

    def __init__(
        self,
        creator: Creator,
        engine: EngineBridge,
        finder: PortraitFinder,
        *,
        version: int,
        calibrations: Mapping[str, Calibration],
        animation: AnimationFormat | None = None,
    ) -> None:
        self.creator, self.finder, self.version, self.animation = creator, finder, version, animation
        self._calibrations = calibrations
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
                waiting += self.finder.portraits(photo, taken)
            except PhotoError as error:
                outcome.failed.append(str(error))
            if len(waiting) >= FACES_AT_ONCE:
                outcome.created += self._create_together(waiting, out)
                waiting = []
            bar.advance()
        outcome.created += self._create_together(waiting, out)
        return outcome

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
                Character(
                    portrait=portrait,
                    creation=creations[row],
                    config=self.creator.config,
                    rendered=shown[row],
                    imitated=imitated[row],
                    similarity=similarities[row],
                    confidence=self.confidence(creations[row].mode, similarities[row]),
                    film=draw_frames(creations[row], portrait.shown, self.creator.pictures),
                ),
                out / portrait.name,
            )
            for row, portrait in enumerate(portraits)
        ]

    def _write(self, character: Character, folder: Path) -> Path:
        schema = self.creator.bundle.schema
        return write_character(character, folder, schema, version=self.version, animation=self.animation)

    def confidence(self, mode: Mode, similarity: float) -> Confidence:
        """By the mode's own held-out people, or those of the mode that decided about the version."""
        measured = mode if mode in self._calibrations else next(iter(self._calibrations), None)
        if measured is None:
            return Confidence(value=None, basis=f"version {self.version} was published without a calibration")
        calibration = self._calibrations[measured]
        return Confidence(
            value=calibration.confidence(similarity),
            basis=f"probability that the engine's render shows this person and not a stranger, as similarity told them "
            f"apart for {calibration.num_photos} held-out people in {measured} mode",
        )


def open_published(
    version: ModelVersion,
    engine: EngineBridge,
    *,
    mode: str = "auto",
    faces: Faces = "largest",
    order: SearchOrder | None = None,
    weights: Path | None,
) -> PublishedCreator:
    """A published version, verified and loaded.

    Raises InputError for an unknown mode, a damaged version, or one that was made for another engine.
    """
    refuse_other_engine(version, engine)
    order = order or SearchOrder()
    bundle = load_bundle(version.folder, embedder_checkpoint=weights)
    engine_schema = engine.describe(version.character)
    if engine_schema.fingerprint != bundle.schema.fingerprint:
        raise InputError(
            f"{version.character}: version {version.version} was made for schema {bundle.schema.fingerprint}, "
            f"the engine now has {engine_schema.fingerprint}; run the pipeline for a new version"
        )
    config = order.config(search_of(version))
    creator = Creator(
        bundle,
        config,
        render=studio_renderer(engine, version.character, bundle.resolution),
        record_every=record_every(config.steps) if order.animation else 0,
    )
    template = AlignmentTemplate(np.asarray(bundle.template, np.float64))
    return PublishedCreator(
        creator,
        engine,
        PortraitFinder(template, bundle.resolution, mode=mode, faces=faces),
        version=version.version,
        calibrations=calibrations_of(version),
        animation=order.animation,
    )


def search_of(version: ModelVersion) -> IterativeConfig:
    """How the version's recipe searches: what its figures were measured with."""
    name = read_card(version.folder / "imitator").recipe
    return find_recipe(name).search if name in RECIPES else IterativeConfig.quick()


def calibrations_of(version: ModelVersion) -> dict[str, Calibration]:
    """By mode, first that of the mode that decided about the version; none for versions published without."""
    found = read_evaluation(version.folder / EVALUATION_FILE)
    modes = sorted(found.creators, key=lambda mode: mode != found.judged_mode)
    qualities = {mode: found.creators[mode].calibration for mode in modes}
    return {mode: calibration for mode, calibration in qualities.items() if calibration}


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
        "search": asdict(search_of(version)),
    }
    step = Step(stage="creation", character=run.schema.character, inputs=inputs)
    out = step.folder(run.settings.creations)
    with run.step("Create characters", "creation", step.key, out, step.record) as record:
        record.cached = is_done(out, _read_outcome)
        if not record.cached:
            with run.alone(out), ProgressBar("Create characters") as bar:
                published = open_published(version, run.engine, weights=run.settings.lightcnn_weights)
                made = published.create(photos, out, bar)
                with appearing_file(out / OUTCOME_FILE) as stream:
                    names = [folder.relative_to(out).as_posix() for folder in made.created]  # a home may be moved
                    stream.write(json.dumps({"created": names, "failed": made.failed}).encode())
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
        outcome = Outcome(created=[out / folder for folder in data["created"]], failed=data["failed"])
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{out}: nothing was created here ({error})") from error
    for folder in outcome.created:
        if not (folder / PARAMETERS_FILE).is_file():
            raise InputError(f"{folder}: the character is gone")
    return outcome
