"""``f2p report``: a run, or two of them side by side, as one page that can be mailed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.cli.terminal import Debug, Home, Json, example, open_settings, output_page, show


def add_to(app: typer.Typer) -> None:
    """The verb of this module."""
    app.command(
        "report", epilog=example("f2p report latest", "f2p report --compare 11-19-justice_female-quick-001 latest")
    )(report)


def report(
    *,
    run: Annotated[
        str | None, typer.Argument(help="A run's id, a part of it, or 'latest' (default).", show_default=False)
    ] = None,
    compare: Annotated[
        tuple[str, str] | None,
        typer.Option("--compare", metavar="A B", help="Two runs side by side: the earlier, then the later one."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="The page's file. Default: HOME/reports/...", show_default=False)
    ] = None,
    home: Home = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Write a run's report, one HTML page with all pictures in it, and print where it lies."""
    if run and compare:
        raise typer.BadParameter(f"names two runs; {run!r} is a third", param_hint="--compare")
    page = output_page(out) if out else None
    settings = open_settings(home, debug)
    from flows.reports import write_comparison, write_report
    from flows.run_records import read_run

    if compare:
        before, after = (read_run(settings, name) for name in compare)
        path = write_comparison(settings, before, after, page)
        result = {"runs": [before.run_id, after.run_id], "report": path}
    else:
        record = read_run(settings, run or "latest")
        path = write_report(settings, record, page)
        result = {"run": record.run_id, "report": path}
    show(result, as_json, lambda: print(path))
