"""The loader: which pairs, in which order, in which of the two modes.

The split is decided here, by the index of a pair, and nowhere else. Before anything is read, every file is held
against the manifest: a truncated or changed shard is refused with its name.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Final, Literal, get_args

import numpy as np
import torch

from f2p_datasets.errors import DatasetError
from f2p_datasets.loaders.batches import FIELDS, PairBatch, make_batch
from f2p_datasets.loaders.memory import MemoryPairs
from f2p_datasets.loaders.streaming import Sample, StreamPlan, stream_pairs
from f2p_datasets.manifest import TABLE_NAME, DatasetManifest, check_table, read_manifest
from f2p_datasets.pair_table import read_rows
from f2p_datasets.pairs import Split, split_of
from f2p_datasets.randomness import generator
from f2p_datasets.shards import ShardRecord, check_shard

Mode = Literal["auto", "memory", "stream"]
Subset = Literal["all", "frontal"]
DEFAULT_MEMORY_LIMIT: Final = 4 << 30
_FIELDS_OF_PHOTOS: Final = {"photos": ("image",), "labelled-photos": ("image", "mask")}


class PairLoader:
    """Batches of one split of a dataset.

    The train split is shuffled and its last, incomplete batch dropped (batch statistics of a few pairs do harm),
    unless it is the only one. The heldout split comes complete and unshuffled.

    mode        ``memory`` decodes the split once, in the first epoch; ``stream`` reads it every epoch through
                webdataset; ``auto`` takes memory when the decoded split fits into memory_limit_bytes
    fields      which of vector, image and mask to load; photos have neither vector nor mask, labelled ones a mask
    resolution  pixels of the loaded pictures, the dataset's or less (area-averaged; masks nearest)
    subset      ``frontal``: only the high-quality front views of an aligned dataset
    device      where the batches are; in memory mode the whole split is kept there
    workers     worker processes of the stream mode; 0 reads in this process

    Raises DatasetError for a dataset that does not verify or does not have what is asked for.
    """

    def __init__(
        self,
        dataset_dir: Path,
        *,
        split: Split,
        batch_size: int,
        seed: int,
        mode: Mode = "auto",
        workers: int = 0,
        fields: Sequence[str] = FIELDS,
        resolution: int | None = None,
        subset: Subset = "all",
        device: torch.device | str = "cpu",
        memory_limit_bytes: int = DEFAULT_MEMORY_LIMIT,
    ) -> None:
        if batch_size < 1:
            raise DatasetError(f"batch_size: {batch_size}; give 1 or more")
        self.manifest = _open_dataset(dataset_dir)
        self.split: Split = split
        self.batch_size = batch_size
        self.resolution = resolution or self.manifest.provenance.resolution
        self._folder, self._seed, self._workers = dataset_dir, seed, workers
        self._fields, self._device = tuple(fields), torch.device(device)
        _check_request(self.manifest, split, self._fields, self.resolution)
        self.indices = _choose_indices(dataset_dir, self.manifest, split, subset)
        self.mode = self._choose_mode(mode, memory_limit_bytes)
        self._memory: MemoryPairs | None = None

    @property
    def num_pairs(self) -> int:
        """Pairs of this split and subset."""
        return len(self.indices)

    @property
    def num_batches(self) -> int:
        """Batches of an epoch."""
        if self.split == "heldout":
            return -(-self.num_pairs // self.batch_size)
        return max(1, self.num_pairs // self.batch_size)

    @property
    def pair_bytes(self) -> int:
        """Size of a decoded pair."""
        vector_size = self.manifest.schema.vector_size if self.manifest.schema else 0
        sizes = {"vector": 4 * vector_size, "image": 3 * self.resolution**2, "mask": self.resolution**2}
        return sum(sizes[name] for name in self._fields)

    def epoch(self, epoch: int, start_batch: int = 0) -> Iterator[PairBatch]:
        """The batches of an epoch from ``start_batch`` on: the same ones that an undisturbed epoch has there."""
        if self.mode == "memory":
            return self._epoch_from_memory(epoch, start_batch)
        return self._epoch_from_stream(epoch, start_batch)

    def complete(self) -> Iterator[PairBatch]:
        """Every pair once, whatever the split, unshuffled; the last batch may be smaller."""
        if self.mode == "memory":
            for rows in np.split(np.arange(self.num_pairs), range(self.batch_size, self.num_pairs, self.batch_size)):
                yield self._in_memory().batch(rows)
        else:
            pairs = self._stream(0, shuffle=False)
            while samples := list(islice(pairs, self.batch_size)):
                yield self._collate(samples)

    def _epoch_from_memory(self, epoch: int, start_batch: int) -> Iterator[PairBatch]:
        order = np.arange(self.num_pairs)
        if self.split == "train":
            order = generator(self._seed, epoch, "loader.memory").permutation(self.num_pairs)
        for batch in range(start_batch, self.num_batches):
            yield self._in_memory().batch(order[batch * self.batch_size : (batch + 1) * self.batch_size])

    def _in_memory(self) -> MemoryPairs:
        if self._memory is None:
            self._memory = MemoryPairs(
                self._shards(),
                self.indices,
                fields=self._fields,
                resolution=self.resolution,
                device=self._device,
            )
        return self._memory

    def _epoch_from_stream(self, epoch: int, start_batch: int) -> Iterator[PairBatch]:
        pairs = self._stream(epoch, shuffle=self.split == "train")
        for batch in range(self.num_batches):
            samples = list(islice(pairs, self.batch_size))
            if batch >= start_batch:
                yield self._collate(samples)

    def _stream(self, epoch: int, *, shuffle: bool) -> Iterator[Sample]:
        shards = self._shards()
        plan = StreamPlan(
            shards=shards,
            wanted=frozenset(self.indices),
            fields=self._fields,
            resolution=self.resolution,
            pair_bytes=self.pair_bytes,
            shuffle=shuffle,
            workers=min(self._workers, len(shards)),
            seed=self._seed,
        )
        return stream_pairs(plan, epoch)

    def _collate(self, samples: list[Sample]) -> PairBatch:
        stacked = {name: torch.stack([sample[name] for sample in samples]) for name in samples[0]}
        return make_batch({name: tensor.to(self._device) for name, tensor in stacked.items()})

    def _shards(self) -> list[Path]:
        return [self._folder / shard.name for shard in self.manifest.shards if shard.num_pairs]

    def _choose_mode(self, mode: Mode, memory_limit_bytes: int) -> Literal["memory", "stream"]:
        if mode not in get_args(Mode):
            raise DatasetError(f"mode: {mode!r} is unknown; choose one of {', '.join(get_args(Mode))}")
        if mode == "auto":
            return "memory" if self.num_pairs * self.pair_bytes <= memory_limit_bytes else "stream"
        return mode


def _open_dataset(folder: Path) -> DatasetManifest:
    """The manifest, once every file is what it says; a file that has not changed since is not read again."""
    manifest = read_manifest(folder)
    check_table(folder, manifest)
    for shard in manifest.shards:
        path = folder / shard.name
        if path.is_file():
            _check_once(path, path.stat().st_size, path.stat().st_mtime_ns, shard)
        else:
            check_shard(path, shard)
    return manifest


@lru_cache(maxsize=4096)
def _check_once(path: Path, _num_bytes: int, _changed_ns: int, shard: ShardRecord) -> None:
    check_shard(path, shard)


def _check_request(manifest: DatasetManifest, split: str, fields: tuple[str, ...], resolution: int) -> None:
    provenance = manifest.provenance
    available = _FIELDS_OF_PHOTOS.get(provenance.domain, FIELDS)
    if split not in get_args(Split):
        raise DatasetError(f"split: {split!r} is unknown; choose one of {', '.join(get_args(Split))}")
    if not fields or not set(fields) <= set(available):
        raise DatasetError(f"fields: {list(fields)} asked for; a {provenance.domain} dataset has {list(available)}")
    if not 1 <= resolution <= provenance.resolution:
        raise DatasetError(
            f"resolution: {resolution} px asked for, the dataset has {provenance.resolution} px; render a larger one"
        )


def _choose_indices(folder: Path, manifest: DatasetManifest, split: Split, subset: str) -> list[int]:
    """Global indices of the split's pairs, ascending. Rejects have none."""
    if subset not in get_args(Subset):
        raise DatasetError(f"subset: {subset!r} is unknown; choose one of {', '.join(get_args(Subset))}")
    if subset == "frontal" and manifest.provenance.domain == "studio":
        raise DatasetError("subset: a studio dataset knows no 'frontal' subset; all of it is frontal")
    table = read_rows(folder / TABLE_NAME)
    indices = table.column("index").to_pylist()
    chosen = table.column("frontal").to_pylist() if subset == "frontal" else [True] * len(indices)
    wanted = [i for i, keep in zip(indices, chosen, strict=True) if keep and split_of(i) == split]
    if not wanted:
        raise DatasetError(f"{folder}: no pair in split {split}, subset {subset}; 5 pairs or more are needed")
    return sorted(wanted)
