"""Where the bones of the face rig sit and how far they reach.

One bone, or mirrored pair, per group of Shi et al., TPAMI, Table 5. Points are (x, y) on the front of the adult
female's rest head, left side, in decimetres from the midpoint between the eyes; they name the mesh vertices that a bone
holds on to, which are the same vertices on every head.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

Xy = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class BoneSite:
    """One bone of the left side or of the midline.

    points    where it holds the skin; its pivot is their mean
    reach     geodesic distance in decimetres at which its weight has fallen to zero
    mirrored  whether a twin exists on the right side
    behind    the pivot's distance behind the skin, for bones that swing a region around its root
    """

    points: tuple[Xy, ...]
    reach: float
    mirrored: bool = True
    behind: float = 0.0


BONE_SITES: Final[Mapping[str, BoneSite]] = {
    "eyebrow_head": BoneSite(points=((0.11, 0.165), (0.17, 0.185)), reach=0.17),
    "eyebrow_body": BoneSite(points=((0.24, 0.205), (0.31, 0.21)), reach=0.18),
    "eyebrow_tail": BoneSite(points=((0.39, 0.19), (0.45, 0.15)), reach=0.18),
    "eye": BoneSite(points=((0.17, -0.03), (0.29, 0.07), (0.41, 0.0), (0.29, -0.07)), reach=0.24, behind=0.10),
    "outside_eyelid": BoneSite(points=((0.33, 0.062), (0.37, 0.045)), reach=0.12, behind=0.05),
    "inside_eyelid": BoneSite(points=((0.22, 0.045), (0.26, 0.06)), reach=0.12, behind=0.05),
    "lower_eyelid": BoneSite(points=((0.25, -0.06), (0.29, -0.065), (0.34, -0.055)), reach=0.13, behind=0.05),
    "inner_eye_corner": BoneSite(points=((0.165, -0.03),), reach=0.1, behind=0.05),
    "outer_eye_corner": BoneSite(points=((0.415, 0.0),), reach=0.11, behind=0.06),
    "nose_body": BoneSite(
        points=((0.0, -0.10), (0.0, -0.20), (0.0, -0.33), (0.08, -0.34)), reach=0.30, mirrored=False, behind=0.15
    ),
    "nose_bridge": BoneSite(points=((0.0, -0.04), (0.0, -0.12)), reach=0.20, mirrored=False, behind=0.06),
    "nose_wing": BoneSite(points=((0.11, -0.34), (0.09, -0.36)), reach=0.14, behind=0.05),
    "nose_tip": BoneSite(points=((0.0, -0.32), (0.0, -0.35)), reach=0.17, mirrored=False, behind=0.08),
    "nose_bottom": BoneSite(points=((0.0, -0.40), (0.04, -0.40)), reach=0.14, mirrored=False, behind=0.05),
    "mouth": BoneSite(
        points=((0.0, -0.59), (0.0, -0.69), (0.12, -0.60), (0.12, -0.68), (0.21, -0.64)),
        reach=0.26,
        mirrored=False,
        behind=0.12,
    ),
    "middle_upper_lip": BoneSite(points=((0.0, -0.585), (0.0, -0.61)), reach=0.14, mirrored=False, behind=0.06),
    "outer_upper_lip": BoneSite(points=((0.10, -0.595), (0.13, -0.61)), reach=0.13, behind=0.06),
    "middle_lower_lip": BoneSite(points=((0.0, -0.67), (0.0, -0.70)), reach=0.14, mirrored=False, behind=0.06),
    "outer_lower_lip": BoneSite(points=((0.10, -0.675), (0.13, -0.665)), reach=0.13, behind=0.06),
    "mouth_corner": BoneSite(points=((0.21, -0.635),), reach=0.15, behind=0.08),
    "forehead": BoneSite(
        points=((0.0, 0.45), (0.0, 0.65), (0.22, 0.45), (0.22, 0.60)), reach=0.50, mirrored=False, behind=0.25
    ),
    "glabellum": BoneSite(points=((0.0, 0.12), (0.0, 0.17)), reach=0.2, mirrored=False, behind=0.1),
    "cheekbone": BoneSite(points=((0.40, -0.16), (0.50, -0.12)), reach=0.26),
    "risorius": BoneSite(points=((0.34, -0.56), (0.38, -0.50)), reach=0.24),
    "cheek": BoneSite(points=((0.30, -0.33), (0.36, -0.38)), reach=0.27),
    "jaw": BoneSite(points=((0.46, -0.70), (0.42, -0.78)), reach=0.32, behind=0.10),
    "lower_jaw": BoneSite(points=((0.05, -0.90), (0.12, -0.92), (0.06, -0.97)), reach=0.28, behind=0.06),
    "mandibular": BoneSite(points=((0.26, -0.88), (0.32, -0.84)), reach=0.25, behind=0.06),
    "outer_jaw": BoneSite(points=((0.57, -0.50), (0.55, -0.60)), reach=0.30, behind=0.08),
}

LEFT, RIGHT = ".L", ".R"


def bone_names() -> list[str]:
    """Every bone: ``NAME`` on the midline, ``NAME.L`` and ``NAME.R`` for a pair."""
    names: list[str] = []
    for name, site in BONE_SITES.items():
        names += [name + LEFT, name + RIGHT] if site.mirrored else [name]
    return names
