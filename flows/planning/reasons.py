"""Why a step has to be done again: what shaped the last output of its stage against what shapes the next one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

#: More than these are counted, not listed.
_LISTED: Final = 3
_LONGEST: Final = 40
_CODE: Final = frozenset({"code", "code_version"})
#: Inputs that the order states, and what they are called.
_OF_ORDERS: Final = {
    "schema": "schema",
    "fingerprint": "schema",
    "seed": "seed",
    "engine": "engine",
    "engine_build": "engine build",
}
#: Inputs that are the hash of another stage's output, by their own names.
_OUTPUTS: Final = frozenset(
    {"studio", "template", "photos", "imitator", "segmenter", "translator", "priors", "evaluation", "version"}
)
#: Inputs that are lists of such hashes.
_LISTS_OF_OUTPUTS: Final = frozenset({"datasets", "renders"})
#: What the entries of lists are.
_ENTRIES: Final = {
    "engine": ("engine", "engine_build"),
    "embedder": ("embedder.name", "embedder.weights", "embedder.center", "template"),
}


def describe_changes(
    before: Mapping[str, Any], after: Mapping[str, Any], *, stages: Mapping[str, str], recipes: tuple[str, str]
) -> list[str]:
    """Every difference in a few words, the weightiest first: ``engine build A -> B``, ``code changed``.

    ``stages`` names the stage of every key that is known now, ``recipes`` those of the two sides: of another recipe the
    name says enough.
    """
    old, new = dict(_entries(before)), dict(_entries(after))
    names = [*new, *(name for name in old if name not in new)]
    changed = {name: (old.get(name), new.get(name)) for name in names if old.get(name) != new.get(name)}
    told: dict[int, list[str]] = {rank: [] for rank in range(4)}
    for name, (was, now) in changed.items():
        rank, words = _describe(name, was, now, stages)
        told[rank].append(words)
    if recipes[0] != recipes[1] and told[_OF_RECIPE]:
        told[_OF_RECIPE] = [f"recipe {recipes[0]} -> {recipes[1]}"]
    return list(dict.fromkeys(words for rank in sorted(told) for words in told[rank]))


def in_words(stages: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return " and ".join(filter(None, (", ".join(stages[:-1]), *stages[-1:])))


def shorten(reasons: list[str]) -> str:
    """The first few, and how many more there are."""
    more = len(reasons) - _LISTED
    return "; ".join(reasons[:_LISTED]) + (f"; and {more} more" if more > 0 else "")


_OF_ORDER, _OF_CODE, _OF_RECIPE, _FOLLOWS = range(4)


def _describe(name: str, was: Any, now: Any, stages: Mapping[str, str]) -> tuple[int, str]:
    """How weighty a difference is, and what it is called."""
    if name in _CODE:
        return _OF_CODE, "code changed"
    if name in _LISTS_OF_OUTPUTS:
        return _FOLLOWS, _follows([key for key in now or [] if key not in (was or [])], stages, name)
    if name in _OUTPUTS:
        return _FOLLOWS, _follows(now if isinstance(now, list) else [now], stages, name)
    if name == "photos_sha256":
        return _OF_ORDER, "photos changed"
    word = "seed" if name.endswith(".seed") else _OF_ORDERS.get(name)
    change = f"{_short(was)} -> {_short(now)}"
    return (_OF_ORDER, f"{word} {change}") if word else (_OF_RECIPE, f"recipe: {name} {change}")


def _follows(keys: list[Any], stages: Mapping[str, str], name: str) -> str:
    found = list(dict.fromkeys(stages[key] for key in keys if key in stages)) or [name]
    return f"follows from {in_words(found)}"


def _entries(inputs: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Nested settings by dotted names; lists whose entries have names come apart."""
    for key, value in inputs.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from _entries(value, f"{name}.")
        elif name in _ENTRIES and isinstance(value, list):
            yield from zip(_ENTRIES[name], value, strict=False)
        else:
            yield name, value


def _short(value: Any) -> str:
    text = "none" if value is None else str(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
