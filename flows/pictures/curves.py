"""Learning curves as SVG: no scripts, no libraries, in the colors of the page that holds them."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final

Points = Sequence[tuple[float, float]]

_WIDTH, _HEIGHT = 420, 200
_LEFT, _RIGHT, _TOP, _BOTTOM = 48, 12, 18, 26
_NUM_LINES: Final = 3
#: For a drawing that no page gives colors to.
_STYLE: Final = (
    "svg{background:#faf9f6;font:11px system-ui,sans-serif}.curve{fill:none;stroke:#2f6fb5;stroke-width:2}"
    ".dot{fill:#2f6fb5}.grid{stroke:#26282e22}.baseline{stroke:#b4552d;stroke-dasharray:4 4}"
    ".tick{fill:#80828a}.end{text-anchor:end}.title{fill:#26282e}"
)


def draw_curve(
    points: Points, label: str, *, baseline: float | None = None, unit: str = "epoch", other: Points = ()
) -> str:
    """One quantity over epochs, or over what ``unit`` counts, as an SVG element; ``baseline`` is a dashed line.

    ``other`` is the same quantity of something to compare with. Empty for fewer than two points.
    """
    if len(points) < 2:
        return ""
    xs, ys = [x for x, _ in (*points, *other)], [y for _, y in (*points, *other)]
    first, last = min(xs), max(xs)
    shown = [*ys, *([] if baseline is None else [baseline])]
    low, high = _padded(min(shown), max(shown))

    def place(x: float, y: float) -> tuple[float, float]:
        across, up = (x - first) / (last - first), (y - low) / (high - low)
        return _LEFT + across * (_WIDTH - _LEFT - _RIGHT), _HEIGHT - _BOTTOM - up * (_HEIGHT - _TOP - _BOTTOM)

    end_x, end_y = place(*points[-1])
    parts = [
        *(_grid_line(low + (high - low) * step / _NUM_LINES, place(first, low + (high - low) * step / _NUM_LINES)[1])
          for step in range(_NUM_LINES + 1)),
        *([] if baseline is None else [_baseline(place(first, baseline)[1])]),
        *([_polyline("curve other", [place(*point) for point in other])] if other else []),
        _polyline("curve", [place(*point) for point in points]),
        f'<circle class="dot" cx="{end_x:.1f}" cy="{end_y:.1f}" r="3.5"/>',
        f'<text class="tick" x="{_LEFT}" y="{_HEIGHT - 8}">{unit} {first:g}</text>',
        f'<text class="tick end" x="{_WIDTH - _RIGHT}" y="{_HEIGHT - 8}">{last:g}</text>',
    ]  # fmt: skip
    title = f"{escape(label)}: {points[-1][1]:.4g} after {unit} {points[-1][0]:g}"
    return f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{title}">{"".join(parts)}</svg>'


def standalone_drawing(drawing: str, title: str) -> str:
    """An SVG element of this module as a file of its own, with its title and colors."""
    head = f'<style>{_STYLE}</style><text class="title" x="{_LEFT}" y="10">{escape(title)}</text>'
    start, rest = drawing.split(">", 1)
    return f'{start} xmlns="http://www.w3.org/2000/svg" width="{2 * _WIDTH}">{head}{rest}\n'


def _polyline(name: str, places: Points) -> str:
    return f'<polyline class="{name}" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in places)}"/>'


def _grid_line(value: float, y: float) -> str:
    return (
        f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<text class="tick end" x="{_LEFT - 6}" y="{y + 3.5:.1f}">{value:.3g}</text>'
    )


def _baseline(y: float) -> str:
    return (
        f'<line class="baseline" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<text class="tick end" x="{_WIDTH - _RIGHT}" y="{y - 5:.1f}">baseline</text>'
    )


def _padded(low: float, high: float) -> tuple[float, float]:
    margin = (high - low) * 0.06 or abs(high) * 0.1 or 1.0
    return low - margin, high + margin
