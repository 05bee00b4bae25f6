"""``f2p evaluate retrieval``: shown a created character, who finds the photo it was made from?

photos of N people -> a character each, in every mode -> the engine's renders -> a judge ranks all N photos for each
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from f2p_models.creation import Creator, Mode, ModeChoice, choose_mode
from f2p_models.evaluation import Judge, calibrate, judged_embeddings, judged_similarity, measure_retrieval
from f2p_models.metrics import retrieval_ranks
from f2p_models.pictures import from_pictures
from flows.evaluations.page import EvaluationPage, Place, evaluate_once
from flows.evaluations.people import Draw, People, find_people
from flows.evaluations.retrieval_page import describe_retrieval
from flows.evaluations.retrieval_results import (
    ALL_MODES,
    AUTO,
    OWN_EMBEDDER,
    Found,
    Made,
    NamedJudge,
    Results,
    RetrievalOptions,
)
from flows.evaluations.subject import Subject
from flows.progress import ProgressBar
from flows.settings import Settings

_CREATED_AT_ONCE: Final = 16


def evaluate_retrieval(
    settings: Settings,
    subject: Subject,
    source: Path,
    options: RetrievalOptions,
    *,
    command: str,
    judges: Sequence[NamedJudge] = (),
    out: Path | None = None,
    num_workers: int = 0,
) -> tuple[Path, dict[str, Any]]:
    """The evaluation's folder and its JSON document, found or made.

    ``judges`` rank beside the creator's own embedder, to which characters were made to look alike: theirs is the word
    that counts, the first one's the headline.
    """
    people = find_people(
        settings, subject, source, Draw(count=options.count, seed=options.seed), num_workers=num_workers
    )
    ranking: dict[str, Judge] = {judge.name: judge.to(subject.creator.bundle.device) for judge in judges}
    ranking[OWN_EMBEDDER] = subject.creator.bundle.embedder
    inputs = {
        **subject.inputs(),
        "engine": subject.engine_build,
        "people": people.fingerprint,
        "options": asdict(options),
        "judges": list(ranking),
    }
    place = Place.of(settings, character=subject.schema.character, verb="retrieval", inputs=inputs, out=out)

    def measure() -> EvaluationPage:
        choices = tuple(choose_mode(face, subject.resolution) for face in people.faces)
        made = make_characters(subject, people, options, choices)
        found = {name: find_photos(subject, people, made, judge) for name, judge in ranking.items()}
        results = Results(choices=choices, made=made, found=found)
        return describe_retrieval(subject, people, options, results, command=command)

    return place.folder, evaluate_once(settings, place, measure)


def make_characters(
    subject: Subject, people: People, options: RetrievalOptions, choices: Sequence[ModeChoice]
) -> dict[str, Made]:
    """By mode. Auto's are put together of the others': the mode chosen for each photo."""
    render = subject.renderer()
    creator = subject.creator.with_engine(render)
    render(subject.schema.default_vector()[None])  # an engine's first picture takes longest; it is not what is timed
    made: dict[str, Made] = {}
    with ProgressBar("Create characters") as bar:
        bar.start(len(people) * len(options.created_modes))
        for mode in options.created_modes:
            began = time.perf_counter()
            vectors = _create(creator, people.photos, mode, bar)
            seconds = (time.perf_counter() - began) / len(people)
            made[mode] = Made(vectors=vectors, renders=from_pictures(render(vectors.numpy())), seconds=seconds)
    if AUTO in options.modes:
        made[AUTO] = _chosen(made, choices)
    return {mode: made[mode] for mode in ALL_MODES if mode in options.modes}


def find_photos(subject: Subject, people: People, made: Mapping[str, Made], judge: Judge) -> dict[str, Found]:
    """Every mode's renders against all photos."""
    device = subject.creator.bundle.device
    photos = judged_embeddings(judge, people.photos, device)
    found = {}
    for mode, characters in made.items():
        similarity = judged_similarity(judge, judged_embeddings(judge, characters.renders, device), photos)
        found[mode] = Found(
            retrieval=measure_retrieval(similarity),
            ranks=retrieval_ranks(similarity),
            calibration=calibrate(similarity),
        )
    return found


def _create(creator: Creator, photos: Tensor, mode: Mode, bar: ProgressBar) -> Tensor:
    vectors = []
    for chunk in torch.split(photos, _CREATED_AT_ONCE):
        vectors.append(creator.in_mode(mode, chunk).vectors)
        bar.advance(len(chunk))
    return torch.cat(vectors)


def _chosen(made: Mapping[str, Made], choices: Sequence[ModeChoice]) -> Made:
    searched = torch.tensor([choice.mode == "hybrid" for choice in choices])
    hybrid, one_shot = made["hybrid"], made["one-shot"]
    share = float(searched.float().mean())
    return Made(
        vectors=torch.where(searched[:, None], hybrid.vectors, one_shot.vectors),
        renders=torch.where(searched[:, None, None, None], hybrid.renders, one_shot.renders),
        seconds=share * hybrid.seconds + (1.0 - share) * one_shot.seconds,
    )
