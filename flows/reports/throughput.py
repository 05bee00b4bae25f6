"""How fast the steps were that did something: pairs and training samples a second."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from f2p_datasets.manifest import read_manifest
from f2p_models.checkpoints import CheckpointCard
from flows.reports.learning import history_path, read_history
from flows.reports.outputs import Outputs
from flows.run_records import StepRecord


@dataclass(frozen=True, kw_only=True)
class Throughput:
    """``count`` of ``unit`` in the seconds of a whole step. ``num_bytes`` is what was written, of datasets."""

    title: str
    count: int
    unit: str
    seconds: float
    num_bytes: int = 0

    @property
    def per_second(self) -> float:
        return self.count / self.seconds if self.seconds else 0.0


def measure_throughput(outputs: Outputs, cards: Mapping[str, CheckpointCard]) -> list[Throughput]:
    """One line per step that rendered, aligned or trained; steps that were found done measure nothing."""
    done = [step for step in outputs.run.steps if not step.cached]
    lines = [_of_dataset(outputs, step) or _of_training(outputs, step, cards) for step in done]
    return [line for line in lines if line is not None]


def _of_dataset(outputs: Outputs, step: StepRecord) -> Throughput | None:
    folder = outputs.datasets().get(step.stage)
    manifest = outputs.read(f"manifest of {step.stage}", None, read_manifest, folder) if folder else None
    if manifest is None:
        return None
    return Throughput(
        title=step.title,
        count=manifest.num_pairs + manifest.num_rejects,
        unit="photos" if manifest.schema is None else "pairs",
        seconds=step.seconds,
        num_bytes=sum(shard.num_bytes for shard in manifest.shards),
    )


def _of_training(outputs: Outputs, step: StepRecord, cards: Mapping[str, CheckpointCard]) -> Throughput | None:
    card, history = cards.get(step.stage), history_path(outputs, step.stage)
    if card is None or history is None:
        return None
    batch_size = card.recipe_settings.get("batch_size", 0)
    count = batch_size * outputs.read(f"history of the {step.stage}", 0, _num_batches, history)
    return Throughput(title=step.title, count=count, unit="samples", seconds=step.seconds) if count else None


def _num_batches(history: Path) -> int:
    """What the training has seen by its last epoch."""
    records = read_history(history)
    return int(records[-1]["step"]) if records else 0
