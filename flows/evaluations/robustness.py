"""``f2p evaluate robustness``: what disturbed photos do to created characters (Wen et al., Table 6; the GDC slides).

photos, or held-out photo-like renders whose parameters are known -> every disturbance -> characters -> engine renders
-> how much parameters changed, and how like the undisturbed photo the judges still find them
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from engine_bridge.errors import InputError
from engine_bridge.frames import Picture
from f2p_datasets.manifest import read_manifest
from f2p_datasets.randomness import generator
from f2p_models.creation.mode import MODES, Mode
from f2p_models.evaluation import Judge
from f2p_models.evaluation.disturbances import BLOCK, Disturbance, all_disturbances
from f2p_models.evaluation.parameters import Vectors
from f2p_models.evaluation.robustness import Characters, RobustnessResult, RobustnessTrial
from f2p_models.judges import Judge as IndependentJudge
from f2p_models.pictures import to_bytes
from flows.evaluate import read_unseen_photos
from flows.evaluations.hardware import circumstances
from flows.evaluations.page import EvaluationPage, Figure, Place, evaluate_once
from flows.evaluations.people import Draw, find_people
from flows.evaluations.robustness_tables import NamedResult, all_tables
from flows.evaluations.subject import Subject
from flows.progress import ProgressBar
from flows.settings import Settings

_STREAM: Final = "evaluation.disturbances"
_SHOWN: Final = 6


@dataclass(frozen=True, kw_only=True)
class RobustnessOptions:
    """What is disturbed.

    photos    imported photos or a collection of them
    renders   a photo-like dataset, aligned, with vectors: errors of parameters are measured on it
    count     at most so many of each; ``seed`` draws the people and all noise
    families  of disturbances; none means all
    """

    photos: Path | None = None
    renders: Path | None = None
    count: int = 50
    mode: Mode = "one-shot"
    families: tuple[str, ...] = ()
    seed: int = 0

    def __post_init__(self) -> None:
        if self.photos is None and self.renders is None:
            raise InputError("photos: give --photos, a photo-like dataset with --renders, or both")
        if self.count < 2:
            raise InputError(f"count: {self.count}; a photo is found among 2 at least")
        if self.mode not in MODES:
            raise InputError(f"mode: {self.mode!r} is none of {', '.join(MODES)}")

    def choose(self, disturbances: Sequence[Disturbance]) -> tuple[Disturbance, ...]:
        """Those of the wanted families. Raises InputError for a family that there is not."""
        known = dict.fromkeys(disturbance.family for disturbance in disturbances)
        unknown = [family for family in self.families if family not in known]
        if unknown:
            raise InputError(f"families: {', '.join(unknown)}; choose of {', '.join(known)}")
        return tuple(found for found in disturbances if found.family in (self.families or known))


@dataclass(frozen=True, kw_only=True)
class Faces:
    """Aligned photos (N, 3, H, H) in [0, 1] of one kind, the truth where it is known, and their hash."""

    name: str
    photos: torch.Tensor
    truth: Vectors | None
    fingerprint: str


def evaluate_robustness(
    settings: Settings,
    subject: Subject,
    options: RobustnessOptions,
    *,
    command: str,
    judges: Sequence[IndependentJudge] = (),
    out: Path | None = None,
    num_workers: int = 0,
) -> tuple[Path, dict[str, Any]]:
    """The evaluation's folder and its JSON document, found or made."""
    disturbances = options.choose(all_disturbances(subject.template.points))
    sets = find_faces(settings, subject, options, num_workers=num_workers)
    asked = ask(subject, judges)
    inputs = {
        **subject.inputs(),
        "engine": subject.engine_build,
        "faces": [faces.fingerprint for faces in sets],
        "options": asdict(options),
        "judges": [judge.provenance.sha256 for judge in judges],
    }
    place = Place.of(settings, character=subject.schema.character, verb="robustness", inputs=inputs, out=out)

    def measure() -> EvaluationPage:
        measured = [_measure(subject, faces, disturbances, asked, options) for faces in sets]
        named = [NamedResult(name=faces.name, result=result) for faces, (result, _) in zip(sets, measured, strict=True)]
        figures = [figure for _, figure in measured]
        return _page(subject, options, named, figures=figures, judges=judges, command=command)

    return place.folder, evaluate_once(settings, place, measure)


def ask(subject: Subject, judges: Sequence[IndependentJudge]) -> dict[str, Judge]:
    """Everyone who judges, by name; the creator's own embedder last, because characters were made to please it."""
    device, embedder = subject.creator.bundle.device, subject.creator.bundle.embedder
    asked: dict[str, Judge] = {judge.name: judge.to(device) for judge in judges}
    return asked | {f"{embedder.name} (the creator's own)": embedder}


def find_faces(settings: Settings, subject: Subject, options: RobustnessOptions, *, num_workers: int) -> list[Faces]:
    """The photos, the renders, or both."""
    found = []
    if options.photos is not None:
        draw = Draw(count=options.count, seed=options.seed)
        people = find_people(settings, subject, options.photos, draw, num_workers=num_workers)
        found.append(Faces(name="photos", photos=people.photos, truth=None, fingerprint=people.fingerprint))
    if options.renders is not None:
        found.append(_read_renders(subject, options.renders, options.count))
    return found


def _read_renders(subject: Subject, folder: Path, count: int) -> Faces:
    """The first pairs of a photo-like dataset of this character. Raises InputError for another one."""
    manifest = read_manifest(folder)
    if manifest.schema is None or manifest.schema.fingerprint != subject.schema.fingerprint:
        raise InputError(f"renders: {folder} has no vectors of {subject.schema.character}; give its held-out photos")
    photos, vectors = read_unseen_photos(folder, subject.resolution, count)
    return Faces(name="renders", photos=photos, truth=vectors, fingerprint=f"{manifest.key}:{count}")


def _measure(
    subject: Subject,
    faces: Faces,
    disturbances: Sequence[Disturbance],
    judges: Mapping[str, Judge],
    options: RobustnessOptions,
) -> tuple[RobustnessResult, Figure]:
    trial = RobustnessTrial(
        subject.creator,
        faces.photos,
        subject.renderer(),
        judges,
        mode=options.mode,
        randomness=lambda number, row: generator(options.seed, row, f"{_STREAM}.{number}"),
        truth=faces.truth,
    )
    columns = [_column(trial.undisturbed)]
    with ProgressBar(f"Disturb the {faces.name}") as bar:
        bar.start(len(disturbances))

        def advance(_: Disturbance, characters: Characters) -> None:
            columns.append(_column(characters))
            bar.advance()

        result = trial.run(disturbances, advance)
    return result, _sheet(faces.name, columns, ["undisturbed", *(found.name for found in disturbances)])


def _column(characters: Characters) -> Picture:
    """The first photos as the creator saw them, each with its character to the right."""
    shown = [to_bytes(pictures[:_SHOWN]) for pictures in (characters.photos, characters.renders)]
    rows = [np.concatenate([photo, render], 1) for photo, render in zip(*shown, strict=True)]
    return np.concatenate(rows)


def _sheet(name: str, columns: list[Picture], titles: list[str]) -> Figure:
    """Columns of people side by side, a new line of the sheet after every five."""
    per_line = min(5, len(columns))
    blank = np.full_like(columns[0], 255)
    padded = columns + [blank] * (-len(columns) % per_line)
    lines = [np.concatenate(padded[at : at + per_line], 1) for at in range(0, len(padded), per_line)]
    return Figure(
        name=f"disturbed-{name}",
        title=f"Disturbed {name} and their characters",
        caption=f"Pairs of photo and engine render. From left to right and top to bottom: {', '.join(titles)}.",
        picture=np.ascontiguousarray(np.concatenate(lines)),
    )


def _page(
    subject: Subject,
    options: RobustnessOptions,
    results: Sequence[NamedResult],
    *,
    figures: Sequence[Figure],
    judges: Sequence[IndependentJudge],
    command: str,
) -> EvaluationPage:
    worst = max(results[0].result.disturbed, key=lambda found: found.slider_change)
    share = worst.slider_change / results[0].result.people_differ
    return EvaluationPage(
        verb="robustness",
        character=subject.schema.character,
        title="Disturbed photos",
        command=command,
        summary=f"sliders change most when {worst.name}: by {share:.2f} of what two people differ",
        provenance={
            **subject.provenance(),
            "options": asdict(options),
            "judges": {judge.name: asdict(judge.provenance) for judge in judges},
            **circumstances(),
        },
        measurements={named.name: asdict(named.result) for named in results},
        tables=all_tables(results),
        figures=tuple(figures),
        notes=_notes(subject, judges),
    )


def _notes(subject: Subject, judges: Sequence[IndependentJudge]) -> tuple[str, ...]:
    points = subject.template.points[17:]
    hull = float(np.prod(np.ptp(points, axis=0)))
    covered = BLOCK[0] * BLOCK[1] / hull
    independent = ", ".join(judge.name for judge in judges)
    return (
        "Photos are disturbed after they were aligned, as Wen et al. do; a detector would fail on some of them before.",
        f"The black block is theirs, 60 x 40 pixels of 256. Here it covers {covered:.0%} of the box around brows, "
        "eyes, nose and mouth.",
        "Likeness is judged on the engine's render against the undisturbed photo.",
        f"Judges that took no part in training: {independent}."
        if judges
        else "No judge is installed (python -m infra.judges --out HOME/judges): the creator's own embedder alone says "
        "what is alike, and characters were made to please it.",
    )
