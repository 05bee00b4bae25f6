"""What the verbs of ``f2p evaluate`` have in common: options, and how a finished page is shown."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from flows.cli.terminal import print_table, show

Version = Annotated[
    str | None,
    typer.Option(
        "--version",
        help="A published version, or 'champion'. Default: the last run's networks.",
        show_default=False,
    ),
]

Out = Annotated[
    Path | None,
    typer.Option("--out", help="The folder to write. Default: HOME/evaluations/...", show_default=False),
]
CreationMode = Annotated[
    Literal["one-shot", "iterative", "hybrid"], typer.Option("--mode", help="How characters are created.")
]


def show_page(folder: Path, document: dict[str, Any], as_json: bool) -> None:
    """An evaluation's tables and where its page lies, or its JSON document."""
    from flows.evaluations.page import PAGE_FILE, format_cell

    def describe() -> None:
        for table in document["tables"]:
            print_table(table["header"], [[format_cell(cell) for cell in row] for row in table["rows"]])
            print()
        for note in document["notes"]:
            print(f"- {note}")
        print(folder / PAGE_FILE)

    show({**document, "folder": folder}, as_json, describe)
