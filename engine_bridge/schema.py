"""The parameters of a character type, and the one encoding everybody shares.

V   length of an encoded vector = num_continuous + num_discrete
    num_continuous   sliders, each one float in [0, 1]
    num_discrete     choices of all discrete parameters together, each parameter one one-hot block

A vector is float32 (V,): first the sliders in schema order, then the blocks in schema order
(Shi et al., TPAMI, section 3.6: discrete parameters are one-hot so that both kinds share one prediction framework).
Values are what a person or an engine reads: a mapping from name to engine units (float) or to the name of a choice.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from engine_bridge.errors import SchemaError

Value = float | str
Values = Mapping[str, Value]
Vector = npt.NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class ContinuousParameter:
    """A slider: one controller (a channel of a bone, or of a mirrored pair of bones) with its range in engine units.

    Units: translation in millimetres, rotation in degrees, scale as a ratio.
    """

    name: str
    group: str
    bone: str
    controller: str
    minimum: float
    maximum: float
    default: float

    def __post_init__(self) -> None:
        if not self.minimum < self.maximum:
            raise SchemaError(f"{self.name}: minimum {self.minimum} must be below maximum {self.maximum}")
        if not self.minimum <= self.default <= self.maximum:
            raise SchemaError(
                f"{self.name}: default {self.default} lies outside [{self.minimum}, {self.maximum}]; "
                "move the default or widen the range"
            )

    def encode(self, value: float) -> float:
        """Engine units -> [0, 1]."""
        return (value - self.minimum) / (self.maximum - self.minimum)

    def decode(self, encoded: float) -> float:
        """[0, 1] -> engine units."""
        return self.minimum + encoded * (self.maximum - self.minimum)


@dataclass(frozen=True, kw_only=True)
class DiscreteParameter:
    """Named choices, encoded as a one-hot block in the order of ``choices``."""

    name: str
    group: str
    choices: tuple[str, ...]
    default: str

    def __post_init__(self) -> None:
        if len(self.choices) < 2:
            raise SchemaError(f"{self.name}: {len(self.choices)} choice(s); a discrete parameter needs at least two")
        if len(set(self.choices)) != len(self.choices):
            raise SchemaError(f"{self.name}: choices must differ from each other, got {list(self.choices)}")
        if self.default not in self.choices:
            raise SchemaError(f"{self.name}: default {self.default!r} is none of its choices {list(self.choices)}")


@dataclass(frozen=True, kw_only=True)
class ParameterSchema:
    """The ordered parameters of one character type.

    ``head`` names the head rig that an engine loads for it; ``title`` is what people read.
    """

    character: str
    title: str
    head: str
    continuous: tuple[ContinuousParameter, ...]
    discrete: tuple[DiscreteParameter, ...] = field(default=())

    def __post_init__(self) -> None:
        names = self.names
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise SchemaError(f"{self.character}: parameter names must be unique, repeated: {', '.join(repeated)}")
        if not self.continuous:
            raise SchemaError(f"{self.character}: a character type needs at least one continuous parameter")

    @property
    def names(self) -> list[str]:
        """Every parameter's name, in schema order."""
        return [slider.name for slider in self.continuous] + [choice.name for choice in self.discrete]

    @property
    def num_continuous(self) -> int:
        return len(self.continuous)

    @cached_property
    def num_discrete(self) -> int:
        """Choices of all discrete parameters together: the length of the one-hot part of a vector."""
        return sum(len(parameter.choices) for parameter in self.discrete)

    @property
    def vector_size(self) -> int:
        """V."""
        return self.num_continuous + self.num_discrete

    @cached_property
    def blocks(self) -> dict[str, slice]:
        """Where each discrete parameter's one-hot block lies in a vector."""
        blocks, start = {}, self.num_continuous
        for parameter in self.discrete:
            blocks[parameter.name] = slice(start, start + len(parameter.choices))
            start += len(parameter.choices)
        return blocks

    @cached_property
    def groups(self) -> dict[str, tuple[int, ...]]:
        """Vector indices of the sliders of each group, in schema order."""
        groups: dict[str, tuple[int, ...]] = {}
        for index, parameter in enumerate(self.continuous):
            groups[parameter.group] = (*groups.get(parameter.group, ()), index)
        return groups

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 (first 16 hex digits) of everything that gives a vector its meaning."""
        canonical = json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()[:16]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; :meth:`from_dict` is its inverse."""
        return {
            "character": self.character,
            "title": self.title,
            "head": self.head,
            "continuous": [vars(parameter) for parameter in self.continuous],
            "discrete": [{**vars(parameter), "choices": list(parameter.choices)} for parameter in self.discrete],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ParameterSchema:
        """Rebuild a schema from :meth:`to_dict`. Raises SchemaError when a field is missing or unknown."""
        try:
            return cls(
                character=data["character"],
                title=data["title"],
                head=data["head"],
                continuous=tuple(ContinuousParameter(**parameter) for parameter in data["continuous"]),
                discrete=tuple(
                    DiscreteParameter(**{**parameter, "choices": tuple(parameter["choices"])})
                    for parameter in data["discrete"]
                ),
            )
        except (KeyError, TypeError) as error:
            raise SchemaError(f"not a parameter schema: {error}") from error

    def default_vector(self) -> Vector:
        """The average face: every parameter at its default, encoded (V,)."""
        defaults: dict[str, Value] = {parameter.name: parameter.default for parameter in self.continuous}
        return self.encode(defaults | {parameter.name: parameter.default for parameter in self.discrete})

    def encode(self, values: Values) -> Vector:
        """Values by name -> float32 (V,). Raises SchemaError for missing, unknown or out-of-range values."""
        self._check_names(values)
        vector = np.zeros(self.vector_size, np.float32)
        for index, slider in enumerate(self.continuous):
            vector[index] = self._encode_slider(slider, values[slider.name])
        for choice in self.discrete:
            vector[self.blocks[choice.name].start + self._choice_index(choice, values[choice.name])] = 1.0
        return vector

    def decode(self, vector: npt.ArrayLike) -> dict[str, Value]:
        """(V,) -> values by name; a block's largest entry is its choice. Raises SchemaError on a bad vector."""
        checked = self.check_vector(vector)
        values: dict[str, Value] = {
            slider.name: float(np.float32(slider.decode(float(encoded))))
            for slider, encoded in zip(self.continuous, checked[: self.num_continuous], strict=True)
        }
        for choice in self.discrete:
            values[choice.name] = choice.choices[int(np.argmax(checked[self.blocks[choice.name]]))]
        return values

    def check_vector(self, vector: npt.ArrayLike) -> Vector:
        """The vector as float32 (V,), or SchemaError when its shape or range is wrong."""
        checked = np.asarray(vector, np.float32)
        if checked.shape != (self.vector_size,):
            raise SchemaError(f"{self.character}: a vector has shape ({self.vector_size},), got {checked.shape}")
        if not np.all((checked >= 0.0) & (checked <= 1.0)):
            raise SchemaError(f"{self.character}: a vector's entries lie in [0, 1]; clip or encode the values first")
        return checked

    def harden(self, vector: npt.ArrayLike) -> Vector:
        """Clip the sliders to [0, 1] and make every block one-hot at its largest entry (argmax, section 3.6)."""
        soft = np.asarray(vector, np.float32)
        hard = np.clip(soft, 0.0, 1.0)
        for block in self.blocks.values():
            hard[block] = 0.0
            hard[block.start + int(np.argmax(soft[block]))] = 1.0
        return hard

    def _check_names(self, values: Values) -> None:
        expected = set(self.names)
        missing, unknown = sorted(expected - values.keys()), sorted(values.keys() - expected)
        if missing:
            raise SchemaError(f"{self.character}: {len(missing)} value(s) missing, first {missing[0]!r}")
        if unknown:
            raise SchemaError(f"{self.character}: {unknown[0]!r} is no parameter of this character type")

    def _encode_slider(self, slider: ContinuousParameter, value: Value) -> float:
        if isinstance(value, str) or not math.isfinite(value):
            raise SchemaError(f"{slider.name}: {value!r} is not a finite number")
        encoded = slider.encode(value)
        if not -1e-6 <= encoded <= 1.0 + 1e-6:
            raise SchemaError(f"{slider.name}: {value} lies outside [{slider.minimum}, {slider.maximum}]")
        return min(max(encoded, 0.0), 1.0)

    def _choice_index(self, parameter: DiscreteParameter, value: Value) -> int:
        if value not in parameter.choices:
            raise SchemaError(f"{parameter.name}: {value!r} is none of its choices {list(parameter.choices)}")
        return parameter.choices.index(str(value))
