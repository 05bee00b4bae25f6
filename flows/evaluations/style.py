"""``f2p evaluate style``: do created characters look like the game's? (Shi et al., ICCV 2019, Table 2.)

photos -> characters -> the engine's renders, beside as many renders of random parameters as the imitator learned from:
Frechet distance and mode score, repeated with other random parameters. Without Inception's weights the same distance
is taken between the features of the networks that are there, under their names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from engine_bridge.errors import InputError
from f2p_datasets.samplers import build_sampler
from f2p_models.creation.mode import MODES, Mode
from f2p_models.durable import sha256_of
from f2p_models.evaluation.inception import Inception
from f2p_models.evaluation.style import frechet_distance, mode_score
from f2p_models.judges import Judge
from f2p_models.pictures import from_pictures, to_bytes
from flows.evaluations.hardware import circumstances
from flows.evaluations.page import EvaluationPage, Figure, Place, Table, evaluate_once
from flows.evaluations.people import Draw, People, find_people
from flows.evaluations.subject import Subject
from flows.progress import ProgressBar
from flows.settings import Settings

Features = npt.NDArray[np.float32]
#: Pictures (B, 3, H, W) in [0, 1] -> features (B, D).
Describe = Callable[[Tensor], Tensor]

_DESCRIBED_AT_ONCE: Final = 16
_SHOWN: Final = 8
#: Random parameters of a repetition are numbered from here on in steps: never those of a training pair of seed 0.
_FIRST_INDEX: Final = 1_000_000


@dataclass(frozen=True, kw_only=True)
class StyleOptions:
    """How many people, in which mode, and how often the reference is drawn anew (the paper: 5 times)."""

    count: int = 100
    mode: Mode = "one-shot"
    repetitions: int = 5
    sampler: str = "uniform"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.count < 2 or self.repetitions < 1:
            raise InputError(f"count, repetitions: {self.count}, {self.repetitions}; give 2 and 1 or more")
        if self.mode not in MODES:
            raise InputError(f"mode: {self.mode!r} is none of {', '.join(MODES)}")


@dataclass(frozen=True, kw_only=True)
class StyleDistance:
    """Frechet distances by one network, one per repetition.

    characters  the characters' renders to the reference
    photos      the photos to the reference: what doing nothing would give
    engine      another reference to the reference: what is left of the same look, for so few pictures
    """

    characters: tuple[float, ...]
    photos: tuple[float, ...]
    engine: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class StyleResult:
    """Distances by network, mode scores where Inception was there: characters' and the reference's own."""

    distances: Mapping[str, StyleDistance]
    mode_scores: tuple[float, ...]
    reference_scores: tuple[float, ...]


def evaluate_style(
    settings: Settings,
    subject: Subject,
    source: Path,
    options: StyleOptions,
    *,
    command: str,
    inception: Path | None = None,
    judges: Sequence[Judge] = (),
    out: Path | None = None,
    num_workers: int = 0,
) -> tuple[Path, dict[str, Any]]:
    """The evaluation's folder and its JSON document, found or made."""
    people = find_people(
        settings, subject, source, Draw(count=options.count, seed=options.seed), num_workers=num_workers
    )
    network = Inception(inception) if inception else None
    inputs = {
        **subject.inputs(),
        "engine": subject.engine_build,
        "people": people.fingerprint,
        "options": asdict(options),
        "inception": sha256_of(inception) if inception else None,
        "judges": [judge.provenance.sha256 for judge in judges],
    }
    place = Place.of(settings, character=subject.schema.character, verb="style", inputs=inputs, out=out)

    def measure() -> EvaluationPage:
        vectors = subject.creator.with_engine(subject.renderer()).in_mode(options.mode, people.photos).vectors
        renders = from_pictures(subject.renderer()(vectors.numpy()))
        result, reference = measure_style(subject, people.photos, renders, options, inception=network, judges=judges)
        figure = _faces(people, renders, reference)
        return _page(subject, people, options, result, figure=figure, judges=judges, command=command)

    return place.folder, evaluate_once(settings, place, measure)


def measure_style(
    subject: Subject,
    photos: Tensor,
    renders: Tensor,
    options: StyleOptions,
    *,
    inception: Inception | None = None,
    judges: Sequence[Judge] = (),
) -> tuple[StyleResult, Tensor]:
    """The distances, and the first reference's pictures (N, 3, H, H)."""
    bundle = subject.creator.bundle
    networks: dict[str, Describe] = {judge.name: judge.to(bundle.device).embed for judge in judges}
    networks[f"{bundle.embedder.name} (the creator's own)"] = bundle.embedder.embed
    scores: list[tuple[float, float]] = []
    if inception is not None:
        inception.to(bundle.device)
        networks = {"inception": lambda pictures: inception(pictures)[0], **networks}
    with ProgressBar("Compare the looks") as bar:
        bar.start(options.repetitions + 1)
        references = []
        for reference in _references(subject, len(photos), options):
            references.append(reference)
            bar.advance()
    networks = {name: _on(bundle.device, describe) for name, describe in networks.items()}
    distances = {name: _distances(describe, photos, renders, references) for name, describe in networks.items()}
    if inception is not None:
        scores = _mode_scores(_on(bundle.device, lambda pictures: inception(pictures)[1]), renders, references)
    return StyleResult(
        distances=distances,
        mode_scores=tuple(score for score, _ in scores),
        reference_scores=tuple(own for _, own in scores),
    ), references[0]


def _references(subject: Subject, count: int, options: StyleOptions) -> Iterator[Tensor]:
    """Renders of random parameters, one set per repetition and one more: (N, 3, H, H) each, all different."""
    sampler, render = build_sampler(options.sampler, subject.schema, options.seed), subject.renderer()
    for repetition in range(options.repetitions + 1):
        first = _FIRST_INDEX + repetition * count
        vectors = np.stack([sampler.vector(index) for index in range(first, first + count)])
        yield from_pictures(render(vectors))


def _distances(describe: Describe, photos: Tensor, renders: Tensor, references: Sequence[Tensor]) -> StyleDistance:
    """All but the last reference are compared to; each has the one after it as the other set of the same look."""
    of_photos, of_renders = _features(describe, photos), _features(describe, renders)
    drawn = [_features(describe, reference) for reference in references]
    return StyleDistance(
        characters=tuple(frechet_distance(of_renders, features) for features in drawn[:-1]),
        photos=tuple(frechet_distance(of_photos, features) for features in drawn[:-1]),
        engine=tuple(frechet_distance(other, features) for features, other in pairwise(drawn)),
    )


def _mode_scores(classify: Describe, renders: Tensor, references: Sequence[Tensor]) -> list[tuple[float, float]]:
    created = _features(classify, renders)
    drawn = [_features(classify, reference) for reference in references[:-1]]
    return [(mode_score(created, features), mode_score(features, features)) for features in drawn]


def _on(device: torch.device, describe: Describe) -> Describe:
    return lambda pictures: describe(pictures.to(device))


@torch.no_grad()
def _features(describe: Describe, pictures: Tensor) -> Features:
    chunks = torch.split(pictures, _DESCRIBED_AT_ONCE)
    return torch.cat([describe(chunk).cpu() for chunk in chunks]).numpy()


def _page(
    subject: Subject,
    people: People,
    options: StyleOptions,
    result: StyleResult,
    *,
    figure: Figure,
    judges: Sequence[Judge],
    command: str,
) -> EvaluationPage:
    name, first = next(iter(result.distances.items()))
    return EvaluationPage(
        verb="style",
        character=subject.schema.character,
        title="Do characters look like the game's?",
        command=command,
        summary=f"Frechet distance by {name}: {np.mean(first.characters):.4g}, photos {np.mean(first.photos):.4g}",
        provenance={
            **subject.provenance(),
            "people": len(people),
            "photos": people.fingerprint,
            "options": asdict(options),
            "judges": {judge.name: asdict(judge.provenance) for judge in judges},
            **circumstances(),
        },
        measurements=asdict(result),
        tables=_tables(result, len(people)),
        figures=(figure,),
        notes=_notes(options, result),
    )


def _tables(result: StyleResult, count: int) -> tuple[Table, ...]:
    distances = Table(
        title="Frechet distance to the engine's random faces",
        header=("features of", "characters", "photos", "random faces", "characters / random"),
        rows=tuple(
            (
                name,
                _spread(found.characters),
                _spread(found.photos),
                _spread(found.engine),
                float(np.mean(found.characters) / np.mean(found.engine)),
            )
            for name, found in result.distances.items()
        ),
        note=f"Mean and standard deviation over {len(next(iter(result.distances.values())).characters)} draws of "
        f"{count} random faces. The distance falls with the number of pictures: compare figures of the same number "
        "and network only. The second random set says how far it falls for one and the same look.",
    )
    if not result.mode_scores:
        return (distances,)
    scores = Table(
        title="Mode score",
        header=("", "score"),
        rows=(("characters", _spread(result.mode_scores)), ("random faces", _spread(result.reference_scores))),
        note="Higher is better. By ImageNet's classes, as in the paper.",
    )
    return distances, scores


def _spread(values: Sequence[float]) -> str:
    return f"{np.mean(values):.4g} ± {np.std(values):.2g}"


def _notes(options: StyleOptions, result: StyleResult) -> tuple[str, ...]:
    drawn = f"Random faces: sampler {options.sampler!r}, seed {options.seed}, not among the training pairs."
    if result.mode_scores:
        return (drawn, "Inception's weights are torchvision's; published FID figures are of TensorFlow's of 2015.")
    return (
        drawn,
        "No FID and no mode score: they need torchvision's Inception-v3 weights (--inception FILE, or "
        "F2P_INCEPTION_WEIGHTS). The distances above are the same formula on other networks' features, and no FID.",
    )


def _faces(people: People, renders: Tensor, reference: Tensor) -> Figure:
    rows = (people.photos, renders, reference)
    sheet = np.concatenate([np.concatenate(list(to_bytes(row[:_SHOWN])), 1) for row in rows])
    return Figure(
        name="looks",
        title="What is compared",
        caption="Rows: photos, the engine's renders of their characters, the engine's renders of random parameters.",
        picture=np.ascontiguousarray(sheet),
    )
