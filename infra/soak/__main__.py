"""Long unattended proofs: what a night of rendering does to a run, in minutes, with a verdict.

    python -m infra.soak kills --engine godot3 --pairs 2000 --kills 10 --stops 1 --instances 2
    python -m infra.soak memory --engine mock_remote --pairs 20000 --resolution 128
    python -m infra.soak chaos --injections 200

Exit status: 0 proven; 1 something is wrong, and it is named; 2 the user's mistake; 3 engine trouble.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from engine_bridge.errors import EngineError, InputError
from f2p_datasets.errors import DatasetError
from flows.cli.app import UsageError
from flows.cli.terminal import Engine, Home, Instances, Json, Seed, engine_order, example, open_settings, show

SOMETHING_WRONG, USERS_MISTAKE, ENGINE_TROUBLE = 1, 2, 3

app = typer.Typer(
    help="Long unattended proofs. Exit status: 0 proven, 1 something is wrong, 2 the user's mistake, 3 engine trouble.",
    epilog=example("python -m infra.soak kills --engine godot3 --pairs 2000 --kills 10 --stops 1 --instances 2"),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)

Character = Annotated[str, typer.Option("--character", "-c", help="Character type; see 'f2p characters list'.")]
Pairs = Annotated[int, typer.Option("--pairs", min=1, help="Pairs to render.")]
Resolution = Annotated[int, typer.Option("--resolution", min=16, help="Pixels, squared.")]


@app.command("kills", epilog=example("python -m infra.soak kills --engine mock_remote --pairs 200 --kills 3"))
def kills(
    *,
    engine: Engine,
    character: Character = "justice_female",
    pairs: Pairs = 2000,
    kills: Annotated[int, typer.Option("--kills", min=0, help="Engines that get a kill -9.")] = 10,
    stops: Annotated[int, typer.Option("--stops", min=0, help="Engines that are frozen, by SIGSTOP.")] = 1,
    instances: Instances = 2,
    seed: Seed = 0,
    resolution: Resolution = 256,
    home: Home = None,
    as_json: Json = False,
) -> int:
    """Render while engines are killed and frozen, then prove every stored pair by rendering it once more."""
    settings = open_settings(home, debug=False)
    order = engine_order(settings, engine, instances)
    from infra.soak.kills import KillsConfig, print_kills, prove_kills

    config = KillsConfig(
        engine=order, character=character, pairs=pairs, kills=kills, stops=stops, seed=seed, resolution=resolution
    )
    report = prove_kills(config, settings)
    show(report.to_dict(), as_json, lambda: print_kills(report))
    return SOMETHING_WRONG if report.problems else 0


@app.command("memory", epilog=example("python -m infra.soak memory --engine mock_remote --pairs 2000 --resolution 64"))
def memory(
    *,
    engine: Engine,
    character: Character = "justice_female",
    pairs: Pairs = 20000,
    instances: Instances = 1,
    seed: Seed = 0,
    resolution: Resolution = 128,
    home: Home = None,
    as_json: Json = False,
) -> int:
    """Render with one pool and weigh the bridge and its engines all the while."""
    settings = open_settings(home, debug=False)
    order = engine_order(settings, engine, instances)
    from infra.soak.memory import MemoryConfig, print_memory, prove_memory

    config = MemoryConfig(engine=order, character=character, pairs=pairs, seed=seed, resolution=resolution)
    report = prove_memory(config, settings)
    show(report.to_dict(), as_json, lambda: print_memory(report))
    return SOMETHING_WRONG if report.problems else 0


@app.command("chaos", epilog=example("python -m infra.soak chaos --injections 24 --fault publishing --fault disk"))
def chaos(
    *,
    injections: Annotated[int, typer.Option("--injections", min=1, help="Faults to try, one at a time.")] = 200,
    fault: Annotated[
        list[str] | None, typer.Option("--fault", help="Only faults with this in their name; may be given again.")
    ] = None,
    only: Annotated[
        int | None, typer.Option("--only", min=0, help="Only the injection of this number.", show_default=False)
    ] = None,
    max_minutes: Annotated[
        float | None, typer.Option("--max-minutes", min=0, help="Begin none after so long.", show_default=False)
    ] = None,
    seed: Seed = 0,
    home: Home = None,
    as_json: Json = False,
) -> int:
    """Kill, fill, cut and overwrite what a tiny pipeline consists of, then prove that the next run puts it right."""
    settings = open_settings(home, debug=False)
    from infra.soak.chaos import ChaosConfig, print_chaos, prove_chaos

    config = ChaosConfig(injections=injections, seed=seed, words=tuple(fault or ()), only=only, max_minutes=max_minutes)
    report = prove_chaos(config, settings)
    show(report.to_dict(), as_json, lambda: print_chaos(report))
    return SOMETHING_WRONG if report.problems else 0


def main() -> int:
    """Run one command; errors are one line on standard error."""
    try:
        status = app(standalone_mode=False)
    except UsageError as error:
        message = error.format_message()
        return _fail(message and f"{message} (--help shows how)", USERS_MISTAKE)
    except DatasetError as error:  # the manifest does not verify
        return _fail(str(error), SOMETHING_WRONG)
    except InputError as error:
        return _fail(str(error), USERS_MISTAKE)
    except EngineError as error:
        return _fail(str(error), ENGINE_TROUBLE)
    return status if isinstance(status, int) else 0


def _fail(message: str, status: int) -> int:
    if message:  # without arguments the help has said everything
        print(f"soak: {message}", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
