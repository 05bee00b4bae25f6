"""The report of a run: one HTML page that can be mailed, with every picture inside.

It is made from the run's record and the folders that the record names, so it can be made again at any time, and of a
run that failed half-way.
"""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from PIL import Image

from engine_bridge.errors import InputError
from f2p_datasets.durable import appearing_file
from f2p_datasets.manifest import MANIFEST_NAME
from f2p_models.checkpoints import read_card
from f2p_models.evaluation.report import Evaluation, read_evaluation
from f2p_models.training.run_folder import RunFolder
from flows.contact_sheets import dataset_sheet
from flows.curves import draw_curve
from flows.evaluation_pictures import DRAWN
from flows.layout import CHECKPOINT, COMPARISON_FILE, EVALUATION_FILE, PARAMETERS_FILE, PICTURES, TRAINING
from flows.runs import RunRecord
from flows.settings import Settings

WIDEST_PX: Final = 1600
#: What is drawn of each training: the field of its history, and what it is called.
CURVES: Final = {
    "imitator": {"l1": "held-out L1", "ssim": "held-out SSIM"},
    "segmenter": {"miou": "held-out mean IoU", "accuracy": "held-out pixel accuracy"},
    "translator": {"identity_similarity": "held-out identity similarity", "slider_error": "held-out slider error"},
}


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A picture as a data URI, or a drawing as SVG text."""

    title: str
    caption: str = ""
    uri: str = ""
    svg: str = ""


def write_report(settings: Settings, run: RunRecord) -> Path:
    """``reports/<run>.html``. Returns its path."""
    settings.reports.mkdir(parents=True, exist_ok=True)
    path = settings.reports / f"{run.run_id}.html"
    page = render_report(run)
    with appearing_file(path) as stream:
        stream.write(page.encode())
    return path


def render_report(run: RunRecord) -> str:
    """The page's HTML."""
    environment = Environment(
        loader=PackageLoader("flows"), undefined=StrictUndefined, autoescape=select_autoescape(["html.j2"])
    )
    environment.filters |= {"duration": format_duration, "figure": format_figure}
    return environment.get_template("report.html.j2").render(
        run=run,
        longest=max([step.seconds for step in run.steps], default=0.0) or 1.0,
        outside=max(0.0, run.seconds - run.work_seconds),
        evaluation=_evaluation(run),
        characters=list(_characters(run)),
        engine_sheet=_engine_sheet(run),
        pictures=list(_evaluation_pictures(run)),
        curves=list(_curves(run)),
    )


def format_duration(seconds: float) -> str:
    """``0.4 s``, ``12 s``, ``3 min 20 s``, ``2 h 5 min``."""
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    if seconds < 3600:
        return f"{seconds // 60:.0f} min {seconds % 60:.0f} s"
    return f"{seconds // 3600:.0f} h {seconds % 3600 // 60:.0f} min"


def format_figure(value: Any) -> str:
    """A number as a reader wants it: 0.0173, 2,000, yes."""
    if isinstance(value, float):
        return f"{value:.3f}" if abs(value) >= 0.1 else f"{value:.4f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _evaluation(run: RunRecord) -> Evaluation | None:
    folder = run.folder_of("evaluation")
    try:
        return read_evaluation(folder / EVALUATION_FILE) if folder else None
    except InputError:  # the folder was tidied away: the rest of the report is still worth having
        return None


def _characters(run: RunRecord) -> Iterator[Figure]:
    for folder in map(Path, run.results.get("characters", [])):
        if (folder / PARAMETERS_FILE).is_file():
            document = json.loads((folder / PARAMETERS_FILE).read_text(encoding="utf-8"))
            caption = f"{document['mode']}: {document['reason']}"
            yield Figure(title=folder.name, caption=caption, uri=_embed(folder / COMPARISON_FILE))


def _engine_sheet(run: RunRecord) -> Figure | None:
    folder = run.folder_of("studio")
    if folder is None or not (folder / MANIFEST_NAME).is_file():
        return None
    caption = "The first pairs of the dataset: pictures and part masks as the engine drew them."
    return Figure(
        title="What the engine draws", caption=caption, uri=_embed_picture(Image.fromarray(dataset_sheet(folder)))
    )


def _evaluation_pictures(run: RunRecord) -> Iterator[Figure]:
    folder = run.folder_of("evaluation")
    for name, drawn in DRAWN.items():
        path = folder / PICTURES / f"{name}.png" if folder else None
        if path and path.is_file():
            yield Figure(title=drawn.title, caption=drawn.caption, uri=_embed(path))


def _curves(run: RunRecord) -> Iterator[Figure]:
    for stage, wanted in CURVES.items():
        folder = run.folder_of(stage)
        history = RunFolder(folder / TRAINING).history_path if folder else None
        if folder is None or history is None or not history.is_file():
            continue
        records = [json.loads(line) for line in history.read_text(encoding="utf-8").splitlines()]
        baseline = _baseline(folder)
        for name, label in wanted.items():
            points = [(record["epoch"], record[name]) for record in records if name in record]
            svg = draw_curve(points, label, baseline=baseline.get(name))
            if svg:
                yield Figure(title=stage.capitalize(), caption=label, svg=svg)


def _baseline(folder: Path) -> dict[str, float]:
    try:
        baseline: dict[str, float] = read_card(folder / CHECKPOINT).extra.get("baseline", {})
    except InputError:  # still training
        return {}
    return baseline


def _embed(path: Path) -> str:
    with Image.open(path) as picture:
        return _embed_picture(picture.convert("RGB"))


def _embed_picture(picture: Image.Image) -> str:
    """WebP at a quality where nothing is seen to be lost: a tenth of the PNG's size."""
    picture.thumbnail((WIDEST_PX, 4 * WIDEST_PX), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", quality=88, method=4)
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode()}"
