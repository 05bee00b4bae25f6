"""Training the imitator: G(vector) is to look like the engine's picture (Shi et al., TPAMI, equation 1).

B batch, V vector, H W pixels
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from f2p_models.devices import choose_device
from f2p_models.imitator import Imitator, ImitatorConfig
from f2p_models.losses import imitation_loss
from f2p_models.metrics import l1, psnr, ssim
from f2p_models.pictures import to_unit
from f2p_models.training.loop import TrainingResult, fit
from f2p_models.training.optimization import Optimizer, Schedule
from f2p_models.training.previews import PREVIEW_PAIRS, difference, picture_sheet
from f2p_models.training.progress import Progress
from f2p_models.training.run_folder import Record
from f2p_models.training.settings import FitSettings
from f2p_models.training.sources import Batch, BatchSource, GuardedSource, heldout_index, vector_of

#: Training pictures behind the best constant picture. A median of more moves by less than a grey level.
BASELINE_PICTURES = 400


@dataclass(frozen=True, kw_only=True)
class ImitatorTraining(FitSettings):
    """The defaults are the paper's (section 3.6): SGD, batch 16, lr 0.01 decayed 10 % per 50 epochs, 500 epochs."""

    epochs: int = 500
    batch_size: int = 16
    optimizer: Optimizer = "sgd"
    learning_rate: float = 0.01
    schedule: Schedule = "step_decay"


def train_imitator(
    config: ImitatorConfig,
    training: ImitatorTraining,
    *,
    train: BatchSource,
    heldout: BatchSource,
    folder: Path,
    resume: bool = False,
    progress: Progress | None = None,
    device: torch.device | None = None,
) -> TrainingResult:
    """Train an imitator on pairs (vector, studio picture).

    Metrics: ``l1`` (of pictures in [0, 1]), ``psnr`` (dB), ``ssim``, and ``l1_ratio`` to the baseline's. Baseline: the
    best constant picture, the median of training pictures pixel by pixel. Raises TrainingError, see :func:`loop.fit`.
    """
    device = device or choose_device()
    guarded = GuardedSource(train, heldout_index(heldout))
    baseline = measure_constant_picture(guarded, heldout, device)
    task = ImitatorTask(_build(config, training, device), heldout, baseline["l1"], training.channels_last, device)
    history = fit(
        task,
        guarded,
        training,
        folder=folder,
        device=device,
        title="imitator",
        identity={"architecture": str(config), "num_pairs": train.num_pairs},
        resume=resume,
        progress=progress,
    )
    return TrainingResult.of(task.module, baseline, history)


def _build(config: ImitatorConfig, training: ImitatorTraining, device: torch.device) -> Imitator:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(training.seed)
        module = Imitator(config).to(device)
    if training.channels_last:
        module = module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    if training.compile:
        module.compile()
    return module


@dataclass(frozen=True)
class ImitatorTask:
    """See :class:`f2p_models.training.loop.Task`."""

    module: nn.Module
    heldout: BatchSource
    baseline_l1: float
    channels_last: bool
    device: torch.device

    def losses(self, batch: Batch, step: int, generator: torch.Generator) -> dict[str, Tensor]:  # noqa: ARG002
        """The L1 of equation 1; nothing is random in it."""
        engine, imitated = self._pair(batch)
        return {"loss": imitation_loss(imitated, engine)}

    def evaluate(self) -> Record:
        """Means over all held-out pairs, of pictures clamped to [0, 1]."""
        metrics = mean_picture_metrics((engine, imitated.clamp(0.0, 1.0)) for engine, imitated in self._heldout_pairs())
        return {**metrics, "l1_ratio": metrics["l1"] / self.baseline_l1}

    def preview(self) -> npt.NDArray[np.uint8]:
        """Engine above imitator above their difference, amplified."""
        engine, imitated = next(self._heldout_pairs())
        engine, imitated = engine[:PREVIEW_PAIRS], imitated[:PREVIEW_PAIRS].clamp(0.0, 1.0)
        return picture_sheet(engine, imitated, difference(engine, imitated))

    def _heldout_pairs(self) -> Iterator[tuple[Tensor, Tensor]]:
        for batch in self.heldout.epoch(0):
            yield self._pair(batch)

    def _pair(self, batch: Batch) -> tuple[Tensor, Tensor]:
        engine = to_unit(batch.image, self.device, channels_last=self.channels_last)
        imitated: Tensor = self.module(vector_of(batch).to(self.device))
        return engine, imitated


@torch.no_grad()
def measure_constant_picture(train: BatchSource, heldout: BatchSource, device: torch.device) -> Record:
    """Held-out metrics of the best constant picture under L1: the median of training pictures, (1, 3, H, W)."""
    constant = median_picture(train).to(device)
    return mean_picture_metrics(
        (engine, constant.expand_as(engine)) for engine in (to_unit(b.image, device) for b in heldout.epoch(0))
    )


def median_picture(source: BatchSource) -> Tensor:
    """The median of up to 400 pictures, pixel by pixel: float32 (1, 3, H, W) in [0, 1]."""
    pictures: list[Tensor] = []
    for batch in source.epoch(0):
        pictures.extend(batch.image)
        if len(pictures) >= BASELINE_PICTURES:
            break
    return to_unit(torch.stack(pictures[:BASELINE_PICTURES]).median(0, keepdim=True).values)


def mean_picture_metrics(pairs: Iterator[tuple[Tensor, Tensor]]) -> Record:
    """``l1``, ``psnr`` and ``ssim`` over pairs of picture batches (B, 3, H, W)."""
    rows = [torch.stack([metric(*pair) for metric in (l1, psnr, ssim)]) for pair in pairs]
    means = torch.cat(rows, dim=1).double().mean(1).tolist()
    return dict(zip(("l1", "psnr", "ssim"), means, strict=True))
