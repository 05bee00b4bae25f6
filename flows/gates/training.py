"""The gate after every training: are the numbers numbers, was anything learned, and was it not learned by heart?

The comparison of training and held-out pairs is measured once and kept beside the checkpoint:

checkpoints/<character>-<stage>-<key>/gap.json
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from engine_bridge.errors import InputError
from f2p_datasets.durable import appearing_file
from f2p_models.checkpoints import CheckpointCard, load_checkpoint, read_card
from f2p_models.devices import choose_device
from f2p_models.embedders import Embedder
from f2p_models.evaluation.generalization import FirstPairs, heldout_error, measure_error
from f2p_models.training.sources import BatchSource
from flows.gates.gate import Check, pass_gates
from flows.layout import TRAINING
from flows.recipes import Recipe
from flows.runs import Run

GAP_FILE: Final = "gap.json"
FINITE: Final = "finite"
LOWER_THE_RATE: Final = "lower the recipe's learning rate, or look for what is wrong with its pictures"
TRAIN_LONGER: Final = "train longer or on more pairs, and look at the previews beside the checkpoint"
#: Training pairs that are compared at most: more would cost time and move the mean error by less than a percent.
_MOST_PAIRS: Final = 300


@dataclass(frozen=True, kw_only=True)
class Gap:
    """A network's error on ``num_pairs`` that it learned from, and on the held-out ones."""

    weights_sha256: str
    num_pairs: int
    on_training: float
    on_heldout: float

    @property
    def ratio(self) -> float:
        """Held-out error as a multiple of the other; a network without any error on what it has seen has no bound."""
        return self.on_heldout / self.on_training if self.on_training > 0 else math.inf


def pass_training_gate(run: Run, stage: str, checkpoint: Path) -> None:
    """Raise GateError for a finished training that diverged or learned nothing."""
    pass_gates(run, stage, check_training(checkpoint, run.recipe))


def pass_gap_gate(
    run: Run, stage: str, checkpoint: Path, seen: Callable[[], BatchSource], embedder: Embedder | None = None
) -> None:
    """Raise GateError for a network that has learned its pairs by heart.

    ``seen`` opens pairs that it learned from, of the kind that its held-out ones are of; a translator needs its
    embedder. Recipes without a limit are not measured.
    """
    limit = run.recipe.gates.max_gap
    if limit is None:
        return
    gap = _measured(checkpoint, seen, embedder)
    check = Check(
        name="gap",
        passed=gap.ratio <= limit,
        detail=f"held-out error {gap.on_heldout:.4f} is {gap.ratio:.2f} times the {gap.on_training:.4f} on "
        f"{gap.num_pairs:,} training pairs, at most {limit:g} times is accepted",
        way_out="render more pairs, train for fewer epochs, or raise max_gap in the recipe",
    )
    pass_gates(run, stage, [check])


def check_training(checkpoint: Path, recipe: Recipe) -> Iterator[Check]:
    """What a finished training must be like, by its history and its card."""
    card = read_card(checkpoint)
    yield _finite(checkpoint, card)
    if card.kind == "imitator":
        yield _imitator(card, recipe.translator.max_imitator_l1_ratio)
    elif recipe.gates.beat_baseline:
        yield from _better_than_baseline(card)


def _finite(checkpoint: Path, card: CheckpointCard) -> Check:
    """A picture that is met exactly has an infinite ratio of signal to noise; nothing else may be infinite."""
    records = [*_history(checkpoint), card.metrics]
    wrong = [
        f"{name} {value}"
        for record in records
        for name, value in record.items()
        if not (math.isfinite(value) or (name == "psnr" and value > 0))
    ]
    return Check(
        name=FINITE,
        passed=not wrong,
        detail=", ".join(wrong[:3]) or f"every figure of {len(records) - 1} epochs is a finite number",
        way_out=LOWER_THE_RATE,
    )


def _history(checkpoint: Path) -> list[Mapping[str, float]]:
    """One record per epoch; none when it was tidied away."""
    path = checkpoint.parent / TRAINING / "history.jsonl"
    try:
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    except FileNotFoundError:
        return []
    except ValueError as error:
        raise InputError(f"{path}: not a training's history ({error}); delete it") from error


def _imitator(card: CheckpointCard, limit: float) -> Check:
    """The translator's own limit: hours before it would be refused there."""
    ratio = card.metrics["l1_ratio"]
    return Check(
        name="better than a constant picture",
        passed=ratio <= limit,
        detail=f"held-out L1 is {ratio:.3f} of the best constant picture's, at most {limit:g} is accepted",
        way_out="lower the recipe's learning rate, train longer or on more pairs, or raise max_imitator_l1_ratio",
    )


def _better_than_baseline(card: CheckpointCard) -> Iterator[Check]:
    """A translator that learned from photos alone is not asked for sliders but whether it tells people apart."""
    baseline, settings = card.extra.get("baseline", {}), card.recipe_settings
    if card.kind == "segmenter":
        yield _above(card.metrics["miou"], baseline["miou"], "mean IoU", "the constant mask's")
    elif settings.get("lambda_parameter") or settings.get("warmup_epochs"):
        yield _below(card.metrics["slider_error"], baseline.get("slider_error", math.inf), "slider error", "the mean's")
    else:
        yield _above(card.metrics["verification_auc"], 0.5, "verification AUC", "guessing's")


def _above(value: float, than: float, what: str, whose: str) -> Check:
    detail = f"held-out {what} {value:.4f}, more than {whose} {than:.4f} is asked"
    return Check(name="better than the baseline", passed=value > than, detail=detail, way_out=TRAIN_LONGER)


def _below(value: float, than: float, what: str, whose: str) -> Check:
    detail = f"held-out {what} {value:.4f}, less than {whose} {than:.4f} is asked"
    return Check(name="better than the baseline", passed=value < than, detail=detail, way_out=TRAIN_LONGER)


def _measured(checkpoint: Path, seen: Callable[[], BatchSource], embedder: Embedder | None) -> Gap:
    """The gap that is kept beside a checkpoint, measured now if there is none of these weights."""
    card, path = read_card(checkpoint), checkpoint.with_name(GAP_FILE)
    kept = _read_gap(path)
    if kept and kept.weights_sha256 == card.weights_sha256:
        return kept
    device = choose_device()
    pairs = FirstPairs(seen(), _MOST_PAIRS)
    if embedder is not None:
        embedder.to(device)
    gap = Gap(
        weights_sha256=card.weights_sha256,
        num_pairs=pairs.num_pairs,
        on_training=measure_error(load_checkpoint(checkpoint)[0].to(device), pairs, embedder),
        on_heldout=heldout_error(card.kind, card.metrics),
    )
    with appearing_file(path) as stream:
        stream.write(json.dumps(asdict(gap), indent=1).encode())
    return gap


def _read_gap(path: Path) -> Gap | None:
    try:
        return Gap(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
