"""What a training run leaves on disk.

    state.pt               all that is needed to continue: weights, optimiser, scheduler, generators, place in the data
    history.jsonl          one line per epoch: losses, learning rate, held-out metrics
    previews/epoch-*.png   what the network does on a few held-out pairs

Each file is written beside its place, synced and renamed: whoever looks sees the old one or the new one, whole.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image

from f2p_models.durable import appearing_file
from f2p_models.errors import TrainingError

Record = dict[str, float]


@dataclass(frozen=True)
class RunFolder:
    """One training run's folder. Nothing is created before the first write."""

    folder: Path

    @property
    def state_path(self) -> Path:
        return self.folder / "state.pt"

    @property
    def history_path(self) -> Path:
        return self.folder / "history.jsonl"

    def preview_path(self, epoch: int) -> Path:
        return self.folder / "previews" / f"epoch-{epoch:04d}.png"

    def write_state(self, state: dict[str, Any]) -> None:
        with appearing_file(self.state_path) as unfinished:
            torch.save(state, unfinished)

    def read_state(self) -> dict[str, Any]:
        """Raises TrainingError for a file that is not a training state. Nothing in it is executed."""
        try:
            state: dict[str, Any] = torch.load(self.state_path, map_location="cpu", weights_only=True)
        except Exception as error:
            raise TrainingError(f"{self.state_path}: no training state; delete it and train from the start") from error
        return state

    def forget_states(self) -> None:
        """Delete every state below the folder, a warm-up's too: the training is finished, nothing will continue."""
        for path in self.folder.rglob(self.state_path.name):
            path.unlink(missing_ok=True)

    def write_history(self, history: Sequence[Record]) -> None:
        lines = "".join(json.dumps(record) + "\n" for record in history)
        with appearing_file(self.history_path) as unfinished:
            unfinished.write_text(lines)

    def write_preview(self, epoch: int, picture: npt.NDArray[np.uint8]) -> None:
        with appearing_file(self.preview_path(epoch)) as unfinished:
            Image.fromarray(picture).save(unfinished, format="PNG")
