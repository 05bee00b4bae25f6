"""``f2p serve`` for real: one process serves a home, and a person orders through Prefect's API as its page does."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

PATIENCE_S = 240.0
NIGHTS = ("--character", "tiny", "--recipe", "smoke", "--cron", "0 1 * * *")


@dataclass(frozen=True)
class Served:
    """A running ``f2p serve``: its process, its home and what it told when it was ready."""

    process: subprocess.Popen[str]
    home: Path
    told: dict[str, Any]

    def ask(self, path: str, **body: Any) -> Any:
        """What Prefect's API answers: to a POST if there is a body, else to a GET."""
        data = json.dumps(body).encode() if body else None
        with urlopen(Request(f"{self.told['api']}/{path}", data, {"Content-Type": "application/json"})) as answer:
            return json.load(answer)

    def order(self, name: str, **parameters: Any) -> str:
        """Start a deployment's flow; returns the run's id."""
        deployment = self.ask(f"deployments/name/{name}/{name}")
        return str(self.ask(f"deployments/{deployment['id']}/create_flow_run", parameters=parameters)["id"])

    def wait(self, run: str, *states: str) -> dict[str, Any]:
        """The run's state as soon as it is one of these."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            state: dict[str, Any] = self.ask(f"flow_runs/{run}")["state"]
            if state["name"] in states:
                return state
            assert time.monotonic() < deadline, state
            time.sleep(0.5)


@contextmanager
def serving(environment: dict[str, str], home: Path) -> Iterator[Served]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    command = [sys.executable, "-m", "flows.cli", "serve", *NIGHTS, "--port", str(port), "--json", "--home", str(home)]
    with (home.parent / "serve.log").open("a") as log:
        process = subprocess.Popen(
            command, env=environment, text=True, stdout=subprocess.PIPE, stderr=log, start_new_session=True
        )
    try:
        assert process.stdout
        told = process.stdout.readline()
        assert told, (home.parent / "serve.log").read_text()
        yield Served(process, home, json.loads(told))
    finally:
        process.terminate()
        process.communicate()


def processes(home: Path) -> list[int]:
    """Processes whose environment names the home."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            environment = (entry / "environ").read_bytes()
        except OSError:
            continue
        if f"F2P_HOME={home}".encode() in environment.split(b"\0"):
            found.append(int(entry.name))
    return found


def wait_until_gone(home: Path) -> None:
    deadline = time.monotonic() + 40.0
    while processes(home) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert processes(home) == []


@pytest.fixture(scope="module")
def served(
    environment: dict[str, str], migrated: Callable[[Path], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    home = migrated(tmp_path_factory.mktemp("served") / "home")
    with serving(environment, home) as service:
        yield service
        service.process.terminate()
        assert service.process.wait(60) == 0
    wait_until_gone(home)


def test_page_reports_and_metrics_answer_where_it_says(served: Served):
    for page, words in (("page", b"Prefect"), ("reports", b"<h1>Reports</h1>"), ("metrics", b"f2p_info")):
        with urlopen(served.told[page]) as answer:
            assert words in answer.read()


@pytest.mark.parametrize("path", ["/api/health", "/f2p/reports/", "/"])
def test_a_page_elsewhere_cannot_point_its_own_name_at_it(served: Served, path: str):
    with pytest.raises(HTTPError) as refused:
        urlopen(Request(served.told["page"] + path, headers={"Host": "evil.example"}))
    refused.value.close()
    assert refused.value.code == HTTPStatus.BAD_REQUEST


def test_nights_are_scheduled_in_utc(served: Served):
    nightly = served.ask("deployments/name/nightly/nightly")
    [schedule] = nightly["schedules"]
    assert (schedule["schedule"]["cron"], schedule["schedule"]["timezone"]) == ("0 1 * * *", "UTC")
    assert served.told["next_night"].endswith("01:00:00+00:00")
    deadline = time.monotonic() + PATIENCE_S
    while not (coming := served.ask("flow_runs/filter", deployments={"name": {"any_": ["nightly"]}})):
        assert time.monotonic() < deadline
        time.sleep(0.5)
    assert {run["expected_start_time"][11:16] for run in coming} == {"01:00"}


@pytest.mark.parametrize(
    ("name", "parameters", "words"),
    [
        ("build-character", {"character": "tiny", "recipe": "quik"}, "'quik' is not one of"),
        ("build-character", {"character": "nobody"}, "'nobody' is not one of"),
        ("build-character", {"character": "tiny", "count": 3}, "less than the minimum of 10"),
        ("build-character", {"character": "tiny", "seed": -1}, "less than the minimum of 0"),
        ("render", {"character": "tiny"}, "'count' is a required property"),
        ("nightly", {"characters": []}, "[] should be non-empty"),
    ],
)
def test_a_wrong_order_is_refused_by_the_form(served: Served, name: str, parameters: dict[str, Any], words: str):
    with pytest.raises(HTTPError) as refused:
        served.order(name, **parameters)
    assert refused.value.code == HTTPStatus.CONFLICT
    assert words in refused.value.read().decode()


def test_what_is_ordered_in_prefect_is_built_published_and_reported(served: Served):
    run = served.order("build-character", character="tiny", recipe="smoke", count=15)
    state = served.wait(run, "Completed", "Failed", "Crashed")
    assert state["name"] == "Completed", state
    assert [path.name for path in (served.home / "registry" / "tiny").glob("[0-9]*")] == ["1"]
    with urlopen(served.told["reports"]) as answer:
        assert "-tiny-smoke-001.html" in answer.read().decode()


def test_a_mistake_that_no_form_can_see_is_told_in_the_state(served: Served):
    run = served.order("build-character", character="tiny", recipe="smoke", photos="/no/such/folder")
    assert "photos: /no/such/folder is no folder" in served.wait(run, "Failed")["message"]


def test_a_second_service_on_the_home_is_refused(served: Served, environment: dict[str, str]):
    command = [sys.executable, "-m", "flows.cli", "serve", "--port", "1", "--home", str(served.home)]
    second = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert second.returncode == 2, second.stderr
    assert len(second.stderr.splitlines()) == 1


@pytest.fixture
def rendering(environment: dict[str, str], migrated: Callable[[Path], Path], tmp_path: Path) -> Iterator[Any]:
    """A service in which a rendering has begun that cannot be over yet, and its run."""
    home = migrated(tmp_path / "home")
    with serving(environment, home) as service:
        run = service.order("render", character="tiny", count=300, shard_size=5, resolution=128)
        deadline = time.monotonic() + PATIENCE_S
        while not list(home.glob("datasets/*/shard-*.parquet")):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield service, run


@pytest.mark.slow
def test_a_killed_service_leaves_nobody_behind_and_goes_on_when_it_is_started_again(
    rendering: tuple[Served, str], environment: dict[str, str]
):
    service, run = rendering
    service.process.kill()
    service.process.wait()
    wait_until_gone(service.home)
    assert not list(service.home.glob("datasets/*/manifest.json"))
    finished = [rows.with_suffix(".tar") for rows in service.home.glob("datasets/*/shard-*.parquet")]  # written last
    kept = {shard: shard.stat().st_mtime_ns for shard in finished}
    with serving(environment, service.home) as again:
        again.wait(run, "Completed")
    assert all(shard.stat().st_mtime_ns == written for shard, written in kept.items())
    [manifest] = service.home.glob("datasets/*/manifest.json")
    assert json.loads(manifest.read_text())["num_pairs"] == 300


@pytest.mark.slow
@pytest.mark.parametrize(
    "victims",
    [
        ["prefect.engine"],
        ["flows.serving.worker"],
        ["flows.serving.web"],
        ["flows.serving.worker", "flows.serving.web"],
    ],
    ids=" and ".join,
)
def test_whoever_of_a_service_is_killed_is_started_again_and_the_run_is_finished(
    rendering: tuple[Served, str], victims: list[str]
):
    service, run = rendering
    for victim in victims:
        os.kill(process(service.home, victim), signal.SIGKILL)
    wait_until_rendered(service)
    if victims != ["flows.serving.web"]:  # what was told to a server that is away, nobody knows
        service.wait(run, "Completed")


@pytest.mark.slow
def test_a_service_whose_database_is_damaged_gets_a_new_one_that_knows_the_deployments(rendering: tuple[Served, str]):
    service, _ = rendering
    database = service.home / "prefect" / "prefect.db"
    overwrite(database)
    overwrite(database.with_name("prefect.db-wal"))
    deadline = time.monotonic() + PATIENCE_S
    while not (database.with_name("prefect.db.damaged").exists() and (again := order_if_possible(service))):
        assert time.monotonic() < deadline
        assert service.process.poll() is None
        time.sleep(0.5)
    service.wait(again, "Completed")
    wait_until_rendered(service)  # nobody asks the database which work is done


def process(home: Path, module: str) -> int:
    """The home's process that runs the module."""
    [found] = [pid for pid in processes(home) if module in Path(f"/proc/{pid}/cmdline").read_text()]
    return found


def wait_until_rendered(service: Served) -> None:
    """As long as the service itself is there."""
    deadline = time.monotonic() + PATIENCE_S
    while not list(service.home.glob("datasets/*/manifest.json")):
        assert time.monotonic() < deadline
        assert service.process.poll() is None
        time.sleep(0.2)


def overwrite(path: Path) -> None:
    """Noise in the place of a file's pages, as a failing disk leaves it; the file itself stays the same."""
    with path.open("r+b") as stream:
        stream.write(os.urandom(path.stat().st_size))


def order_if_possible(service: Served) -> str | None:
    """A build's run; None as long as the server is away, or has not been told of the deployments."""
    try:
        return service.order("build-character", character="tiny", recipe="smoke", count=15)
    except HTTPError as refused:
        refused.close()
    except (OSError, HTTPException, ValueError):  # cut off in the middle of an answer
        pass
    return None


def test_a_home_that_cannot_be_written_is_told_in_one_line(environment: dict[str, str], tmp_path: Path):
    (tmp_path / "home").write_text("a file")
    command = [sys.executable, "-m", "flows.cli", "serve", "--home", str(tmp_path / "home")]
    called = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert called.returncode == 2
    assert called.stderr.startswith("f2p: home:")


def test_a_port_that_is_taken_is_told_with_the_way_out(environment: dict[str, str], tmp_path: Path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-m", "flows.cli", "serve", "--port", port, "--home", str(tmp_path / "home")]
        called = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
    shutil.rmtree(tmp_path / "home")
    assert called.returncode == 2
    assert f"port: {port} cannot be had (Address already in use); give another with --port" in called.stderr
