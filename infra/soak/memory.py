"""One pool renders for long, and the bridge and its engines are weighed all the while: neither may grow."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any, Final

from engine_bridge.bridge import EngineBridge
from engine_bridge.errors import InputError
from engine_bridge.frames import RenderRequest
from engine_bridge.remote.pool.record import EngineRecord
from engine_bridge.remote.processes.process_tree import descendants, resident_bytes
from engine_bridge.schema import ParameterSchema
from f2p_datasets.rendering import frames_at_once
from f2p_datasets.samplers import UniformSampler
from flows.cli.terminal import print_table
from flows.engines.orders import EngineOrder, open_engine
from flows.progress import ProgressBar
from flows.settings import Settings

_MOST_GROWTH: Final = 0.10
#: Everything is loaded by then; the start and the end are medians over as many pairs.
_WARM: Final = 0.05
_NUM_SAMPLES: Final = 200
_FEWEST_PAIRS: Final = 50
_BARS: Final = " ▁▂▃▄▅▆▇█"
_CURVE_COLUMNS: Final = 60


@dataclass(frozen=True, kw_only=True)
class MemoryConfig:
    """What is rendered."""

    engine: EngineOrder
    character: str
    pairs: int
    seed: int
    resolution: int

    def __post_init__(self) -> None:
        if self.engine.is_mock or self.engine.is_address:
            raise InputError(f"engine: {self.engine.name} is not started by us; name an adapter of 'f2p engine list'")
        if self.pairs < _FEWEST_PAIRS:
            raise InputError(f"pairs: {self.pairs} show no trend; give {_FEWEST_PAIRS} or more")

    @property
    def at_once(self) -> int:
        """Pairs per call: as many as a render of a dataset asks for, fewer if there would be too few samples."""
        return max(1, min(frames_at_once(self.resolution), self.pairs // _NUM_SAMPLES))


@dataclass(frozen=True, kw_only=True)
class Sample:
    """Resident memory after so many pairs: of the bridge's process, and of all engines and their keepers."""

    pairs: int
    bridge_mb: float
    engines_mb: float


@dataclass(frozen=True, kw_only=True)
class Trend:
    """Memory at the start, once warm, and at the end."""

    start_mb: float
    end_mb: float

    @property
    def ratio(self) -> float:
        return self.end_mb / self.start_mb


@dataclass(frozen=True, kw_only=True)
class MemoryReport:
    """What was weighed. A planned or unplanned restart would hide a leak, so there may be none."""

    config: MemoryConfig
    samples: tuple[Sample, ...]
    restarts: int
    recycles: int
    seconds: float

    @property
    def trends(self) -> dict[str, Trend]:
        return {
            "bridge": self._trend([sample.bridge_mb for sample in self.samples]),
            "engines": self._trend([sample.engines_mb for sample in self.samples]),
        }

    @property
    def problems(self) -> list[str]:
        """One line each; none when everything is proven."""
        grown = [
            f"{name}: memory grew by {trend.ratio - 1:.1%}"
            for name, trend in self.trends.items()
            if trend.ratio > 1 + _MOST_GROWTH
        ]
        begun_anew = self.restarts + self.recycles
        return [*grown, *([f"engines were started anew {begun_anew} times"] if begun_anew else [])]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        trends = {name: asdict(trend) | {"ratio": trend.ratio} for name, trend in self.trends.items()}
        return asdict(self) | {"trends": trends, "problems": self.problems}

    def _trend(self, megabytes: Sequence[float]) -> Trend:
        few = max(1, round(_WARM * len(megabytes)))
        return Trend(start_mb=median(megabytes[few : 2 * few]), end_mb=median(megabytes[-few:]))


def prove_memory(config: MemoryConfig, settings: Settings) -> MemoryReport:
    """Render, and weigh after every call."""
    began = time.monotonic()
    with closing(open_engine(config.engine, settings)) as engine:
        samples = tuple(_samples(config, engine))
        record: EngineRecord = engine.record  # type: ignore[attr-defined]  # a pool, as the config has checked
    return MemoryReport(
        config=config,
        samples=samples,
        restarts=len(record.restarts),
        recycles=record.recycles,
        seconds=round(time.monotonic() - began, 1),
    )


def print_memory(report: MemoryReport) -> None:
    """For people."""
    rows = [
        (name, f"{trend.start_mb:.1f}", f"{trend.end_mb:.1f}", f"{trend.ratio:.3f}", _curve(report.samples, name))
        for name, trend in report.trends.items()
    ]
    print_table(
        ("memory", f"MB after {2 * _WARM:.0%}", "MB at the end", "ratio", "0 to its most, over the pairs"), rows
    )
    speed = report.samples[-1].pairs / report.seconds
    print(f"{report.samples[-1].pairs} pairs in {report.seconds:.0f} s, {speed:.0f} per second")
    print(f"verdict: {'; '.join(report.problems) or 'proven'}")


def _samples(config: MemoryConfig, engine: EngineBridge) -> Iterator[Sample]:
    schema = engine.describe(config.character)
    sampler = UniformSampler(schema, config.seed)
    with ProgressBar("Render and weigh") as bar:
        bar.start(config.pairs)
        for start in range(0, config.pairs, config.at_once):
            stop = min(start + config.at_once, config.pairs)
            engine.render(_requests(schema, sampler, range(start, stop), config.resolution))
            bar.advance(stop - start)
            yield _weigh(stop)


def _requests(schema: ParameterSchema, sampler: UniformSampler, indices: range, resolution: int) -> list[RenderRequest]:
    return [
        RenderRequest(request_id=index, character=schema.character, vector=sampler.vector(index), resolution=resolution)
        for index in indices
    ]


def _weigh(pairs: int) -> Sample:
    bridge, engines = resident_bytes({os.getpid()}), resident_bytes(descendants(os.getpid()))
    return Sample(pairs=pairs, bridge_mb=bridge / 1e6, engines_mb=engines / 1e6)


def _curve(samples: Sequence[Sample], name: str) -> str:
    """A line of bars whose height is the share of the most that there ever was."""
    megabytes = [getattr(sample, f"{name}_mb") for sample in samples]
    shown = megabytes[:: -(-len(megabytes) // _CURVE_COLUMNS)]
    return "".join(_BARS[round(value / max(megabytes) * (len(_BARS) - 1))] for value in shown)
