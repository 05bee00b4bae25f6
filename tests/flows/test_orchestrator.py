from __future__ import annotations

import os
import sys

import pytest

from flows import orchestrator
from flows.cli.app import ENGINE_TROUBLE, main
from flows.orchestrator import OrchestratorError, start_orchestrator
from flows.settings import Settings, prepare_environment

RETRIES = "PREFECT_CLIENT_MAX_RETRIES"


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
    monkeypatch.delenv(RETRIES, raising=False)
    monkeypatch.setattr(orchestrator, "_spawn_server", pytest.fail)
    start_orchestrator(settings)
    assert RETRIES not in os.environ  # it may be away for a minute and come back


@pytest.mark.parametrize(("given", "used"), [(None, "3"), ("7", "7")])
def test_a_dead_server_of_our_own_is_not_asked_for_minutes(
    broken: Settings, monkeypatch: pytest.MonkeyPatch, given: str | None, used: str
) -> None:
    monkeypatch.setenv(RETRIES, given) if given else monkeypatch.delenv(RETRIES, raising=False)
    with pytest.raises(OrchestratorError):
        start_orchestrator(broken)
    assert os.environ[RETRIES] == used
