"""What ``f2p serve`` does about what ends, with processes and a server that only write down what is asked of them."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest
from prefect.settings import PREFECT_CLIENT_MAX_RETRIES
from prefect.utilities.processutils import command_from_string

from flows.serving import service, supervision, upkeep
from flows.serving.supervision import KeptProcess
from flows.serving.upkeep import Duties, Upkeep, is_healthy


class Service:
    """Server and worker under an upkeep; ``done`` is what was done, in order. ``faults``: duties that fail now."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.faults: set[str] = set()
        self.server, self.worker = Process("server", self.done), Process("worker", self.done)
        self.duties = Duties(
            is_healthy=lambda: self.server.is_running and "health" not in self.faults,
            renew=self._renew,
            is_damaged=lambda: "damage" in self.faults,
            register=self._duty("register"),
            take_over=self._duty("take over"),
            go_on=self._duty("go on"),
        )
        self.upkeep = Upkeep(self.server, self.worker, self.duties)

    def _duty(self, name: str) -> Callable[[], None]:
        def duty() -> None:
            if self.faults & {name, "damage"}:
                raise RuntimeError(f"500: {name} [/api]")
            self.done.append(name)

        return duty

    def _renew(self) -> bool:
        was_damaged = "damage" in self.faults
        self.faults.discard("damage")
        return was_damaged

    def look(self) -> list[str]:
        """What is done at one look."""
        self.done.clear()
        self.upkeep.look()
        return list(self.done)


class Process:
    """One that is due as soon as it has ended."""

    def __init__(self, name: str, done: list[str]) -> None:
        self.name, self.done, self.is_running = name, done, True

    def keep(self, before: Callable[[], bool]) -> bool:
        started = not self.is_running and before()
        if started:
            self.is_running = True
            self.done.append(self.name)
        return started

    def stop(self) -> None:
        self.is_running = False
        self.done.append(f"stop {self.name}")


@pytest.fixture
def serving(monkeypatch: pytest.MonkeyPatch) -> Service:
    monkeypatch.setattr(upkeep, "RECOVER_EVERY_S", 3600.0)
    return Service()


def test_while_all_run_nothing_is_done(serving: Service):
    assert serving.look() == []


def test_what_an_ended_worker_left_is_settled_before_the_next_one_starts(serving: Service):
    serving.worker.is_running = False
    assert serving.look() == ["take over", "worker"]
    assert serving.look() == []


@pytest.mark.parametrize("fault", ["take over", "health"])
def test_a_worker_waits_until_what_is_left_could_be_settled(serving: Service, fault: str):
    serving.worker.is_running = False
    serving.faults.add(fault)
    assert [serving.look(), serving.look()] == [[], []]
    serving.faults.clear()
    assert serving.look() == ["take over", "worker"]


def test_server_and_worker_that_end_together_start_one_after_the_other(serving: Service):
    serving.server.is_running = serving.worker.is_running = False
    serving.faults.add("health")
    assert serving.look() == ["server"]
    serving.faults.clear()
    assert serving.look() == ["take over", "worker"]


def test_a_server_with_a_new_database_is_told_of_the_deployments_again(serving: Service):
    serving.server.is_running = False
    serving.faults |= {"damage", "register"}
    assert serving.look() == ["server"]
    serving.faults.clear()
    assert serving.look() == ["register"]
    assert serving.look() == []


def test_a_worker_does_not_start_on_a_server_that_knows_no_deployments(serving: Service):
    serving.server.is_running = serving.worker.is_running = False
    serving.faults |= {"damage", "register"}
    assert [serving.look(), serving.look()] == [["server"], []]
    serving.faults.clear()
    assert serving.look() == ["register", "take over", "worker"]


def test_a_server_that_runs_on_a_damaged_database_is_ended_and_gets_a_new_one(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(upkeep, "RECOVER_EVERY_S", 0.0)
    serving = Service()
    serving.faults.add("damage")
    assert serving.look() == ["stop server"]
    assert serving.look() == ["server", "register", "go on"]


def test_a_trouble_is_told_once(serving: Service, capsys: pytest.CaptureFixture[str]):
    serving.worker.is_running = False
    serving.faults.add("take over")
    serving.look()
    serving.look()
    captured = capsys.readouterr()
    assert (captured.out + captured.err).count("500: take over [/api]") == 1


def test_a_server_that_only_answers_with_errors_does_not_hold_up_the_rest(serving: Service):
    """Prefect's clients would ask again for more than a minute."""
    retries: list[int] = []
    duties = replace(serving.duties, take_over=lambda: retries.append(PREFECT_CLIENT_MAX_RETRIES.value()))
    serving.worker.is_running = False
    Upkeep(serving.server, serving.worker, duties).look()
    assert retries == [1]


def test_crashed_runs_are_looked_for_now_and_then(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(upkeep, "RECOVER_EVERY_S", 0.0)
    assert Service().look() == ["go on"]


def test_a_kept_process_waits_for_what_is_to_be_done_before(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(supervision, "LONGEST_WAIT_S", 0.0)
    kept = KeptProcess("It", "this")  # the module prints a poem and ends
    kept.start()
    assert kept.process
    first = kept.process.pid
    kept.process.communicate()
    assert not kept.keep(before=lambda: False)
    assert kept.process.pid == first
    assert kept.keep(before=lambda: True)
    assert kept.process.pid != first
    kept.stop()


def test_a_server_is_healthy_when_it_answers():
    class Health(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(HTTPStatus.OK if self.path == "/api/health" else HTTPStatus.NOT_FOUND)
            self.end_headers()
            self.wfile.write(json.dumps(True).encode())

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Health) as server:
        Thread(target=server.handle_request, daemon=True).start()
        assert is_healthy(server.server_port)
    assert not is_healthy(server.server_port)


def test_a_python_whose_path_has_spaces_starts_flows(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "executable", "/opt/my tools/bin/python3")
    assert command_from_string(service.flow_command()) == ["/opt/my tools/bin/python3", "-m", "prefect.engine"]
