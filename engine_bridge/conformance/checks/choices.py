"""Every choice of every discrete parameter against every other."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from engine_bridge.conformance.differences import compare
from engine_bridge.conformance.evidence import Evidence, Exhibit, judge, skip
from engine_bridge.conformance.sheets import compared
from engine_bridge.conformance.sweeps import with_choices_at
from engine_bridge.conformance.trial import Trial
from engine_bridge.frames import Frame
from engine_bridge.parts import Part
from engine_bridge.schema import DiscreteParameter

#: Two choices differ when at least this share of the pixels does (12 of 256 x 256).
FEWEST_PIXELS_SHARE = 12 / 256**2
MOST_EXHIBITS = 8
#: The hair part follows the hairstyle when it changes by this share of the picture between two styles.
FEWEST_HAIR_SHARE = 0.005

Pair = tuple[int, int]


def choices_differ(trial: Trial) -> Evidence:
    """No two choices of a parameter look the same."""
    if not trial.schema.discrete:
        return skip("this character type has no discrete parameters")
    names, exhibits, num_pairs = [], [], 0
    for parameter in trial.schema.discrete:
        frames = trial.choice_sweep[parameter.name]
        pairs = list(combinations(range(len(frames)), 2))
        num_pairs += len(pairs)
        equal = _equal_in_every_look(trial, parameter, _equal(trial, dict(enumerate(frames)), pairs))
        names += [_pair_name(parameter, pair) for pair in equal]
        exhibits += [_exhibit(parameter, frames, pair) for pair in equal]
    figures = {"pairs": num_pairs, "equal": len(names)}
    if names:
        told = f"{len(names)} of {num_pairs} pairs of choices look the same: is the asset there, and is it shown?"
        return judge(False, told, figures=figures, names=tuple(names), exhibits=tuple(exhibits[:MOST_EXHIBITS]))
    return judge(True, f"all {num_pairs} pairs of choices differ", figures=figures)


def hairstyle_changes_hair(trial: Trial) -> Evidence:
    """Another hairstyle is another hair part in the mask."""
    styles = [parameter for parameter in trial.schema.discrete if parameter.group == "hair"]
    if not styles:
        return skip("no discrete parameter of the group 'hair'")
    changes = {style.name: _largest_hair_change(trial.choice_sweep[style.name]) for style in styles}
    stuck = tuple(name for name, change in changes.items() if change < FEWEST_HAIR_SHARE)
    if stuck:
        told = f"the hair part stays where it is while {', '.join(stuck)} changes: does the mask pass draw the hair?"
        shown = tuple(
            _exhibit(style, trial.choice_sweep[style.name], (0, -1)) for style in styles if style.name in stuck
        )
        return judge(False, told, names=stuck, exhibits=shown)
    return judge(True, f"the hair part changes by up to {max(changes.values()):.1%} of the picture")


def _largest_hair_change(frames: list[Frame]) -> float:
    hairs = [frame.mask == Part.HAIR for frame in frames]
    return max(float(np.mean(first != second)) for first, second in combinations(hairs, 2))


def _equal(trial: Trial, frames: dict[int, Frame], pairs: list[Pair]) -> list[Pair]:
    """The pairs whose pictures cannot be told apart."""
    fewest = FEWEST_PIXELS_SHARE * trial.usual_px**2
    return [
        (one, other)
        for one, other in pairs
        if compare(frames[one], frames[other]).pixels < fewest or trial.repeatability.covers(frames[one], frames[other])
    ]


def _equal_in_every_look(trial: Trial, parameter: DiscreteParameter, equal: list[Pair]) -> list[Pair]:
    """Lipstick colours look the same while no lipstick is worn: try the suspects under other choices as well."""
    for place in (0, -1):
        suspects = sorted({choice for pair in equal for choice in pair})
        look = with_choices_at(trial.schema, place)
        shots = [trial.shot(trial.with_choice(parameter.name, choice, look)) for choice in suspects]
        equal = _equal(trial, dict(zip(suspects, trial.render(shots), strict=True)), equal)
    return equal


def _pair_name(parameter: DiscreteParameter, pair: Pair) -> str:
    return f"{parameter.name}: {parameter.choices[pair[0]]} = {parameter.choices[pair[1]]}"


def _exhibit(parameter: DiscreteParameter, frames: list[Frame], pair: Pair) -> Exhibit:
    first, second = (frames[choice] for choice in pair)
    title = f"{parameter.name}: {parameter.choices[pair[0]]} and {parameter.choices[pair[1]]}"
    return Exhibit(title=title, picture=compared(first, second), caption="right: the difference")
