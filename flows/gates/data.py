"""The gate after every rendered dataset: is it complete, does it show what was asked for, was the engine truthful?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa

from engine_bridge.parts import Part
from f2p_datasets.coverage import measure_coverage
from f2p_datasets.manifest import TABLE_NAME, DatasetManifest, read_manifest
from f2p_datasets.pair_table import read_rows
from f2p_datasets.pairs import Pair
from f2p_datasets.shards import read_shard
from flows.gates.gate import Check, pass_gates
from flows.gates.limits import GateLimits
from flows.runs import Run

#: Pictures that are looked at: the first two of up to sixteen shards, so that a night's beginning and end are there.
_LOOKED_AT_SHARDS: Final = 16
_LOOKED_AT_PAIRS: Final = 2
#: Deviation of a picture's grey levels (of 255) below which there is nothing to see in it.
_BLANK: Final = 2.0
#: Share of pictures that may look exactly like another one, although no two vectors are the same.
_MAX_REPEATED: Final = 0.01
_NAMED_AT_MOST: Final = 3


def pass_data_gate(run: Run, stage: str, folder: Path) -> None:
    """Raise GateError for a rendered dataset that the recipe's limits refuse."""
    pass_gates(run, stage, check_dataset(folder, run.recipe.gates))


def check_dataset(folder: Path, limits: GateLimits) -> Iterator[Check]:
    """What a finished dataset of renders must be like."""
    manifest, pairs = read_manifest(folder), read_rows(folder / TABLE_NAME)
    yield _complete(folder, manifest, pairs.num_rows)
    if manifest.provenance.domain != "studio":
        yield _faces_found(manifest, limits)
    elif limits.coverage:
        yield _coverage(pairs, manifest)
    if manifest.rendering:
        yield _canaries(manifest.rendering["canary_failures"], manifest.rendering["canaries"], limits)
    yield _different_pictures(pairs)
    yield _pictures(folder, manifest)


def _complete(folder: Path, manifest: DatasetManifest, rows: int) -> Check:
    """A reject is a pair that was rendered and could not be used."""
    ordered = manifest.provenance.count
    return Check(
        name="complete",
        passed=rows == manifest.num_pairs and rows + manifest.num_rejects == ordered,
        detail=f"{rows:,} pairs and {manifest.num_rejects:,} rejects of {ordered:,} ordered",
        way_out=f"delete {folder} and render again",
    )


def _faces_found(manifest: DatasetManifest, limits: GateLimits) -> Check:
    share = manifest.num_pairs / manifest.provenance.count
    return Check(
        name="faces found",
        passed=share >= limits.min_faces_found,
        detail=f"a face in {share:.1%} of the photo-like pictures, at least {limits.min_faces_found:.0%} is asked",
        way_out="look at what the engine draws (f2p engine check), or lower min_faces_found in the recipe",
    )


def _coverage(pairs: pa.Table, manifest: DatasetManifest) -> Check:
    assert manifest.schema is not None  # renders have one
    found = measure_coverage(pairs, manifest.schema, manifest.provenance.sampler or "")
    return Check(
        name="coverage",
        passed=not found.thin,
        detail=f"{found.num_expected:,} of {found.num_cells:,} choices and tenths of ranges can be expected in "
        f"{pairs.num_rows:,} pairs, {len(found.thin)} are too thin{_named(found.thin)}",
        way_out="the engine does not apply these values, or its schema promises more than the rig can do; mend the rig "
        "or the character's ranges",
    )


def _canaries(failures: int, canaries: int, limits: GateLimits) -> Check:
    """One failure is what canaries are for; many are an engine that cannot be trusted between them either."""
    allowed = max(1, int(limits.max_canary_failures * canaries))
    return Check(
        name="canaries",
        passed=failures <= allowed,
        detail=f"{failures} of {canaries} canaries failed, at most {allowed} may",
        way_out="the engine draws the same request differently; see its log, or raise max_canary_failures",
    )


def _different_pictures(pairs: pa.Table) -> Check:
    hashes = pairs.column("image_sha256").to_pylist()
    repeated = 1 - len(set(hashes)) / max(len(hashes), 1)
    return Check(
        name="different pictures",
        passed=repeated <= _MAX_REPEATED,
        detail=f"{repeated:.1%} of {len(hashes):,} pictures repeat another one, at most {_MAX_REPEATED:.0%} may",
        way_out="the engine answers with stale frames, or its sliders move nothing; see f2p engine check",
    )


def _pictures(folder: Path, manifest: DatasetManifest) -> Check:
    pairs = list(_some_pairs(folder, manifest))
    bad = [f"pair {pair.index} {fault}" for pair in pairs if (fault := _fault(pair))]
    return Check(
        name="pictures",
        passed=bool(pairs) and not bad,
        detail=f"{len(pairs)} pictures looked at, {len(bad)} show no head{_named(bad)}",
        way_out=f"look at them, mend the engine, then delete {folder} and render again",
    )


def _some_pairs(folder: Path, manifest: DatasetManifest) -> Iterator[Pair]:
    shards = [shard.name for shard in manifest.shards if shard.num_pairs]
    for name in shards[:: -(-len(shards) // _LOOKED_AT_SHARDS) or 1]:
        yield from islice(read_shard(folder / name), _LOOKED_AT_PAIRS)


def _fault(pair: Pair) -> str:
    """What is wrong with a picture, in a few words; nothing if it can be learned from."""
    if float(np.std(pair.picture.mean(axis=2))) < _BLANK:
        return "is blank"
    if pair.mask is None or not np.any(pair.mask != Part.BACKGROUND):
        return "has an empty mask"
    return ""


def _named(faults: Sequence[str]) -> str:
    more = f" and {len(faults) - _NAMED_AT_MOST} more" if len(faults) > _NAMED_AT_MOST else ""
    return f" ({'; '.join(faults[:_NAMED_AT_MOST])}{more})" if faults else ""
