"""Where a version comes from: networks, their datasets, the datasets' shards and seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from f2p_datasets.manifest import DatasetManifest, read_manifest
from f2p_datasets.shards import ShardRecord
from f2p_models.bundle_manifest import read_manifest as read_bundle
from f2p_models.checkpoints import CheckpointCard
from flows.reports.outputs import NETWORKS, Outputs


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Something that was made: what identifies it, and the stages that it was made of."""

    name: str
    stage: str
    facts: Mapping[str, Any]
    made_of: Sequence[str] = ()
    folder: str = ""
    shards: Sequence[ShardRecord] = ()


@dataclass(frozen=True, kw_only=True)
class Lineage:
    """From the result at the top to the shards at the bottom."""

    version: Origin | None
    networks: Sequence[Origin]
    datasets: Sequence[Origin]


def trace(outputs: Outputs, cards: Mapping[str, CheckpointCard]) -> Lineage:
    """What the run's version, networks and datasets were made of, as far as it can be read."""
    manifests = _manifests(outputs)
    return Lineage(
        version=_version(outputs),
        networks=[*_networks(outputs, cards, manifests), *_others(outputs)],
        datasets=[_dataset(outputs, stage, manifest) for stage, manifest in manifests.items()],
    )


def _manifests(outputs: Outputs) -> dict[str, DatasetManifest]:
    found = {
        stage: outputs.read(f"manifest of {stage}", None, read_manifest, folder)
        for stage, folder in outputs.datasets().items()
    }
    return {stage: manifest for stage, manifest in found.items() if manifest is not None}


def _version(outputs: Outputs) -> Origin | None:
    step = outputs.step("version")
    if step is None or "version" not in step.figures:
        return None
    number = step.figures["version"]
    folder = outputs.settings.registry / outputs.run.character / str(number)
    bundle = outputs.read(f"version {number}", None, read_bundle, folder)
    if bundle is None:
        return Origin(name=f"version {number}", stage="version", facts={}, made_of=_stages(outputs, "evaluation"))
    facts = {
        "identity": bundle.identity[:16],
        "schema": bundle.fingerprint,
        "engine": outputs.run.engine,
        "embedder": bundle.embedder,
        "score": bundle.score,
        "held-out set": bundle.heldout,
    }
    made_of = _stages(outputs, *NETWORKS, "priors", "template", "evaluation")
    return Origin(
        name=f"version {number}",
        stage="version",
        facts=facts,
        made_of=made_of,
        folder=str(folder.relative_to(outputs.settings.home)),
    )


def _networks(
    outputs: Outputs, cards: Mapping[str, CheckpointCard], manifests: Mapping[str, DatasetManifest]
) -> list[Origin]:
    of_hash = {manifest.sha256: stage for stage, manifest in manifests.items()}
    origins = []
    for network, card in cards.items():
        step = outputs.step(network)
        datasets = [of_hash.get(found, f"another dataset ({found[:16]})") for found in card.datasets]
        facts = {
            "key": step.key if step else "",
            "weights": card.weights_sha256[:16],
            "recipe": card.recipe,
            "seed": str(card.recipe_settings.get("seed", "?")),
            "epochs": card.epoch,
            "code": card.code_version,
        }
        made_of = list(dict.fromkeys([*datasets, *card.parents]))
        origins.append(
            Origin(name=network, stage=network, facts=facts, made_of=made_of, folder=_place(outputs, network))
        )
    return origins


def _others(outputs: Outputs) -> list[Origin]:
    """Steps between networks and version that have no card of their own."""
    made_of = {"priors": ("translator", "photo-like"), "evaluation": (*NETWORKS, "heldout-photos"), "template": ()}
    steps = {stage: outputs.step(stage) for stage in made_of}
    return [
        Origin(
            name=stage,
            stage=stage,
            facts={"key": step.key, **step.figures},
            made_of=_stages(outputs, *made_of[stage]),
            folder=_place(outputs, stage),
        )
        for stage, step in steps.items()
        if step is not None
    ]


def _dataset(outputs: Outputs, stage: str, manifest: DatasetManifest) -> Origin:
    source = manifest.provenance
    facts = {
        "key": manifest.key,
        "seed": None if source.seed is None else str(source.seed),
        "sampler": source.sampler,
        "engine": " ".join(filter(None, (source.engine, source.engine_build))) or None,
        "photos": source.photos_sha256 and source.photos_sha256[:16],
        "pairs": manifest.num_pairs,
        "rejects": manifest.num_rejects,
        "pixels": source.resolution,
        "code": source.code_version,
    }
    return Origin(
        name=stage,
        stage=stage,
        facts={name: value for name, value in facts.items() if value is not None},
        made_of=_stages(outputs, "template") if source.template else (),
        folder=_place(outputs, stage),
        shards=manifest.shards,
    )


def _place(outputs: Outputs, stage: str) -> str:
    """Where a stage's output lies, below the home if it is there."""
    folder, home = outputs.folder(stage), outputs.settings.home
    if folder is None:
        return "gone"
    return str(folder.relative_to(home) if folder.is_relative_to(home) else folder)


def _stages(outputs: Outputs, *stages: str) -> list[str]:
    """Those that the run has."""
    return [stage for stage in stages if outputs.step(stage)]
