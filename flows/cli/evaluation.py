"""``f2p evaluate``: how good a creator is. Alone it measures what is published with a version; its verbs are the
papers' tables, a module of ``flows.evaluations`` each.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from flows.cli import judging, networks, verifying
from flows.cli.evaluation_options import Version
from flows.cli.terminal import Debug, Engine, Home, Json, engine_order, example, open_settings, show
from flows.orchestrator import start_orchestrator

app = typer.Typer(help="Measure a creator: on held-out pairs, or as one of the papers' tables.")
verifying.add_to(app)
networks.add_to(app)
judging.add_to(app)


@app.callback(invoke_without_command=True, epilog=example("f2p evaluate --character justice_female"))
def evaluate(
    context: typer.Context,
    *,
    character: Annotated[
        str | None,
        typer.Option("--character", "-c", help="Character type; see 'f2p characters list'.", show_default=False),
    ] = None,
    version: Version = None,
    engine: Engine = "mock",
    home: Home = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Measure trained networks, or a published version, on held-out pairs. The verbs below measure one thing each."""
    if context.invoked_subcommand is not None:
        _refuse_options_before(context)
        return
    if character is None:
        raise typer.BadParameter("missing; which character type?", param_hint="--character")
    settings = open_settings(home, debug)
    order = engine_order(settings, engine)
    start_orchestrator(settings)
    from flows.stages import evaluate_last

    record = evaluate_last(settings, character=character, version=version, engine=order)
    step = next(step for step in record.steps if step.stage == "evaluation")
    show(asdict(step), as_json, lambda: print(step.folder))


def _refuse_options_before(context: typer.Context) -> None:
    """``f2p evaluate --home X speed`` would measure in another home: options belong behind the verb."""
    verb = context.invoked_subcommand
    for name, value in context.params.items():
        if value not in (None, False, "mock"):
            option = "--json" if name == "as_json" else f"--{name}"
            raise typer.BadParameter(f"give it behind the verb: f2p evaluate {verb} {option} ...", param_hint=option)
