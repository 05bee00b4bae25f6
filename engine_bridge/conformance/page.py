"""The report as a page that can be mailed to the engine team: one HTML file with every picture inside.

Needs the extra ``check`` (Jinja and Pillow); the checks themselves do not.
"""

from __future__ import annotations

import base64
import io
import json
import os
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from engine_bridge.conformance.evidence import Finding, Verdict
from engine_bridge.conformance.report import ConformanceReport
from engine_bridge.conformance.spans import span
from engine_bridge.frames import Picture
from engine_bridge.parts import PART_COLORS, Part

#: How a verdict is written before its sentence, and announced members on the page.
MARKS: Final = {Verdict.PASSED: "✓", Verdict.FAILED: "✗", Verdict.SKIPPED: "–"}
ANNOUNCED: Final = {
    "minimum_px": "smallest side, px",
    "maximum_px": "largest side, px",
    "max_batch": "largest batch",
    "stamp": "stamps frames",
    "read_back_tolerance": "read-back tolerance",
    "longest_frame_s": "longest frame, s",
    "scene_fields": "scene fields",
}


def write_report(report: ConformanceReport, path: Path) -> Path:
    """The page at ``path`` and the same findings as JSON beside it (suffix ``.json``). Returns ``path``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _replace(path.with_suffix(".json"), json.dumps(report.to_dict(), indent=2, ensure_ascii=False) + "\n")
    _replace(path, render_page(report))
    return path


def render_page(report: ConformanceReport) -> str:
    """The page's HTML."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("engine_bridge.conformance"), undefined=StrictUndefined, autoescape=True
    )
    environment.filters |= {"embed": embed, "mark": _mark, "moment": _moment, "plain": _plain, "span": span}
    parts = [(part.name.lower().replace("_", " "), PART_COLORS[part]) for part in Part]
    page: str = environment.get_template("check.html.j2").render(
        report=report,
        failed=report.failures,
        counts={str(verdict): report.count(verdict) for verdict in Verdict},
        announced={label: report.announced[name] for name, label in ANNOUNCED.items() if name in report.announced},
        parts=parts,
    )
    return page


def embed(picture: Picture) -> str:
    """A picture as a data URI; lossless, because a single pixel may be what the page is about."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "WEBP", lossless=True, quality=60, method=2)
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _mark(finding: Finding) -> str:
    return MARKS[finding.evidence.verdict]


def _moment(stamp: str) -> str:
    """A UTC time stamp as a person reads it."""
    moment = datetime.fromisoformat(stamp)
    return f"{moment.day} {moment:%B %Y}, {moment:%H:%M} UTC"


def _plain(value: Any) -> str:
    """An announced value as a person reads it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(value) or "none: the studio only"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _replace(path: Path, text: str) -> None:
    """Write a file so that no reader ever sees half of it."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)
