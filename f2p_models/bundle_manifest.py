"""What a published version consists of: every file with its hash, and one identity for the whole.

A bundle is a folder; ``bundle.json`` is written last, so a folder without it is unfinished. The identity covers what
decides how characters come out (weights, cards, schema, template, embedder, priors). Reports about it (ONNX, model
card, pictures, evaluation) are hashed like every file but do not change the identity: exporting twice may give other
bytes.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from f2p_models.durable import sha256_of
from f2p_models.errors import BundleError

MANIFEST_NAME: Final = "bundle.json"
#: Top-level names that decide what a creator does.
ESSENTIALS: Final = (
    "imitator",
    "segmenter",
    "translator",
    "schema.json",
    "template.json",
    "embedder.json",
    "priors.safetensors",
)


@dataclass(frozen=True, kw_only=True)
class BundleManifest:
    """``bundle.json``.

    files     path inside the bundle (posix) -> SHA-256 of its content
    heldout   name of the fixed held-out set that the metrics were measured on
    metrics   numbers of the evaluation by name, a finite ``score`` among them: higher is better
    parents   role -> hash of what it was made from, e.g. ``{"dataset": ..., "photos": ...}``
    """

    character: str
    fingerprint: str
    resolution: int
    embedder: str
    code_version: str
    files: Mapping[str, str]
    heldout: str
    metrics: Mapping[str, float]
    parents: Mapping[str, str]

    def __post_init__(self) -> None:
        if not math.isfinite(self.metrics.get("score", math.nan)):
            raise BundleError(
                f"metrics: {self.character} has no finite 'score' to compare versions by; evaluate it first"
            )

    @property
    def score(self) -> float:
        return self.metrics["score"]

    @property
    def identity(self) -> str:
        """SHA-256 of the essential files' names and hashes: the same identity creates the same characters."""
        essential = {name: digest for name, digest in self.files.items() if name.split("/")[0] in ESSENTIALS}
        return hashlib.sha256(json.dumps(essential, sort_keys=True).encode()).hexdigest()

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types, with the identity for readers."""
        return {**asdict(self), "identity": self.identity}


def hash_files(folder: Path) -> dict[str, str]:
    """Path inside the folder -> SHA-256 for every file but the manifest, sorted by path."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    named = {path.relative_to(folder).as_posix(): path for path in files}
    return {name: sha256_of(path) for name, path in named.items() if name != MANIFEST_NAME}


def read_manifest(folder: Path) -> BundleManifest:
    """The bundle's manifest. Raises BundleError when there is none or it is not one."""
    path = folder / MANIFEST_NAME
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        data.pop("identity", None)
        return BundleManifest(**data)
    except FileNotFoundError:
        raise BundleError(
            f"{folder}: no {MANIFEST_NAME} in it, so it is no finished bundle; publish it again"
        ) from None
    except (TypeError, ValueError, AttributeError) as error:
        raise BundleError(f"{path}: not a bundle manifest ({error}); publish the version again") from error


def verify_bundle(folder: Path) -> BundleManifest:
    """The manifest, once every listed file is there with its hash and no other file is. Raises BundleError."""
    manifest = read_manifest(folder)
    found = hash_files(folder)
    for name in sorted(manifest.files.keys() | found.keys()):
        if name not in found:
            raise BundleError(f"{folder}: {name} is missing; restore it or publish the version again")
        if name not in manifest.files:
            raise BundleError(f"{folder}: {name} does not belong to the bundle; published versions are never changed")
        if found[name] != manifest.files[name]:
            raise BundleError(f"{folder}: {name} was changed after publishing; restore it or publish a new version")
    return manifest
