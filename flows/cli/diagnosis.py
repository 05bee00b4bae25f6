"""``f2p doctor``, ``f2p health``, ``f2p metrics``: is everything there, is the schedule alive, and the numbers."""

from __future__ import annotations

import sys
import threading
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Final

import typer

from flows.cli.terminal import Debug, Engine, Home, Json, engine_order, example, open_settings, show, terminal
from flows.settings import Settings

STALE: Final = 1


def add_to(app: typer.Typer) -> None:
    """The verbs of this module."""
    app.command("doctor", epilog=example("f2p doctor", "f2p doctor --engine godot3 --webhooks"))(doctor)
    app.command("health", epilog=example("f2p health --max-age-hours 36 || systemctl restart f2p"))(health)
    app.command("metrics", epilog=example("f2p metrics", "f2p metrics --serve 9464"))(metrics)


def doctor(
    *,
    engine: Engine = "mock",
    webhooks: Annotated[bool, typer.Option("--webhooks", help="Send a test notice to every webhook.")] = False,
    home: Home = None,
    as_json: Json = False,
    debug: Debug = False,
) -> int:
    """Check versions, devices, disk, clock, weights, engine, registry and server; what is wrong comes with its fix."""
    settings = open_settings(home, debug)
    from flows.monitoring.doctor import examine

    findings = examine(settings, engine_order(settings, engine), send_test=webhooks)

    def describe() -> None:
        for finding in findings:
            print(f"{'ok ' if finding.ok else 'FIX'}  {finding.subject:<12} {finding.detail}")
            if not finding.ok:
                print(f"     {'':<12} → {finding.fix}")

    show([asdict(finding) for finding in findings], as_json, describe)
    return 0 if all(finding.ok for finding in findings) else 2


def health(
    *,
    max_age_hours: Annotated[
        float, typer.Option("--max-age-hours", help="How long ago the last night may have finished.")
    ] = 36.0,
    quiet: Annotated[bool, typer.Option("--no-notice", help="Only look: send nothing to webhooks.")] = False,
    home: Home = None,
    as_json: Json = False,
    debug: Debug = False,
) -> int:
    """Has a night finished lately? Exit status 1, and a notice, when none has. For cron and monitoring."""
    settings = _settings_as_they_are(home, debug)
    from flows.monitoring.health import examine_health, watch_health

    found = (examine_health if quiet else watch_health)(settings, max_age_hours)

    def describe() -> None:
        print(f"{'ok' if found.healthy else 'STALE'}: {found.detail}")
        for character, status in found.characters.items():
            print(f"  {character:<24} {status}")
        for warning in found.warnings:
            print(f"  {warning}")

    show(asdict(found), as_json, describe)
    return 0 if found.healthy else STALE


def metrics(
    *,
    serve: Annotated[
        int | None,
        typer.Option("--serve", min=0, max=65535, help="Answer scrapes at this port; 0: any.", show_default=False),
    ] = None,
    host: Annotated[str, typer.Option("--host", help="Where to listen; 0.0.0.0 inside a container.")] = "127.0.0.1",
    home: Home = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Nights, stages, gates, versions and disk as Prometheus reads them."""
    settings = _settings_as_they_are(home, debug)
    from flows.monitoring.metrics import metrics_server, metrics_table, metrics_text

    if serve is not None:
        with metrics_server(settings, serve, host=host) as url:
            show({"url": url}, as_json, lambda: print(f"metrics at {url}"))
            sys.stdout.flush()  # whoever reads it through a pipe waits for it
            threading.Event().wait()  # until Ctrl-C or a signal
    show(metrics_table(settings), as_json, lambda: print(metrics_text(settings), end=""))


def _settings_as_they_are(home: Path | None, debug: bool) -> Settings:
    """Who only looks makes no home: a mistyped one would be a home without nights."""
    terminal.debug = debug
    return Settings.from_environment(home, debug=debug)
