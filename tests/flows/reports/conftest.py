"""Runs that never ran: records, and folders with everything that a real one leaves, made in a moment."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engine_bridge.characters import load_schema
from engine_bridge.schema import ParameterSchema
from f2p_datasets.manifest import finish_dataset
from f2p_datasets.pairs import Pair, Reject
from f2p_datasets.provenance import Provenance
from f2p_datasets.samplers import build_sampler
from f2p_datasets.shards import write_shard
from f2p_models.checkpoints import CheckpointCard, save_checkpoint
from f2p_models.evaluation.creators import CreatorQuality
from f2p_models.evaluation.networks import ImitatorQuality, SegmenterQuality
from f2p_models.evaluation.parameters import ParameterErrors
from f2p_models.evaluation.report import Evaluation
from f2p_models.evaluation.retrieval import Retrieval
from f2p_models.imitator import Imitator, ImitatorConfig
from flows.pictures.evaluation_pictures import DRAWN
from flows.run_records import GateRecord, RunRecord, StepRecord
from flows.settings import Settings

SIDE = 32
SHARD_SIZE = 10
NUM_STUDIO, NUM_PHOTO_LIKE = 40, 10
MEASURED = {"yaw_deg": 3.0, "pitch_deg": -2.0, "roll_deg": 0.0, "face_px": 90.0, "sharpness": 200.0, "frontal": True}
ENGINE = "mock mock-0123456789ab"
MakeRun = Callable[..., RunRecord]


@pytest.fixture(scope="session")
def schema() -> ParameterSchema:
    return load_schema("tiny")


@pytest.fixture
def save_record(settings: Settings) -> Callable[[RunRecord], RunRecord]:
    """Writes a record where a run would have."""
    return partial(save, settings)


@pytest.fixture
def make_run(settings: Settings, write_run: MakeRun) -> MakeRun:
    """``make_run("a", seed=1)``: a finished run of ``tiny`` with all of its files, on record."""
    return partial(write_run, settings)


@pytest.fixture(scope="session")
def write_run(schema: ParameterSchema) -> MakeRun:
    """``write_run(settings, "a", seed=1)``, for fixtures that tests share.

    Sheets are as wide as an evaluation's if ``wide``, and otherwise quick to draw.
    """

    def write(settings: Settings, name: str, *, seed: int = 0, skill: float = 0.2, **changes: Any) -> RunRecord:
        writer = _Writer(settings, schema, name, seed)
        steps = [
            writer.studio(),
            writer.photo_like(),
            writer.imitator(),
            writer.evaluation(skill, wide=changes.pop("wide", False)),
            writer.version(),
            writer.creation(),
        ]
        return save(settings, replace(_record(name, seed, steps), **changes))

    return write


def save(settings: Settings, record: RunRecord) -> RunRecord:
    folder = settings.runs / record.run_id
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps(asdict(record)))
    return record


def _record(name: str, seed: int, steps: list[StepRecord]) -> RunRecord:
    return RunRecord(
        run_id=f"2026-11-20-tiny-{name}",
        character="tiny",
        recipe="smoke",
        engine=ENGINE,
        seed=seed,
        started="2026-11-20T02:00:00+00:00",
        status="finished",
        seconds=sum(step.seconds for step in steps) + 1.0,
        versions={"f2p": "0.1.0"},
        steps=steps,
        gates=[GateRecord(stage="studio", name="counts", passed=True, detail="40 of 40 pairs")],
        results={"characters": [str(Path(steps[-1].folder) / "somebody")]},
    )


@pytest.fixture(name="make_evaluation")
def _make_evaluation() -> Callable[..., Evaluation]:
    """``make_evaluation(schema, skill)``: figures of which only the slider error depends on the skill."""
    return make_evaluation


class _Writer:
    """Writes the outputs of one run; everything depends on the seed, so two runs of one seed are alike."""

    def __init__(self, settings: Settings, schema: ParameterSchema, name: str, seed: int) -> None:
        self.settings, self.schema, self.name, self.seed = settings, schema, name, seed

    def studio(self) -> StepRecord:
        vectors = build_sampler("uniform", self.schema, self.seed).vectors(0, NUM_STUDIO)
        pairs = [self._pair(index, vector) for index, vector in enumerate(vectors)]
        return self._dataset("studio", "studio", pairs, "uniform", 2.0)

    def photo_like(self) -> StepRecord:
        vectors = build_sampler("natural", self.schema, self.seed).vectors(0, NUM_PHOTO_LIKE)
        pairs = [self._pair(index, vector, MEASURED) for index, vector in enumerate(vectors)]
        found = [*pairs[:-2], *(Reject(index=index, reason="no face found") for index in (8, 9))]
        return self._dataset("photo-like", "photo-like", found, "natural", 4.0)

    def imitator(self) -> StepRecord:
        folder = self.settings.checkpoints / f"tiny-imitator-{self.name}"
        config = ImitatorConfig(vector_size=self.schema.vector_size, resolution=64, width=0.05)
        settings = {"seed": self.seed, "batch_size": 8, "learning_rate": 0.004}
        card = CheckpointCard(
            kind="imitator",
            character="tiny",
            schema_fingerprint=self.schema.fingerprint,
            recipe="smoke",
            code_version="c0de",
            epoch=3,
            recipe_settings=settings,
            metrics={"l1": 0.02},
            extra={"baseline": {"l1": 0.05}},
        )
        save_checkpoint(folder / "checkpoint", Imitator(config), card)
        history = [
            {"epoch": epoch, "step": 4 * epoch, "l1": 0.06 / epoch, "train_loss": 0.1 / epoch} for epoch in (1, 2, 3)
        ]
        write_history(folder / "training" / "history.jsonl", history)
        inputs = {"code": "c0de", "training": settings, "studio": f"studio-{self.seed}"}
        return self._step("Train the imitator", "imitator", folder, 60.0, inputs, {"l1": 0.02})

    def evaluation(self, skill: float, *, wide: bool) -> StepRecord:
        folder = self.settings.evaluations / f"tiny-evaluation-{self.name}"
        (folder / "pictures").mkdir(parents=True)
        for number, name in enumerate(DRAWN):
            columns = 2 if not wide else 10 if name == "imitator-worst" else 8
            rows = 2 if name == "characters" else 3
            Image.fromarray(_sheet(rows, columns, number)).save(folder / "pictures" / f"{name}.png")
        worst = [{"pair": 4 + 5 * place, "l1": 0.05 - place / 1000} for place in range(10)]
        (folder / "pictures" / "imitator-worst.json").write_text(json.dumps(worst))
        make_evaluation(self.schema, skill).save(folder / "evaluation.json")
        return self._step("Evaluate", "evaluation", folder, 10.0, {"code": "e"}, {"score": 0.5})

    def version(self) -> StepRecord:
        folder = self.settings.evaluations / f"tiny-version-{self.name}"
        folder.mkdir(parents=True)
        bundle = {
            "character": "tiny",
            "fingerprint": self.schema.fingerprint,
            "resolution": 64,
            "embedder": "dlib",
            "code_version": "v",
            "files": {},
            "heldout": "held-out",
            "metrics": {"score": 0.5},
            "parents": {},
        }
        shelf = self.settings.registry / "tiny" / "1"
        shelf.mkdir(parents=True, exist_ok=True)
        (shelf / "bundle.json").write_text(json.dumps(bundle))
        return self._step("Publish", "version", folder, 1.0, {"code": "v"}, {"version": 1, "champion": "yes"})

    def creation(self) -> StepRecord:
        folder = self.settings.creations / f"tiny-creation-{self.name}"
        (folder / "somebody").mkdir(parents=True)
        for name in ("aligned", "imitator", "engine"):
            Image.fromarray(_sheet(1, 1, 3)).save(folder / "somebody" / f"{name}.png")
        document = {"mode": "one-shot", "reason": "a small face", "similarity": 0.5}
        (folder / "somebody" / "parameters.json").write_text(json.dumps(document))
        outcome = {"created": ["somebody"], "failed": ["/photos/wall.jpg: no face found"]}
        (folder / "outcome.json").write_text(json.dumps(outcome))
        return self._step("Create characters", "creation", folder, 2.0, {"code": "n"}, {"created": 1, "failed": 1})

    def _pair(self, index: int, vector: Any, facts: dict[str, Any] | None = None) -> Pair:
        picture = np.full((SIDE, SIDE, 3), 20 + 5 * index, np.uint8)
        mask = np.full((SIDE, SIDE), index % 11, np.uint8)
        return Pair(
            index=index, picture=picture, mask=mask, vector=vector, facts={"engine_frame": index, **(facts or {})}
        )

    def _dataset(self, stage: str, domain: str, pairs: list[Any], sampler: str, seconds: float) -> StepRecord:
        provenance = Provenance(
            domain=domain,
            code_version="test",
            count=len(pairs),
            resolution=SIDE,
            shard_size=SHARD_SIZE,
            encoding="png",
            schema=self.schema,
            sampler=sampler,
            seed=self.seed,
            engine="mock",
            engine_build="mock-0123456789ab",
            template=None if domain == "studio" else ((0.5, 0.5),),
        )
        folder = self.settings.datasets / f"tiny-{stage}-{self.name}"
        for shard in range(provenance.num_shards):
            write_shard(folder, shard, pairs[shard * SHARD_SIZE : (shard + 1) * SHARD_SIZE], provenance)
        finish_dataset(folder, provenance)
        inputs = {"seed": self.seed, "engine_build": "mock-0123456789ab"}
        return self._step(
            f"Render {stage} pairs", stage, folder, seconds, inputs, {"pairs": len(pairs)}, key=provenance.key
        )

    def _step(
        self,
        title: str,
        stage: str,
        folder: Path,
        seconds: float,
        *shaped: dict[str, Any],
        key: str | None = None,
    ) -> StepRecord:
        inputs, figures = shaped
        return StepRecord(
            title=title,
            stage=stage,
            key=key or f"{stage}-{self.seed}",
            folder=str(folder),
            cached=False,
            seconds=seconds,
            inputs=inputs,
            figures=figures,
        )


def write_history(path: Path, records: Iterable[dict[str, float]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(record) + "\n" for record in records))


def make_evaluation(schema: ParameterSchema, skill: float) -> Evaluation:
    retrieval = Retrieval(
        num_photos=8,
        top1=0.5,
        top10=1.0,
        median_rank=1.0,
        mean_reciprocal_rank=0.7,
        own_similarity=0.6,
        others_similarity=0.4,
        verification_auc=0.9,
    )
    errors = ParameterErrors(
        slider_error=0.15 * (1 - skill),
        constant_error=0.15,
        group_errors={},
        choice_accuracy={"hairstyle": (0.5, 0.25)},
    )
    creator = CreatorQuality(
        mode="one-shot", retrieval=retrieval, ceiling=retrieval, parameters=errors, imitated_similarity=0.7
    )
    segmenter = SegmenterQuality(
        num_pairs=8,
        pixel_accuracy=0.9,
        mean_iou=0.6,
        part_iou={"hair": 0.8},
        constant_accuracy=0.7,
        constant_mean_iou=0.3,
    )
    return Evaluation(
        character="tiny",
        fingerprint=schema.fingerprint,
        heldout="held-out",
        judged_mode="one-shot",
        imitator=ImitatorQuality(num_pairs=8, l1=0.02, psnr_db=math.pi * 9, ssim=0.9, constant_l1=0.05),
        segmenter=segmenter,
        creators={"one-shot": creator},
    )


def _sheet(rows: int, columns: int, hue: int) -> Any:
    """Tiles of 192 pixels, every one of another color."""
    tiles = np.arange(rows * columns, dtype=np.uint8).reshape(rows, columns) * 7
    grey = np.kron(tiles, np.ones((192, 192), np.uint8))
    return np.stack([grey, np.full_like(grey, 40 * hue), 255 - grey], axis=-1)
