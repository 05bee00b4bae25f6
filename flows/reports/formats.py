"""Numbers, times and sizes as a reader wants them."""

from __future__ import annotations

import json
import math
from typing import Any


def format_duration(seconds: float) -> str:
    """``0.4 s``, ``12 s``, ``3 min 20 s``, ``2 h 5 min``."""
    if seconds < 59.5:
        return f"{seconds:.1f} s" if seconds < 9.95 else f"{seconds:.0f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def format_figure(value: Any) -> str:
    """A number as a reader wants it: 0.0173, 2,000, yes; a dash for what is no number."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        if not math.isfinite(value):
            return "–"
        return f"{value:.3f}" if abs(value) >= 0.1 else f"{value:.4f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def format_number(value: float) -> str:
    """Four significant digits and no more: 56, 0.0212, -2.2."""
    return f"{value:.4g}" if math.isfinite(value) else "–"


def format_bytes(count: float) -> str:
    """``512 B``, ``3.4 MB``: powers of a thousand, as disks are sold."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" or count >= 100 else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def format_setting(value: Any) -> str:
    """A setting as it was given: text bare, anything else as JSON; nothing for what was not there."""
    if value is None:
        return "–"
    return value if isinstance(value, str) else json.dumps(value)


def format_rate(per_second: float) -> str:
    """``412 /s``, ``3.1 /s``."""
    return f"{per_second:,.0f} /s" if per_second >= 10 else f"{per_second:.2g} /s"


#: The templates' filters.
FILTERS = {
    "duration": format_duration,
    "figure": format_figure,
    "number": format_number,
    "bytes": format_bytes,
    "setting": format_setting,
    "rate": format_rate,
}
