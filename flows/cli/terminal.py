"""What every verb shares: its options, its settings, and how it shows a result."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from engine_bridge.errors import InputError
from flows.engines.orders import EngineOrder, check_engine
from flows.settings import TOKEN_VARIABLE, Settings, bridge_token, make_bridge_token, prepare_environment

if TYPE_CHECKING:
    from rich.console import Console

PICTURE_SUFFIXES: Final = (".png", ".jpg", ".jpeg", ".webp")


@dataclass
class Terminal:
    """What is known of the command beyond its options: whether to show tracebacks, and the words as they were typed."""

    debug: bool = False
    command: str = ""


terminal = Terminal()


Home = Annotated[
    Path | None,
    typer.Option("--home", help="Where everything is kept. Default: $F2P_HOME, else ./f2p-home.", show_default=False),
]
Json = Annotated[bool, typer.Option("--json", help="Machine-readable result on standard output.")]
Debug = Annotated[bool, typer.Option("--debug", help="Tracebacks and the orchestrator's log.")]
Character = Annotated[
    str, typer.Option("--character", "-c", help="Character type; see 'f2p characters list'.", show_default=False)
]
Engine = Annotated[
    str,
    typer.Option(
        "--engine", help="What renders: mock, one of 'f2p engine list', or an address (ws://HOST:PORT) for it to dial."
    ),
]
Instances = Annotated[
    int, typer.Option("--instances", min=1, help="Processes of a remote engine that render at the same time.")
]
Gpus = Annotated[str | None, typer.Option("--gpus", help="GPUs to pin them to in turn, e.g. 0,1.", show_default=False)]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Everything random follows from it.")]
Workers = Annotated[
    int | None,
    typer.Option(
        "--workers",
        min=1,
        help="Our own processes, for the mock engine's renders and for photos. Default: one per core.",
        show_default=False,
    ),
]
RecipeName = Annotated[str, typer.Option("--recipe", "-r", help="quick, nightly or paper (smoke: for tests).")]


def engine_order(settings: Settings, engine: str, instances: int = 1, gpus: str | None = None) -> EngineOrder:
    """What the options order, if it can be had. For an address without a token one is made, and both are told."""
    order = EngineOrder(engine, instances, numbers("gpus", gpus or ""))
    told = f" with {TOKEN_VARIABLE}={make_bridge_token()}" if order.is_address and not bridge_token() else ""
    check_engine(order, settings)
    if order.is_address:
        print(f"f2p: waiting for engines to dial {engine}{told}", file=sys.stderr)
    return order


def numbers(option: str, text: str) -> tuple[int, ...]:
    """What ``0,1`` says. Raises InputError."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not all(part.isdecimal() for part in parts):
        raise InputError(f"{option}: {text!r}; give numbers with commas between, e.g. 0,1")
    return tuple(map(int, parts))


def example(*lines: str) -> str:
    """The epilog of a verb's help."""
    return "[bold]Example[/]\n\n" + "\n\n".join(f"  [green]{line}[/]" for line in lines)


def open_settings(home: Path | None, debug: bool) -> Settings:
    """Settings with the environment prepared: nothing heavy may have been imported before."""
    terminal.debug = debug
    settings = Settings.from_environment(home, debug=debug)
    prepare_environment(settings)
    return settings


def output_folder(out: Path) -> Path:
    """The absolute path of a folder to write into. Raises InputError when it, or one above it, is a file."""
    folder = out.expanduser().resolve()
    nearest = next(place for place in (folder, *folder.parents) if place.exists())
    if not nearest.is_dir():
        raise InputError(f"out: {nearest} is a file; give a folder")
    return folder


def output_picture(out: Path) -> Path:
    """The absolute path of a picture to write. Raises InputError for a format nobody writes, or no place for it."""
    if out.suffix.lower() not in PICTURE_SUFFIXES:
        raise InputError(f"out: {out.name} is no picture's name; end it with one of {', '.join(PICTURE_SUFFIXES)}")
    picture = output_folder(out.parent) / out.name
    if picture.is_dir():
        raise InputError(f"out: {picture} is a folder; give a file")
    return picture


def output_page(out: Path) -> Path:
    """The absolute path of an HTML page to write. Raises InputError for another suffix, or no place for it."""
    if out.suffix.lower() != ".html":
        raise InputError(f"out: {out.name} is no page's name; end it with .html")
    return output_folder(out.parent) / out.name


def show(result: Any, as_json: bool, describe: Callable[[], None]) -> None:
    """The result as JSON, or as ``describe`` prints it for people."""
    if as_json:
        print(json.dumps(result, indent=2, default=str))
    else:
        describe()


def print_table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Columns for people, plain text when the output is no terminal."""
    from rich.table import Table

    table = Table(*header, box=None, pad_edge=False, header_style="dim")
    for row in rows:
        table.add_row(*(str(cell) for cell in row))
    output_console().print(table)


def output_console() -> Console:
    """Standard output: wide enough for any table when it is no terminal."""
    from rich.console import Console

    return Console(soft_wrap=True, width=None if Console().is_terminal else 200)
