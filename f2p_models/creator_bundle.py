"""The networks of a creator, put together into one folder and taken out of it again.

bundle/
  imitator/ segmenter/ translator/    checkpoints
  schema.json                         the parameters, as trained on
  template.json                       68 landmarks of the average face, fractions of the side
  embedder.json                       name and hash of the frozen embedder
  priors.safetensors                  what faces have in common, if the creator was made with facial priors
  onnx/ pictures/ model_card.md ...   reports about it
  bundle.json                         hashes of all of these, written last
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from engine_bridge.schema import ParameterSchema
from f2p_models.bundle_manifest import MANIFEST_NAME, BundleManifest, hash_files, verify_bundle
from f2p_models.checkpoints import load_imitator, load_segmenter, load_translator
from f2p_models.devices import choose_device
from f2p_models.durable import appearing_file
from f2p_models.embedders import Embedder, Template, build_embedder
from f2p_models.errors import BundleError, CheckpointError
from f2p_models.imitator import Imitator
from f2p_models.priors import PRIORS_FILE, FacialPriors, load_priors
from f2p_models.segmenter import Segmenter
from f2p_models.translator import Translator

CHECKPOINTS = ("imitator", "segmenter", "translator")


@dataclass(frozen=True, kw_only=True)
class CreatorBundle:
    """Frozen networks on one device, and what they were made for.

    template  (68, 2) fractions of the side
    priors    what created faces are held to; None for nothing but their ranges
    """

    schema: ParameterSchema
    template: Template
    imitator: Imitator
    segmenter: Segmenter
    translator: Translator
    embedder: Embedder
    device: torch.device
    priors: FacialPriors | None = None

    def __post_init__(self) -> None:
        for name in CHECKPOINTS:
            getattr(self, name).eval().requires_grad_(False).to(self.device)
        self.embedder.to(self.device)
        if self.priors is not None:
            self.priors.eval().to(self.device)
        wanted, given = self.translator.config.embedding_size, self.embedder.embedding_size
        if wanted != given:
            raise CheckpointError(
                f"translator: made for embeddings of {wanted} numbers, {self.embedder.name} gives {given}"
            )

    @property
    def resolution(self) -> int:
        """Side of the pictures the imitator makes, in pixels: photos are aligned to it."""
        return self.imitator.config.resolution


def assemble_bundle(
    folder: Path,
    *,
    checkpoints: Mapping[str, Path],
    schema: ParameterSchema,
    template: Template,
    embedder: Embedder,
    priors: Path | None = None,
) -> None:
    """Copy three checkpoints (``imitator``, ``segmenter``, ``translator``) and what they need into ``folder``.

    ``priors`` is the file of the facial priors, if there are any.

    Whatever was in the folder is replaced. It can be loaded with :func:`load_draft` to be evaluated; reports are added
    beside the networks; :func:`finish_bundle` closes it.
    """
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    for name in CHECKPOINTS:
        shutil.copytree(checkpoints[name], folder / name)
    _write_json(folder / "schema.json", schema.to_dict())
    _write_json(folder / "template.json", np.asarray(template, np.float64).tolist())
    _write_json(folder / "embedder.json", {"name": embedder.name, "weights_sha256": embedder.weights_sha256})
    if priors is not None:
        shutil.copy(priors, folder / PRIORS_FILE)


def finish_bundle(
    folder: Path,
    *,
    code_version: str,
    heldout: str,
    metrics: Mapping[str, float],
    parents: Mapping[str, str],
) -> BundleManifest:
    """Write ``bundle.json`` with the hash of every file, after loading the networks once to see that they fit.

    ``metrics`` needs a ``score``, measured on the held-out set named ``heldout``; ``parents`` says what it was made of.
    """
    schema = _load_schema(folder)
    imitator, _, _ = _load_networks(folder, schema)
    _load_priors(folder, schema)
    manifest = BundleManifest(
        character=schema.character,
        fingerprint=schema.fingerprint,
        resolution=imitator.config.resolution,
        embedder=_read_json(folder / "embedder.json")["name"],
        code_version=code_version,
        files=hash_files(folder),
        heldout=heldout,
        parents=dict(parents),
        metrics=dict(metrics),
    )
    with appearing_file(folder / MANIFEST_NAME) as unfinished:
        _write_json(unfinished, manifest.to_dict())
    return manifest


def load_bundle(
    folder: Path, *, device: torch.device | None = None, embedder_checkpoint: Path | None = None
) -> CreatorBundle:
    """The networks of a finished bundle, every file verified first, frozen, on ``device`` (default: the best one).

    ``embedder_checkpoint`` is needed by embedders whose weights cannot be shipped. Raises CheckpointError (BundleError
    for the folder as a whole) or WeightsError, each saying what to do.
    """
    verify_bundle(folder)
    return load_draft(folder, device=device, embedder_checkpoint=embedder_checkpoint)


def load_draft(
    folder: Path, *, device: torch.device | None = None, embedder_checkpoint: Path | None = None
) -> CreatorBundle:
    """As :func:`load_bundle`, for a bundle that is not finished yet."""
    schema = _load_schema(folder)
    template = _load_template(folder / "template.json")
    imitator, segmenter, translator = _load_networks(folder, schema)
    return CreatorBundle(
        schema=schema,
        template=template,
        imitator=imitator,
        segmenter=segmenter,
        translator=translator,
        embedder=_load_embedder(folder / "embedder.json", template, embedder_checkpoint),
        device=device or choose_device(),
        priors=_load_priors(folder, schema),
    )


def _load_schema(folder: Path) -> ParameterSchema:
    return ParameterSchema.from_dict(_read_json(folder / "schema.json"))


def _load_template(path: Path) -> Template:
    template = np.asarray(_read_json(path), np.float64)
    if template.shape != (68, 2):
        raise BundleError(f"{path}: a template has shape (68, 2), got {template.shape}; publish the version again")
    return template


def _load_networks(folder: Path, schema: ParameterSchema) -> tuple[Imitator, Segmenter, Translator]:
    imitator, _ = load_imitator(folder / "imitator", expect_fingerprint=schema.fingerprint)
    segmenter, _ = load_segmenter(folder / "segmenter")
    translator, _ = load_translator(folder / "translator", expect_fingerprint=schema.fingerprint)
    for name, network in (("imitator", imitator), ("translator", translator)):
        if network.config.vector_size != schema.vector_size:
            raise CheckpointError(
                f"{folder / name}: made for vectors of {network.config.vector_size} entries, "
                f"{schema.character} has {schema.vector_size}; train it again"
            )
    return imitator, segmenter, translator


def _load_priors(folder: Path, schema: ParameterSchema) -> FacialPriors | None:
    path = folder / PRIORS_FILE
    return load_priors(path, expect_fingerprint=schema.fingerprint) if path.is_file() else None


def _load_embedder(path: Path, template: Template, checkpoint: Path | None) -> Embedder:
    wanted = _read_json(path)
    embedder = build_embedder(wanted["name"], template, checkpoint)
    if embedder.weights_sha256 != wanted["weights_sha256"]:
        raise BundleError(
            f"{path}: the translator was trained on {wanted['name']} weights {wanted['weights_sha256'][:12]}, "
            f"found {embedder.weights_sha256[:12]}; install or point to those"
        )
    return embedder


def _write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BundleError(f"{path}: missing or not JSON ({error}); publish the version again") from error
