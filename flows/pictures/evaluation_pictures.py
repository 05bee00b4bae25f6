"""Pictures of an evaluation, for the report and the model card: never of pairs that a network was trained on.

Each is a sheet of 192-pixel tiles, a column per pair; ``NAME.json`` beside the imitator's says which pairs they are.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
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
from f2p_models.pictures import from_pictures, to_unit
from f2p_models.segmenter import Segmenter
from f2p_models.training.previews import Sheet, difference, mask_sheet, picture_sheet
from f2p_models.training.sources import Batch, BatchSource, mask_of, vector_of

COLUMNS: Final = 8
#: Where the imitator is worst there is the most to learn from.
WORST_COLUMNS: Final = 10


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """A picture of an evaluation: what it is about, and what is in its rows."""

    title: str
    caption: str


#: What is drawn, by file name without ``.png``, in the order it is shown.
DRAWN: Final = {
    "characters": Drawing(
        title="Photo to character",
        caption="Held-out photos, and the engine's render of the characters created from them.",
    ),
    "imitator": Drawing(
        title="Imitator",
        caption="Engine, imitator, and their difference, three times amplified. Held-out pairs.",
    ),
    "imitator-worst": Drawing(
        title="Where the imitator is worst",
        caption="Engine, imitator and difference of the held-out pairs with the largest error.",
    ),
    "segmenter": Drawing(
        title="Segmenter",
        caption="Photo-like render, the engine's part mask, the segmenter's.",
    ),
}


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
    """Write a PNG for each of :data:`DRAWN`."""
    folder.mkdir(parents=True, exist_ok=True)
    typical, worst = _imitations(creator.bundle.imitator, studio, folder)
    sheets = {
        "characters": _characters(creator, photos[:COLUMNS], render, mode),
        "imitator": typical,
        "imitator-worst": worst,
        "segmenter": _segmentations(creator.bundle.segmenter, photo_like),
    }
    for name in DRAWN:
        _save(sheets[name], folder / f"{name}.png")


@torch.no_grad()
def _imitations(imitator: Imitator, heldout: BatchSource, folder: Path) -> tuple[Sheet, Sheet]:
    """Engine, imitator and their difference: the first held-out pairs, and those with the largest L1."""
    indices, engine, imitated = _everything(
        heldout, lambda batch: imitator.picture(vector_of(batch).to(_device(imitator))).cpu()
    )
    errors = (engine - imitated).abs().mean((1, 2, 3))
    first, last = torch.arange(min(COLUMNS, len(engine))), errors.argsort(descending=True)[:WORST_COLUMNS]
    for name, row in (("imitator", first), ("imitator-worst", last)):
        pairs = [{"pair": int(indices[place]), "l1": float(errors[place])} for place in row]
        (folder / f"{name}.json").write_text(json.dumps(pairs) + "\n", encoding="utf-8")
    return _sheet(engine[first], imitated[first]), _sheet(engine[last], imitated[last])


def _sheet(engine: Tensor, imitated: Tensor) -> Sheet:
    return picture_sheet(engine, imitated, difference(engine, imitated))


@torch.no_grad()
def _segmentations(segmenter: Segmenter, heldout: BatchSource) -> Sheet:
    """Picture, the engine's mask, the segmenter's."""
    batch = next(heldout.epoch(0))
    pictures, masks = to_unit(batch.image[:COLUMNS]), mask_of(batch)[:COLUMNS]
    seen = segmenter(pictures.to(_device(segmenter))).logits.argmax(1).cpu()
    return mask_sheet(pictures, masks, seen.to(masks.dtype))


def _characters(creator: Creator, photos: Tensor, render: Renderer, mode: Mode) -> Sheet:
    """Photo, and the engine's picture of its character."""
    vectors = creator.with_engine(render).in_mode(mode, photos).vectors
    rendered = from_pictures(render(vectors.numpy()))
    return picture_sheet(photos, rendered)


def _everything(heldout: BatchSource, answer: Callable[[Batch], Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """Indices (N,) of all held-out pairs, their pictures (N, 3, H, W) in [0, 1], and a network's answers to them."""
    batches = list(heldout.epoch(0))
    pictures = to_unit(torch.cat([batch.image for batch in batches]))
    return torch.cat([batch.index for batch in batches]), pictures, torch.cat([answer(batch) for batch in batches])


def _device(network: torch.nn.Module) -> torch.device:
    return next(network.parameters()).device


def _save(sheet: Sheet, path: Path) -> None:
    Image.fromarray(np.ascontiguousarray(sheet)).save(path)
