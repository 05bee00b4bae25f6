"""Is every pair of a dataset what it says? Each is rendered once more, by a fresh engine, from its stored vector."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Final

import numpy as np

from engine_bridge.bridge import EngineBridge
from engine_bridge.frames import Frame, RenderRequest
from engine_bridge.remote.pool.canary_pictures import Difference, compare
from engine_bridge.schema import ParameterSchema, Vector
from f2p_datasets.manifest import TABLE_NAME, DatasetManifest, verify_dataset
from f2p_datasets.pair_table import read_rows
from f2p_datasets.pairs import Pair
from f2p_datasets.rendering import frames_at_once
from f2p_datasets.samplers import build_sampler
from f2p_datasets.shards import read_shard
from flows.progress import ProgressBar

#: Engines may round what they apply; the wire protocol allows no more than this.
_READ_BACK: Final = 0.05


@dataclass(frozen=True, kw_only=True)
class Audit:
    """What a dataset is found to hold. Pairs are named by their index.

    wrong          another picture or mask than a fresh engine draws from the stored vector, beyond ``repeatability``
    misplaced      a vector that is not the one which the dataset's seed gives for that index
    double         an index that is there twice, or a picture that two indices share
    largest        the largest difference of any pair from its second rendering
    repeatability  how far apart the manifest says two pictures of one vector may be
    """

    pairs: int
    wrong: tuple[int, ...] = ()
    misplaced: tuple[int, ...] = ()
    missing: tuple[int, ...] = ()
    double: tuple[int, ...] = ()
    largest: Difference = field(default_factory=Difference)
    repeatability: Difference = field(default_factory=Difference)


def audit_dataset(folder: Path, engine: EngineBridge) -> Audit:
    """Verify the manifest, then every pair. Raises DatasetError for files that are not the manifest's."""
    manifest = verify_dataset(folder)
    differences = dict(_differences(folder, manifest, engine))
    stored = Counter(pair.index for pair in _pairs(folder, manifest))
    allowed = repeatability_of(manifest)
    largest = Difference()
    for difference in differences.values():
        largest = largest.worst(difference)
    return Audit(
        pairs=stored.total(),
        wrong=tuple(index for index, difference in differences.items() if not difference.within(allowed)),
        misplaced=tuple(_misplaced(folder, manifest)),
        missing=tuple(sorted(set(range(manifest.provenance.count)) - set(stored))),
        double=tuple(sorted({index for index in stored if stored[index] > 1} | _shared_pictures(folder))),
        largest=largest,
        repeatability=allowed,
    )


def repeatability_of(manifest: DatasetManifest) -> Difference:
    """The noise floor of the engine that rendered a dataset; none for one that was not watched."""
    return Difference(**manifest.rendering["repeatability"]) if manifest.rendering else Difference()


def _differences(folder: Path, manifest: DatasetManifest, engine: EngineBridge) -> Iterator[tuple[int, Difference]]:
    """How far each stored pair is from its second rendering."""
    schema, side = _schema(manifest), manifest.provenance.resolution
    pairs = _pairs(folder, manifest)
    with ProgressBar("Render every pair once more") as bar:
        bar.start(manifest.num_pairs)
        while batch := list(islice(pairs, frames_at_once(side))):
            requests = [
                RenderRequest(request_id=pair.index, character=schema.character, vector=_vector(pair), resolution=side)
                for pair in batch
            ]
            for pair, again in zip(batch, engine.render(requests), strict=True):
                yield pair.index, compare(_as_frame(pair), again)
            bar.advance(len(batch))


def _misplaced(folder: Path, manifest: DatasetManifest) -> Iterator[int]:
    plan = manifest.provenance
    sampler = build_sampler(str(plan.sampler), _schema(manifest), int(plan.seed or 0))
    for pair in _pairs(folder, manifest):
        if np.abs(_vector(pair) - sampler.vector(pair.index)).max() > _READ_BACK:
            yield pair.index


def _shared_pictures(folder: Path) -> set[int]:
    """Indices whose picture another index has as well: random faces are never the same."""
    rows = read_rows(folder / TABLE_NAME)
    hashes = rows.column("image_sha256").to_pylist()
    times = Counter(hashes)
    return {index for index, name in zip(rows.column("index").to_pylist(), hashes, strict=True) if times[name] > 1}


def _pairs(folder: Path, manifest: DatasetManifest) -> Iterator[Pair]:
    for shard in manifest.shards:
        yield from read_shard(folder / shard.name)


def _schema(manifest: DatasetManifest) -> ParameterSchema:
    assert manifest.schema is not None  # rendered datasets have one
    return manifest.schema


def _vector(pair: Pair) -> Vector:
    assert pair.vector is not None
    return pair.vector


def _as_frame(pair: Pair) -> Frame:
    assert pair.mask is not None
    return Frame(request_id=pair.index, frame_id=0, vector=_vector(pair), picture=pair.picture, mask=pair.mask)
