"""``f2p nightly``, ``f2p nights`` and ``f2p gc``: unattended nights, what became of them, and tidying up."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from flows.cli.terminal import (
    Debug,
    Engine,
    Gpus,
    Home,
    Instances,
    Json,
    RecipeName,
    Seed,
    Workers,
    engine_order,
    example,
    open_settings,
    print_table,
    show,
)
from flows.orchestrator import start_orchestrator

if TYPE_CHECKING:
    from flows.nights.records import NightRecord
    from flows.nights.retention import Removal
    from flows.planning.plan import RunPlan

#: What the worst outcome of a night means as an exit status; a character that was skipped is no failure.
EXIT_STATUS: Final = {"failed": 1, "refused": 4, "interrupted": 130}
Keep = Annotated[int, typer.Option("--keep", min=1, help="Versions of each character that stay besides the champion.")]

nights = typer.Typer(no_args_is_help=True, help="What became of earlier nights.")


def add_to(app: typer.Typer) -> None:
    """The verbs of this module."""
    app.command(
        "nightly",
        epilog=example(
            "f2p nightly --character justice_female --character justice_male --recipe nightly --max-hours 8"
        ),
    )(nightly)
    app.add_typer(nights, name="nights")
    app.command("gc", epilog=example("f2p gc --dry-run --keep 3"))(gc)


def nightly(
    *,
    character: Annotated[
        list[str], typer.Option("--character", "-c", help="Character type; once for each.", show_default=False)
    ],
    recipe: RecipeName = "nightly",
    engine: Engine = "mock",
    seed: Seed = 0,
    photos: Annotated[
        Path | None,
        typer.Option("--photos", help="A folder of photos for every character's translator.", show_default=False),
    ] = None,
    max_hours: Annotated[
        float | None,
        typer.Option(
            "--max-hours", help="Begin no character that is estimated to take longer than is left.", show_default=False
        ),
    ] = None,
    min_free_gb: Annotated[
        float, typer.Option("--min-free-gb", min=0, help="Begin no character that would leave less free disk.")
    ] = 5.0,
    keep: Keep = 3,
    instances: Instances = 1,
    gpus: Gpus = None,
    workers: Workers = None,
    home: Home = None,
    as_json: Json = False,
    debug: Debug = False,
) -> int:
    """Bring every character up to date, then tidy up. What is not stale is skipped with the reason.

    One that fails, or that a gate refuses, does not stop the others. Exit status 0: all are up to date or were skipped;
    4: a gate refused; 1: one failed.
    """
    settings = open_settings(home, debug)
    order = engine_order(settings, engine, instances, gpus)
    start_orchestrator(settings)
    from flows.nights.nightly import nightly as spend_night

    record = spend_night(
        settings,
        character,
        recipe=recipe,
        engine=order,
        seed=seed,
        photos=photos,
        num_workers=workers,
        max_hours=max_hours,
        min_free_gb=min_free_gb,
        keep=keep,
    )
    show(asdict(record), as_json, lambda: _print_night(record, record.status))
    return EXIT_STATUS.get(record.worst, 0)


@nights.command("list", epilog=example("f2p nights list"))
def list_all(*, home: Home = None, as_json: Json = False, debug: Debug = False) -> None:
    """Every night, oldest first."""
    settings = open_settings(home, debug)
    from engine_bridge.errors import InputError
    from flows.nights.records import list_nights, read_night, status_of

    records = []
    for night in list_nights(settings):
        try:
            records.append(read_night(settings, night))
        except InputError as error:
            typer.echo(f"f2p: {error}", err=True)
    rows = [
        (
            night.night_id,
            status_of(settings, night),
            night.recipe,
            night.engine,
            _minutes(night.seconds),
            _counts(night),
        )
        for night in records
    ]
    header = ("night", "status", "recipe", "engine", "minutes", "characters")
    show([asdict(night) for night in records], as_json, lambda: print_table(header, rows))


@nights.command("show", epilog=example("f2p nights show latest"))
def show_one(
    *,
    night: Annotated[str, typer.Argument(help="A night's id, or 'latest'.")] = "latest",
    home: Home = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """What became of every character in a night, and why."""
    settings = open_settings(home, debug)
    from flows.nights.records import read_night, status_of

    record = read_night(settings, night)
    show(asdict(record), as_json, lambda: _print_night(record, status_of(settings, record)))


def gc(
    *,
    keep: Keep = 3,
    character: Annotated[
        list[str] | None,
        typer.Option("--character", "-c", help="Only of these; once for each. Default: all.", show_default=False),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    home: Home = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Delete what no version, run or unfinished work needs.

    Never a champion or what it was made of, never what 'f2p render' rendered, never photos, creations, reports or
    folders of yours.
    """
    settings = open_settings(home, debug)
    from flows.nights.retention import clear_leftovers, find_removals, remove, unjudged

    left = unjudged(settings, character)
    for name, why in left.items():
        typer.echo(f"f2p: {name}: nothing of it goes, because its champion cannot be read: {why}", err=True)
    found = find_removals(settings, keep=keep, characters=character)
    if not dry_run:
        clear_leftovers(settings)
        found = [removal for removal in found if remove(settings, removal)]
    num_bytes = sum(removal.num_bytes for removal in found)
    result = {"dry_run": dry_run, "bytes": num_bytes, "removals": [asdict(removal) for removal in found], "left": left}
    show(result, as_json, lambda: _print_removals(found, num_bytes, dry_run))


def plan_of(plan: RunPlan) -> dict[str, Any]:
    """A plan as JSON."""
    steps = [{**asdict(step), "folder": str(step.folder) if step.folder else None} for step in plan.steps]
    return {**asdict(plan), "steps": steps, "pairs": plan.pairs, "estimate": asdict(plan.estimate)}


def print_plan(plan: RunPlan) -> None:
    """A plan as a table: what is there, what is to be done, why, and at what cost."""
    from flows.reports.formats import format_bytes

    rows = [
        (
            step.title,
            "cached" if step.cached else "to do",
            step.reason,
            f"{step.pairs:,}" if step.pairs else "",
            "" if step.cached else _megabytes(step.estimate.bytes),
            "" if step.cached else f"{_minutes(step.estimate.seconds)}{_mark(step.estimate.source)}",
        )
        for step in plan.steps
    ]
    print_table(("step", "", "why", "pairs", "MB", "minutes"), rows)
    estimate = plan.estimate
    if not plan.to_do:
        print("\nnothing to do")
        return
    print(
        f"\n{len(plan.to_do)} of {len(plan.steps)} steps to do: {plan.pairs:,} pairs, "
        f"{format_bytes(estimate.bytes)}, {estimate.seconds / 3600:.2f} h{_mark(estimate.source)}"
    )
    if estimate.source == "defaults":
        print("* by defaults measured elsewhere; once such a step was done on this home, by that")


def _print_night(record: NightRecord, status: str) -> None:
    print(f"night {record.night_id}  {status}  {_minutes(record.seconds)} min, {record.recipe}, {record.engine}")
    rows = [
        (one.character, one.status, one.version or "", one.run_id, _minutes(one.seconds), one.reason)
        for one in record.characters
    ]
    print_table(("character", "", "version", "run", "minutes", "why"), rows)
    if record.freed_bytes:
        print(f"tidied away {_megabytes(record.freed_bytes)} MB")
    for trouble in record.troubles:
        print(f"! {trouble}")


def _print_removals(found: list[Removal], num_bytes: int, dry_run: bool) -> None:
    print_table(("MB", "", "why"), [(_megabytes(one.num_bytes), one.folder, one.why) for one in found])
    print(
        f"{'would free' if dry_run else 'freed'} {_megabytes(num_bytes)} MB in {len(found)} folders ({num_bytes} bytes)"
    )


def _counts(night: NightRecord) -> str:
    return ", ".join(f"{outcome.character} {outcome.status}" for outcome in night.characters)


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.1f}"


def _megabytes(num_bytes: int) -> str:
    return f"{num_bytes / 1e6:,.1f}"


def _mark(source: str) -> str:
    return "*" if source == "defaults" else ""
