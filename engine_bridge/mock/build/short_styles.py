"""Hairstyles above the ears: cropped ones, and those that are combed."""

from __future__ import annotations

from typing import Final

from engine_bridge.mock.build.hair_shape import Fringe, HairShape, Locks, Outline, Puffs, Volume

CROPPED: Final[dict[str, HairShape]] = {
    "buzz_cut": HairShape(volume=Volume(all=0.02)),
    "crew_cut": HairShape(
        flow="out",
        volume=Volume(all=0.025, top=0.10, front=0.06),
        locks=(Locks(count=110, length=0.13, width=0.075, gravity=-0.9, lowest=0.62, side_share=0.3, scatter=0.3),),
    ),
    "caesar": HairShape(
        volume=Volume(all=0.045, top=0.05),
        locks=(Locks(depth=0.02, cling=0.6, count=60, length=0.40, width=0.15, overhang=0.0, lift=0.15),),
        fringe=Fringe(tip=0.47, reach=0.60, count=24, width=0.12, volume=0.06, jitter=0.02, pointed=0.4),
    ),
    "flat_top": HairShape(volume=Volume(all=0.03, bumps=0.5, flat_top=0.92)),
    "faux_hawk": HairShape(
        flow="out",
        volume=Volume(all=0.03, ridge=0.20),
        locks=(
            Locks(count=60, length=0.28, width=0.12, gravity=-0.35, lowest=0.76, side_share=0.5),
            Locks(flow="whorl", count=50, length=0.2, width=0.12, highest=0.80, overhang=0.0, lift=0.05),
        ),
    ),
    "mohawk": HairShape(
        flow="out",
        outline=Outline(strip=0.20),
        volume=Volume(all=0.08, ridge=0.12),
        locks=(Locks(count=64, length=0.36, width=0.16, gravity=-0.5, scatter=0.1),),
    ),
    "spiky": HairShape(
        flow="out",
        volume=Volume(all=0.045, top=0.07),
        locks=(
            Locks(
                count=70, length=0.44, width=0.15, gravity=-0.25, pointed=0.97, side_share=0.5, scatter=0.4, lowest=0.6
            ),
            Locks(flow="whorl", count=50, length=0.3, width=0.13, highest=0.66, overhang=0.0, lift=0.25, pointed=0.97),
        ),
    ),
    "short_curly": HairShape(flow="curl", volume=Volume(all=0.08, top=0.10), puffs=Puffs(count=150, radius=0.125)),
    "afro": HairShape(
        flow="curl", volume=Volume(all=0.36, top=0.02, back=0.05), puffs=Puffs(count=110, radius=0.18, spread=0.2)
    ),
    "receding": HairShape(
        flow="back",
        outline=Outline(forehead=0.12, recession=0.24),
        volume=Volume(all=0.03, top=0.03),
        locks=(
            Locks(depth=0.008, cling=0.6, count=70, length=0.45, width=0.12, lift=0.08, overhang=0.0, scatter=0.08),
        ),
    ),
    "horseshoe": HairShape(
        flow="part",
        outline=Outline(bald_top=0.56),
        volume=Volume(all=0.07, sides=0.05),
        locks=(Locks(cling=0.4, depth=0.04, count=70, length=0.35, width=0.13, lift=0.2, overhang=0.03, scatter=0.3),),
    ),
}

COMBED: Final[dict[str, HairShape]] = {
    "side_part": HairShape(
        flow="part",
        parting=0.26,
        volume=Volume(all=0.035, top=0.08, front=0.07),
        locks=(
            Locks(
                depth=0.025,
                cling=0.6,
                count=80,
                length=0.85,
                width=0.17,
                gravity=0.1,
                back_sweep=0.45,
                lift=0.35,
                overhang=0.0,
            ),
        ),
    ),
    "side_swept": HairShape(
        flow="part",
        parting=0.30,
        volume=Volume(all=0.06, top=0.06, front=0.06),
        locks=(
            Locks(cling=0.6, count=64, length=0.9, width=0.18, overhang=0.08, gravity=0.3, back_sweep=0.15, lift=0.3),
        ),
        fringe=Fringe(tip=0.36, reach=0.54, sweep=-0.6, count=20, width=0.15, volume=0.11),
    ),
    "slick_back": HairShape(
        flow="back",
        volume=Volume(all=0.05, top=0.03),
        locks=(
            Locks(depth=0.012, cling=0.6, count=76, length=1.2, width=0.16, overhang=0.03, lift=0.12, scatter=0.04),
        ),
    ),
    "quiff": HairShape(
        flow="back",
        volume=Volume(all=0.03, top=0.05, front=0.26),
        locks=(
            Locks(
                count=70,
                length=0.6,
                width=0.15,
                gravity=-0.15,
                lift=0.3,
                lowest=0.45,
                overhang=0.0,
                scatter=0.08,
                depth=0.03,
                cling=0.6,
            ),
        ),
    ),
    "pompadour": HairShape(
        flow="back",
        volume=Volume(all=0.045, top=0.12, front=0.34),
        locks=(
            Locks(
                depth=0.015,
                cling=0.6,
                count=80,
                length=1.0,
                width=0.18,
                lift=0.25,
                gravity=0.1,
                overhang=0.0,
                scatter=0.06,
            ),
        ),
    ),
    "undercut": HairShape(
        flow="back",
        outline=Outline(sides=0.40),
        volume=Volume(all=0.07, top=0.10),
        locks=(
            Locks(
                depth=0.025,
                cling=0.6,
                count=70,
                length=1.0,
                width=0.18,
                gravity=0.1,
                lift=0.2,
                overhang=0.02,
                scatter=0.06,
            ),
        ),
    ),
    "bowl_cut": HairShape(
        volume=Volume(all=0.08, top=0.04, sides=0.04),
        locks=(
            Locks(
                lowest=0.1,
                depth=0.02,
                count=76,
                length=1.5,
                width=0.24,
                hem=0.06,
                over_ears=0.4,
                layering=0.03,
                lift=0.1,
                pointed=0.35,
            ),
        ),
        fringe=Fringe(tip=0.31, reach=0.62, count=26, width=0.15, volume=0.11, jitter=0.012, pointed=0.3),
    ),
    "curtains": HairShape(
        flow="part",
        volume=Volume(all=0.07, top=0.05),
        locks=(
            Locks(count=76, length=1.2, width=0.2, hem=-0.22, gravity=0.3, back_sweep=0.1, over_ears=0.8, lift=0.2),
        ),
        fringe=Fringe(tip=0.22, reach=0.62, gap=0.32, arch=0.26, count=18, width=0.15, volume=0.13),
    ),
    "shag": HairShape(
        volume=Volume(all=0.10, top=0.05),
        locks=(
            Locks(
                depth=0.07,
                count=100,
                length=1.7,
                width=0.24,
                hem=-0.78,
                layering=0.4,
                over_ears=1.0,
                flare=0.6,
                lift=0.1,
                scatter=0.3,
            ),
        ),
        fringe=Fringe(tip=0.30, reach=0.60, count=20, jitter=0.07, volume=0.13, pointed=0.95, width=0.17),
    ),
    "pixie": HairShape(
        volume=Volume(all=0.06, top=0.07),
        locks=(
            Locks(
                cling=0.6,
                count=76,
                length=0.7,
                width=0.17,
                hem=-0.2,
                layering=0.3,
                over_ears=0.2,
                lift=0.1,
                overhang=0.12,
            ),
        ),
        fringe=Fringe(tip=0.40, reach=0.58, sweep=0.35, count=20, volume=0.10, jitter=0.07, pointed=0.95),
    ),
}
