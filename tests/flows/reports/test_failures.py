from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from flows.reports.failures import by_cause, collect_failures
from flows.reports.outputs import Outputs
from flows.run_records import RunRecord
from flows.settings import Settings


def test_reasons_that_differ_in_numbers_hashes_and_paths_are_one_cause() -> None:
    reasons = ["no answer for 30 s from /a/b", "no answer for 31.5 s from /c", "no face found"]
    assert by_cause(reasons) == {"no answer for 30 s from /a/b": 2, "no face found": 1}


def test_a_cause_is_one_line_of_sensible_length() -> None:
    [cause] = by_cause(["first\nsecond " + "x" * 999])
    assert cause.startswith("first second x")
    assert len(cause) == 160


def test_a_remote_engines_night_is_told(settings: Settings, make_run: Callable[..., RunRecord]) -> None:
    record = make_run("a")
    path = Path(record.steps[0].folder) / "manifest.json"
    manifest = json.loads(path.read_text())
    attempt = {"engine": "mock", "build": "mock-0123456789ab", "restarts": ["crashed"], "outcome": "rendered"}
    thrown = {**attempt, "restarts": ["crashed"], "outcome": "thrown away: a black frame"}
    attempts = {"shard-000000.tar": [thrown, attempt]}
    manifest["rendering"] = {"attempts": attempts, "canary_failures": 3, "frames_discarded": 0}
    path.write_text(json.dumps(manifest))
    outputs = Outputs(settings, record)
    found = {(failure.kind, failure.cause): failure.count for failure in collect_failures(outputs)}
    assert outputs.notes == []
    assert found["engine restarted", "crashed"] == 2
    assert found["shard rendered again", "thrown away: a black frame"] == 1
    assert found["canary failed", "a known face came out differently"] == 3
    assert "frame thrown away" not in {kind for kind, _ in found}
