"""Which sliders belong to one part of the face, whose shape is learned as a whole.

The paper divides the parameters into seven groups without naming them (Shi et al., TPAMI, figure 6 a). Table 5 has 29
groups of controllers, too small to learn more than what one bone does; here they are put together to the seven parts
of a face. Groups whose names say nothing, of other characters, stay groups of their own.
"""

from __future__ import annotations

from typing import Final

from engine_bridge.schema import ParameterSchema

#: Region -> words, one of which is in the name of a group; the first region that fits has it.
REGION_WORDS: Final[dict[str, tuple[str, ...]]] = {
    "eyebrows": ("brow",),
    "eyes": ("eye",),
    "nose": ("nose", "nostril"),
    "mouth": ("mouth", "lip"),
    "forehead": ("forehead", "glabellum", "temple"),
    "cheeks": ("cheek", "risorius"),
    "jaw": ("jaw", "mandib", "chin"),
}


def face_regions(schema: ParameterSchema) -> dict[str, tuple[int, ...]]:
    """Vector indices of the sliders of each region, in the order of :data:`REGION_WORDS`, then of the schema."""
    found: dict[str, tuple[int, ...]] = dict.fromkeys(REGION_WORDS, ())
    for group, indices in schema.groups.items():
        region = region_of(group)
        found[region] = (*found.get(region, ()), *indices)
    return {region: tuple(sorted(indices)) for region, indices in found.items() if indices}


def region_of(group: str) -> str:
    """The region of a schema's group, or the group's own name when its name says nothing."""
    lowered = group.lower()
    return next((region for region, words in REGION_WORDS.items() if any(word in lowered for word in words)), group)
