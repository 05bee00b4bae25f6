"""How fast the steps were that did something: pairs and training samples a second.

A step that went on with what an attempt that broke off had left counts for its own share of it, for that is what its
seconds were spent on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from f2p_datasets.manifest import read_manifest
from f2p_models.checkpoints import CheckpointCard
from f2p_models.training.run_folder import RunFolder
from flows.layout import TRAINING
from flows.reports.learning import read_history
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
    """One line per step that rendered, aligned or trained.

    Steps that were found done measure nothing, nor do those of which nobody knows how much they did.
    """
    done = [step for step in outputs.run.steps if not step.cached and step.share > 0.0]
    lines = [_of_dataset(outputs, step) or _of_training(outputs, step, cards) for step in done]
    return [line for line in lines if line is not None]


def _of_dataset(outputs: Outputs, step: StepRecord) -> Throughput | None:
    folder = outputs.datasets().get(step.stage)
    manifest = outputs.read(f"manifest of {step.stage}", None, read_manifest, folder) if folder else None
    if manifest is None:
        return None
    return Throughput(
        title=step.title,
        count=round(step.share * (manifest.num_pairs + manifest.num_rejects)),
        unit="photos" if manifest.schema is None else "pairs",
        seconds=step.seconds,
        num_bytes=round(step.share * sum(shard.num_bytes for shard in manifest.shards)),
    )


def _of_training(outputs: Outputs, step: StepRecord, cards: Mapping[str, CheckpointCard]) -> Throughput | None:
    """By the step's own history: a segmenter that goes on with photos is a second step of its stage."""
    card, folder = cards.get(step.stage), outputs.place(Path(step.folder))
    history = RunFolder(folder / TRAINING).history_path if folder else None
    if card is None or history is None or not history.is_file():
        return None
    num_batches = outputs.read(f"history of the {step.stage}", 0, _num_batches, history)
    count = round(step.share * num_batches * card.recipe_settings.get("batch_size", 0))
    return Throughput(title=step.title, count=count, unit="samples", seconds=step.seconds) if count else None


def _num_batches(history: Path) -> int:
    """What the training has seen by its last epoch."""
    records = read_history(history)
    return int(records[-1]["step"]) if records else 0
