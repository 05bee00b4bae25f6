from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from flows.reports import write_report
from flows.reports.page import render_report, verdict
from flows.run_records import GateRecord, RunRecord, StepRecord
from flows.settings import Settings

MakeRun = Callable[..., RunRecord]
SECTIONS = ["characters", "pictures", "engine", "pipeline", "gates", "failures"]
SECTIONS += ["networks", "quality", "learning", "coverage", "throughput", "lineage"]


def sections_of(page: str) -> list[str]:
    return re.findall(r'<section id="([\w-]+)"', page)


def section(page: str, name: str) -> str:
    return page.split(f'<section id="{name}"')[1].split("</section>")[0]


def test_a_finished_run_has_every_section_and_nothing_is_left_out(settings: Settings, make_run: MakeRun) -> None:
    assert sections_of(render_report(settings, make_run("a"))) == SECTIONS


def test_everything_is_inside_the_page(settings: Settings, make_run: MakeRun) -> None:
    page = render_report(settings, make_run("a"))
    assert re.findall(r"(?:src|href)=\"(?!data:|#)", page) == []
    assert re.findall(r"url\(|@import|<script", page) == []


def test_the_page_lies_under_the_runs_name_or_where_one_wants_it(
    settings: Settings, make_run: MakeRun, tmp_path: Path
) -> None:
    record = make_run("a")
    assert write_report(settings, record) == settings.reports / "2026-11-20-tiny-a.html"
    assert write_report(settings, record, tmp_path / "deep" / "own.html").is_file()


def test_the_worst_ten_pairs_are_named_with_their_errors(settings: Settings, make_run: MakeRun) -> None:
    page = render_report(settings, make_run("a", wide=True))
    told = re.findall(r"<span>(0\.\d{4}) · (\d{8})</span>", page)
    assert told[0] == ("0.0500", "00000004")
    assert len(told) == 10


def test_failures_are_counted_by_cause(settings: Settings, make_run: MakeRun) -> None:
    rows = section(render_report(settings, make_run("a")), "failures")
    assert re.search(r"reject</td><td>photo-like</td><td[^>]*>2</td><td[^>]*>no face found", rows)
    assert re.search(r"photo skipped</td><td>creation</td><td[^>]*>1</td>", rows)


def test_throughput_counts_rejects_too_and_training_samples(settings: Settings, make_run: MakeRun) -> None:
    rows = section(render_report(settings, make_run("a")), "throughput")
    assert "10 pairs" in rows  # eight of them, and two rejects
    assert "96 samples" in rows  # twelve steps of eight
    assert "20 /s" in rows  # 40 studio pairs in two seconds


def test_the_lineage_leads_from_the_version_to_every_shard(settings: Settings, make_run: MakeRun) -> None:
    record = make_run("a")
    lineage = section(render_report(settings, record), "lineage")
    manifest = json.loads((Path(record.steps[0].folder) / "manifest.json").read_text())
    for shard in manifest["shards"]:
        assert shard["sha256"] in lineage
    for made in ("version", "imitator", "evaluation", "studio", "photo-like"):
        assert f'id="made-{made}"' in lineage


def test_gates_say_what_was_found(settings: Settings, make_run: MakeRun) -> None:
    failed = GateRecord(stage="imitator", name="baseline", passed=False, detail="L1 ratio 7.9, at most 1")
    record = make_run("a", status="refused", error="imitator: refused by the gate", gates=[failed])
    page = render_report(settings, record)
    assert "Refused by a gate: nothing was published, the champion stays." in page
    assert "✗ failed" in section(page, "gates")
    assert "L1 ratio 7.9, at most 1" in section(page, "gates")


def test_words_from_outside_cannot_become_markup(settings: Settings, make_run: MakeRun) -> None:
    page = render_report(settings, make_run("a", error="<script>alert(1)</script>"))
    assert "<script" not in page


def test_a_home_that_was_moved_still_has_its_report(settings: Settings, make_run: MakeRun, tmp_path: Path) -> None:
    record = make_run("a")
    settings.home.rename(tmp_path / "moved")
    assert sections_of(render_report(Settings(home=tmp_path / "moved"), record)) == SECTIONS


@pytest.mark.parametrize("kind", ["datasets", "checkpoints", "evaluations", "creations", "registry"])
def test_what_was_tidied_away_is_named_and_the_rest_is_shown(settings: Settings, make_run: MakeRun, kind: str) -> None:
    record = make_run("a")
    shutil.rmtree(settings.home / kind)
    page = render_report(settings, record)
    assert str(settings.home / kind) in section(page, "left-out")
    assert {"pipeline", "gates", "lineage"} <= set(sections_of(page))


@pytest.mark.parametrize(
    "damaged",
    [
        "datasets/tiny-studio-a/manifest.json",
        "datasets/tiny-studio-a/pairs.parquet",
        "datasets/tiny-studio-a/shard-000000.tar",
        "datasets/tiny-photo-like-a/rejects.jsonl",
        "checkpoints/tiny-imitator-a/checkpoint/checkpoint.json",
        "checkpoints/tiny-imitator-a/training/history.jsonl",
        "evaluations/tiny-evaluation-a/evaluation.json",
        "evaluations/tiny-evaluation-a/pictures/imitator.png",
        "evaluations/tiny-evaluation-a/pictures/imitator-worst.json",
        "creations/tiny-creation-a/somebody/parameters.json",
        "creations/tiny-creation-a/somebody/engine.png",
        "creations/tiny-creation-a/outcome.json",
        "registry/tiny/1/bundle.json",
    ],
)
@pytest.mark.parametrize("damage", [b"", b"\x00\xff{", b'["what"]'], ids=["empty", "garbage", "another"])
def test_a_damaged_file_costs_its_part_of_the_page_only(
    settings: Settings, make_run: MakeRun, damaged: str, damage: bytes
) -> None:
    record = make_run("a")
    (settings.home / damaged).write_bytes(damage)
    page = render_report(settings, record)
    assert {"pipeline", "gates", "lineage"} <= set(sections_of(page))
    if not (damaged.endswith(("rejects.jsonl", "history.jsonl", "shard-000000.tar")) and damage == b""):
        assert "left-out" in sections_of(page)


def test_losses_that_are_no_numbers_are_not_drawn_but_told(settings: Settings, make_run: MakeRun) -> None:
    record = make_run("a")
    history = settings.checkpoints / "tiny-imitator-a" / "training" / "history.jsonl"
    losses = [0.5, 0.4, float("nan"), float("inf")]
    lines = [json.dumps({"epoch": epoch, "step": epoch, "train_loss": loss}) for epoch, loss in enumerate(losses)]
    history.write_text("\n".join(lines))
    learning = section(render_report(settings, record), "learning")
    assert "training loss, where it was finite" in learning
    assert "nan" not in learning.lower().replace("finance", "")


def test_a_run_that_did_nothing_has_a_page(settings: Settings) -> None:
    empty = RunRecord(
        run_id="x", character="tiny", recipe="smoke", engine="mock m", seed=0, started="2026-11-20T02:00:00+00:00"
    )
    page = render_report(settings, replace(empty, status="failed", error="no engine"))
    assert "The run failed before its first step was done." in page


@pytest.mark.parametrize(
    ("status", "says"),
    [
        ("running", "Still running: 6 steps are done."),
        ("finished", "Version 1 is champion. All 6 steps were done."),
        ("failed", "The run failed after “Create characters”."),
        ("interrupted", "The run was interrupted after “Create characters”."),
    ],
)
def test_the_verdict_is_one_sentence(make_run: MakeRun, status: str, says: str) -> None:
    assert verdict(make_run("a", status=status)) == says


def test_a_challenger_and_a_run_that_found_everything_say_so(make_run: MakeRun) -> None:
    record = make_run("a")
    steps = [replace(step, cached=True) for step in record.steps]
    figures: dict[str, Any] = {"version": 4, "champion": "no"}
    steps = [replace(step, figures=figures) if step.stage == "version" else step for step in steps]
    expected = "Version 4 is a challenger; the champion stays. All 6 steps were there already."
    assert verdict(replace(record, steps=steps)) == expected
    without = [step for step in steps if step.stage != "version"]
    assert verdict(replace(record, steps=without)) == "Finished: all 5 steps were there already."


def test_times_of_the_steps_fill_the_strip(settings: Settings, make_run: MakeRun) -> None:
    strip = render_report(settings, make_run("a")).split('<div class="strip"')[1].split("</div>")[0]
    widths = [float(width) for width in re.findall(r"width: ([\d.]+)%", strip)]
    assert len(widths) == 6 + 1
    assert sum(widths) == pytest.approx(100.0, abs=0.1)


def test_a_step_says_why_it_was_done(settings: Settings, make_run: MakeRun) -> None:
    first, second = make_run("a"), make_run("b", seed=1)
    assert section(render_report(settings, first), "pipeline").count("first time") == 6
    assert "seed 0 -&gt; 1" in section(render_report(settings, second), "pipeline")


def test_a_cached_step_says_which_run_made_it(
    settings: Settings, make_run: MakeRun, save_record: Callable[[RunRecord], RunRecord]
) -> None:
    record = make_run("a")
    steps: list[StepRecord] = [replace(step, cached=True, seconds=0.1) for step in record.steps]
    again = save_record(replace(record, run_id="2026-11-21-tiny-a", steps=steps))
    assert section(render_report(settings, again), "pipeline").count("made by 2026-11-20-tiny-a") == 6
