"""Everything measured about one creator, as one file."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from engine_bridge.errors import InputError
from f2p_models.durable import appearing_file
from f2p_models.evaluation.confidence import Calibration
from f2p_models.evaluation.creators import CreatorQuality
from f2p_models.evaluation.networks import ImitatorQuality, SegmenterQuality
from f2p_models.evaluation.parameters import ParameterErrors
from f2p_models.evaluation.retrieval import Retrieval


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """``heldout`` names the fixed set of photos, so that only scores on the same set are compared.

    ``creators`` holds one result per mode, by mode; ``judged_mode`` is the one the score is taken from.
    """

    character: str
    fingerprint: str
    heldout: str
    judged_mode: str
    imitator: ImitatorQuality
    segmenter: SegmenterQuality
    creators: Mapping[str, CreatorQuality]

    def __post_init__(self) -> None:
        if self.judged_mode not in self.creators:
            raise InputError(f"judged_mode: {self.judged_mode!r} was not evaluated, only {', '.join(self.creators)}")

    @property
    def score(self) -> float:
        """In [0, 1], higher is better; see :attr:`CreatorQuality.score`."""
        return self.creators[self.judged_mode].score

    def metrics(self) -> dict[str, float]:
        """Every number under a dotted name, ``score`` first. Numbers that are not finite are left out."""
        flat = {"score": self.score, "imitator.l1_ratio": self.imitator.l1_ratio}
        _flatten(asdict(self), "", flat)
        return flat

    def save(self, path: Path) -> None:
        """Write JSON; :func:`read_evaluation` is its inverse."""
        content = json.dumps({"score": self.score, **asdict(self)}, indent=1) + "\n"
        with appearing_file(path) as unfinished:
            unfinished.write_text(content, encoding="utf-8")


def read_evaluation(path: Path) -> Evaluation:
    """Raises InputError when the file is missing or no evaluation."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        data.pop("score")
        data["imitator"] = ImitatorQuality(**data["imitator"])
        data["segmenter"] = SegmenterQuality(**data["segmenter"])
        data["creators"] = {mode: _creator_quality(quality) for mode, quality in data["creators"].items()}
        return Evaluation(**data)
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: no evaluation can be read from it ({error}); evaluate again") from error


def _creator_quality(data: Mapping[str, Any]) -> CreatorQuality:
    errors = data["parameters"]
    pairs = {
        name: {key: tuple(pair) for key, pair in errors[name].items()} for name in ("group_errors", "choice_accuracy")
    }
    return CreatorQuality(
        mode=data["mode"],
        retrieval=Retrieval(**data["retrieval"]),
        ceiling=Retrieval(**data["ceiling"]),
        parameters=ParameterErrors(**{**errors, **pairs}),
        imitated_similarity=data["imitated_similarity"],
        calibration=Calibration(**data["calibration"]) if data.get("calibration") else None,
    )


def _flatten(value: Any, name: str, flat: dict[str, float]) -> None:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            _flatten(inner, f"{name}.{key}" if name else key, flat)
    elif isinstance(value, int | float) and math.isfinite(value):
        flat[name] = float(value)
