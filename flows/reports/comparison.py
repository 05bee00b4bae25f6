"""Two runs side by side: in what they were ordered differently, and what came of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from f2p_datasets.durable import appearing_file
from f2p_datasets.manifest import read_manifest
from f2p_models.checkpoints import CheckpointCard
from f2p_models.evaluation.report import Evaluation
from flows.layout import PICTURES
from flows.pictures.evaluation_pictures import DRAWN
from flows.planning.dataset_plans import inputs_of
from flows.reports.changes import Change, find_changes, tell_changes
from flows.reports.learning import Curve, read_cards, read_curves
from flows.reports.outputs import Outputs
from flows.reports.page import open_templates, verdict
from flows.reports.pictures import Figure, Pixels, cut_rows, read_columns, stacked, tile
from flows.run_records import GateRecord, RunRecord, StepRecord
from flows.settings import Settings

#: What is compared first: the metric's name in an evaluation, what it is called, and whether more is better.
#: MODE stands for the way of creating characters that the version is judged by.
HEADLINES: Final = (
    ("score", "score", True),
    ("creators.MODE.retrieval.top1", "own photo nearest", True),
    ("creators.MODE.retrieval.own_similarity", "similarity to the own photo", True),
    ("creators.MODE.retrieval.verification_auc", "verification AUC", True),
    ("creators.MODE.parameters.slider_error", "slider error", False),
    ("imitator.l1_ratio", "imitator L1 / best constant picture", False),
    ("imitator.l1", "imitator L1", False),
    ("imitator.psnr_db", "imitator PSNR, dB", True),
    ("imitator.ssim", "imitator SSIM", True),
    ("segmenter.mean_iou", "segmenter mean IoU", True),
    ("segmenter.pixel_accuracy", "segmenter pixel accuracy", True),
)
#: Rows of a sheet that are the same in two runs on the same pairs: the photo, the engine's picture and mask.
_SHARED_ROWS: Final = {"characters": 1, "imitator": 1, "segmenter": 2}
#: Changes of a smaller share than this are noise of rounding.
_EQUAL: Final = 1e-9


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A number of both runs. ``better`` says whether the second is; None where that cannot be said."""

    name: str
    before: float | None
    after: float | None
    better: bool | None = None

    @property
    def change(self) -> float | None:
        return None if self.before is None or self.after is None else self.after - self.before


@dataclass(frozen=True, kw_only=True)
class StepPair:
    """One stage in both runs; None where one did not come to it."""

    title: str
    before: StepRecord | None
    after: StepRecord | None


@dataclass(frozen=True, kw_only=True)
class SettingGroup:
    """Settings that differ, of the order itself or of one stage; ``told`` says the main ones in one line."""

    title: str
    told: str
    changes: Sequence[Change]


@dataclass(frozen=True, kw_only=True)
class PairedFigure:
    """A sheet of both runs: as one figure when they show the same pairs, else one each."""

    title: str
    caption: str
    together: Figure | None = None
    before: Figure | None = None
    after: Figure | None = None


def write_comparison(settings: Settings, before: RunRecord, after: RunRecord, path: Path | None = None) -> Path:
    """Write ``reports/<before>--<after>.html``, or another file. Returns its path."""
    path = path or settings.reports / f"{before.run_id}--{after.run_id}.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    page = render_comparison(settings, before, after)
    with appearing_file(path) as stream:
        stream.write(page.encode())
    return path


def render_comparison(settings: Settings, before: RunRecord, after: RunRecord) -> str:
    """The page's HTML."""
    sides = Outputs(settings, before), Outputs(settings, after)
    evaluations = sides[0].evaluation(), sides[1].evaluation()
    return open_templates().get_template("comparison.html.j2").render(
        sides=[
            {"name": name, "run": side.run, "verdict": verdict(side.run), "score": found.score if found else None}
            for name, side, found in zip("AB", sides, evaluations, strict=True)
        ],
        settings=list(differing_settings(*sides)),
        comparable=_comparable(*evaluations),
        metrics=compare_metrics(*evaluations),
        others=other_metrics(*evaluations),
        curves=list(_curves(*sides)),
        steps=pair_steps(before, after),
        gates=pair_gates(before, after),
        figures=list(_figures(*sides)),
        notes=[f"{name}: {note}" for name, side in zip("AB", sides, strict=True) for note in _notes(side)],
    )  # fmt: skip


def differing_settings(before: Outputs, after: Outputs) -> Iterator[SettingGroup]:
    """First what was ordered and with what tools, then stage by stage what shaped the output."""
    ordered = find_changes(_ordered(before.run), _ordered(after.run))
    if ordered:
        yield SettingGroup(title="the order", told=", ".join(change.name for change in ordered), changes=ordered)
    cards = read_cards(before), read_cards(after)
    for stage in dict.fromkeys(step.stage for step in after.run.steps):
        old, new = before.step(stage), after.step(stage)
        if old and new and old.key != new.key:
            shaped = _shaping(before, old, cards[0]), _shaping(after, new, cards[1])
            told = tell_changes(before.run, shaped[0], after.run, shaped[1])
            unknown = "another key; what shaped it is not on record"
            yield SettingGroup(title=stage, told=told or unknown, changes=find_changes(*shaped))


def compare_metrics(before: Evaluation | None, after: Evaluation | None) -> list[Metric]:
    """The figures that decide, with what is better of each."""
    found = [_metric(name, label, more, before, after) for name, label, more in HEADLINES]
    return [metric for metric in found if metric.before is not None or metric.after is not None]


def other_metrics(before: Evaluation | None, after: Evaluation | None) -> list[Metric]:
    """Every other number, without a judgement."""
    flat = [evaluation.metrics() if evaluation else {} for evaluation in (before, after)]
    told = {_judged(name, found) for name, _, _ in HEADLINES for found in (before, after) if found}
    names = [name for name in dict.fromkeys([*flat[0], *flat[1]]) if name not in told]
    return [Metric(name=name, before=flat[0].get(name), after=flat[1].get(name)) for name in names]


def pair_steps(before: RunRecord, after: RunRecord) -> list[StepPair]:
    """Steps of one stage beside each other, in the order of the second run."""
    by_stage = [{step.stage: step for step in run.steps} for run in (before, after)]
    stages = list(dict.fromkeys([*by_stage[1], *by_stage[0]]))
    pairs = [(by_stage[0].get(stage), by_stage[1].get(stage)) for stage in stages]
    return [
        StepPair(title=(new or old).title, before=old, after=new)  # type: ignore[union-attr]  # one of them is there
        for old, new in pairs
    ]


def pair_gates(before: RunRecord, after: RunRecord) -> list[dict[str, Any]]:
    """Gates of one stage and name beside each other; what a run did not come to is None."""
    met = [_numbered(run.gates) for run in (before, after)]
    return [
        {"stage": key[0], "name": key[1], "met": [found.get(key) for found in met]}
        for key in dict.fromkeys([*met[0], *met[1]])
    ]


def _numbered(gates: Sequence[GateRecord]) -> dict[tuple[str, str, int], GateRecord]:
    """By stage, name, and the how-manieth of that name it is: one gate may look at several files."""
    names = [(gate.stage, gate.name) for gate in gates]
    return {(*name, names[:place].count(name)): gates[place] for place, name in enumerate(names)}


def _ordered(run: RunRecord) -> dict[str, Any]:
    names = ("character", "recipe", "seed", "engine", "ordered_engine", "status", "versions")
    return {name: getattr(run, name) for name in names}


def _shaping(outputs: Outputs, step: StepRecord, cards: dict[str, CheckpointCard]) -> dict[str, Any]:
    """What shaped a step's output; of records that do not say, what the output itself says."""
    card, dataset = cards.get(step.stage), outputs.datasets().get(step.stage)
    if step.inputs:
        return step.inputs
    if card:
        return {"code": card.code_version, "architecture": card.architecture, "training": card.recipe_settings}
    manifest = outputs.read(f"manifest of {step.stage}", None, read_manifest, dataset) if dataset else None
    return inputs_of(manifest.provenance) if manifest else {}


def _comparable(before: Evaluation | None, after: Evaluation | None) -> bool:
    """Scores compare on one held-out set only."""
    return bool(before and after and before.heldout == after.heldout)


def _metric(name: str, label: str, more: bool, before: Evaluation | None, after: Evaluation | None) -> Metric:
    values = [found.metrics().get(_judged(name, found)) if found else None for found in (before, after)]
    metric = Metric(name=label, before=values[0], after=values[1])
    if metric.change is None or abs(metric.change) <= _EQUAL:
        return metric
    return replace(metric, better=(metric.change > 0) == more)


def _judged(name: str, evaluation: Evaluation) -> str:
    return name.replace("MODE", evaluation.judged_mode)


def _curves(before: Outputs, after: Outputs) -> Iterator[dict[str, str]]:
    """The second run's curves, with the first one's behind them."""
    earlier = {(curve.network, curve.label): curve for curve in read_curves(before)}
    for curve in read_curves(after):
        behind: Curve | None = earlier.get((curve.network, curve.label))
        yield {"network": curve.network, "label": curve.label, "svg": curve.draw(behind.points if behind else ())}


def _figures(before: Outputs, after: Outputs) -> Iterator[PairedFigure]:
    for name, drawn in DRAWN.items():
        sheets = _columns(before, name), _columns(after, name)
        if sheets[0] or sheets[1]:
            yield _paired(name, drawn.title, drawn.caption, sheets)


def _paired(name: str, title: str, caption: str, sheets: tuple[list[Pixels], list[Pixels]]) -> PairedFigure:
    shared = _SHARED_ROWS.get(name, 0)
    if shared and _same_pairs(*sheets, shared):
        columns = [_beside(*pair, shared) for pair in zip(*sheets, strict=True)]
        tiles = [tile(column, f"{title}, {number}") for number, column in enumerate(columns)]
        together = Figure(title=title, tiles=tiles, columns=len(tiles))
        return PairedFigure(title=title, caption=f"{caption} Each row first of A, then of B.", together=together)
    of_each = [
        Figure(
            title=title, tiles=[tile(column, f"{title}, {number}") for number, column in enumerate(sheet)], columns=5
        )
        if sheet
        else None
        for sheet in sheets
    ]
    return PairedFigure(title=title, caption=caption, before=of_each[0], after=of_each[1])


def _same_pairs(before: list[Pixels], after: list[Pixels], shared: int) -> bool:
    """Whether the rows that no network drew are the same pictures."""
    if len(before) != len(after) or not before:
        return False
    return all(
        np.array_equal(cut_rows(old)[row], cut_rows(new)[row])
        for old, new in zip(before, after, strict=True)
        for row in range(shared)
    )


def _beside(before: Pixels, after: Pixels, shared: int) -> Pixels:
    """The shared rows once, then each further row of A above that of B."""
    old, new = cut_rows(before), cut_rows(after)
    further = [row for pair in zip(old[shared:], new[shared:], strict=True) for row in pair]
    return stacked([*old[:shared], *further])


def _columns(outputs: Outputs, name: str) -> list[Pixels]:
    folder = outputs.folder("evaluation")
    path = folder / PICTURES / f"{name}.png" if folder else None
    if path is None or not path.is_file():
        return []
    return outputs.read(f"picture {name}", [], read_columns, path)


def _notes(outputs: Outputs) -> list[str]:
    return [*outputs.missing(), *outputs.notes]
