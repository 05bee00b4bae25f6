"""Steps are content-addressed: a step's output is named by the hash of everything that shaped it.

A step whose output folder exists and verifies is done; running it again does nothing. Work in progress lives in the
same folder, without the final file, so a killed step resumes with only what is missing. Prefect's state is never asked.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any

from engine_bridge.errors import InputError
from flows.leases import lease

#: The source files whose change makes a stage's earlier outputs stale: packages or modules, by stage. What an engine
#: draws is covered by its build, what a recipe says by the inputs. Datasets are not here: hours of rendering must not
#: be lost to a comment, so they carry their own key, whose code version is raised by hand (``f2p_datasets.rendering``).
STAGE_SOURCES: dict[str, tuple[str, ...]] = {
    "template": ("f2p_datasets.alignment", "f2p_datasets.detection", "f2p_datasets.pose"),
    "imitator": (
        "f2p_models.imitator",
        "f2p_models.channels",
        "f2p_models.losses",
        "f2p_models.metrics",
        "f2p_models.pictures",
        "f2p_models.training",
    ),
    "segmenter": (
        "f2p_models.segmenter",
        "f2p_models.mirroring",
        "f2p_models.trunks",
        "f2p_models.channels",
        "f2p_models.losses",
        "f2p_models.metrics",
        "f2p_models.pictures",
        "f2p_models.training",
    ),
    "translator": (
        "f2p_models.translator",
        "f2p_models.embedders",
        "f2p_models.losses",
        "f2p_models.metrics",
        "f2p_models.pictures",
        "f2p_models.training",
    ),
    "priors": (
        "f2p_models.creation",
        "f2p_models.creator_bundle",
        "f2p_models.embedders",
        "f2p_models.losses",
        "f2p_models.pictures",
        "f2p_models.priors",
        "f2p_models.translator",
        "flows.priors.fitting",
    ),
    "creation": (
        "f2p_models.creation",
        "f2p_models.creator_bundle",
        "f2p_models.embedders",
        "f2p_models.losses",
        "f2p_models.pictures",
        "f2p_models.priors",
        "f2p_datasets.alignment",
        "f2p_datasets.detection",
        "f2p_datasets.photo_sets",
        "f2p_datasets.photos",
        "f2p_datasets.pose",
        "f2p_datasets.quality",
        "f2p_models.evaluation.confidence",
        "flows.character_files",
        "flows.create",
        "flows.photos.portraits",
    ),
    "version": (
        "f2p_models.creator_bundle",
        "f2p_models.embedders",
        "f2p_models.export",
        "f2p_models.losses",
        "f2p_models.model_card",
        "f2p_models.priors",
        "flows.publish",
    ),
    "evaluation": (
        "f2p_models.creation",
        "f2p_models.creator_bundle",
        "f2p_models.embedders",
        "f2p_models.evaluation",
        "f2p_models.losses",
        "f2p_models.metrics",
        "f2p_models.pictures",
        "f2p_models.priors",
        "f2p_models.training",
        "flows.evaluate",
        "flows.pictures.evaluation_pictures",
    ),
    "rescoring": (
        "f2p_models.creation",
        "f2p_models.creator_bundle",
        "f2p_models.embedders",
        "f2p_models.evaluation",
        "f2p_models.losses",
        "f2p_models.metrics",
        "f2p_models.pictures",
        "f2p_models.priors",
        "f2p_models.training",
        "flows.gates.rescoring",
    ),
    "measurements": (
        "f2p_datasets.alignment",
        "f2p_datasets.detection",
        "f2p_datasets.parsing",
        "f2p_datasets.geometry",
        "f2p_datasets.photos",
        "f2p_datasets.pose",
        "f2p_datasets.samplers",
        "f2p_datasets.subject",
        "f2p_datasets.verification",
        "f2p_models.channels",
        "f2p_models.creation",
        "f2p_models.creator_bundle",
        "f2p_models.embedders",
        "f2p_models.evaluation",
        "f2p_models.imitator",
        "f2p_models.judges",
        "f2p_models.losses",
        "f2p_models.metrics",
        "f2p_models.mirroring",
        "f2p_models.pictures",
        "f2p_models.priors",
        "f2p_models.segmenter",
        "f2p_models.training",
        "f2p_models.translator",
        "f2p_models.trunks",
        "flows.evaluate",
        "flows.evaluations",
        "flows.priors.effect",
        "flows.priors.faces",
        "flows.priors.page",
        "flows.priors.pictures",
    ),
}


@dataclass(frozen=True, kw_only=True)
class Step:
    """One stage for one character: where its output lives and what shaped it.

    ``inputs`` is plain JSON: fingerprints, keys of earlier steps, configuration.
    """

    stage: str
    character: str
    inputs: Mapping[str, Any]

    @property
    def key(self) -> str:
        return step_key(self.stage, {"character": self.character, **self.inputs})

    @property
    def record(self) -> dict[str, Any]:
        """What a run's record keeps of it: two of them say why the later one was not found."""
        return {"code": code_version(self.stage), **plain(self.inputs)}

    def folder(self, kind: Path) -> Path:
        """Its output folder below ``kind``, e.g. ``datasets/tiny-studio-0123456789abcdef``."""
        return kind / f"{self.character}-{self.stage}-{self.key}"


def step_key(stage: str, inputs: Mapping[str, Any]) -> str:
    """16 hex digits that change with the stage, its inputs and its source code."""
    return digest({"stage": stage, "code": code_version(stage), "inputs": inputs})


def digest(value: Any) -> str:
    """SHA-256 (first 16 hex digits) of a value's canonical JSON. Raises TypeError for what JSON cannot say."""
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"), default=_describe)
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


def plain(value: Any) -> Any:
    """A value as JSON reads it back: paths as text, tuples as lists."""
    return json.loads(json.dumps(value, default=_describe))


@cache
def code_version(stage: str) -> str:
    """SHA-256 (first 16 hex digits) of the stage's source files, as :data:`STAGE_SOURCES` lists them."""
    hasher = hashlib.sha256()
    for path in sorted(path for name in STAGE_SOURCES[stage] for path in source_files(name)):
        hasher.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return hasher.hexdigest()[:16]


def source_files(module: str) -> list[Path]:
    """The Python files of a module or package, found without importing it."""
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"{module} is listed as the source of a stage but does not exist")
    return sorted(Path(spec.origin).parent.rglob("*.py")) if spec.submodule_search_locations else [Path(spec.origin)]


def is_done(folder: Path, verify: Callable[[Path], object]) -> bool:
    """Whether the folder holds a finished output that verifies. ``verify`` raises InputError when it does not."""
    try:
        verify(folder)
    except InputError:
        return False
    return True


@contextmanager
def alone(folder: Path, locks: Path, *, run: str = "") -> Iterator[None]:
    """Work on the folder, which is made, as the only process of those that share ``locks``, the folder of lease files.

    The lease goes with the process, however it ends. Raises BusyError, naming the other process, when one is at work.
    """
    with lease(folder, locks, run=run):
        folder.mkdir(parents=True, exist_ok=True)
        yield


def _describe(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{value!r} has no canonical JSON")
