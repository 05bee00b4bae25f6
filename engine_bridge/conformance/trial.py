"""One subject, one character type, and the renders that the checks share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from time import perf_counter
from typing import Final

import numpy as np

from engine_bridge.bridge import EngineBridge
from engine_bridge.conformance.repeatability import Repeatability
from engine_bridge.conformance.subject import Announced, Subject
from engine_bridge.conformance.sweeps import SliderMove, sweep_choices, sweep_sliders
from engine_bridge.frames import Frame, RenderRequest, check_frame
from engine_bridge.remote.bridge_end.remote_engine import RemoteEngine
from engine_bridge.remote.pool.canary_pictures import CanaryPictures
from engine_bridge.remote.pool.truth import Truth
from engine_bridge.scene import STUDIO, Scene
from engine_bridge.schema import ParameterSchema, Vector

#: The side of the pictures that most checks look at.
USUAL_PX: Final = 256
MOST_WARM_UP_FRAMES: Final = 8
#: What an engine does for a frame, by the protocol's names.
ENGINE_PARTS: Final = ("apply", "render", "encode")


@dataclass(frozen=True, kw_only=True)
class Shot:
    """A picture to take."""

    vector: Vector
    scene: Scene = STUDIO
    resolution: int = USUAL_PX


class Trial:
    """A subject on trial with one character type. Counts frames, numbers requests, checks every answer.

    num_frames           pictures asked for, warm-up included
    num_timed            those that count for the pace: not the first ones of a process at a size
    seconds_rendering    what the timed ones took
    slowest_frame_s      the slowest timed one: asked for alone by our clock, in a batch as the engine tells it
    """

    def __init__(self, subject: Subject, character: str) -> None:
        self.subject = subject
        self.character = character
        self.announced = Announced.by(subject.engine)
        self.num_frames = self.num_timed = 0
        self.seconds_rendering = 0.0
        self.slowest_frame_s = 0.0
        self._next_id = 0
        self._warm_sizes: set[int] = set()
        self._canary_pictures = CanaryPictures()
        self._num_measured = 0

    @property
    def engine(self) -> EngineBridge:
        return self.subject.engine

    @cached_property
    def schema(self) -> ParameterSchema:
        return self.engine.describe(self.character)

    @cached_property
    def usual_px(self) -> int:
        """USUAL_PX, or what the engine can do nearest to it."""
        return min(max(USUAL_PX, self.announced.minimum_px), self.announced.maximum_px)

    @cached_property
    def average(self) -> Frame:
        """The average face in the studio, rendered once."""
        return self.render([self.shot()])[0]

    @cached_property
    def repeatability(self) -> Repeatability:
        """The engine's own noise, as a pool measures it."""
        return self.measure_repeatability()

    @cached_property
    def slider_sweep(self) -> tuple[SliderMove, ...]:
        return sweep_sliders(self)

    @cached_property
    def choice_sweep(self) -> dict[str, list[Frame]]:
        return sweep_choices(self)

    def shot(self, vector: Vector | None = None, scene: Scene = STUDIO, resolution: int | None = None) -> Shot:
        """The average face in the studio unless told otherwise."""
        chosen = self.schema.default_vector() if vector is None else vector
        return Shot(vector=chosen, scene=scene, resolution=resolution or self.usual_px)

    def requests(self, shots: Sequence[Shot]) -> list[RenderRequest]:
        """Requests under ids that were not used before."""
        first, self._next_id = self._next_id, self._next_id + len(shots)
        return [
            RenderRequest(request_id=first + place, character=self.character, **vars(shot))
            for place, shot in enumerate(shots)
        ]

    def render(self, shots: Sequence[Shot], *, batch: int | None = None) -> list[Frame]:
        """Checked frames in the order of the shots, in batches as large as the engine takes (or ``batch``)."""
        size = batch or self.announced.max_batch
        frames: list[Frame] = []
        for start in range(0, len(shots), size):
            requests = self.requests(shots[start : start + size])
            answers = self.answer(requests)
            frames += [check_frame(frame, request) for frame, request in zip(answers, requests, strict=True)]
        return frames

    def answer(self, requests: Sequence[RenderRequest]) -> list[Frame]:
        """What the engine returns for one batch, unchecked, and how long it took."""
        began = perf_counter()
        frames, slowest_s = self._ask(requests)
        seconds = perf_counter() - began
        self.num_frames += len(requests)
        if all(request.resolution in self._warm_sizes for request in requests):
            self.num_timed += len(requests)
            self.seconds_rendering += seconds
            self.slowest_frame_s = max(self.slowest_frame_s, seconds if len(requests) == 1 else slowest_s)
        return frames

    def warm_up(self, resolution: int | None = None) -> None:
        """Throw frames away until one comes twice, unchecked; what compilers and caches cost is nobody's pace."""
        size = resolution or self.usual_px
        if size in self._warm_sizes:
            return
        drawn: list[bytes] = []
        while len(drawn) < MOST_WARM_UP_FRAMES and len(drawn) == len(set(drawn)):
            drawn += [frame.picture.tobytes() for frame in self.answer(self.requests([self.shot(resolution=size)]))]
        self._warm_sizes.add(size)

    def measure_repeatability(self) -> Repeatability:
        """What a pool finds out about the engine that runs now; its canaries must be those that were drawn first."""
        self._num_measured += 1
        truth = Truth(self.schema, self.usual_px, self.engine.build, self._canary_pictures, seed=self._num_measured)
        return Repeatability.measure(truth, self._render_one, MOST_WARM_UP_FRAMES)

    def restart(self, start: Callable[[], EngineBridge]) -> None:
        """Another process, which is warm at no size yet."""
        self.subject.engine = start()
        self._warm_sizes.clear()
        self.warm_up()

    def recover(self) -> bool:
        """After the engine was lost: dial or start anew. False when nothing can be done."""
        if self.subject.restart is not None:
            self.restart(self.subject.restart)
        elif self.subject.wire is not None:
            self.subject.engine = self.subject.wire.engine()
        else:
            return False
        return True

    def random_vector(self, seed: int) -> Vector:
        """A face unlike the average: every slider uniform, every choice random."""
        random = np.random.Generator(np.random.Philox(key=(seed, 0)))
        return self.schema.harden(random.random(self.schema.vector_size, np.float32))

    def with_slider(self, index: int, encoded: float) -> Vector:
        """The average face with one slider moved to ``encoded`` in [0, 1]."""
        vector = self.schema.default_vector()
        vector[index] = encoded
        return vector

    def with_choice(self, name: str, choice: int, others: Vector | None = None) -> Vector:
        """``others`` (the average face) with one discrete parameter at its choice number ``choice``."""
        vector = (self.schema.default_vector() if others is None else others).copy()
        block = self.schema.blocks[name]
        vector[block] = 0.0
        vector[block.start + choice] = 1.0
        return vector

    def _render_one(self, request: RenderRequest) -> Frame:
        (frame,) = self.answer([request])
        return check_frame(frame, request)

    def _ask(self, requests: Sequence[RenderRequest]) -> tuple[list[Frame], float]:
        """The frames, and the seconds of the slowest as far as the engine tells them."""
        if not isinstance(self.engine, RemoteEngine):
            return self.engine.render(requests), 0.0
        answers = sorted(self.engine.stream(requests), key=lambda answer: answer.position)
        slowest_ms = max(
            (sum(answer.timings_ms.get(part, 0.0) for part in ENGINE_PARTS) for answer in answers), default=0.0
        )
        return [answer.frame for answer in answers], slowest_ms / 1000
