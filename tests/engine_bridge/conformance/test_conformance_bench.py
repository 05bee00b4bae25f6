"""The bench: what it measures, and what it makes of it."""

from __future__ import annotations

import io
import json
from contextlib import nullcontext
from dataclasses import replace

import pytest
from rich.console import Console

from engine_bridge.conformance.bench import BenchConfig, BenchReport, PoolRate, SessionRate, Source, measure
from engine_bridge.conformance.bench_table import print_bench
from engine_bridge.errors import InputError

SESSION = SessionRate(
    batch=16,
    pictures_per_s=50.0,
    total_ms=20.0,
    apply_ms=1.0,
    render_ms=12.0,
    encode_ms=3.0,
    decode_ms=1.5,
    wire_ms=2.5,
)
POOL = PoolRate(
    instances=1,
    pictures_per_s=48.0,
    engine_ms=16.0,
    total_ms=20.8,
    overhead=0.3,
    canaries=4,
    restarts=0,
    memory_mb=((0.0, 300.0), (1.0, 310.0), (2.0, 315.0)),
)
REPORT = BenchReport(
    engine="mock",
    build="mock-1",
    character="tiny",
    resolution=512,
    sessions=(SESSION,),
    pools=(POOL, replace(POOL, instances=2, pictures_per_s=84.0)),
)


def test_an_engine_in_this_process_is_measured_by_batch_size(mock):
    told = []
    config = BenchConfig(resolution=32, frames=8, batches=(1, 4))
    report = measure(Source(session=lambda: nullcontext(mock)), "tiny", config, progress=told.append)
    assert [session.batch for session in report.sessions] == [1, 4]
    assert all(session.pictures_per_s > 0.0 for session in report.sessions)
    assert report.pools == ()
    assert told == ["one engine, 1 at a time", "one engine, 4 at a time"]


def test_memory_growth_compares_end_and_start():
    assert POOL.memory_growth == pytest.approx(0.05)


def test_scaling_compares_the_largest_pool_with_the_smallest():
    assert REPORT.scaling == pytest.approx(1.75)
    assert replace(REPORT, pools=(POOL,)).scaling is None


def test_a_report_is_json():
    assert json.loads(json.dumps(REPORT.to_dict()))["pools"][1]["instances"] == 2


def test_the_table_shows_every_figure_that_is_promised():
    stream = io.StringIO()
    print_bench(REPORT, Console(file=stream, width=140))
    text = stream.getvalue()
    assert "+30.0%" in text
    assert "2 instances draw 1.75 times as much as 1" in text
    for column in ("apply", "render", "encode", "decode", "wire", "memory MB"):
        assert column in text


@pytest.mark.parametrize("wrong", [{"frames": 0}, {"call": 0}, {"batches": (0,)}, {"instances": (0, 1)}])
def test_counts_below_one_are_refused(wrong):
    with pytest.raises(InputError, match="1 or more"):
        BenchConfig(**wrong)
