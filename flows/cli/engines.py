"""``f2p engine``: what can render, and whether it can be trusted."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from engine_bridge.errors import InputError
from engine_bridge.remote.engine_end.faults import FAULTS
from flows.cli.terminal import (
    Character,
    Debug,
    Engine,
    Home,
    Json,
    engine_order,
    example,
    numbers,
    open_settings,
    output_console,
    output_folder,
    output_page,
    print_table,
    show,
)
from flows.settings import TOKEN_VARIABLE, bridge_token

if TYPE_CHECKING:
    from engine_bridge.conformance import Finding
    from engine_bridge.remote.processes.adapters import Adapter

A_BEHAVIOUR_FAILED: Final = 3

app = typer.Typer(no_args_is_help=True, help="List, check, measure and open the engines that can render.")


@app.command("list", epilog=example("f2p engine list"))
def list_engines(*, home: Home = None, as_json: Json = False, debug: Debug = False) -> None:
    """Every engine: the shipped adapters and those in HOME/engines, and how to install what is not here."""
    from engine_bridge.remote.processes.adapters import list_adapters

    adapters, faults = list_adapters(open_settings(home, debug).engine_folders)
    for fault in faults:
        print(f"f2p: left out: {fault}", file=sys.stderr)
    rows = [_MOCK_ROW, *(_row(adapter) for adapter in adapters.values())]

    def describe() -> None:
        header = ("name", "title", "here", "options")
        print_table(header, [[row["name"], row["title"], _here(row), _options(row)] for row in rows])
        for row in rows:
            for line in row["missing"]:
                print(f"{row['name']}: {line}")

    show(rows, as_json, describe)


@app.command("check", epilog=example("f2p engine check --engine godot3 --character justice_female"))
def check(
    *,
    engine: Engine,
    character: Character,
    out: Annotated[
        Path | None, typer.Option("--out", help="The report, an HTML page. Default: below HOME/reports.")
    ] = None,
    home: Home = None,
    as_json: Json = False,
    debug: Debug = False,
) -> int:
    """Try every behaviour that the protocol asks for, one by one. The status is 3 when one of them fails."""
    settings = open_settings(home, debug)
    order = engine_order(settings, engine)
    from engine_bridge.conformance import run_conformance, write_report
    from flows.engines.trials import open_subject

    page = output_page(out or settings.reports / f"engine-{order.label}-{character}.html")
    with open_subject(order, settings) as subject:
        report = run_conformance(subject, character, progress=_tell)
    write_report(report, page)
    show({**report.to_dict(), "report": page}, as_json, lambda: print(f"{report.summary}: {page}"))
    return 0 if report.passed else A_BEHAVIOUR_FAILED


@app.command("bench", epilog=example("f2p engine bench --engine panda3d --character tiny --instances 1,2"))
def bench(
    *,
    engine: Engine,
    character: Character,
    resolution: Annotated[int, typer.Option("--resolution", min=16, help="Pixels, squared.")] = 512,
    frames: Annotated[int, typer.Option("--frames", min=1, help="Pictures per measurement.")] = 128,
    batches: Annotated[str, typer.Option("--batches", help="Requests that are out at one time.")] = "1,16",
    instances: Annotated[str, typer.Option("--instances", help="Supervised engines at one time.")] = "1",
    home: Home = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Measure pictures per second, where a picture's time goes, what supervision costs, and memory over time."""
    settings = open_settings(home, debug)
    counts = numbers("instances", instances)
    order = engine_order(settings, engine, max(counts, default=1))
    from engine_bridge.conformance.bench import BenchConfig, measure
    from engine_bridge.conformance.bench_table import print_bench
    from flows.engines.trials import bench_source
    from flows.progress import say

    config = BenchConfig(
        resolution=resolution,
        frames=frames,
        batches=numbers("batches", batches),
        instances=counts,
    )
    report = measure(bench_source(order, settings), character, config, progress=say)
    show(report.to_dict(), as_json, lambda: print_bench(report, output_console()))


def _explain_faults() -> str:
    """The faults by name; square brackets would be taken for markup, so there are none."""
    told = "\n\n".join(f"  [green]{name}[/] {words}" for name, words in FAULTS.items())
    return f"[bold]Faults[/]\n\n{told}\n\n"


@app.command(
    "serve-mock",
    epilog=_explain_faults() + example("f2p engine serve-mock --url ws://127.0.0.1:9310 --fault late@40"),
)
def serve_mock(
    *,
    url: Annotated[str, typer.Option("--url", help="The address that another f2p waits at.", show_default=False)],
    fault: Annotated[
        list[str] | None,
        typer.Option(
            "--fault",
            help=r"NAME\[=VALUE]\[@WHEN]\[!]: WHEN counts frames, 40, 40+ for it and all after, or p0.01 for one in a "
            "hundred; an exclamation mark lets it happen once only.",
            show_default=False,
        ),
    ] = None,
    instance: Annotated[str, typer.Option("--instance", help="Tells it from other engines.")] = "mock",
    authority: Annotated[
        Path | None, typer.Option("--authority", help="A certificate to trust for wss://.", show_default=False)
    ] = None,
    home: Home = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Dial a bridge and be an engine: the mock over the wire, with faults if wanted. F2P_BRIDGE_TOKEN is the secret."""
    settings = open_settings(home, debug)
    from engine_bridge.remote.engine_end.faults import parse_fault

    faults = [parse_fault(text) for text in fault or []]
    token = bridge_token()
    if token is None:
        raise InputError(f"set {TOKEN_VARIABLE} to the secret of the bridge at {url}")
    from engine_bridge.engines.mock_remote import serve_mock as serve

    serve(
        url=url,
        token=token,
        instance=instance,
        characters_folders=settings.character_folders,
        faults=faults,
        authority=authority,
    )
    show({"url": url, "instance": instance}, as_json, lambda: print(f"sent home by {url}"))


@app.command("project", epilog=example("f2p engine project godot3 --out godot3-project"))
def project(
    *,
    name: Annotated[str, typer.Argument(help="An engine of 'f2p engine list'.", show_default=False)],
    out: Annotated[Path, typer.Option("--out", help="A new folder.", show_default=False)],
    home: Home = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Write what an engine renders from, its project with all assets, into a folder to open in the engine's editor."""
    settings = open_settings(home, debug)
    folder = output_folder(out)
    from flows.engines.orders import find_adapter
    from flows.engines.projects import copy_project

    adapter, _ = find_adapter(name, settings)
    copy_project(adapter, settings, folder)
    show({"engine": name, "project": folder}, as_json, lambda: print(folder))


_MOCK_ROW: dict[str, Any] = {
    "name": "mock",
    "title": "The software engine that is part of f2p",
    "docs": "",
    "folder": None,
    "options": {},
    "missing": [],
}


def _tell(finding: Finding, done: int, total: int) -> None:
    """One line per behaviour, as soon as it was tried."""
    from rich.markup import escape

    from engine_bridge.conformance.page import MARKS
    from flows.progress import say

    say(
        escape(
            f"{MARKS[finding.evidence.verdict]} {done:>2}/{total} must {finding.sentence}: {finding.evidence.reason}"
        )
    )


def _row(adapter: Adapter) -> dict[str, Any]:
    return {
        "name": adapter.name,
        "title": adapter.title,
        "docs": adapter.docs,
        "folder": str(adapter.folder),
        "options": {option.name: list(option.choices) for option in adapter.options},
        "missing": adapter.missing(),
    }


def _here(row: dict[str, Any]) -> str:
    return "no" if row["missing"] else "yes"


def _options(row: dict[str, Any]) -> str:
    return " ".join(f"{name}={'|'.join(choices)}" for name, choices in row["options"].items())
