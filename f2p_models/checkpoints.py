"""Checkpoints: a folder with ``weights.safetensors`` and ``checkpoint.json``, everything needed to trust the weights.

A checkpoint appears whole or not at all. It is written beside its place, synced to disk and renamed; when it replaces
another, the old one is moved aside first; readers find it there if the writer was killed in between.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Final, TypeVar

import safetensors.torch
from safetensors import SafetensorError
from torch import nn

from engine_bridge.errors import InputError
from f2p_models.durable import sync
from f2p_models.errors import CheckpointError
from f2p_models.imitator import Imitator, ImitatorConfig
from f2p_models.segmenter import Segmenter, SegmenterConfig
from f2p_models.translator import Translator, TranslatorConfig

SCHEMA_VERSION: Final = 1
WEIGHTS_FILE: Final = "weights.safetensors"
CARD_FILE: Final = "checkpoint.json"
_CARD_HASH: Final = "card_sha256"

Network = TypeVar("Network", Imitator, Segmenter, Translator)

_KINDS: Final[dict[str, tuple[type[nn.Module], type[Any]]]] = {
    "imitator": (Imitator, ImitatorConfig),
    "segmenter": (Segmenter, SegmenterConfig),
    "translator": (Translator, TranslatorConfig),
}


@dataclass(frozen=True, kw_only=True)
class CheckpointCard:
    """Where weights come from and what they fit.

    ``architecture`` and ``weights_sha256`` are filled in by :func:`save_checkpoint`. ``schema_fingerprint`` is None for
    a network that fits any character. ``parents`` names the checkpoints this one was trained against, by kind.
    """

    kind: str
    character: str
    schema_fingerprint: str | None
    recipe: str
    code_version: str
    epoch: int
    datasets: tuple[str, ...] = ()
    recipe_settings: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)
    parents: dict[str, str] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)
    architecture: dict[str, Any] = field(default_factory=dict)
    weights_sha256: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "datasets", tuple(self.datasets))  # JSON gives a list
        if self.kind not in _KINDS:
            raise CheckpointError(f"kind: {self.kind!r} is none of {', '.join(_KINDS)}")

    def to_json(self) -> str:
        """Sorted, so that equal cards are equal files; with a hash of the rest as ``card_sha256``."""
        data = {"schema_version": SCHEMA_VERSION, **asdict(self)}
        return json.dumps({**data, _CARD_HASH: _card_hash(data)}, indent=2, sort_keys=True) + "\n"

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> CheckpointCard:
        """Inverse of :meth:`to_json`, after parsing. Raises CheckpointError for another version, or other content.

        Cards of earlier days have no hash.
        """
        stated, data = data.get(_CARD_HASH), {key: value for key, value in data.items() if key != _CARD_HASH}
        if stated not in (None, _card_hash(data)):
            raise CheckpointError("it is not what was written; train again")
        if data.get("schema_version") != SCHEMA_VERSION:
            raise CheckpointError(f"schema_version {data.get('schema_version')!r} is not {SCHEMA_VERSION}; train again")
        wrong = (data.keys() - {"schema_version"}) ^ {entry.name for entry in fields(cls)}
        if wrong:
            raise CheckpointError(f"field {min(wrong)!r} is missing or unknown; train again with this version of f2p")
        return cls(**{key: value for key, value in data.items() if key != "schema_version"})


def _card_hash(data: Mapping[str, Any]) -> str:
    """SHA-256 of the card as plain JSON: a metric that is read wrongly decides wrongly."""
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()


def save_checkpoint(folder: Path, module: Imitator | Segmenter | Translator, card: CheckpointCard) -> CheckpointCard:
    """Write ``module`` to ``folder``, replacing a checkpoint there, and return the card as written."""
    if not isinstance(module, _KINDS[card.kind][0]):
        raise CheckpointError(f"kind: {card.kind!r} does not describe a {type(module).__name__}")
    # safetensors wants plain layout; weights may be channels_last
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in module.state_dict().items()}
    weights = safetensors.torch.save(tensors)
    written = replace(card, architecture=asdict(module.config), weights_sha256=hashlib.sha256(weights).hexdigest())
    _write_folder(folder, {WEIGHTS_FILE: weights, CARD_FILE: written.to_json().encode()})
    return written


def read_card(folder: Path) -> CheckpointCard:
    """The card alone, for listings. Raises CheckpointError when it is missing or cannot be read."""
    path = _present(folder) / CARD_FILE
    content = _read(path)
    try:
        return CheckpointCard.from_dict(json.loads(content))
    except (CheckpointError, ValueError) as error:
        raise CheckpointError(f"{path}: {error}") from error


def load_checkpoint(
    folder: Path, *, expect_fingerprint: str | None = None
) -> tuple[Imitator | Segmenter | Translator, CheckpointCard]:
    """Weights and card, the module in evaluation mode on the CPU.

    Raises CheckpointError for a missing or damaged checkpoint, and when it was made for a schema with another
    fingerprint than ``expect_fingerprint``.
    """
    card = read_card(folder)
    _check_fingerprint(folder, card, expect_fingerprint)
    path = _present(folder) / WEIGHTS_FILE
    weights = _read(path)
    if hashlib.sha256(weights).hexdigest() != card.weights_sha256:
        raise CheckpointError(f"{path}: SHA-256 differs from the card's; cut or changed, train again")
    build, configure = _KINDS[card.kind]
    try:
        module = build(configure(**card.architecture))
        module.load_state_dict(safetensors.torch.load(weights))
    except (InputError, TypeError, RuntimeError, SafetensorError) as error:
        reason = str(error).splitlines()[-1].strip()
        raise CheckpointError(f"{folder}: weights do not fit their card ({reason}); train again") from error
    assert isinstance(module, Imitator | Segmenter | Translator)
    return module.eval(), card


def load_imitator(folder: Path, *, expect_fingerprint: str | None = None) -> tuple[Imitator, CheckpointCard]:
    """:func:`load_checkpoint`, refusing any other kind."""
    return _load(folder, Imitator, expect_fingerprint)


def load_segmenter(folder: Path, *, expect_fingerprint: str | None = None) -> tuple[Segmenter, CheckpointCard]:
    """:func:`load_checkpoint`, refusing any other kind."""
    return _load(folder, Segmenter, expect_fingerprint)


def load_translator(folder: Path, *, expect_fingerprint: str | None = None) -> tuple[Translator, CheckpointCard]:
    """:func:`load_checkpoint`, refusing any other kind."""
    return _load(folder, Translator, expect_fingerprint)


def _load(folder: Path, network: type[Network], expect_fingerprint: str | None) -> tuple[Network, CheckpointCard]:
    module, card = load_checkpoint(folder, expect_fingerprint=expect_fingerprint)
    if not isinstance(module, network):
        raise CheckpointError(f"{folder}: holds a checkpoint of kind {card.kind!r}, not {network.__name__.lower()!r}")
    return module, card


def _check_fingerprint(folder: Path, card: CheckpointCard, expected: str | None) -> None:
    if None not in (expected, card.schema_fingerprint) and expected != card.schema_fingerprint:
        raise CheckpointError(
            f"{folder}: made for schema {card.schema_fingerprint} of {card.character}, but the character's schema is "
            f"{expected}; train again or use the engine build it was made with"
        )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read ({error.strerror}); train again") from error


def _aside(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.replaced")


def _present(folder: Path) -> Path:
    """The folder, or where its content is while it is being replaced, or since a replacement was killed."""
    aside = _aside(folder)
    return aside if aside.exists() and not folder.exists() else folder


def _write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    if _present(folder) != folder:
        _present(folder).rename(folder)
    fresh = folder.with_name(f".{folder.name}.writing")
    for leftover in (fresh, _aside(folder)):
        shutil.rmtree(leftover, ignore_errors=True)
    fresh.mkdir()
    for name, content in files.items():
        (fresh / name).write_bytes(content)
        sync(fresh / name)
    sync(fresh)
    if folder.exists():
        folder.rename(_aside(folder))
    fresh.rename(folder)
    sync(folder.parent)
    shutil.rmtree(_aside(folder), ignore_errors=True)
