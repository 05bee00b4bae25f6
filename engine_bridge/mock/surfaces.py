"""What a triangle of the head is made of. The renderer shades by surface; parts of the mask follow from it."""

from __future__ import annotations

from enum import IntEnum


class Surface(IntEnum):
    """Surface id of one triangle (uint8)."""

    SKIN = 0
    EYE = 1
    LASH = 2
    TEETH = 3
    TONGUE = 4
    HAIR = 5
    MOUTH = 6


class Shader(IntEnum):
    """What shades a triangle (uint8): skin inside the texture, all other skin and the mouth, eyeballs, hair."""

    FACE = 0
    BODY = 1
    EYE = 2
    HAIR = 3
