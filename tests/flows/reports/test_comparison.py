from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine_bridge.schema import ParameterSchema
from f2p_models.evaluation.report import Evaluation
from flows.reports.comparison import compare_metrics, other_metrics, pair_gates, render_comparison, write_comparison
from flows.reports.pictures import cut_columns, cut_rows
from flows.run_records import GateRecord, RunRecord
from flows.settings import Settings

MakeRun = Callable[..., RunRecord]


@pytest.fixture
def evaluate(schema: ParameterSchema, make_evaluation: Callable[..., Evaluation]) -> Callable[[float], Evaluation]:
    return lambda skill: make_evaluation(schema, skill)


def section(page: str, name: str) -> str:
    return page.split(f'<section id="{name}"')[1].split("</section>")[0]


def test_the_page_is_named_after_both_runs_and_holds_everything_itself(settings: Settings, make_run: MakeRun) -> None:
    path = write_comparison(settings, make_run("a"), make_run("b", seed=1))
    assert path == settings.reports / "2026-11-20-tiny-a--2026-11-20-tiny-b.html"
    assert re.findall(r"(?:src|href)=\"(?!data:|#)", path.read_text()) == []


def test_settings_that_differ_stand_beside_each_other(settings: Settings, make_run: MakeRun) -> None:
    settings_part = section(render_comparison(settings, make_run("a"), make_run("b", seed=1)), "settings")
    row = r"<td>training.seed</td><td[^>]*><code>0</code></td><td[^>]*><code>1</code></td>"
    assert re.search(row, settings_part)
    assert "learning_rate" not in settings_part


def test_two_runs_of_one_order_differ_in_nothing(settings: Settings, make_run: MakeRun) -> None:
    record = make_run("a")
    assert "In nothing that is on record." in render_comparison(settings, record, record)


def test_what_is_better_depends_on_the_metric(evaluate: Callable[[float], Evaluation]) -> None:
    found = {metric.name: metric for metric in compare_metrics(evaluate(0.2), evaluate(0.4))}
    assert found["slider error"].better
    assert (found["slider error"].change or 0) < 0
    assert found["score"].better
    assert found["imitator L1"].better is None
    worse = {metric.name: metric.better for metric in compare_metrics(evaluate(0.4), evaluate(0.2))}
    assert worse["slider error"] is False


def test_every_other_number_is_there_once(evaluate: Callable[[float], Evaluation]) -> None:
    names = [metric.name for metric in other_metrics(evaluate(0.2), evaluate(0.4))]
    assert "segmenter.part_iou.hair" in names
    assert "imitator.l1" not in names
    assert len(names) == len(set(names))


def test_a_run_without_an_evaluation_is_compared_too(settings: Settings, make_run: MakeRun) -> None:
    first, second = make_run("a"), make_run("b", seed=1)
    shutil.rmtree(settings.evaluations / "tiny-evaluation-a")
    page = render_comparison(settings, first, second)
    assert "the scores do not compare" in section(page, "quality")
    assert "A: evaluation:" in section(page, "left-out")


def test_pictures_of_the_same_pairs_are_shown_together(settings: Settings, make_run: MakeRun) -> None:
    page = render_comparison(settings, make_run("a"), make_run("b", seed=1))
    assert page.count("Each row first of A, then of B.") == 3  # all but the worst, which are each run's own


def test_curves_of_both_runs_are_drawn_into_one(settings: Settings, make_run: MakeRun) -> None:
    learning = section(render_comparison(settings, make_run("a"), make_run("b", seed=1)), "learning")
    assert learning.count('class="curve other"') == learning.count('class="curve"') == 2


def test_a_sheet_comes_apart_into_its_tiles() -> None:
    sheet = np.arange(2 * 3, dtype=np.uint8).reshape(2, 3).repeat(192, 0).repeat(192, 1)[..., None].repeat(3, 2)
    columns = cut_columns(sheet)
    assert [[int(row[0, 0, 0]) for row in cut_rows(column)] for column in columns] == [[0, 3], [1, 4], [2, 5]]


def test_both_runs_steps_stand_beside_each_other(settings: Settings, make_run: MakeRun) -> None:
    first, second = make_run("a"), make_run("b")
    first.steps = [step for step in first.steps if step.stage != "evaluation"]
    pipeline = section(render_comparison(settings, first, second), "pipeline")
    assert re.search(r"<td>Evaluate</td>\s*<td[^>]*>–</td>\s*<td[^>]*>10 s", pipeline)


def test_a_step_that_only_went_on_with_begun_work_is_not_taken_for_a_fast_one(
    settings: Settings, make_run: MakeRun
) -> None:
    first, second = make_run("a"), make_run("b")
    second.steps[0] = replace(second.steps[0], share=0.25, seconds=0.5)
    pipeline = section(render_comparison(settings, first, second), "pipeline")
    took = re.search(r"<td>Render studio pairs</td>(.*?)</tr>", pipeline, re.DOTALL)
    assert took is not None
    assert re.findall(r'class="badge">([^<]*)<', took[1]) == ["made", "the rest"]


def test_a_path_of_ones_own_is_used(settings: Settings, make_run: MakeRun, tmp_path: Path) -> None:
    record = make_run("a")
    assert write_comparison(settings, record, record, tmp_path / "own.html") == tmp_path / "own.html"


def test_gates_are_paired_also_when_one_was_met_twice(make_run: MakeRun) -> None:
    parity = [
        GateRecord(stage="version", name="parity", passed=True, detail=name) for name in ("imitator", "translator")
    ]
    failed = GateRecord(stage="imitator", name="finite", passed=False, detail="no number")
    paired = pair_gates(make_run("a", gates=parity), make_run("b", gates=[failed, parity[1]]))
    details = [(gate["name"], [met and met.detail for met in gate["met"]]) for gate in paired]
    assert details == [
        ("parity", ["imitator", "translator"]),
        ("parity", ["translator", None]),
        ("finite", [None, "no number"]),
    ]
