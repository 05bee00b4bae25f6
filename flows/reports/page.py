"""A run's page: what came of it first, then how it went, then where everything comes from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from f2p_datasets.durable import appearing_file
from f2p_models.checkpoints import CheckpointCard
from flows.layout import HELDOUT_PHOTOS
from flows.progress import say
from flows.reports import galleries
from flows.reports.changes import earlier_runs
from flows.reports.coverage import Coverage, read_coverage
from flows.reports.failures import collect_failures
from flows.reports.formats import FILTERS
from flows.reports.learning import read_cards, read_curves
from flows.reports.lineage import trace
from flows.reports.outputs import Outputs
from flows.reports.pictures import Figure
from flows.reports.throughput import measure_throughput
from flows.reports.timeline import KINDS, step_lines, time_slices
from flows.run_records import RunRecord
from flows.runs import Run
from flows.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Gallery:
    """All pictures of a run."""

    characters: list[Figure]
    engine: Figure | None
    evaluation: list[Figure]


def write_report(settings: Settings, run: RunRecord, path: Path | None = None) -> Path:
    """Write ``reports/<run>.html``, or another file. Returns its path."""
    path = path or settings.reports / f"{run.run_id}.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    page = render_report(settings, run)
    with appearing_file(path) as stream:
        stream.write(page.encode())
    return path


@contextmanager
def reported(opening: AbstractContextManager[Run]) -> Iterator[Run]:
    """A run that leaves a report also when it fails or is refused. One that is interrupted is to end at once."""
    run = None
    try:
        with opening as run:
            yield run
    except Exception:
        if run is not None:
            _leave_report(run)
        raise


def _leave_report(run: Run) -> None:
    try:
        say(f"  [dim]report {write_report(run.settings, run.record)}[/]")
    except Exception as error:  # whatever it is, what ended the run is the error to be told
        say(f"  [yellow]no report could be written: {error}[/]")


def render_report(settings: Settings, run: RunRecord) -> str:
    """The page's HTML."""
    outputs = Outputs(settings, run)
    cards = read_cards(outputs)
    page = {
        "run": run,
        "verdict": verdict(run),
        "evaluation": outputs.evaluation(),
        "gallery": collect_pictures(outputs),
        "steps": step_lines(outputs, earlier_runs(settings, run)),
        "slices": time_slices(run),
        "kinds": KINDS,
        "outside": max(0.0, run.seconds - run.work_seconds),
        "curves": read_curves(outputs),
        **_accounts(outputs, cards),
    }
    return open_templates().get_template("report.html.j2").render(page, notes=[*outputs.missing(), *outputs.notes])


def open_templates() -> Environment:
    """The templates, with the filters that they use."""
    environment = Environment(
        loader=PackageLoader("flows"),
        undefined=StrictUndefined,
        autoescape=select_autoescape(["html.j2"]),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= FILTERS
    return environment


def collect_pictures(outputs: Outputs) -> Gallery:
    """All pictures that can be read."""
    created = [outputs.place(Path(folder)) for folder in outputs.run.results.get("characters", [])]
    folders = [folder for folder in created if folder]
    studio, evaluation = outputs.datasets().get("studio"), outputs.folder("evaluation")
    return Gallery(
        characters=outputs.read("characters", [], galleries.characters, folders),
        engine=outputs.read("studio pairs", None, galleries.engine_faces, studio) if studio else None,
        evaluation=outputs.read("pictures", [], galleries.evaluation_figures, evaluation) if evaluation else [],
    )


def verdict(run: RunRecord) -> str:
    """The run in one sentence."""
    version = next((step for step in reversed(run.steps) if step.stage == "version"), None)
    match run.status:
        case "running":
            return f"Still running: {len(run.steps)} steps are done."
        case "finished" if version is not None:
            return _of_version(run, version.figures)
        case "finished":
            return f"Finished: {_counted(run)}."
        case "refused":
            return "Refused by a gate: nothing was published, the champion stays."
        case _:
            last = f"after “{run.steps[-1].title}”" if run.steps else "before its first step was done"
            return f"The run {run.status if run.status == 'failed' else 'was ' + run.status} {last}."


def _of_version(run: RunRecord, figures: Mapping[str, Any]) -> str:
    place = "champion" if figures.get("champion") == "yes" else "a challenger; the champion stays"
    return f"Version {figures.get('version', '?')} is {place}. {_counted(run).capitalize()}."


def _counted(run: RunRecord) -> str:
    cached = sum(step.cached for step in run.steps)
    done = len(run.steps) - cached
    if not done or not cached:
        return f"all {len(run.steps)} steps were {'done' if done else 'there already'}"
    return f"{done} steps were done, {cached} were there already"


def _accounts(outputs: Outputs, cards: Mapping[str, CheckpointCard]) -> dict[str, Any]:
    """What a pipeline engineer reads."""
    return {
        "coverage": _coverage(outputs),
        "throughput": measure_throughput(outputs, cards),
        "failures": collect_failures(outputs),
        "lineage": trace(outputs, cards),
    }


def _coverage(outputs: Outputs) -> list[Coverage]:
    found = [
        outputs.read(f"coverage of {stage}", None, read_coverage, stage, folder)
        for stage, folder in outputs.datasets().items()
        if stage != HELDOUT_PHOTOS  # nobody learns from them
    ]
    return [coverage for coverage in found if coverage is not None]
