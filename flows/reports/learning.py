"""Curves of the trainings: what was measured after the epochs, drawn over them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from engine_bridge.errors import InputError
from f2p_models.checkpoints import CheckpointCard, read_card
from f2p_models.training.run_folder import Record, RunFolder
from flows.layout import CHECKPOINT, TRAINING
from flows.pictures.curves import Points, draw_curve
from flows.reports.outputs import NETWORKS, Outputs

#: What is drawn of each training: the field of its history, and what it is called.
CURVES: Final[Mapping[str, Mapping[str, str]]] = {
    "imitator": {"l1": "held-out L1", "ssim": "held-out SSIM", "train_loss": "training loss"},
    "segmenter": {"miou": "held-out mean IoU", "accuracy": "held-out pixel accuracy", "train_loss": "training loss"},
    "translator": {
        "identity_similarity": "held-out identity similarity",
        "slider_error": "held-out slider error",
        "train_loss": "training loss",
    },
    "translator/warmup": {"train_loss": "training loss while it warms up"},
}


@dataclass(frozen=True, kw_only=True)
class Curve:
    """One quantity of one training."""

    network: str
    label: str
    points: Points
    baseline: float | None = None

    def draw(self, other: Points = ()) -> str:
        """As an SVG element; empty for fewer than two points. ``other`` is another run's, drawn behind it."""
        return draw_curve(self.points, self.label, baseline=self.baseline, other=other)


def read_curves(outputs: Outputs) -> list[Curve]:
    """Everything that the trainings of a run measured."""
    curves: list[Curve] = []
    for training, wanted in CURVES.items():
        history = history_path(outputs, training)
        if history is not None:
            curves += outputs.read(f"curves of the {training}", [], _curves, history, training, wanted)
    return curves


def history_path(outputs: Outputs, training: str) -> Path | None:
    """The history of a network's training, or of ``NETWORK/warmup``; None when there is none."""
    network, *inner = training.split("/")
    folder = outputs.folder(network)
    history = RunFolder(folder.joinpath(TRAINING, *inner)).history_path if folder else None
    return history if history and history.is_file() else None


def read_history(path: Path) -> list[Record]:
    """One record per epoch. Raises ValueError for a file that was cut."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def read_cards(outputs: Outputs) -> dict[str, CheckpointCard]:
    """The cards of the networks that this run has, by kind."""
    folders = {network: outputs.folder(network) for network in NETWORKS}
    cards: dict[str, CheckpointCard] = {}
    for network, folder in folders.items():
        if folder is not None and (folder / CHECKPOINT).is_dir():
            card = outputs.read(f"card of the {network}", None, read_card, folder / CHECKPOINT)
            cards |= {network: card} if card else {}
    return cards


def _curves(history: Path, training: str, wanted: Mapping[str, str]) -> list[Curve]:
    records, baseline = read_history(history), _baseline(history)
    network = training.partition("/")[0]
    found = [_curve(records, network, *field, baseline) for field in wanted.items()]
    return [curve for curve in found if len(curve.points) > 1]


def _curve(records: Sequence[Record], network: str, name: str, label: str, baseline: Mapping[str, float]) -> Curve:
    """What is not finite cannot be drawn, and the label says so."""
    measured = [(record["epoch"], record[name]) for record in records if name in record]
    points = [point for point in measured if math.isfinite(point[1])]
    told = label if len(points) == len(measured) else f"{label}, where it was finite"
    return Curve(network=network, label=told, points=points, baseline=baseline.get(name))


def _baseline(history: Path) -> dict[str, float]:
    """What the best constant answer reaches, by metric; nothing for a training that is not finished."""
    try:
        found: dict[str, float] = read_card(history.parent.parent / CHECKPOINT).extra.get("baseline", {})
    except InputError:
        return {}
    return found
