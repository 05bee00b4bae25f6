"""From Friday to Monday, through the command line, with Prefect, the real pipeline and a webhook."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from flows.run_records import RunRecord, read_run
from flows.settings import WEBHOOK_VARIABLE, Settings

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

ANOTHER_BUILD = {"F2P_TEST_BUILD": "9"}
POISON = {"F2P_TEST_RATE": "1e3"}

SpendNight = Callable[[Mapping[str, str]], "subprocess.CompletedProcess[str]"]


@pytest.fixture
def spend_night(finished_copy: Path, environment: dict[str, str], migrated: Any, webhook: Any) -> SpendNight:
    """A night for the character whose creator ``finished_copy`` has published as version 1, with something altered."""
    program = str(Path(__file__).with_name("altered_f2p.py"))
    order = ("nightly", "--character", "tiny", "--recipe", "smoke", "--workers", "2", "--min-free-gb", "0", "--json")

    def spend(changes: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, program, *order, "--home", str(migrated(finished_copy))],
            env={**environment, WEBHOOK_VARIABLE: webhook.url(), **changes},
            capture_output=True,
            text=True,
            timeout=840,
            check=False,
        )

    return spend


def outcome(night: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """What became of the one character."""
    assert night.stdout, night.stderr
    [found] = json.loads(night.stdout)["characters"]
    return dict(found)


def done_again(record: RunRecord) -> set[str]:
    return {step.stage for step in record.steps if not step.cached}


def published(home: Path) -> list[str]:
    return sorted(path.name for path in (home / "registry" / "tiny").glob("[0-9]*"))


def test_three_nights(spend_night: SpendNight, finished_copy: Path, webhook: Any) -> None:
    settings = Settings(home=finished_copy)

    friday = outcome(spend_night({}))
    assert (friday["status"], friday["version"], friday["run_id"]) == ("unchanged", 1, "")
    assert "nothing is stale" in friday["reason"]

    saturday = spend_night(ANOTHER_BUILD)
    assert saturday.returncode == 0, saturday.stderr
    rebuilt = outcome(saturday)
    assert (rebuilt["status"], rebuilt["version"]) == ("published", 2)
    run = read_run(settings, rebuilt["run_id"])
    assert done_again(run) >= {"studio", "photo-like", "imitator", "translator", "rescoring", "version"}
    [verdict] = [gate.detail for gate in run.gates if gate.name == "champion"]
    assert "of version 1, scored anew on this held-out set, margin 0.02 (the default" in verdict

    sunday = spend_night(ANOTHER_BUILD | POISON)
    assert sunday.returncode == 4, sunday.stderr
    poisoned = outcome(sunday)
    assert poisoned["status"] == "refused"
    assert "'better than a constant picture': held-out L1 is " in poisoned["reason"]
    run = read_run(settings, poisoned["run_id"])
    assert (run.status, done_again(run)) == ("refused", {"imitator"})  # the engine drew nothing twice
    assert published(finished_copy) == ["1", "2"]

    told = [notice for notice in webhook.received if notice["character"] == "tiny"]
    assert [notice["kind"] for notice in told] == ["unchanged", "published", "refused"]
