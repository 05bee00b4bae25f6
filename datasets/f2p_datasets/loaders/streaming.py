"""The stream mode: webdataset reads the shards in worker processes, the parent shuffles and batches.

Workers hand over chunks of pairs, stacked: a chunk travels through shared memory in one go. Shuffling and batching
happen in the parent, so that the number of batches does not depend on the number of workers. The order is a function
of seed, epoch and number of workers.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import torch
import webdataset as wds
from webdataset import tariterators

from f2p_datasets.loaders.batches import decode_fields
from f2p_datasets.processes import end_with_parent, worker_context
from f2p_datasets.randomness import generator

Sample = dict[str, torch.Tensor]

_CHUNK_BYTES: Final = 8 << 20
_BUFFER_BYTES: Final = 512 << 20
_LARGEST_BUFFER: Final = 4096


@dataclass(frozen=True, kw_only=True)
class StreamPlan:
    """What to stream: the pairs with the wanted indices, pair_bytes each once decoded."""

    shards: Sequence[Path]
    wanted: frozenset[int]
    fields: tuple[str, ...]
    resolution: int
    pair_bytes: int
    shuffle: bool
    workers: int
    seed: int


def stream_pairs(plan: StreamPlan, epoch: int) -> Iterator[Sample]:
    """Every wanted pair once, in the order of this epoch."""
    draw = generator(plan.seed, epoch, "loader.stream")
    shards = [str(shard) for shard in plan.shards]
    if plan.shuffle:
        shards = [shards[position] for position in draw.permutation(len(shards))]
    pairs = _unstack(_chunks(plan, shards))
    if not plan.shuffle:
        return pairs
    size = max(1, min(_LARGEST_BUFFER, _BUFFER_BYTES // plan.pair_bytes))
    shuffled: Iterator[Sample] = wds.shuffle(size, initial=size, rng=random.Random(int(draw.integers(2**63))))(pairs)
    return shuffled


def _chunks(plan: StreamPlan, shards: Sequence[str]) -> Any:
    dataset = wds.DataPipeline(
        partial(_list_shards, shards),
        wds.split_by_worker,
        _open_shards,
        tariterators.tar_file_expander,
        tariterators.group_by_keys,
        wds.select(partial(_is_wanted, plan.wanted)),
        wds.map(partial(_decode, plan.fields, plan.resolution)),
        wds.batched(max(1, _CHUNK_BYTES // plan.pair_bytes), collation_fn=_stack, partial=True),
    )
    return wds.WebLoader(
        dataset,
        batch_size=None,
        num_workers=plan.workers,
        multiprocessing_context=worker_context() if plan.workers else None,
        worker_init_fn=end_with_parent,
        generator=torch.Generator().manual_seed(0),  # its own: the global one belongs to the training
    )


def _list_shards(shards: Sequence[str]) -> Iterator[dict[str, Any]]:
    """webdataset's own list would take braces in a folder's name for a range of shards."""
    return ({"url": shard} for shard in shards)


def _open_shards(sources: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """webdataset's own opener leaves closing to chance; a shard is closed here once it was read."""
    for source in sources:
        with Path(source["url"]).open("rb") as stream:
            yield {**source, "stream": stream}


def _is_wanted(wanted: frozenset[int], sample: dict[str, Any]) -> bool:
    return int(sample["__key__"]) in wanted


def _decode(fields: tuple[str, ...], resolution: int, sample: dict[str, Any]) -> Sample:
    arrays = decode_fields(sample["__key__"], sample, fields, resolution)
    return {name: torch.from_numpy(array) for name, array in arrays.items()}


def _stack(samples: Sequence[Sample]) -> Sample:
    names = [name for name in samples[0] if not name.startswith("__")]  # webdataset adds its own
    return {name: torch.stack([sample[name] for sample in samples]) for name in names}


def _unstack(chunks: Any) -> Iterator[Sample]:
    for chunk in chunks:
        for position in range(len(chunk["index"])):
            # A copy: in the shuffle buffer a view would keep its whole chunk, and the chunk's shared memory, alive.
            yield {name: tensor[position].clone() for name, tensor in chunk.items()}
