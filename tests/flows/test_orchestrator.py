from __future__ import annotations

import sys

import pytest

from flows import orchestrator
from flows.cli.app import ENGINE_TROUBLE, main
from flows.orchestrator import OrchestratorError, start_orchestrator
from flows.settings import Settings, prepare_environment


@pytest.fixture
def broken(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A home whose Prefect server ends at once."""
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    monkeypatch.setattr(sys, "executable", "/bin/false")
    prepare_environment(settings)
    return settings


def test_a_server_that_does_not_start_is_named_with_its_log(broken: Settings) -> None:
    with pytest.raises(OrchestratorError, match=f"did not start; {broken.prefect}/server.log says why"):
        start_orchestrator(broken)


def test_a_server_that_does_not_start_is_one_line_and_status_3(
    broken: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main(["publish", "--character", "tiny", "--home", str(broken.home)])
    assert status == ENGINE_TROUBLE
    assert (
        capsys.readouterr().err == f"f2p: Prefect's local server did not start; {broken.prefect}/server.log says why\n"
    )


def test_a_users_own_server_is_taken_as_it_is(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://prefect.studio:4200/api")
    monkeypatch.setattr(orchestrator, "_spawn_server", pytest.fail)
    start_orchestrator(settings)
