"""What a training run leaves on disk.

    state.pt               all that is needed to continue: weights, optimiser, scheduler, generators, place in the data;
                           its first 32 bytes are the SHA-256 of the rest, which is PyTorch's
    history.jsonl          one line per epoch: losses, learning rate, held-out metrics
    previews/epoch-*.png   what the network does on a few held-out pairs

Each file is written beside its place, synced and renamed: whoever looks sees the old one or the new one, whole.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image

from f2p_models.durable import appearing_file
from f2p_models.errors import DamagedStateError

Record = dict[str, float]
_HASH_BYTES: Final = 32


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
        """Behind a hash of it: PyTorch reads damaged weights without a word."""
        buffer = io.BytesIO()
        torch.save(state, buffer)
        with appearing_file(self.state_path) as unfinished, unfinished.open("wb") as stream:
            stream.write(hashlib.sha256(buffer.getbuffer()).digest())
            stream.write(buffer.getbuffer())

    def read_state(self) -> dict[str, Any]:
        """Raises DamagedStateError for a file that is not what was written. Nothing in it is executed."""
        content = self.state_path.read_bytes()
        digest, saved = content[:_HASH_BYTES], content[_HASH_BYTES:]
        if hashlib.sha256(saved).digest() != digest:
            raise DamagedStateError(f"{self.state_path}: no training state; delete it and train from the start")
        state: dict[str, Any] = torch.load(io.BytesIO(saved), map_location="cpu", weights_only=True)
        return state

    @property
    def has_states(self) -> bool:
        """Whether a training broke off here that can be continued, if only in its warm-up."""
        return any(self.folder.rglob(self.state_path.name))

    def forget_states(self) -> None:
        """Delete every state below the folder, a warm-up's too: the training is finished, nothing will continue.

        What killed writers left goes as well, and such leftovers are as large as a state.
        """
        for pattern in (self.state_path.name, f".{self.state_path.name}.*.tmp"):
            for path in self.folder.rglob(pattern):
                path.unlink(missing_ok=True)

    def write_history(self, history: Sequence[Record]) -> None:
        lines = "".join(json.dumps(record) + "\n" for record in history)
        with appearing_file(self.history_path) as unfinished:
            unfinished.write_text(lines)

    def write_preview(self, epoch: int, picture: npt.NDArray[np.uint8]) -> None:
        with appearing_file(self.preview_path(epoch)) as unfinished:
            Image.fromarray(picture).save(unfinished, format="PNG")
