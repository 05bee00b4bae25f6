"""The bench: what it measures, and what it makes of it."""

from __future__ import annotations

import io
import json
from contextlib import nullcontext
from dataclasses import replace
from time import perf_counter, sleep

import pytest
from rich.console import Console

from engine_bridge.conformance.bench import BenchConfig, Source, measure
from engine_bridge.conformance.bench_report import BenchReport, PoolRate, SessionRate
from engine_bridge.conformance.bench_table import print_bench
from engine_bridge.errors import InputError
from engine_bridge.remote.pool.record import EngineRecord

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
    frames=128,
    pictures_per_s=48.0,
    engine_ms=16.0,
    total_ms=20.8,
    canaries=4,
    restarts=0,
    memory_mb=((0.0, 300.0), (1.0, 310.0), (2.0, 315.0)),
    bridge_cpu_ms=2.25,
    engine_cpu_ms=31.5,
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
    for figure in ("+30.0%", "2.25", "31.50"):
        assert figure in text
    assert "2 instances draw 1.75 times as much as 1" in text
    for column in ("apply", "render", "encode", "decode", "wire", "memory MB"):
        assert column in text
    assert "too few" not in text


def shown(report):
    stream = io.StringIO()
    print_bench(report, Console(file=stream, width=140))
    return stream.getvalue()


def test_too_few_pictures_are_flagged():
    few = replace(POOL, frames=63)
    assert (few.too_few, POOL.too_few) == (True, False)
    text = shown(replace(REPORT, pools=(few,)))
    assert "+30.0%*" in text
    assert "too few" in text


def test_what_is_not_measured_is_a_dash():
    session = SessionRate(batch=1, pictures_per_s=50.0, total_ms=20.0)
    text = shown(replace(REPORT, sessions=(session,), pools=(replace(POOL, engine_ms=None),)))
    assert text.count("–") == 5 + 2


class TellingPool:
    """A pool whose engine takes ``engine_s`` for a frame; it canaries as a pool does, and tells means since it opened.

    Its first frames, before anything is measured, are ten times as slow.
    """

    def __init__(self, mock, engine_s):
        self.describe, self._mock, self._engine_s = mock.describe, mock, engine_s
        self._frames = self._canaries = 0
        self._total_ms = 0.0

    def render(self, requests):
        engine_s = self._engine_s * (1 if self._frames else 10)
        began = perf_counter()
        sleep(engine_s * (len(requests) + 1))  # and the canary
        self._total_ms += 1000 * (perf_counter() - began)
        self._frames += len(requests)
        self._canaries += 1
        return []

    @property
    def record(self):
        mean = self._total_ms / (self._frames + self._canaries)
        return EngineRecord(
            engine="fake",
            build="1",
            frames=self._frames,
            canaries=self._canaries,
            timings_ms={"render": round(mean, 3)},
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        """Nothing runs."""


def test_overhead_is_what_wall_time_adds_to_the_engines_own_for_the_same_pictures(mock):
    config = BenchConfig(resolution=32, frames=32, batches=(), call=4)
    source = Source(session=lambda: nullcontext(mock), pool=lambda instances: TellingPool(mock, 0.004))
    [pool] = measure(source, "tiny", config).pools
    assert pool.frames == 32
    assert 4.0 <= pool.engine_ms < 8.0
    assert pool.canaries == 8
    assert pool.bridge_cpu_ms >= 0.0  # it mostly sleeps
    assert pool.overhead >= 0.24  # a canary for every four pictures, however fast the rest is


def test_an_engine_in_this_process_has_no_wire_to_measure(mock):
    report = measure(
        Source(session=lambda: nullcontext(mock)), "tiny", BenchConfig(resolution=32, frames=2, batches=(1,))
    )
    assert report.sessions[0].wire_ms is report.sessions[0].render_ms is None


@pytest.mark.parametrize("wrong", [{"frames": 0}, {"call": 0}, {"batches": (0,)}, {"instances": (0, 1)}])
def test_counts_below_one_are_refused(wrong):
    with pytest.raises(InputError, match="1 or more"):
        BenchConfig(**wrong)
