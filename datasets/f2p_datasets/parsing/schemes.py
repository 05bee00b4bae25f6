"""What a parsing set's labels mean, and how the segmenter's answer is said in its words.

A segmenter knows the eleven parts of ``engine_bridge.parts.Part``, which are Helen's classes. Sets that have more
classes are mapped to these when they are read; a set that has fewer keeps its own, and the *answer* is mapped to them:
FASSEG's "mouth" cannot be split into lips again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from engine_bridge.frames import Mask, Picture
from engine_bridge.parts import NOT_JUDGED, NUM_PARTS, PART_COLORS, Part


@dataclass(frozen=True, kw_only=True)
class ClassScheme:
    """The classes of a set's masks.

    names     class by class
    colors    RGB of each, for pictures
    of_part   the class that each of the eleven parts belongs to
    wide_skin the class of skin that goes on over ears and neck, which Helen calls background; None when it does not
    """

    name: str
    names: tuple[str, ...]
    colors: tuple[tuple[int, int, int], ...]
    of_part: tuple[int, ...]
    wide_skin: int | None = None

    @property
    def has_all_parts(self) -> bool:
        """Whether its classes are the parts themselves, so that a segmenter can learn from them."""
        return self.of_part == tuple(range(NUM_PARTS))

    def say(self, parts: Mask) -> Mask:
        """Part ids (H, W) as ids of these classes; what is not judged stays so."""
        table = np.full(256, NOT_JUDGED, np.uint8)
        table[:NUM_PARTS] = self.of_part
        return table[parts]

    def paint(self, mask: Mask) -> Picture:
        """Class ids (H, W) in the classes' colors, black where nothing is judged: (H, W, 3)."""
        palette: npt.NDArray[np.uint8] = np.zeros((256, 3), np.uint8)
        palette[: len(self.colors)] = self.colors
        return palette[mask]


HELEN: Final = ClassScheme(
    name="Helen's eleven classes",
    names=tuple(part.name.lower() for part in Part),
    colors=PART_COLORS,
    of_part=tuple(range(NUM_PARTS)),
)

_BACKGROUND, _HAIR, _SKIN, _NOSE, _MOUTH, _EYES = range(6)
#: In FASSEG's order of colors. Brows carry the hair's color there, and so do beards, which Helen calls skin.
FASSEG: Final = ClassScheme(
    name="FASSEG's six classes",
    names=("background", "hair", "skin", "nose", "mouth", "eyes"),
    colors=((255, 0, 0), (127, 0, 0), (255, 255, 0), (0, 255, 255), (0, 255, 0), (0, 0, 255)),
    of_part=(_BACKGROUND, _SKIN, _HAIR, _HAIR, _EYES, _EYES, _NOSE, _MOUTH, _MOUTH, _MOUTH, _HAIR),
    wide_skin=_SKIN,
)
