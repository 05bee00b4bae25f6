"""A bench report as tables for a terminal. Needs the extra ``check`` (Rich)."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from engine_bridge.conformance.bench_report import FEWEST_FRAMES, BenchReport, PoolRate

#: What stands for a figure that could not be measured.
NOT_MEASURED = "–"
_BARS = "▁▂▃▄▅▆▇█"


def print_bench(report: BenchReport, console: Console) -> None:
    """The sessions, then the pools."""
    console.print(
        f"[bold]{report.engine}[/] {report.build} draws {report.character} at {report.resolution} px", highlight=False
    )
    console.print(_sessions(report))
    if report.pools:
        console.print(_pools(report))
        console.print("overhead: all but the engine's own work on these pictures; canaries are part of it", style="dim")
        console.print(
            "CPU: computed for a picture on all cores, which bounds what more instances can give", style="dim"
        )
        if any(pool.too_few for pool in report.pools):
            console.print(f"* too few pictures to tell: give {FEWEST_FRAMES} or more per instance", highlight=False)
    if report.scaling is not None:
        least, most = report.pools[0].instances, report.pools[-1].instances
        console.print(f"{most} instances draw {report.scaling:.2f} times as much as {least}", highlight=False)


def _sessions(report: BenchReport) -> Table:
    table = _table("One engine, ms per picture", "batch", "pictures/s", "total")
    for name in ("apply", "render", "encode", "decode", "wire"):
        table.add_column(name, justify="right")
    for rate in report.sessions:
        parts = (rate.total_ms, rate.apply_ms, rate.render_ms, rate.encode_ms, rate.decode_ms, rate.wire_ms)
        table.add_row(str(rate.batch), f"{rate.pictures_per_s:.1f}", *[_figure(part) for part in parts])
    return table


def _pools(report: BenchReport) -> Table:
    table = _table("Supervised, with truth checks", "instances", "pictures/s", "engine ms", "total ms", "overhead")
    for name in ("CPU ms engine", "bridge", "canaries", "restarts", "memory MB"):
        table.add_column(name, justify="right")
    for pool in report.pools:
        table.add_row(
            str(pool.instances),
            f"{pool.pictures_per_s:.1f}",
            _figure(pool.engine_ms),
            f"{pool.total_ms:.2f}",
            NOT_MEASURED if pool.overhead is None else f"{pool.overhead:+.1%}{'*' if pool.too_few else ''}",
            _figure(pool.engine_cpu_ms),
            _figure(pool.bridge_cpu_ms),
            str(pool.canaries),
            str(pool.restarts),
            _memory(pool),
        )
    return table


def _figure(milliseconds: float | None) -> str:
    return NOT_MEASURED if milliseconds is None else f"{milliseconds:.2f}"


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold")
    for name in columns:
        table.add_column(name, justify="right")
    return table


def _memory(pool: PoolRate) -> str:
    """Start, course and end."""
    weights = [weight for _, weight in pool.memory_mb]
    if not weights:
        return ""
    low, high = min(weights), max(weights)
    steps = (len(_BARS) - 1) / max(high - low, 0.02 * high, 1e-6)
    course = "".join(_BARS[int((weight - low) * steps)] for weight in weights)
    return f"{weights[0]:.0f} {course} {weights[-1]:.0f}"
