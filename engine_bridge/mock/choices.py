"""Whether the mock engine's wardrobe has what a character asks for."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from engine_bridge.errors import SchemaError
from engine_bridge.mock.catalog import (
    BEARD_STYLES,
    CHOICES_FOR_HEAD,
    EYEBROW_STYLES,
    LIPSTICK_COLORS,
    LIPSTICK_STYLES,
)
from engine_bridge.schema import ParameterSchema

#: Painted on the skin, so every head can wear all of them.
_MAKEUP: Final[dict[str, Collection[str]]] = {
    "eyebrow_style": EYEBROW_STYLES,
    "lipstick_style": LIPSTICK_STYLES,
    "lipstick_color": LIPSTICK_COLORS,
    "beard_style": BEARD_STYLES,
}


def check_choices(schema: ParameterSchema) -> None:
    """Raise SchemaError for a choice, or a name in one, that the mock engine would not draw on the schema's head."""
    hairstyles = dict.fromkeys([*CHOICES_FOR_HEAD[schema.head]["hairstyle"], "bald"])  # bald needs no geometry
    known = {"hairstyle": hairstyles, **_MAKEUP}
    for choice in schema.discrete:
        if choice.name not in known:
            raise SchemaError(f"{choice.name}: the mock engine has no such choice; it has {', '.join(known)}")
        for name in choice.choices:
            if name not in known[choice.name]:
                raise SchemaError(
                    f"{choice.name}: the mock engine has no {name!r} for {schema.head}; "
                    f"it has {', '.join(known[choice.name])}"
                )
