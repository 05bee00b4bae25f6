"""Hairstyles of long hair: loose ones, and those that are tied up."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from engine_bridge.mock.build.hair_shape import Bun, Fringe, HairShape, Halo, Locks, Tail, Volume

#: Hair pulled tight towards a tie.
_TIGHT: Final = Locks(
    count=60, length=1.3, width=0.15, gravity=0.0, scatter=0.03, lift=0.1, overhang=0.0, depth=0.012, cling=0.7
)

LOOSE: Final[dict[str, HairShape]] = {
    "bob": HairShape(
        flow="part",
        volume=Volume(all=0.08, sides=0.05),
        locks=(
            Locks(count=80, length=2.0, width=0.30, hem=-0.74, over_ears=1.0, layering=0.05, flare=-0.3, pointed=0.5),
        ),
    ),
    "bob_fringe": HairShape(
        flow="part",
        volume=Volume(all=0.08, sides=0.06),
        locks=(
            Locks(
                depth=0.035,
                count=76,
                length=2.0,
                width=0.30,
                hem=-0.62,
                over_ears=1.0,
                layering=0.04,
                flare=-0.35,
                pointed=0.4,
            ),
        ),
        fringe=Fringe(tip=0.27, reach=0.60, count=24, width=0.15, jitter=0.015, volume=0.11, pointed=0.4),
    ),
    "bob_asymmetric": HairShape(
        flow="part",
        parting=-0.28,
        volume=Volume(all=0.08, top=0.05),
        locks=(
            Locks(
                count=80, length=2.3, width=0.30, hem=-0.60, hem_tilt=0.50, over_ears=1.0, layering=0.06, pointed=0.6
            ),
        ),
    ),
    "lob": HairShape(
        flow="part",
        parting=0.22,
        volume=Volume(all=0.08, top=0.03),
        locks=(
            Locks(
                count=70,
                length=2.4,
                width=0.30,
                hem=-1.15,
                over_ears=1.0,
                layering=0.12,
                wave=0.03,
                wave_length=0.9,
                pointed=0.6,
            ),
        ),
    ),
    "shoulder_flip": HairShape(
        flow="part",
        parting=0.2,
        volume=Volume(all=0.09, top=0.06),
        locks=(Locks(count=80, length=2.2, width=0.28, hem=-1.05, over_ears=1.0, flare=1.6, layering=0.1),),
        fringe=Fringe(tip=0.36, reach=0.46, sweep=-0.5, count=14, width=0.15, volume=0.11),
    ),
    "long_straight": HairShape(
        flow="part",
        volume=Volume(all=0.06),
        locks=(
            Locks(depth=0.04, count=90, length=3.2, width=0.32, hem=-1.9, over_ears=0.8, layering=0.12, pointed=0.6),
        ),
    ),
    "long_side_part": HairShape(
        flow="part",
        parting=0.32,
        volume=Volume(all=0.08, top=0.08, front=0.05),
        locks=(
            Locks(
                count=90,
                length=3.2,
                width=0.32,
                hem=-1.9,
                over_ears=1.0,
                layering=0.15,
                face_open=0.54,
                back_sweep=0.05,
                pointed=0.6,
            ),
        ),
    ),
    "long_wavy": HairShape(
        flow="part",
        parting=0.12,
        volume=Volume(all=0.09, top=0.04, sides=0.04),
        locks=(
            Locks(
                count=56, length=3.2, width=0.32, hem=-1.9, over_ears=1.0, wave=0.06, wave_length=0.75, layering=0.25
            ),
        ),
    ),
    "long_curly": HairShape(
        flow="part",
        volume=Volume(all=0.14, top=0.05, sides=0.06),
        locks=(
            Locks(
                count=60,
                length=3.0,
                width=0.24,
                hem=-1.7,
                over_ears=1.2,
                wave=0.085,
                wave_length=0.55,
                layering=0.4,
                scatter=0.3,
            ),
        ),
    ),
    "hime_cut": HairShape(
        flow="part",
        volume=Volume(all=0.06, sides=0.03),
        locks=(
            Locks(depth=0.03, count=80, length=3.2, width=0.32, hem=-1.9, over_ears=0.8, layering=0.05, pointed=0.4),
            Locks(
                count=24,
                length=1.6,
                width=0.2,
                hem=-0.55,
                face_open=0.52,
                lowest=0.2,
                highest=0.66,
                pointed=0.1,
                layering=0.0,
                back_sweep=-0.3,
            ),
        ),
        fringe=Fringe(tip=0.25, reach=0.62, count=26, width=0.14, jitter=0.01, volume=0.10, pointed=0.2),
    ),
}

TIED: Final[dict[str, HairShape]] = {
    "half_up": HairShape(
        flow="gather",
        volume=Volume(all=0.06, top=0.03),
        locks=(
            Locks(count=44, length=1.1, width=0.16, gravity=0.0, scatter=0.03, lift=0.1, lowest=0.3, overhang=0.0),
            Locks(flow="part", count=54, length=3.0, width=0.30, hem=-1.8, over_ears=0.9, highest=0.36, layering=0.15),
        ),
        buns=(Bun(azimuth_deg=180, elevation_deg=74, radius=0.22),),
    ),
    "ponytail_high": HairShape(
        flow="gather",
        volume=Volume(all=0.045),
        locks=(_TIGHT,),
        tails=(Tail(azimuth_deg=-166, elevation_deg=60, length=2.6, radius=0.24, rise=0.1, lean=-0.45, forward=0.15),),
    ),
    "ponytail_side": HairShape(
        flow="gather",
        volume=Volume(all=0.05),
        locks=(replace(_TIGHT, length=1.6, overhang=0.1),),
        tails=(Tail(azimuth_deg=122, elevation_deg=-30, length=2.0, radius=0.2, rise=-0.9, lean=0.05, forward=0.35),),
    ),
    "top_knot": HairShape(
        flow="gather",
        volume=Volume(all=0.05),
        locks=(_TIGHT,),
        buns=(Bun(azimuth_deg=180, elevation_deg=78, radius=0.26),),
    ),
    "pigtails": HairShape(
        flow="gather",
        volume=Volume(all=0.045),
        locks=(_TIGHT,),
        fringe=Fringe(tip=0.33, reach=0.54, count=18, volume=0.09),
        tails=(
            Tail(azimuth_deg=104, elevation_deg=30, length=1.7, radius=0.19, rise=0.2, lean=0.15),
            Tail(azimuth_deg=-104, elevation_deg=30, length=1.7, radius=0.19, rise=0.2, lean=-0.15),
        ),
    ),
    "twin_braids": HairShape(
        flow="gather",
        volume=Volume(all=0.045),
        locks=(replace(_TIGHT, overhang=0.1),),
        tails=(
            Tail(azimuth_deg=114, elevation_deg=-30, length=1.7, radius=0.14, rise=-0.9, forward=0.35, braided=True),
            Tail(azimuth_deg=-114, elevation_deg=-30, length=1.7, radius=0.14, rise=-0.9, forward=0.35, braided=True),
        ),
    ),
    "twin_buns": HairShape(
        flow="gather",
        volume=Volume(all=0.05),
        locks=(_TIGHT,),
        buns=(
            Bun(azimuth_deg=118, elevation_deg=48, radius=0.24),
            Bun(azimuth_deg=-118, elevation_deg=48, radius=0.24),
        ),
    ),
    "braid_crown": HairShape(
        flow="part",
        volume=Volume(all=0.05),
        locks=(
            Locks(
                depth=0.012,
                cling=0.6,
                count=60,
                length=0.9,
                width=0.16,
                gravity=0.0,
                back_sweep=0.6,
                scatter=0.04,
                lift=0.1,
                overhang=0.0,
            ),
        ),
        halo=Halo(),
    ),
}
