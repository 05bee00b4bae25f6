"""Where a dataset comes from: everything that determines its bytes, and the key made of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, Final

from engine_bridge.schema import ParameterSchema
from f2p_datasets.errors import DatasetError

#: Fields that the first datasets did not have; None says the same as their absence.
_LATE_FIELDS: Final = ("scene_fields", "prior_sha256")


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """Everything that determines a dataset's bytes. Two datasets of one key are the same dataset.

    domain          ``studio``, ``photo-like`` (rendered, then aligned like photos), ``photos`` or
                    ``labelled-photos``
    schema          of the character; None for photos
    sampler, seed   of the vectors; None for photos
    engine          name and build of what rendered them; None for photos
    photos_sha256   of the photos' names and contents; None for rendered domains
    template        (68, 2) landmarks that faces were aligned to, fractions of the side; None for the studio
    count           pairs asked for; rejects of the aligned domains are missing from it
    scene_fields    of photo-like scenes, those that the engine honours, sorted; None when it honours all
    prior_sha256    of the file that the prior sampler draws by; None for other samplers
    """

    domain: str
    code_version: str
    count: int
    resolution: int
    shard_size: int
    encoding: str
    schema: ParameterSchema | None = None
    sampler: str | None = None
    seed: int | None = None
    engine: str | None = None
    engine_build: str | None = None
    photos_sha256: str | None = None
    template: tuple[tuple[float, float], ...] | None = None
    scene_fields: tuple[str, ...] | None = None
    prior_sha256: str | None = None

    @property
    def num_shards(self) -> int:
        return -(-self.count // self.shard_size)

    @cached_property
    def key(self) -> str:
        """Content address: SHA-256 (first 16 hex digits) of all fields."""
        return hashlib.sha256(_canonical(self.to_dict()).encode()).hexdigest()[:16]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; :meth:`from_dict` is its inverse."""
        plain = {field.name: getattr(self, field.name) for field in fields(self)}
        plain["template"] = None if self.template is None else [list(point) for point in self.template]
        plain["schema"] = None if self.schema is None else self.schema.to_dict()
        plain["scene_fields"] = None if self.scene_fields is None else list(self.scene_fields)
        for late in _LATE_FIELDS:
            if plain[late] is None:
                del plain[late]  # datasets that are older than the field keep their keys
        return plain

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Provenance:
        """Raises DatasetError for missing or unknown fields, SchemaError for a bad schema."""
        data = {**dict.fromkeys(_LATE_FIELDS), **data}
        check_fields(data, {field.name for field in fields(cls)}, "provenance.")
        template, schema, scene_fields = data["template"], data["schema"], data["scene_fields"]
        return cls(
            **{
                **data,
                "schema": None if schema is None else ParameterSchema.from_dict(schema),
                "template": None if template is None else tuple((x, y) for x, y in template),
                "scene_fields": None if scene_fields is None else tuple(scene_fields),
            }
        )


def check_fields(data: Mapping[str, Any], expected: set[str], prefix: str) -> None:
    """Raise DatasetError naming the first field that is missing or unknown."""
    for name in sorted(expected - data.keys()):
        raise DatasetError(f"field {prefix}{name} is missing")
    for name in sorted(data.keys() - expected):
        raise DatasetError(f"field {prefix}{name} is unknown to this version")


def _canonical(value: dict[str, Any]) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
