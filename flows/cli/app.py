"""The verbs put together, and how errors become exit statuses."""

from __future__ import annotations

import shlex
import sys
import traceback
from collections.abc import Sequence
from typing import Any, Final

import typer

from engine_bridge.errors import EngineError, InputError
from flows.cancellation import is_cancellation
from flows.cli import (
    build,
    characters,
    creation,
    deploy,
    diagnosis,
    engines,
    evaluation,
    gates,
    models,
    nights,
    photos,
    priors,
    report,
    store,
)
from flows.cli.terminal import terminal
from flows.gates.gate import GateError
from flows.orchestrator import OrchestratorError

USERS_MISTAKE: Final = 2
ENGINE_TROUBLE: Final = 3
REFUSED: Final = 4
INTERRUPTED: Final = 130
UNEXPECTED: Final = 1
#: Verbs that keep what is done, and go on with the rest.
RESUMING: Final = frozenset({"run", "nightly", "render", "train", "evaluate", "publish", "photos", "noise"})
#: Typer has it from Click or, lately, from its own copy of Click, and exports only what derives from it.
UsageError: Any = typer.BadParameter.__bases__[0]

app = typer.Typer(
    name="f2p",
    help="Photo in, game character out: render a character type, train its creator, publish it, use it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(characters.app, name="characters")
build.add_to(app)
nights.add_to(app)
deploy.add_to(app)
app.add_typer(evaluation.app, name="evaluate")
app.add_typer(engines.app, name="engine")
app.add_typer(photos.app, name="photos")
app.add_typer(models.app, name="models")
gates.add_to(app)
app.add_typer(priors.app, name="priors")
creation.add_to(app)
report.add_to(app)
store.add_to(app)
diagnosis.add_to(app)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status; errors are one line on standard error."""
    terminal.debug = False
    words = sys.argv[1:] if arguments is None else list(arguments)
    terminal.command = shlex.join(["f2p", *words])
    try:
        status = app(args=words, standalone_mode=False)
    except (Exception, KeyboardInterrupt) as error:
        return _explain(KeyboardInterrupt() if is_cancellation(error) else error, words)
    if status == INTERRUPTED:  # Typer swallows Ctrl-C itself
        return _explain(KeyboardInterrupt(), words)
    return status if isinstance(status, int) else 0


def _explain(error: BaseException, words: Sequence[str]) -> int:
    """One line about an error, the traceback if it was asked for, and the exit status it means."""
    message, status = _judge(error)
    if status == INTERRUPTED and RESUMING.intersection(words[:1]):
        message += "; run the same command again to continue"
    if terminal.debug:
        traceback.print_exception(error, file=sys.stderr)
    if message:  # without arguments the help has said everything
        print(f"f2p: {' '.join(message.split())}", file=sys.stderr)
    return status


def _judge(error: BaseException) -> tuple[str, int]:
    match error:
        case KeyboardInterrupt() | typer.Abort():
            return "interrupted", INTERRUPTED
        case InputError() | GateError():
            return str(error), REFUSED if isinstance(error, GateError) else USERS_MISTAKE
        case UsageError():
            message = error.format_message()
            return message and f"{message} (--help shows how)", USERS_MISTAKE
        case EngineError():
            whose = "" if isinstance(error, OrchestratorError) else "engine: "
            return f"{whose}{error}", ENGINE_TROUBLE
        case OSError() if error.strerror and not isinstance(error, ConnectionError):  # no space, no permission
            return f"{error.filename}: {error.strerror}" if error.filename else error.strerror, USERS_MISTAKE
        case _:
            return f"unexpected {type(error).__name__}: {error} (--debug shows where)", UNEXPECTED
