"""Rendering shards: plan -> vectors -> engine -> pairs on disk. A shard is a pure function of (plan, shard index)."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

from engine_bridge.bridge import EngineBridge
from engine_bridge.errors import FrameRejectedError, InputError, SchemaError
from engine_bridge.frames import MAXIMUM_RESOLUTION, MINIMUM_RESOLUTION, Frame, RenderRequest, check_frame
from engine_bridge.scene import Scene
from engine_bridge.schema import ParameterSchema
from f2p_datasets.ahead import computed_ahead
from f2p_datasets.alignment import AlignmentTemplate, align_face, warp_mask
from f2p_datasets.detection import FaceDetector
from f2p_datasets.encodings import DEFAULT_ENCODING, check_encoding
from f2p_datasets.engine_log import log_path, logged_attempt
from f2p_datasets.pairs import Pair, Reject
from f2p_datasets.provenance import Provenance
from f2p_datasets.quality import judge_face
from f2p_datasets.samplers import build_sampler
from f2p_datasets.scenes import PhotoLikeScenes, Scenes, StudioScenes
from f2p_datasets.shards import ShardRecord, finished_shard, shard_name, write_shard
from f2p_datasets.slider_prior import SliderPrior

#: Raise it whenever the same plan gives other bytes: datasets rendered before are then rendered again.
CODE_VERSION: Final = "render-1"
RENDERED_DOMAINS: Final = ("studio", "photo-like")
#: A batch ends with a check of the engine, so it is not small; and it is held in memory twice, so it is not large.
_MOST_IN_BATCH: Final = 64
_BATCH_BYTES: Final = 64 << 20
_BYTES_PER_PIXEL: Final = 4  # picture and mask
#: Photo-like pictures are taken at this size at least and reduced by the alignment: landmarks need the pixels.
_SMALLEST_PHOTO_PX: Final = 256
_SEARCH_PX: Final = 320  # the head fills half of a rendered frame, so a small search finds it

CheckedFrame = tuple[Frame, RenderRequest]
_Batch = tuple[list[Frame], list[RenderRequest]]


@dataclass(frozen=True, kw_only=True)
class DatasetPlan:
    """What to render.

    sampler     ``uniform``, ``sobol``, ``natural`` or ``prior``
    domain      ``studio``, or ``photo-like``: photographed like people are, then found and aligned like photos
    template    landmarks to align to, needed by the photo-like domain only
    shard_size  pairs per shard; it changes the files, never the pairs
    prior       what the prior sampler draws by; no other sampler takes one
    """

    schema: ParameterSchema
    count: int
    seed: int
    sampler: str = "uniform"
    resolution: int = 512
    shard_size: int = 500
    domain: str = "studio"
    encoding: str = DEFAULT_ENCODING
    template: AlignmentTemplate | None = None
    prior: SliderPrior | None = None

    def __post_init__(self) -> None:
        if not 0 < self.count < 10**8:
            raise InputError(f"count: {self.count} pairs; give between 1 and 99999999")
        if self.shard_size < 1:
            raise InputError(f"shard_size: {self.shard_size} pairs; give 1 or more")
        if not MINIMUM_RESOLUTION <= self.resolution <= MAXIMUM_RESOLUTION:
            raise InputError(
                f"resolution: {self.resolution} lies outside [{MINIMUM_RESOLUTION}, {MAXIMUM_RESOLUTION}] pixels"
            )
        if self.domain not in RENDERED_DOMAINS:
            raise InputError(f"domain: {self.domain!r} is unknown; choose one of {', '.join(RENDERED_DOMAINS)}")
        if (self.template is None) == (self.domain == "photo-like"):
            raise InputError("template: the photo-like domain needs one, and no other domain takes one")
        check_encoding(self.encoding)
        build_sampler(self.sampler, self.schema, self.seed, self.prior)

    @property
    def num_shards(self) -> int:
        return -(-self.count // self.shard_size)

    def indices(self, shard_index: int) -> range:
        """Global indices of the pairs of a shard."""
        if not 0 <= shard_index < self.num_shards:
            raise InputError(f"shard: {shard_index} is none of the plan's {self.num_shards} shards")
        start = shard_index * self.shard_size
        return range(start, min(start + self.shard_size, self.count))

    def provenance(self, engine: EngineBridge) -> Provenance:
        """The plan as that engine will carry it out."""
        return Provenance(
            domain=self.domain,
            code_version=CODE_VERSION,
            count=self.count,
            resolution=self.resolution,
            shard_size=self.shard_size,
            encoding=self.encoding,
            schema=self.schema,
            sampler=self.sampler,
            seed=self.seed,
            engine=engine.name,
            engine_build=engine.build,
            template=self.template.tuples if self.template else None,
            scene_fields=_limits(engine) if self.domain == "photo-like" else None,
            prior_sha256=self.prior.sha256 if self.prior else None,
        )

    def key(self, engine: EngineBridge) -> str:
        """Content address of the dataset: its folder's name."""
        return self.provenance(engine).key


def missing_shards(engine: EngineBridge, plan: DatasetPlan, folder: Path) -> list[int]:
    """Shards still to render. Those that do not verify are deleted and belong to them."""
    key = plan.key(engine)
    return [index for index in range(plan.num_shards) if finished_shard(folder, index, key) is None]


def render_shard(
    engine: EngineBridge,
    plan: DatasetPlan,
    shard_index: int,
    folder: Path,
    ahead: bool = False,
) -> ShardRecord:
    """Render one shard of a plan into ``folder``, whatever is there already.

    The bytes depend on plan, shard index and engine build only. Frame ids are stored counted from the shard's first
    frame, for the same reason: an engine that was restarted, or that rendered other shards before, counts otherwise.
    ``ahead`` lets the engine render a batch in a second thread while the one before it is encoded: for engines in
    processes of their own. One that computes in ours would gain nothing.
    Raises SchemaError when the engine's schema is not the plan's, EngineError for engine trouble; nothing appears then.
    """
    described = engine.describe(plan.schema.character)
    if described.fingerprint != plan.schema.fingerprint:
        raise SchemaError(
            f"{plan.schema.character}: the engine's schema is {described.fingerprint}, the plan's "
            f"{plan.schema.fingerprint}; plan again with the engine's"
        )
    provenance = plan.provenance(engine)
    frames = _frames(engine, plan, plan.indices(shard_index), computed_ahead if ahead else iter)
    pairs = _pairs(plan, frames)
    attempts = log_path(folder, shard_name(shard_index))
    with closing(_logged(pairs, engine, attempts, provenance.key)) as logged:
        return write_shard(folder, shard_index, logged, provenance)


def frames_at_once(resolution: int) -> int:
    """How many frames to ask an engine for at a time: as many as fit into 64 MiB, 64 at most."""
    return max(1, min(_MOST_IN_BATCH, _BATCH_BYTES // (_BYTES_PER_PIXEL * resolution**2)))


def _logged(
    pairs: Iterator[Pair | Reject], engine: EngineBridge, path: Path, dataset_key: str
) -> Generator[Pair | Reject, None, None]:
    """The pairs; the attempt is in the log before the shard can appear."""
    with logged_attempt(engine, path, dataset_key):
        yield from pairs


def _pairs(plan: DatasetPlan, frames: Iterator[CheckedFrame]) -> Iterator[Pair | Reject]:
    """A pair for every frame; a reject where no face was found."""
    aligner = _FrameAligner(plan.template, plan.resolution) if plan.template else None
    counter = _FrameCounter()
    for frame, request in frames:
        facts: dict[str, Any] = {
            "character": plan.schema.character,
            "fingerprint": plan.schema.fingerprint,
            "engine_frame": counter.number(frame),
        }
        if aligner is None:
            yield _pair(frame, facts)
        else:
            yield aligner.pair(frame, facts | {"scene": request.scene.to_dict()})


def _frames(
    engine: EngineBridge, plan: DatasetPlan, indices: range, paced: Callable[[Iterator[_Batch]], Iterator[_Batch]]
) -> Iterator[CheckedFrame]:
    """Checked frames with their requests."""
    batches = ((engine.render(requests), requests) for requests in _batches(engine, plan, indices))
    for frames, requests in paced(batches):
        for frame, request in zip(frames, requests, strict=True):
            yield check_frame(frame, request), request


def _batches(engine: EngineBridge, plan: DatasetPlan, indices: range) -> Iterator[list[RenderRequest]]:
    """Requests for these indices in batches: one at a time would cost round trips."""
    sampler = build_sampler(plan.sampler, plan.schema, plan.seed, plan.prior)
    scenes: Scenes = PhotoLikeScenes(plan.seed) if plan.domain == "photo-like" else StudioScenes()
    vectors = sampler.vectors(indices.start, indices.stop)
    resolution = max(plan.resolution, _SMALLEST_PHOTO_PX) if plan.template else plan.resolution
    at_once, honored = frames_at_once(resolution), engine.scene_fields
    for start in range(0, len(indices), at_once):
        yield [
            RenderRequest(
                request_id=index,
                character=plan.schema.character,
                vector=vectors[index - indices.start],
                resolution=resolution,
                scene=scenes.scene(index).keep(honored),
            )
            for index in indices[start : start + at_once]
        ]


def _limits(engine: EngineBridge) -> tuple[str, ...] | None:
    """The scene fields that the engine honours, or None when these are all."""
    every = {field.name for field in fields(Scene)}
    return None if engine.scene_fields >= every else tuple(sorted(engine.scene_fields))


def _pair(frame: Frame, facts: dict[str, Any]) -> Pair:
    return Pair(index=frame.request_id, picture=frame.picture, mask=frame.mask, vector=frame.vector, facts=facts)


class _FrameCounter:
    """Numbers the frames of a shard from 0 in the engine's own counting, and refuses an engine that repeats itself."""

    def __init__(self) -> None:
        self._first: int | None = None
        self._last = -1

    def number(self, frame: Frame) -> int:
        if frame.frame_id <= self._last:
            raise FrameRejectedError(f"frame id {frame.frame_id} follows {self._last}: the engine repeats itself")
        self._first = frame.frame_id if self._first is None else self._first
        self._last = frame.frame_id
        return frame.frame_id - self._first


class _FrameAligner:
    """Treats rendered pictures as photos: find the face, bring it into the studio's frame."""

    def __init__(self, template: AlignmentTemplate, resolution: int) -> None:
        self._template, self._resolution = template, resolution
        self._detector = FaceDetector(search_px=_SEARCH_PX)

    def pair(self, frame: Frame, facts: dict[str, Any]) -> Pair | Reject:
        """The aligned pair, or a reject when no face is found."""
        faces = self._detector.detect(frame.picture)
        if not faces:
            return Reject(index=frame.request_id, reason="no face found")
        aligned = align_face(frame.picture, faces[0].landmarks, self._template, self._resolution)
        return Pair(
            index=frame.request_id,
            picture=aligned.picture,
            mask=warp_mask(frame.mask, aligned.matrix, self._resolution),
            vector=frame.vector,
            facts=facts | judge_face(faces[0], aligned, self._template).to_dict(),
        )
