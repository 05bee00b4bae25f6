"""The loop that fits every network: steps, held-out metrics each epoch, and a state that can always be continued.

    for each epoch:   for each batch:  losses -> backward -> optimiser -> scheduler
                      held-out metrics, preview, state on disk

What differs between the networks is a :class:`Task`. A run that is killed loses at most what came after its last saved
state; Ctrl-C saves first. On a CPU, a resumed run ends with the same bits as one that was never stopped. Several
processes may share the work (``distributed.py``): all run this loop, and stop after the same step.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from f2p_models.devices import autocast, keep_freed_memory
from f2p_models.errors import DamagedStateError, DivergenceError, TrainingError
from f2p_models.training.distributed import Processes, share_losses, share_statistics
from f2p_models.training.interrupts import AgreedInterrupt, InterruptBetweenSteps
from f2p_models.training.optimization import build_optimizer, build_scheduler
from f2p_models.training.progress import Progress, SilentProgress
from f2p_models.training.run_folder import Record, RunFolder
from f2p_models.training.settings import FitSettings
from f2p_models.training.sources import Source
from f2p_models.training.state import TrainingState

BatchT = TypeVar("BatchT")
BatchT_contra = TypeVar("BatchT_contra", contravariant=True)


class Task(Protocol[BatchT_contra]):
    """What one network learns, and how it is judged."""

    @property
    def module(self) -> nn.Module:
        """What is trained; nothing else is."""

    def losses(self, batch: BatchT_contra, step: int, generator: torch.Generator) -> dict[str, Tensor]:
        """Scalars by name; ``loss`` is the one to minimise. Random draws come from the generator (CPU) only."""

    def evaluate(self) -> Record:
        """Held-out metrics. Called in evaluation mode and without gradients."""

    def preview(self) -> npt.NDArray[np.uint8] | None:
        """A picture (H, W, 3) of what the network does on held-out pairs, if there is anything to see."""


@dataclass(frozen=True, kw_only=True)
class TrainingResult:
    """A finished training: the module in evaluation mode, and what is known about it.

    metrics   held-out metrics after the last epoch
    baseline  the same metrics of the simplest thing that could have been done instead
    history   one record per epoch
    """

    module: nn.Module
    metrics: Record
    baseline: Record
    history: list[Record]

    @classmethod
    def of(cls, module: nn.Module, baseline: Record, history: list[Record]) -> TrainingResult:
        """The result of a finished :func:`fit`; its last record has the metrics."""
        fitting = {"epoch", "step", "learning_rate"}
        metrics = {
            name: value for name, value in history[-1].items() if name not in fitting and not name.startswith("train_")
        }
        return cls(module=module.eval(), metrics=metrics, baseline=baseline, history=history)


def fit(
    task: Task[BatchT],
    source: Source[BatchT],
    settings: FitSettings,
    *,
    folder: Path,
    device: torch.device,
    title: str,
    identity: dict[str, Any] | None = None,
    resume: bool = False,
    progress: Progress | None = None,
) -> list[Record]:
    """Fit the task's module in place and return one record per epoch.

    With ``resume`` a state in ``folder`` is continued, and a finished one returned as it is; without, it is replaced.
    Raises TrainingError for a loss that is not finite and for a state of another run; AgreedInterrupt, which is a
    KeyboardInterrupt, after saving.
    """
    keep_freed_memory()
    processes = Processes.current()
    share_statistics(task.module, processes)
    with torch.random.fork_rng(devices=[]), InterruptBetweenSteps() as interrupt:
        torch.manual_seed(settings.seed)
        run = _Run(
            task,
            source,
            settings,
            _initial_state(task.module, source.num_batches, settings, identity or {}),
            RunFolder(folder),
            device,
            progress or SilentProgress(),
            interrupt,
            processes,
            share_losses(task, processes),
        )
        run.go(title, resume=resume)
    task.module.eval()
    return run.state.history


def _initial_state(
    module: nn.Module, num_batches: int, settings: FitSettings, identity: dict[str, Any]
) -> TrainingState:
    if num_batches < 1:
        raise TrainingError("source: it has no batch; render more pairs or lower the batch size")
    optimizer = build_optimizer(
        settings.optimizer,
        module.parameters(),
        learning_rate=settings.learning_rate,
        momentum=settings.momentum,
        weight_decay=settings.weight_decay,
    )
    scheduler = build_scheduler(
        optimizer, settings.schedule, num_steps=settings.epochs * num_batches, steps_per_epoch=num_batches
    )
    generator = torch.Generator().manual_seed(settings.seed)
    return TrainingState(
        module, optimizer, scheduler, generator, {**_identity(settings), "num_batches": num_batches, **identity}
    )


def _identity(settings: FitSettings) -> dict[str, Any]:
    """The settings that a run must keep when it is continued. More epochs may be asked for where no schedule ends."""
    identity = settings.to_dict()
    for name in ("checkpoint_every_steps", "evaluate_every_epochs", "compile"):
        del identity[name]
    if settings.schedule != "one_cycle":
        del identity["epochs"]
    return identity


@dataclass
class _Run(Generic[BatchT]):
    task: Task[BatchT]
    source: Source[BatchT]
    settings: FitSettings
    state: TrainingState
    folder: RunFolder
    device: torch.device
    progress: Progress
    interrupt: InterruptBetweenSteps
    processes: Processes
    losses: Callable[..., dict[str, Tensor]]
    inside_step: bool = False

    def go(self, title: str, *, resume: bool) -> None:
        if resume and self.folder.state_path.exists():
            try:
                self.state.load(self.folder)
            except DamagedStateError:  # nothing of it has been loaded
                self.progress.note(f"{self.folder.state_path} is damaged; the training begins anew")
        self.progress.start(self.settings.epochs * self.source.num_batches, title)
        try:
            self.progress.advance(self.state.step)
            while self.state.epoch < self.settings.epochs:
                self._train_epoch()
                self._close_epoch()
                self._check_interrupt()
            self._write_history()
        except KeyboardInterrupt as interrupt:
            if not self.inside_step:
                self._save()
            if isinstance(interrupt, AgreedInterrupt):
                self.processes.meet()  # torchrun ends all as soon as one has left, even one that is still saving
            raise
        finally:
            self.progress.finish()

    def _train_epoch(self) -> None:
        self.task.module.train()
        for batch in self.source.epoch(self.state.epoch, self.state.batch):
            self.inside_step = True
            self._step(batch)
            self.inside_step = False
            self.progress.advance()
            self._check_interrupt()
            if self.settings.checkpoint_every_steps and self.state.step % self.settings.checkpoint_every_steps == 0:
                self._save()
        if self.state.batch != self.source.num_batches:
            raise TrainingError(f"source: it announced {self.source.num_batches} batches, {self.state.batch} came")

    def _step(self, batch: BatchT) -> None:
        state, processes = self.state, self.processes
        state.optimizer.zero_grad(set_to_none=True)
        generator = processes.generator(state.generator, self.settings.seed, state.step)
        with autocast(self.device, self.settings.precision):
            losses = self.losses(processes.part(batch), state.step, generator)
        values = dict(zip(losses, processes.mean(_read(losses)), strict=True))
        self._check_finite(values["loss"])
        losses["loss"].backward()  # type: ignore[no-untyped-call]
        state.optimizer.step()
        state.scheduler.step()
        state.count(values)

    def _check_finite(self, loss: float) -> None:
        if not math.isfinite(loss):
            raise DivergenceError(
                f"loss: {loss} at step {self.state.step} with learning rate {self._learning_rate():g}; "
                "lower learning_rate or check the pictures"
            )

    def _check_numbers(self, record: Record) -> None:
        """The last step of an epoch may spoil the weights after its own loss was found good."""
        for name, value in record.items():
            if math.isnan(value):
                raise DivergenceError(f"{name}: not a number after epoch {int(record['epoch'])}; lower learning_rate")

    def _close_epoch(self) -> None:
        epoch = self.state.epoch + 1
        record: Record = {"epoch": epoch, "step": self.state.step, "learning_rate": self._learning_rate()}
        record |= self.state.mean_losses()
        if epoch == self.settings.epochs or epoch % self.settings.evaluate_every_epochs == 0:
            record |= self.processes.from_first(self._judge(epoch) if self.processes.is_first else Record())
        self._check_numbers(record)
        self.state.close_epoch(record)
        self._save()
        self._write_history()

    def _save(self) -> None:
        if self.processes.is_first:
            self.state.save(self.folder)

    def _write_history(self) -> None:
        if self.processes.is_first:
            self.folder.write_history(self.state.history)

    def _check_interrupt(self) -> None:
        """All processes stop after the same step, or none does."""
        if self.processes.any(self.interrupt.pending):
            raise AgreedInterrupt

    @torch.no_grad()
    def _judge(self, epoch: int) -> Record:
        self.task.module.eval()
        metrics = self.task.evaluate()
        preview = self.task.preview()
        if preview is not None:
            self.folder.write_preview(epoch, preview)
        return metrics

    def _learning_rate(self) -> float:
        return float(self.state.optimizer.param_groups[0]["lr"])


def _read(losses: dict[str, Tensor]) -> list[float]:
    """All of them in one transfer from the device."""
    values: list[float] = torch.stack([loss.detach().float() for loss in losses.values()]).tolist()
    return values
