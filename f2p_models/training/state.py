"""Everything that a training run consists of at one moment, to be saved and continued bit for bit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR

from f2p_models.errors import TrainingError
from f2p_models.training.run_folder import Record, RunFolder


@dataclass
class TrainingState:
    """Weights, optimiser, scheduler, generators, and the position in the data.

    ``identity`` names what the run was started with (settings, architecture, source sizes): a state is continued only
    by a run that says the same. ``sums`` has the total of each loss over the epoch so far and how many steps had it.
    """

    module: nn.Module
    optimizer: torch.optim.Optimizer
    scheduler: LambdaLR
    generator: torch.Generator
    identity: dict[str, Any]
    epoch: int = 0
    batch: int = 0
    step: int = 0
    sums: dict[str, tuple[float, int]] = field(default_factory=dict)
    history: list[Record] = field(default_factory=list)

    def count(self, losses: dict[str, float]) -> None:
        """One more step is done."""
        for name, value in losses.items():
            total, steps = self.sums.get(name, (0.0, 0))
            self.sums[name] = (total + value, steps + 1)
        self.batch += 1
        self.step += 1

    def mean_losses(self) -> Record:
        """``train_<loss>``: each loss's mean over the steps of the epoch that had it."""
        return {f"train_{name}": total / steps for name, (total, steps) in self.sums.items()}

    def close_epoch(self, record: Record) -> None:
        """The epoch is over: its record joins the history, and the next one begins."""
        self.history.append(record)
        self.sums = {}
        self.epoch, self.batch = self.epoch + 1, 0

    def save(self, run: RunFolder) -> None:
        run.write_state(
            {
                "identity": self.identity,
                "module": self.module.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "scheduler": self.scheduler.state_dict(),
                "generator": self.generator.get_state(),
                "global_generator": torch.get_rng_state(),
                "position": {"epoch": self.epoch, "batch": self.batch, "step": self.step},
                "sums": self.sums,
                "history": self.history,
            }
        )

    def load(self, run: RunFolder) -> None:
        """Raises TrainingError for a state of another run, naming the first difference."""
        saved = run.read_state()
        _check_identity(saved["identity"], self.identity, run)
        self.module.load_state_dict(saved["module"], strict=True)
        self.optimizer.load_state_dict(saved["optimizer"])
        self.scheduler.load_state_dict(saved["scheduler"])
        self.generator.set_state(saved["generator"])
        torch.set_rng_state(saved["global_generator"])
        self.epoch, self.batch, self.step = (saved["position"][name] for name in ("epoch", "batch", "step"))
        self.sums, self.history = saved["sums"], saved["history"]


def _check_identity(saved: dict[str, Any], asked: dict[str, Any], run: RunFolder) -> None:
    for name in sorted(saved.keys() | asked.keys()):
        if saved.get(name) != asked.get(name):
            raise TrainingError(
                f"{name}: {run.folder} was trained with {saved.get(name)!r}, now it is {asked.get(name)!r}; "
                "resume with the same settings or train from the start"
            )
