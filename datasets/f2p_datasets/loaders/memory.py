"""The memory mode: every pair of a split decoded once, kept as uint8 tensors."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from f2p_datasets.loaders.batches import Arrays, PairBatch, decode_fields, make_batch
from f2p_datasets.shards import iterate_members


class MemoryPairs:
    """The pairs with the given indices, in index order, on ``device``."""

    def __init__(
        self,
        shards: Sequence[Path],
        indices: Sequence[int],
        *,
        fields: tuple[str, ...],
        resolution: int,
        device: torch.device,
    ) -> None:
        self._fields, self._resolution = fields, resolution
        self._row = {index: row for row, index in enumerate(indices)}
        self._arrays: Arrays = {}
        for shard in shards:
            self._load_shard(shard)
        self._tensors = {name: torch.from_numpy(array).to(device) for name, array in self._arrays.items()}
        self._arrays = {}

    def batch(self, rows: npt.NDArray[np.int64]) -> PairBatch:
        """The pairs at these positions of the index order."""
        chosen = torch.from_numpy(rows).to(self._tensors["index"].device)
        return make_batch({name: tensor.index_select(0, chosen) for name, tensor in self._tensors.items()})

    def _load_shard(self, shard: Path) -> None:
        for key, members in iterate_members(shard):
            row = self._row.get(int(key))
            if row is None:
                continue
            for name, array in decode_fields(key, members, self._fields, self._resolution).items():
                if name not in self._arrays:
                    self._arrays[name] = np.zeros((len(self._row), *array.shape), array.dtype)
                self._arrays[name][row] = array
