"""A pair: what one key of a dataset holds. And the split, fixed by the index alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from engine_bridge.frames import Mask, Picture
from engine_bridge.schema import Vector

Split = Literal["train", "heldout"]
SPLIT_RULE: Final = "heldout when index % 5 == 4, else train"


def split_of(index: int) -> Split:
    """80 % train, 20 % held out (Shi et al.), the same whatever the count, the shards or the seed."""
    return "heldout" if index % 5 == 4 else "train"


def key_of(index: int) -> str:
    """The sample key: the global index on 8 digits."""
    return f"{index:08d}"


@dataclass(frozen=True, kw_only=True)
class Pair:
    """One sample of a dataset.

    index    global index, >= 0
    picture  (H, W, 3) uint8 sRGB
    mask     (H, W) uint8 part ids; None for photos
    vector   (V,) float32, what the engine applied; None for photos
    facts    plain JSON about it: becomes KEY.json, and those with a column of their own the row in pairs.parquet
    """

    index: int
    picture: Picture
    mask: Mask | None = None
    vector: Vector | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Reject:
    """A pair that was to be there and could not be used; its index stays free. ``rejects.jsonl`` lists them."""

    index: int
    reason: str
    facts: Mapping[str, Any] = field(default_factory=dict)
