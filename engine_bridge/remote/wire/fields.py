"""Checked reading of JSON members. What arrives on a wire is read with these and with nothing else."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, Final

from engine_bridge.errors import ProtocolError, SchemaError
from engine_bridge.schema import ContinuousParameter, DiscreteParameter, ParameterSchema

Object = Mapping[str, Any]

MAX_NAME, MAX_LINE = 200, 2000
MAX_PARAMETERS, MAX_CHOICES, MAX_SCHEMAS = 4096, 1024, 64

_REQUIRED: Final = object()


def parse_object(encoded: str | bytes) -> dict[str, Any]:
    """A JSON object (RFC 8259: no NaN, and no number that overflows). Raises ProtocolError."""
    try:
        parsed = json.loads(encoded, parse_constant=_refuse_constant, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"not JSON: {one_line(str(error))}") from error
    if not isinstance(parsed, dict):
        raise ProtocolError(f"expected a JSON object, got {type(parsed).__name__}")
    return parsed


def text(data: Object, name: str, *, longest: int = MAX_NAME, default: Any = _REQUIRED) -> str:
    """A string without control characters."""
    value = _member(data, name, default)
    if not isinstance(value, str) or len(value) > longest or not value.isprintable():
        raise ProtocolError(f"{name}: expected printable text of at most {longest} characters, got {_show(value)}")
    return value


def line(data: Object, name: str) -> str:
    """Words for a person: whatever is in it, it becomes one printable line."""
    value = _member(data, name, "")
    return one_line(value) if isinstance(value, str) else ""


def integer(data: Object, name: str, low: int, high: int, *, default: Any = _REQUIRED) -> int:
    """A JSON integer in [low, high]."""
    value = _member(data, name, default)
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise ProtocolError(f"{name}: expected an integer in [{low}, {high}], got {_show(value)}")
    return value


def number(data: Object, name: str, low: float, high: float, *, default: Any = _REQUIRED) -> float:
    """A finite JSON number in [low, high]."""
    value = _member(data, name, default)
    if not is_number(value) or not low <= value <= high:
        raise ProtocolError(f"{name}: expected a number in [{low:g}, {high:g}], got {_show(value)}")
    return float(value)


def boolean(data: Object, name: str, *, default: Any = _REQUIRED) -> bool:
    """true or false."""
    value = _member(data, name, default)
    if not isinstance(value, bool):
        raise ProtocolError(f"{name}: expected true or false, got {_show(value)}")
    return value


def integers(data: Object, name: str, low: int, high: int, *, longest: int) -> tuple[int, ...]:
    """An array of at most ``longest`` integers in [low, high]."""
    values = array(data, name, longest=longest)
    if not all(isinstance(value, int) and not isinstance(value, bool) and low <= value <= high for value in values):
        raise ProtocolError(f"{name}: expected integers in [{low}, {high}], got {_show(values)}")
    return tuple(values)


def texts(data: Object, name: str, *, longest: int, default: Any = _REQUIRED) -> tuple[str, ...]:
    """An array of at most ``longest`` strings."""
    values = array(data, name, longest=longest, default=default)
    return tuple(text({name: value}, name) for value in values)


def array(data: Object, name: str, *, longest: int, default: Any = _REQUIRED) -> list[Any]:
    """An array of at most ``longest`` entries of any kind."""
    value = _member(data, name, default)
    if not isinstance(value, list) or len(value) > longest:
        raise ProtocolError(f"{name}: expected an array of at most {longest} entries, got {_show(value)}")
    return value


def objects(data: Object, name: str, *, longest: int, default: Any = _REQUIRED) -> list[dict[str, Any]]:
    """An array of at most ``longest`` objects."""
    values = array(data, name, longest=longest, default=default)
    if not all(isinstance(value, dict) for value in values):
        raise ProtocolError(f"{name}: expected an array of objects, got {_show(values)}")
    return values


def mapping(data: Object, name: str, *, default: Any = _REQUIRED) -> dict[str, Any]:
    """An object."""
    value = _member(data, name, default)
    if not isinstance(value, dict):
        raise ProtocolError(f"{name}: expected an object, got {_show(value)}")
    return value


def schemas(data: Object, name: str) -> tuple[ParameterSchema, ...]:
    """The schemas of a ``hello``. Raises ProtocolError of code ``bad_schema``."""
    try:
        found = tuple(_schema(entry) for entry in objects(data, name, longest=MAX_SCHEMAS))
    except (ProtocolError, SchemaError) as error:
        raise ProtocolError(one_line(str(error)), code="bad_schema") from error
    characters = [schema.character for schema in found]
    if not found or len(set(characters)) != len(characters):
        raise ProtocolError(f"{name}: expected one schema per character, got {characters}", code="bad_schema")
    return found


def is_number(value: object) -> bool:
    """A finite JSON number that fits a float; booleans are none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def one_line(words: str, longest: int = MAX_LINE) -> str:
    """Untrusted words made safe to print: one line, no control characters, not too long."""
    printable = "".join(character if character.isprintable() else " " for character in words[: longest + 1])
    return printable if len(printable) <= longest else printable[: longest - 3] + "..."


def _schema(data: Object) -> ParameterSchema:
    return ParameterSchema(
        character=text(data, "character"),
        title=text(data, "title"),
        head=text(data, "head"),
        continuous=tuple(_slider(entry) for entry in objects(data, "continuous", longest=MAX_PARAMETERS)),
        discrete=tuple(_choice(entry) for entry in objects(data, "discrete", longest=MAX_PARAMETERS, default=[])),
    )


def _slider(data: Object) -> ContinuousParameter:
    """Numbers become floats: an engine may write -4 for -4.0, and the fingerprint must not depend on that."""
    names = {name: text(data, name) for name in ("name", "group", "bone", "controller")}
    values = {name: number(data, name, -1e9, 1e9) for name in ("minimum", "maximum", "default")}
    return ContinuousParameter(**names, **values)  # type: ignore[arg-type]


def _choice(data: Object) -> DiscreteParameter:
    return DiscreteParameter(
        name=text(data, "name"),
        group=text(data, "group"),
        choices=texts(data, "choices", longest=MAX_CHOICES),
        default=text(data, "default"),
    )


def _member(data: Object, name: str, default: Any) -> Any:
    value = data.get(name, default)
    if value is _REQUIRED:
        raise ProtocolError(f"{name}: missing")
    return value


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError(f"{digits[:20]} is too large")
    return value


def _show(value: object) -> str:
    return one_line(repr(value), 60)
