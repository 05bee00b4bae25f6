"""``f2p doctor``: is everything there?"""

from __future__ import annotations

from dataclasses import asdict

import typer

from flows.cli.terminal import Debug, Engine, Home, Json, engine_order, example, open_settings, show


def add_to(app: typer.Typer) -> None:
    """The verb of this module."""
    app.command("doctor", epilog=example("f2p doctor"))(doctor)


def doctor(*, engine: Engine = "mock", home: Home = None, as_json: Json = False, debug: Debug = False) -> int:
    """Check versions, devices, disk, weights, engine and registry; what is wrong comes with its fix."""
    settings = open_settings(home, debug)
    from flows.doctor import examine

    findings = examine(settings, engine_order(settings, engine))

    def describe() -> None:
        for finding in findings:
            print(f"{'ok ' if finding.ok else 'FIX'}  {finding.subject:<12} {finding.detail}")
            if not finding.ok:
                print(f"     {'':<12} → {finding.fix}")

    show([asdict(finding) for finding in findings], as_json, describe)
    return 0 if all(finding.ok for finding in findings) else 2
