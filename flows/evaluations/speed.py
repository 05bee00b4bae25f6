"""``f2p evaluate speed``: how long creating a character takes, by mode and batch (TPAMI, Table 6).

The paper counts inference alone: "the time cost for data exchange and face alignment are not considered". Both ways are
stated here. Everything is warm: networks are loaded, and the first call of each kind is not counted.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any, Final

import torch
from torch import Tensor

from engine_bridge.errors import InputError
from engine_bridge.frames import Picture
from f2p_datasets.alignment import align_face
from f2p_datasets.detection import FaceDetector
from f2p_datasets.photo_sets import usable_faces
from f2p_datasets.photos import read_photo
from f2p_models.creation.mode import MODES, Mode
from f2p_models.pictures import from_pictures
from flows.evaluations.hardware import circumstances
from flows.evaluations.page import EvaluationPage, Place, Table, evaluate_once
from flows.evaluations.subject import Subject
from flows.progress import ProgressBar
from flows.settings import Settings

#: 002 Table 6, photos per second on a GTX 1080 Ti.
PUBLISHED: Final = (("paper, iterative", 1.0), ("paper, one-shot", 1e3), ("3DMM-CNN", 1e2))
_NETWORKS_ALONE: Final = "embedder and translator alone"


@dataclass(frozen=True, kw_only=True)
class SpeedOptions:
    """What is timed.

    batch_sizes    photos given together
    at_least       calls of each kind that are timed, after one that is not; their median counts
    least_seconds  more calls are made until so much time was measured
    """

    modes: tuple[Mode, ...] = MODES
    batch_sizes: tuple[int, ...] = (1, 16)
    at_least: int = 3
    least_seconds: float = 2.0

    def __post_init__(self) -> None:
        if not self.batch_sizes or min(self.batch_sizes) < 1:
            raise InputError(f"batch_sizes: {self.batch_sizes}; give photos per batch, e.g. 1,16")
        if self.at_least < 1 or not self.least_seconds >= 0.0:
            raise InputError(f"at_least, least_seconds: {self.at_least}, {self.least_seconds}; give 1 and 0 or more")


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Seconds of a call for ``batch_size`` photos: the median, the fastest, and how many calls were timed."""

    what: str
    batch_size: int
    seconds: float
    fastest: float
    num_calls: int

    @property
    def seconds_per_photo(self) -> float:
        return self.seconds / self.batch_size


def evaluate_speed(
    settings: Settings,
    subject: Subject,
    photo: Path,
    options: SpeedOptions,
    *,
    command: str,
    out: Path | None = None,
) -> tuple[Path, dict[str, Any]]:
    """The evaluation's folder and its JSON document; measured anew every time. Raises PhotoError without a face."""
    inputs = {**subject.inputs(), "options": asdict(options), "hardware": circumstances()["hardware"]}
    place = Place.of(settings, character=subject.schema.character, verb="speed", inputs=inputs, out=out)
    picture = read_photo(photo)
    usable_faces(photo, FaceDetector().detect(picture))

    def measure() -> EvaluationPage:
        return _page(subject, options, measure_speed(subject, picture, options), command=command)

    return place.folder, evaluate_once(settings, place, measure, again=True)


def measure_speed(subject: Subject, photo: Picture, options: SpeedOptions) -> list[Timing]:
    """The alignment of one photo, then every mode and the networks alone at every batch size, then the engine."""
    detector, creator, bundle = FaceDetector(), subject.creator, subject.creator.bundle

    def align() -> Picture:
        face = detector.detect(photo)[0]
        return align_face(photo, face.landmarks, subject.template, subject.resolution).picture

    aligned, render = from_pictures([align()]), subject.renderer()

    @torch.no_grad()
    def translate(photos: Tensor) -> Tensor:
        return bundle.translator(bundle.embedder.embed(photos.to(bundle.device))).cpu()  # type: ignore[no-any-return]

    calls: list[tuple[str, int, Callable[[], object]]] = [("alignment", 1, align)]
    for size in options.batch_sizes:
        photos = aligned.expand(size, -1, -1, -1).contiguous()
        calls.append((_NETWORKS_ALONE, size, partial(translate, photos)))
        calls += [(mode, size, partial(creator.in_mode, mode, photos)) for mode in options.modes]
    vector = creator.in_mode("one-shot", aligned).vectors.numpy()
    calls.append(("engine's render", 1, lambda: render(vector)))
    with ProgressBar("Measure the speed") as bar:
        bar.start(len(calls))
        timings = []
        for what, size, call in calls:
            timings.append(_timed(what, size, call, options))
            bar.advance()
    return timings


def _timed(what: str, batch_size: int, call: Callable[[], object], options: SpeedOptions) -> Timing:
    call()
    seconds: list[float] = []
    while len(seconds) < options.at_least or sum(seconds) < options.least_seconds:
        start = perf_counter()
        call()  # its result lies on the CPU: nothing is still under way on a GPU
        seconds.append(perf_counter() - start)
    return Timing(
        what=what,
        batch_size=batch_size,
        seconds=statistics.median(seconds),
        fastest=min(seconds),
        num_calls=len(seconds),
    )


def _page(subject: Subject, options: SpeedOptions, timings: list[Timing], *, command: str) -> EvaluationPage:
    [alignment] = [timing for timing in timings if timing.what == "alignment"]
    creating = [timing for timing in timings if timing.what in (_NETWORKS_ALONE, *MODES)]
    best = max(creating, key=lambda timing: (timing.what == "one-shot", 1.0 / timing.seconds_per_photo))
    return EvaluationPage(
        verb="speed",
        character=subject.schema.character,
        title="How fast characters are created",
        command=command,
        summary=f"one-shot: {1.0 / best.seconds_per_photo:.3g} photos per second without alignment",
        provenance={**subject.provenance(), "options": asdict(options), **circumstances()},
        measurements={
            "timings": [{**asdict(timing), "seconds_per_photo": timing.seconds_per_photo} for timing in timings]
        },
        tables=(_mode_table(creating, alignment), _other_table(timings), _published_table()),
        notes=(
            "Times are medians of warm calls. A mode's time has everything that creating does: embedding, translating, "
            "judging the likeness, and in a search the steps through the imitator.",
            f"Alignment (detector, landmarks, resampling) takes {1000 * alignment.seconds:.1f} ms for this photo, one "
            "at a time in one process; photos are aligned by as many processes as there are cores.",
            f"Search: {subject.creator.config.steps} steps, {subject.creator.config.optimizer}.",
        ),
    )


def _mode_table(creating: list[Timing], alignment: Timing) -> Table:
    return Table(
        title="Photos per second",
        header=("mode", "photos together", "ms per photo", "without alignment", "with alignment", "calls timed"),
        rows=tuple(
            (
                timing.what,
                timing.batch_size,
                f"{1000 * timing.seconds_per_photo:.1f}",
                f"{1.0 / timing.seconds_per_photo:.3g}",
                f"{1.0 / (timing.seconds_per_photo + alignment.seconds):.3g}",
                timing.num_calls,
            )
            for timing in creating
        ),
    )


def _other_table(timings: list[Timing]) -> Table:
    others = [timing for timing in timings if timing.what not in (_NETWORKS_ALONE, *MODES)]
    return Table(
        title="Beside it",
        header=("", "ms", "fastest, ms", "calls timed"),
        rows=tuple(
            (timing.what, f"{1000 * timing.seconds:.1f}", f"{1000 * timing.fastest:.1f}", timing.num_calls)
            for timing in others
        ),
    )


def _published_table() -> Table:
    return Table(
        title="The paper's",
        header=("", "photos per second"),
        rows=tuple((name, f"{speed:g}") for name, speed in PUBLISHED),
        note="On a GTX 1080 Ti, alignment and data exchange not counted; orders of magnitude, as printed.",
    )
