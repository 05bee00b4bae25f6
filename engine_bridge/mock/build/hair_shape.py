"""What a hairstyle is made of. Lengths in decimetres of the adult female's head; other heads scale them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from engine_bridge.errors import InputError

#: part      from a parting sideways and down        back     from the forehead over the crown
#: whorl     from a whorl on the crown outwards      gather   over the skull to a tie
#: out       away from the skin                      curl     away from the skin, every lock its own way
Flow = Literal["part", "back", "whorl", "gather", "out", "curl"]


@dataclass(frozen=True, kw_only=True)
class Outline:
    """Where hair grows at all, as changes of the natural hairline.

    forehead       raises the line over the forehead; negative lowers it
    recession      raises the corners above the temples
    sides          raises the line over ears and nape: what lies below is shaved
    strip          keeps only hair this far from the midline (mohawk); 0 keeps all
    bald_top       takes away hair higher than this above the eyes (horseshoe); 0 keeps all
    """

    forehead: float = 0.0
    recession: float = 0.0
    sides: float = 0.0
    strip: float = 0.0
    bald_top: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Volume:
    """Thickness of the hair over the skin, by region.

    ridge     along the midline            bumps   unevenness as a share of the thickness
    flat_top  height of a level top over the skull's centre; 0 for none
    """

    all: float = 0.06
    top: float = 0.0
    front: float = 0.0
    sides: float = 0.0
    back: float = 0.0
    ridge: float = 0.0
    flat_top: float = 0.0
    bumps: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Locks:
    """Locks that grow all over the scalp and follow the flow.

    length, width    of one lock
    hem, hem_tilt    height of the tips over the eyes, where hair is cut, and how much lower it is on the person's
                     left; a hem of None cuts by length only
    overhang         how far locks may reach beyond the hairline; None: as far as they like
    layering         random shortening of locks, share of their length
    side_share       length at the sides over the length on top
    lift             how steeply a lock leaves the skin
    gravity          pull downwards, growing towards the tip; negative for hair that stands up
    stiffness        share of the old direction that a step keeps
    scatter          how much every lock goes its own way
    flare            outward (positive) or inward turn of the last third
    wave, wave_length  amplitude and length of waves
    pointed          0 is a blunt tip, 1 a point
    depth            how far the layers stand apart: 0 is sleek, 0.08 is tousled
    cling            0 falls freely, 1 keeps to the skull
    back_sweep       how much hair that is parted is combed backwards
    face_open        half width of the face that stays free
    over_ears        1 lies over the ears, 0 lets them stick out
    flow             overrides the style's flow
    lowest, highest  heights over the eyes between which the roots lie
    """

    count: int = 60
    length: float = 1.0
    width: float = 0.22
    hem: float | None = None
    hem_tilt: float = 0.0
    lift: float = 0.3
    gravity: float = 0.35
    stiffness: float = 0.55
    flare: float = 0.0
    wave: float = 0.0
    wave_length: float = 0.6
    layering: float = 0.15
    scatter: float = 0.15
    pointed: float = 0.85
    back_sweep: float = 0.25
    depth: float = 0.05
    cling: float = 0.0
    face_open: float = 0.60
    over_ears: float = 0.0
    overhang: float | None = None
    side_share: float = 1.0
    flow: Flow | None = None
    lowest: float = -9.0
    highest: float = 9.0

    def __post_init__(self) -> None:
        if self.count < 1 or not self.length > 0.0 or not self.width > 0.0:
            raise InputError("locks: count, length and width must be positive; leave the locks out instead")


@dataclass(frozen=True, kw_only=True)
class Fringe:
    """Hair combed over the forehead.

    tip            height of the tips over the eyes; the brows lie near 0.2
    reach          half width over the forehead
    sweep          sideways lean, positive to the person's left
    gap            half width of an opening in the middle (curtain fringe)
    arch           how much lower the tips hang at the temples
    count, width   of the locks
    volume         how far the fringe stands off the forehead
    jitter         unevenness of the tips
    root           how far behind the hairline it starts
    pointed        0 is a blunt tip, 1 a point
    """

    tip: float = 0.30
    reach: float = 0.50
    sweep: float = 0.0
    gap: float = 0.0
    arch: float = 0.0
    count: int = 18
    width: float = 0.13
    volume: float = 0.07
    jitter: float = 0.04
    root: float = 0.12
    pointed: float = 0.7


@dataclass(frozen=True, kw_only=True)
class Puffs:
    """Clumps of tight curls that cover the cap: ``radius`` of one, and how much they vary."""

    count: int = 60
    radius: float = 0.12
    spread: float = 0.25


@dataclass(frozen=True, kw_only=True)
class Bun:
    """A knot of hair at a point of the skull: azimuth (signed, left positive) and elevation in degrees.

    ``flatness`` is its height over its width, ``out`` how far its middle stands off the skull, in radii.
    """

    azimuth_deg: float = 180.0
    elevation_deg: float = 60.0
    radius: float = 0.24
    flatness: float = 0.85
    out: float = 0.75


@dataclass(frozen=True, kw_only=True)
class Tail:
    """Hair tied at a point of the skull that rises, then falls; ``braided`` plaits it.

    ``rise`` turns the start upwards, ``lean`` and ``forward`` turn the fall to the person's left and to the front;
    ``count`` locks make up a tail that is not braided.
    """

    azimuth_deg: float = 180.0
    elevation_deg: float = 60.0
    length: float = 1.6
    radius: float = 0.16
    rise: float = 0.5
    lean: float = 0.0
    forward: float = 0.0
    count: int = 14
    braided: bool = False


@dataclass(frozen=True, kw_only=True)
class Halo:
    """A braid laid around the head: its height over the eyes in front and at the back."""

    front: float = 0.74
    back: float = 0.35
    radius: float = 0.13


@dataclass(frozen=True, kw_only=True)
class HairShape:
    """One hairstyle. ``parting`` is the x of the parting, positive to the person's left."""

    flow: Flow = "whorl"
    outline: Outline = Outline()
    volume: Volume = Volume()
    parting: float = 0.0
    locks: tuple[Locks, ...] = ()
    fringe: Fringe | None = None
    buns: tuple[Bun, ...] = ()
    tails: tuple[Tail, ...] = ()
    halo: Halo | None = None
    puffs: Puffs | None = None
