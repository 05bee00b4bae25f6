"""The shapes of the catalog's hairstyles by name; ``bald`` has none."""

from __future__ import annotations

from typing import Final

from engine_bridge.mock.build.hair_shape import HairShape
from engine_bridge.mock.build.long_styles import LOOSE, TIED
from engine_bridge.mock.build.short_styles import COMBED, CROPPED

HAIR_SHAPES: Final[dict[str, HairShape]] = {**CROPPED, **COMBED, **LOOSE, **TIED}
