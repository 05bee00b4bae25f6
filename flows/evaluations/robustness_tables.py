"""The tables of ``f2p evaluate robustness``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from f2p_models.evaluation.parameters import ParameterErrors
from f2p_models.evaluation.robustness import Robustness, RobustnessResult
from flows.evaluations.page import Cell, Table


@dataclass(frozen=True, kw_only=True)
class NamedResult:
    """``name`` says what was disturbed: photos, or renders."""

    name: str
    result: RobustnessResult


def all_tables(results: Sequence[NamedResult]) -> tuple[Table, ...]:
    """For each kind of photo the change of the parameters, the judges' word, and errors where the truth is known."""
    return tuple(table for named in results for table in _tables(named))


def _tables(named: NamedResult) -> Iterator[Table]:
    yield _changes(named)
    for judge in named.result.undisturbed.judged:
        yield _likeness(named, judge)
    if named.result.undisturbed.parameters is not None:
        yield _errors(named)
        yield _errors_by_group(named)


def _rows(result: RobustnessResult) -> tuple[Robustness, ...]:
    return (result.undisturbed, *result.disturbed)


def _changes(named: NamedResult) -> Table:
    result = named.result
    return Table(
        title=f"Change of the created parameters ({named.name})",
        header=("disturbance", "kind", "sliders", "of what people differ", "choices kept"),
        rows=tuple(
            (
                found.name,
                found.family,
                found.slider_change,
                found.slider_change / result.people_differ,
                f"{found.choices_kept:.0%}",
            )
            for found in result.disturbed
        ),
        note="Sliders: mean absolute difference to the undisturbed photo's character, in ranges of a slider. Two "
        f"people's characters differ by {result.people_differ:.4f}.",
    )


def _likeness(named: NamedResult, judge: str) -> Table:
    before = named.result.undisturbed.judged[judge]
    rows: list[tuple[Cell, ...]] = []
    for found in _rows(named.result):
        judged = found.judged[judge]
        lost = judged.own_similarity - before.own_similarity
        rows.append(
            (
                found.name,
                judged.own_similarity,
                lost,
                judged.others_similarity,
                f"{judged.top1:.0%}",
                judged.median_rank,
            )
        )
    return Table(
        title=f"Likeness as {judge} judges it ({named.name})",
        header=("disturbance", "own photo", "change", "others' photos", "found first", "median rank"),
        rows=tuple(rows),
        note=f"Of {before.num_photos} undisturbed photos, which is the engine's render most like?",
    )


def _errors(named: NamedResult) -> Table:
    rows: list[tuple[Cell, ...]] = []
    choices = tuple(_truth(named.result.undisturbed).choice_accuracy)
    for found in _rows(named.result):
        errors = _truth(found)
        rates = (f"{errors.choice_accuracy[name][0]:.0%}" for name in choices)
        rows.append((found.name, errors.slider_error, errors.skill, *rates))
    constant = _truth(named.result.undisturbed)
    frequent = (f"{constant.choice_accuracy[name][1]:.0%}" for name in choices)
    return Table(
        title=f"Error of the parameters ({named.name})",
        header=("disturbance", "sliders", "skill", *choices),
        rows=(*rows, ("the mean of all people", constant.constant_error, 0.0, *frequent)),
        note="Against the parameters that the render was made from. Skill: 1 for no error, 0 for no better than the "
        "mean. Choices: share that is right; in the last line that of the most frequent one.",
    )


def _errors_by_group(named: NamedResult) -> Table:
    """Undisturbed, and the disturbance that costs each group most."""
    undisturbed = _truth(named.result.undisturbed)
    rows: list[tuple[Cell, ...]] = []
    for group, (error, constant) in undisturbed.group_errors.items():
        worst = max(named.result.disturbed, key=lambda found: _truth(found).group_errors[group][0])
        rows.append((group, error, constant, 1.0 - error / constant, _truth(worst).group_errors[group][0], worst.name))
    return Table(
        title=f"Error of the parameters by group ({named.name})",
        header=("group", "undisturbed", "mean of all people", "skill", "disturbed most", "by"),
        rows=tuple(rows),
        note="Mean absolute error of the group's sliders, in ranges of a slider.",
    )


def _truth(found: Robustness) -> ParameterErrors:
    assert found.parameters is not None
    return found.parameters
