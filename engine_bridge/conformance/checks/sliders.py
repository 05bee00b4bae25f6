"""Every slider from its minimum to its maximum."""

from __future__ import annotations

from collections.abc import Iterator

from engine_bridge.conformance.differences import Difference, compare
from engine_bridge.conformance.evidence import Evidence, Exhibit, judge
from engine_bridge.conformance.sheets import compared
from engine_bridge.conformance.sweeps import SliderMove, with_choices_at
from engine_bridge.conformance.trial import Trial
from engine_bridge.schema import Vector

#: A slider moves the picture when it changes at least this share of its pixels (12 of 256 x 256).
FEWEST_PIXELS_SHARE = 12 / 256**2
#: Sliders that get a second chance under other choices, where hair may hide them, and pictures in the report.
MOST_SECOND_CHANCES, MOST_EXHIBITS = 16, 12


def sliders_move(trial: Trial) -> Evidence:
    """No slider is dead: the picture at its minimum is another one than at its maximum."""
    moves = trial.slider_sweep
    still = [move for move in moves if not _moves(trial, move.difference, move.is_noise)]
    dead = [move for move in still if len(still) > MOST_SECOND_CHANCES or not _moves_elsewhere(trial, move)]
    smallest = min(moves, key=lambda move: move.difference.pixels)
    figures = {
        "sliders": len(moves),
        "dead": len(dead),
        "smallest": smallest.name,
        "smallest_pixels": smallest.difference.pixels,
    }
    if not dead:
        told = f"all {len(moves)} move the picture; least {smallest.name}: {smallest.difference.pixels} pixels"
        return judge(True, told, figures=figures)
    told = f"{len(dead)} of {len(moves)} sliders move nothing: is the bone bound, and is its value applied?"
    shown = tuple(_exhibits(trial, dead[:MOST_EXHIBITS]))
    return judge(False, told, figures=figures, names=tuple(move.name for move in dead), exhibits=shown)


def _moves(trial: Trial, difference: Difference, is_noise: bool) -> bool:
    return difference.pixels >= FEWEST_PIXELS_SHARE * trial.usual_px**2 and not is_noise


def _moves_elsewhere(trial: Trial, move: SliderMove) -> bool:
    """Under the first and the last choices of everything: a fringe may have hidden it."""
    looks = [with_choices_at(trial.schema, 0), with_choices_at(trial.schema, -1)] if trial.schema.discrete else []
    for look in looks:
        low, high = trial.render([trial.shot(_moved(look, move.index, end)) for end in (0.0, 1.0)])
        if _moves(trial, compare(low, high), trial.repeatability.covers(low, high)):
            return True
    return False


def _moved(look: Vector, index: int, encoded: float) -> Vector:
    vector = look.copy()
    vector[index] = encoded
    return vector


def _exhibits(trial: Trial, dead: list[SliderMove]) -> Iterator[Exhibit]:
    for move in dead:
        low, high = trial.render([trial.shot(trial.with_slider(move.index, end)) for end in (0.0, 1.0)])
        caption = f"minimum, maximum, difference: {move.difference.pixels} pixels changed"
        yield Exhibit(title=move.name, picture=compared(low, high), caption=caption)
