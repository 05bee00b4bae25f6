"""The conformance kit, run against the C# reference engine as f2p starts it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from engine_bridge.conformance import BEHAVIOURS, Behaviour, Trial, Verdict, try_behaviour
from engine_bridge.conformance.subjects import open_adapter
from engine_bridge.remote.processes.adapters import load_adapter


@pytest.fixture(scope="module")
def trial(mono: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
    work = tmp_path_factory.mktemp("csharp")
    with open_adapter(load_adapter("csharp"), work_root=work, log_folder=work / "logs") as subject:
        yield Trial(subject, "sketch_face")


@pytest.mark.parametrize("behaviour", BEHAVIOURS, ids=lambda behaviour: behaviour.name)
def test_the_reference_engine_conforms(trial: Trial, behaviour: Behaviour) -> None:
    finding = try_behaviour(trial, behaviour)
    assert finding.evidence.verdict is Verdict.PASSED, finding.evidence.reason
