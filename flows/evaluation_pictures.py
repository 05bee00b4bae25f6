"""Pictures of an evaluation, for the report and the model card: never of pairs that a network was trained on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from f2p_models.creation import Creator
from f2p_models.creation.mode import Mode
from f2p_models.evaluation import Renderer
from f2p_models.imitator import Imitator
from f2p_models.segmenter import Segmenter
from f2p_models.training.previews import Sheet, difference, mask_sheet, picture_sheet
from f2p_models.training.sources import Batch, BatchSource, mask_of, vector_of

COLUMNS: Final = 8


def draw_evaluation(
    creator: Creator,
    folder: Path,
    *,
    studio: BatchSource,
    photo_like: BatchSource,
    photos: Tensor,
    render: Renderer,
    mode: Mode,
) -> None:
    """Write ``imitator.png``, ``imitator-worst.png``, ``segmenter.png`` and ``characters.png``."""
    folder.mkdir(parents=True, exist_ok=True)
    typical, worst = _imitations(creator.bundle.imitator, studio)
    _save(typical, folder / "imitator.png")
    _save(worst, folder / "imitator-worst.png")
    _save(_segmentations(creator.bundle.segmenter, photo_like), folder / "segmenter.png")
    _save(_characters(creator, photos[:COLUMNS], render, mode), folder / "characters.png")


@torch.no_grad()
def _imitations(imitator: Imitator, heldout: BatchSource) -> tuple[Sheet, Sheet]:
    """Engine, imitator and their difference: the first held-out pairs, and those with the largest L1."""
    engine, imitated = _everything(
        heldout, lambda batch: imitator.picture(vector_of(batch).to(_device(imitator))).cpu()
    )
    order = (engine - imitated).abs().mean((1, 2, 3)).argsort(descending=True)
    rows = [torch.arange(min(COLUMNS, len(engine))), order[:COLUMNS]]
    first, last = (picture_sheet(engine[row], imitated[row], difference(engine[row], imitated[row])) for row in rows)
    return first, last


@torch.no_grad()
def _segmentations(segmenter: Segmenter, heldout: BatchSource) -> Sheet:
    """Picture, the engine's mask, the segmenter's."""
    batch = next(heldout.epoch(0))
    pictures, masks = batch.image[:COLUMNS].float() / 255.0, mask_of(batch)[:COLUMNS]
    seen = segmenter(pictures.to(_device(segmenter))).logits.argmax(1).cpu()
    return mask_sheet(pictures, masks, seen.to(masks.dtype))


def _characters(creator: Creator, photos: Tensor, render: Renderer, mode: Mode) -> Sheet:
    """Photo, and the engine's picture of its character."""
    vectors = creator.in_mode(mode, photos).vectors
    rendered = torch.from_numpy(render(vectors.numpy())).permute(0, 3, 1, 2).float() / 255.0
    return picture_sheet(photos, rendered)


def _everything(heldout: BatchSource, answer: Callable[[Batch], Tensor]) -> tuple[Tensor, Tensor]:
    """All held-out pictures (N, 3, H, W) in [0, 1], and a network's answers to them."""
    batches = list(heldout.epoch(0))
    pictures = torch.cat([batch.image for batch in batches]).float() / 255.0
    return pictures, torch.cat([answer(batch) for batch in batches])


def _device(network: torch.nn.Module) -> torch.device:
    return next(network.parameters()).device


def _save(sheet: Sheet, path: Path) -> None:
    Image.fromarray(np.ascontiguousarray(sheet)).save(path)
