"""The wardrobe by name: what the mock engine's discrete parameters choose from, and which head may wear what.

The look that only the renderer needs (colours, finish) is here; the shapes are built once into
``assets/wardrobe.npz`` (``build/wardrobe.py``), whose arrays are

    hair/{head}/{hairstyle}/positions  (N, 3) float16, decimetres in the frame of the head's rest mesh
                           /tris       (M, 3) uint16, counter-clockwise outside; single-layer: draw both sides
                           /strand     (N, 2) float16, u across, one unit per 0.075 dm; v 0 root .. 1 tip
                           /shade      (N,) uint8 ambient occlusion, 255 is open
                           /anchor     (N,) uint16 vertex of the head's rest mesh that the hair vertex moves along with
    makeup/uv_crop                     (4,) float32 u0, v0, u1, v1: the part of UV space that every mask below covers;
                                       row 0 of a mask is v1 (the top), column 0 is u0
    brow/{eyebrow_style}               (512, 512) uint8 coverage; shared by all heads, because they share the UV layout
    lipstick/{lipstick_style}          (512, 512) uint8 coverage, shared
    beard/{beard_style}                (512, 512) uint8 coverage, shared

``bald`` has no hair arrays and ``clean_shaven`` an empty mask. Colours are sRGB fractions in [0, 1].
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from engine_bridge.errors import InputError
from engine_bridge.scene import Rgb

BLACK: Final[Rgb] = (0.085, 0.072, 0.070)
ESPRESSO: Final[Rgb] = (0.155, 0.105, 0.080)
BROWN: Final[Rgb] = (0.235, 0.150, 0.100)
CHESTNUT: Final[Rgb] = (0.330, 0.185, 0.110)
AUBURN: Final[Rgb] = (0.400, 0.165, 0.085)
CARAMEL: Final[Rgb] = (0.470, 0.310, 0.180)
HONEY: Final[Rgb] = (0.620, 0.440, 0.250)
ASH: Final[Rgb] = (0.400, 0.345, 0.290)
GREY: Final[Rgb] = (0.430, 0.415, 0.400)


@dataclass(frozen=True, kw_only=True)
class Hairstyle:
    """Colour of a hairstyle: ``color`` at the roots and for brows and beard, ``tip_color`` at the tips."""

    color: Rgb
    tip_color: Rgb

    def __post_init__(self) -> None:
        _check_color("hairstyle", self.color)
        _check_color("hairstyle", self.tip_color)


@dataclass(frozen=True, kw_only=True)
class EyebrowStyle:
    """How strongly the brow mask covers the skin, in [0, 1]."""

    opacity: float = 0.92

    def __post_init__(self) -> None:
        _check_fraction("eyebrow style", "opacity", self.opacity)


@dataclass(frozen=True, kw_only=True)
class LipstickStyle:
    """Finish of a lipstick, every field in [0, 1].

    opacity  how much of the lip's own colour the mask replaces
    gloss    strength of the sharp highlight; 0 is powder, 1 is lacquer
    frost    share of a pale pearl mixed into the colour
    """

    opacity: float = 0.85
    gloss: float = 0.35
    frost: float = 0.0

    def __post_init__(self) -> None:
        for name in ("opacity", "gloss", "frost"):
            _check_fraction("lipstick style", name, getattr(self, name))


@dataclass(frozen=True, kw_only=True)
class LipstickColor:
    """The pigment."""

    color: Rgb

    def __post_init__(self) -> None:
        _check_color("lipstick colour", self.color)


@dataclass(frozen=True, kw_only=True)
class BeardStyle:
    """How strongly the beard mask covers the skin, in [0, 1]; its colour is the hair's."""

    opacity: float = 0.9

    def __post_init__(self) -> None:
        _check_fraction("beard style", "opacity", self.opacity)


def _check_color(kind: str, color: Rgb) -> None:
    if len(color) != 3 or not all(0.0 <= channel <= 1.0 for channel in color):
        raise InputError(f"{kind}: a colour is three sRGB fractions in [0, 1], got {color}")


def _check_fraction(kind: str, name: str, value: float) -> None:
    if not 0.0 <= value <= 1.0:
        raise InputError(f"{kind}: {name} lies in [0, 1], got {value}")


def _hair(color: Rgb, *, lift: float = 1.25) -> Hairstyle:
    """Tips are sun-bleached: ``lift`` times as bright as the roots."""
    red, green, blue = (min(1.0, channel * lift) for channel in color)
    return Hairstyle(color=color, tip_color=(red, green, blue))


HAIRSTYLES: Final[dict[str, Hairstyle]] = {
    "bald": _hair(ESPRESSO),
    "buzz_cut": _hair(ESPRESSO, lift=1.0),
    "crew_cut": _hair(BROWN),
    "caesar": _hair(BLACK),
    "flat_top": _hair(BLACK),
    "side_part": _hair(CHESTNUT),
    "side_swept": _hair(BROWN, lift=1.5),
    "slick_back": _hair(BLACK),
    "quiff": _hair(CARAMEL),
    "pompadour": _hair(ESPRESSO),
    "undercut": _hair(ASH),
    "faux_hawk": _hair(BROWN),
    "mohawk": _hair(AUBURN),
    "spiky": _hair(HONEY),
    "bowl_cut": _hair(ESPRESSO),
    "curtains": _hair(CARAMEL, lift=1.35),
    "shag": _hair(CHESTNUT, lift=1.45),
    "short_curly": _hair(BROWN),
    "afro": _hair(BLACK),
    "receding": _hair(GREY),
    "horseshoe": _hair(GREY),
    "top_knot": _hair(BROWN),
    "pixie": _hair(AUBURN),
    "bob": _hair(ESPRESSO),
    "bob_fringe": _hair(BLACK),
    "bob_asymmetric": _hair(HONEY),
    "lob": _hair(CARAMEL, lift=1.5),
    "shoulder_flip": _hair(AUBURN),
    "long_straight": _hair(ESPRESSO),
    "long_side_part": _hair(HONEY, lift=1.2),
    "long_wavy": _hair(CHESTNUT, lift=1.5),
    "long_curly": _hair(BROWN),
    "hime_cut": _hair(BLACK),
    "half_up": _hair(ASH, lift=1.3),
    "ponytail_high": _hair(BROWN),
    "ponytail_side": _hair(CARAMEL),
    "pigtails": _hair(HONEY),
    "twin_braids": _hair(AUBURN),
    "twin_buns": _hair(ESPRESSO),
    "braid_crown": _hair(CHESTNUT),
}

_BROW_SHAPES: Final = ("straight", "soft_arch", "high_arch", "angled", "rounded", "droopy", "upturned", "s_shape")
_BROW_WEIGHTS: Final = ("thin", "medium", "thick")

EYEBROW_STYLES: Final[dict[str, EyebrowStyle]] = {
    **{f"{shape}_{weight}": EyebrowStyle() for shape in _BROW_SHAPES for weight in _BROW_WEIGHTS},
    "feathered_soft": EyebrowStyle(opacity=0.85),
    "feathered_bold": EyebrowStyle(),
    "pencil": EyebrowStyle(opacity=1.0),
    "faint": EyebrowStyle(opacity=0.5),
    "short_straight": EyebrowStyle(),
    "short_rounded": EyebrowStyle(),
    "long_sweep": EyebrowStyle(),
    "tapered": EyebrowStyle(),
    "slit": EyebrowStyle(),
    "blocky": EyebrowStyle(opacity=1.0),
    "bushy": EyebrowStyle(),
    "wide_set": EyebrowStyle(),
    "unibrow": EyebrowStyle(),
}

LIPSTICK_STYLES: Final[dict[str, LipstickStyle]] = {
    "full_matte": LipstickStyle(opacity=1.0, gloss=0.0),
    "full_satin": LipstickStyle(opacity=0.75, gloss=0.35),
    "full_gloss": LipstickStyle(opacity=1.0, gloss=1.0, frost=0.06),
    "frosted": LipstickStyle(opacity=0.95, gloss=0.55, frost=0.20),
    "sheer_tint": LipstickStyle(opacity=0.35, gloss=0.45),
    "blurred": LipstickStyle(opacity=0.85, gloss=0.1),
    "bitten": LipstickStyle(opacity=0.95, gloss=0.3),
    "ombre_edge": LipstickStyle(opacity=0.95, gloss=0.4),
    "ombre_vertical": LipstickStyle(opacity=0.95, gloss=0.4),
    "overlined": LipstickStyle(opacity=0.90, gloss=0.45),
    "underlined": LipstickStyle(opacity=0.90, gloss=0.2),
    "cupid_bow": LipstickStyle(opacity=0.90, gloss=0.3),
    "rounded_bow": LipstickStyle(opacity=0.90, gloss=0.3),
    "upper_only": LipstickStyle(opacity=0.90, gloss=0.3),
    "lower_only": LipstickStyle(opacity=0.90, gloss=0.3),
    "liner_only": LipstickStyle(opacity=0.95, gloss=0.2),
    "center_accent": LipstickStyle(opacity=0.95, gloss=0.6),
    "corner_accent": LipstickStyle(opacity=0.95, gloss=0.2),
    "doll": LipstickStyle(opacity=0.95, gloss=0.4),
}

LIPSTICK_COLORS: Final[dict[str, LipstickColor]] = {
    "nude_beige": LipstickColor(color=(0.76, 0.56, 0.47)),
    "nude_rose": LipstickColor(color=(0.66, 0.39, 0.38)),
    "peach": LipstickColor(color=(0.98, 0.64, 0.50)),
    "apricot": LipstickColor(color=(0.93, 0.50, 0.24)),
    "coral": LipstickColor(color=(0.98, 0.38, 0.33)),
    "salmon": LipstickColor(color=(0.88, 0.48, 0.50)),
    "watermelon": LipstickColor(color=(0.93, 0.25, 0.42)),
    "rose": LipstickColor(color=(0.68, 0.24, 0.38)),
    "dusty_pink": LipstickColor(color=(0.72, 0.47, 0.60)),
    "baby_pink": LipstickColor(color=(0.96, 0.68, 0.74)),
    "hot_pink": LipstickColor(color=(0.95, 0.22, 0.55)),
    "fuchsia": LipstickColor(color=(0.80, 0.10, 0.48)),
    "magenta": LipstickColor(color=(0.66, 0.08, 0.58)),
    "orchid": LipstickColor(color=(0.76, 0.33, 0.78)),
    "lilac": LipstickColor(color=(0.70, 0.60, 0.82)),
    "plum": LipstickColor(color=(0.42, 0.14, 0.36)),
    "berry": LipstickColor(color=(0.58, 0.10, 0.30)),
    "burgundy": LipstickColor(color=(0.42, 0.05, 0.13)),
    "crimson": LipstickColor(color=(0.70, 0.03, 0.12)),
    "scarlet": LipstickColor(color=(0.88, 0.09, 0.07)),
    "brick": LipstickColor(color=(0.64, 0.22, 0.14)),
    "terracotta": LipstickColor(color=(0.76, 0.36, 0.22)),
    "caramel": LipstickColor(color=(0.62, 0.40, 0.24)),
    "cocoa": LipstickColor(color=(0.38, 0.20, 0.14)),
    "black_cherry": LipstickColor(color=(0.18, 0.04, 0.09)),
}

BEARD_STYLES: Final[dict[str, BeardStyle]] = {
    "clean_shaven": BeardStyle(opacity=0.0),
    "stubble": BeardStyle(opacity=0.6),
    "moustache": BeardStyle(),
    "goatee": BeardStyle(),
    "van_dyke": BeardStyle(),
    "chin_strap": BeardStyle(),
    "full_beard": BeardStyle(opacity=0.95),
}


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _without(names: Iterable[str], *left_out: str) -> tuple[str, ...]:
    return tuple(name for name in names if name not in left_out)


#: head -> discrete parameter -> its choices in order. The counts of the adults are those of Shi et al., TPAMI, Table 5.
CHOICES_FOR_HEAD: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "adult_female": {
        "hairstyle": _words(
            "buzz_cut pixie side_swept bob bob_fringe bob_asymmetric lob shoulder_flip shag curtains long_straight "
            "long_side_part long_wavy long_curly hime_cut half_up ponytail_high ponytail_side top_knot twin_buns "
            "braid_crown afro"
        ),
        "eyebrow_style": _without(EYEBROW_STYLES, "unibrow"),
        "lipstick_style": tuple(LIPSTICK_STYLES),
        "lipstick_color": tuple(LIPSTICK_COLORS),
    },
    "adult_male": {
        "hairstyle": _words(
            "bald buzz_cut crew_cut caesar flat_top side_part side_swept slick_back quiff pompadour undercut faux_hawk "
            "mohawk spiky bowl_cut curtains shag short_curly afro receding horseshoe top_knot long_straight"
        ),
        "eyebrow_style": _words(
            "straight_thin straight_medium straight_thick soft_arch_thin soft_arch_medium soft_arch_thick "
            "angled_medium angled_thick rounded_medium rounded_thick droopy_medium droopy_thick upturned_medium "
            "upturned_thick s_shape_medium s_shape_thick feathered_bold faint short_straight short_rounded long_sweep "
            "tapered slit blocky bushy unibrow"
        ),
        "beard_style": tuple(BEARD_STYLES),
    },
    "girl": {
        "hairstyle": _words(
            "pixie bob bob_fringe bowl_cut shoulder_flip long_straight long_wavy long_curly hime_cut half_up "
            "ponytail_high ponytail_side pigtails twin_braids twin_buns braid_crown"
        ),
        "eyebrow_style": _words(
            "straight_thin straight_medium soft_arch_thin soft_arch_medium soft_arch_thick rounded_thin rounded_medium "
            "droopy_thin droopy_medium upturned_thin upturned_medium feathered_soft faint short_straight short_rounded "
            "tapered"
        ),
    },
}
