"""``parameters.json``: a created character as people, tools and engines read it.

Values by name are the truth, so a file can be fine-tuned by hand; the vector beside them is for machines that have
the same schema, and reading ignores it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy.typing as npt

from engine_bridge.errors import SchemaError
from engine_bridge.schema import ParameterSchema, Value, Vector
from f2p_models.errors import ParametersError

FORMAT: Final = "f2p-parameters-1"
_DECIMALS: Final = 6  # of engine units: far below what a slider shows, and readable


def parameters_document(
    schema: ParameterSchema,
    vector: npt.ArrayLike,
    *,
    version: int | str | None = None,
    mode: str | None = None,
    reason: str | None = None,
    similarity: float | None = None,
    photo: str | None = None,
    extra: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Plain JSON types for ``parameters.json``. ``vector`` is (V,) in [0, 1], blocks one-hot.

    Sliders are in engine units, grouped as the character's file groups them. ``similarity`` compares the photo with
    the engine's render of these parameters. Raises SchemaError for a vector of another character.
    """
    hard = schema.harden(schema.check_vector(vector))
    values = schema.decode(hard)
    return {
        "format": FORMAT,
        "character": schema.character,
        "fingerprint": schema.fingerprint,
        "version": version,
        "photo": photo,
        "mode": mode,
        "reason": reason,
        "similarity": None if similarity is None else round(float(similarity), 4),
        **(extra or {}),
        "sliders": _grouped_sliders(schema, values),
        "choices": {choice.name: values[choice.name] for choice in schema.discrete},
        "vector": [round(float(entry), 7) for entry in hard],
    }


def read_parameters(path: Path, schema: ParameterSchema) -> Vector:
    """The vector (V,) of a ``parameters.json``, edited by hand or not. Raises ParametersError with the way out."""
    document = _read_document(path)
    if document.get("character") != schema.character:
        raise ParametersError(
            f"{path}: made for character {document.get('character')!r}, not {schema.character!r}; pass --character"
        )
    if document.get("fingerprint") != schema.fingerprint:
        raise ParametersError(
            f"{path}: made for schema {document.get('fingerprint')}, but {schema.character} now has "
            f"{schema.fingerprint}; create the character again"
        )
    try:
        return schema.encode(_flat_values(document))
    except SchemaError as error:
        raise ParametersError(f"{path}: {error}") from error


def _grouped_sliders(schema: ParameterSchema, values: Mapping[str, Value]) -> dict[str, dict[str, float]]:
    groups: dict[str, dict[str, float]] = {}
    for slider in schema.continuous:
        groups.setdefault(slider.group, {})[slider.name] = round(float(values[slider.name]), _DECIMALS)
    return groups


def _read_document(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ParametersError(f"{path}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise ParametersError(f"{path}: not JSON ({error}); undo the last edit") from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise ParametersError(f"{path}: not a parameters file (its 'format' is not {FORMAT!r})")
    return document


def _flat_values(document: Mapping[str, Any]) -> dict[str, Value]:
    sliders, choices = document.get("sliders"), document.get("choices")
    if not isinstance(sliders, dict) or not isinstance(choices, dict):
        raise SchemaError("'sliders' and 'choices' must both be there, each a mapping by name")
    flat: dict[str, Value] = dict(choices)
    for group, named in sliders.items():
        if not isinstance(named, dict):
            raise SchemaError(f"sliders: group {group!r} must map names to numbers")
        flat.update(named)
    return flat
