from __future__ import annotations

import json
import os
import re
import shlex
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import torch

from engine_bridge.errors import InputError
from flows.cli.app import app
from flows.engines.orders import EngineOrder
from flows.monitoring import doctor
from flows.monitoring.checks import IllError, machine, parts, services
from flows.monitoring.doctor import Finding, examine
from flows.settings import DASK_VARIABLE, LIGHTCNN_VARIABLE, STORE_VARIABLE, WEBHOOK_VARIABLE, Settings

Write = Callable[..., Path]
MAKEFILE = Path(__file__).parents[3] / "Makefile"
CHECKS = [name for name in vars(doctor) if name.startswith("check_")]


@pytest.fixture
def home(settings: Settings) -> Settings:
    settings.home.mkdir()
    return settings


@pytest.fixture
def findings(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> list[Finding]:
    """What the doctor says when nothing at all is well."""

    def fail(*_: object, **__: object) -> str:
        raise InputError("gone\nfor good")

    for check in CHECKS:
        monkeypatch.setattr(doctor, check, fail)
    return examine(settings, EngineOrder())


def verbs() -> set[str]:
    commands = {command.name for command in app.registered_commands}
    return {str(name) for name in commands | {group.name for group in app.registered_groups}}


def test_every_ill_finding_is_one_line_and_says_how_to_mend_it(findings: list[Finding]) -> None:
    assert len(findings) == len(CHECKS)
    assert [finding.detail for finding in findings] == ["gone for good"] * len(findings)
    assert all(finding.fix and not finding.ok for finding in findings)


def test_every_command_that_is_advised_exists(findings: list[Finding]) -> None:
    advice = " ; ".join(finding.fix for finding in findings)
    assert set(re.findall(r"\bmake (\w+)", advice)) <= set(re.findall(r"^(\w+):", MAKEFILE.read_text(), flags=re.M))
    assert set(re.findall(r"\bf2p (\w+)", advice)) <= verbs() | {"serve"}


def test_what_a_check_advises_itself_goes_before(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Settings) -> str:
        raise IllError("damaged", "mend --it")

    monkeypatch.setattr(doctor, "check_registry", fail)
    settings.home.mkdir()
    [registry] = [finding for finding in examine(settings, EngineOrder()) if finding.subject == "registry"]
    assert (registry.ok, registry.detail, registry.fix) == (False, "damaged", "mend --it")


def test_a_healthy_home_is_well_in_every_part(home: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "SMALLEST_FREE_GB", 0)
    ill = [finding for finding in examine(home, EngineOrder()) if not finding.ok]
    assert ill == []


def test_the_command_exits_with_2_when_something_is_ill(settings: Settings, f2p: Any) -> None:
    (settings.home / "characters").mkdir(parents=True)
    (settings.home / "characters" / "hero.yaml").write_text("title: [")
    done = f2p("doctor", "--json", home=settings.home)
    assert done.returncode == 2, done.stderr
    [characters] = [finding for finding in json.loads(done.stdout) if finding["subject"] == "characters"]
    assert "hero.yaml:1:" in characters["detail"]
    assert characters["fix"].startswith("f2p characters validate")


# packages, device, disk, clock


def test_a_package_that_is_too_old_or_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = ["numpy>=99", "no-such-package", "torch", 'no-such-package; extra == "dev"', 'x; python_version < "3"']
    monkeypatch.setattr(machine, "requires", lambda _: asked)
    with pytest.raises(
        IllError, match=r"^numpy is [\d.]+, >=99 is needed; no-such-package is not installed$"
    ) as caught:
        machine.check_packages()
    assert caught.value.fix == "make install"


def test_a_driver_without_a_gpu_that_torch_can_use_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    driver = tmp_path / "version"
    monkeypatch.setattr(machine, "NVIDIA_DRIVER", driver)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert "no GPU" in machine.check_device()
    driver.write_text("NVRM")
    with pytest.raises(IllError, match="finds no GPU"):
        machine.check_device()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_is_named_with_its_memory() -> None:
    assert "GiB" in machine.check_device()


def test_a_disk_that_is_almost_full_names_what_frees_it(home: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "SMALLEST_FREE_GB", 1e9)
    with pytest.raises(IllError, match="GB free") as caught:
        machine.check_disk(home)
    assert shlex.split(caught.value.fix)[:2] == ["f2p", "gc"]


def test_a_disk_without_room_for_files_is_told(home: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "SMALLEST_FREE_GB", 0)
    monkeypatch.setattr(machine, "SMALLEST_FREE_FILES", 10**18)
    if not os.statvfs(home.home).f_files:
        pytest.skip("this file system does not count files")
    with pytest.raises(IllError, match="more files only"):
        machine.check_disk(home)


def test_a_home_that_leaves_nothing_behind_is_writable(home: Settings) -> None:
    assert "is writable" in machine.check_home(home)
    assert list(home.home.iterdir()) == []


def test_a_home_that_is_not_there_is_told(settings: Settings) -> None:
    with pytest.raises(IllError, match="No such file"):
        machine.check_home(settings)


def test_the_clock_tells_its_zone(home: Settings) -> None:
    assert re.search(r"UTC[+-]\d{4}", machine.check_clock(home))


def test_a_clock_that_was_set_back_is_told_by_what_was_written_before(home: Settings, write_run: Write) -> None:
    path = write_run("r1")
    os.utime(path, (time.time() + 3600,) * 2)
    with pytest.raises(IllError, match="60 minutes in the future: the clock was set back") as caught:
        machine.check_clock(home)
    assert "timedatectl" in caught.value.fix


def test_a_night_from_the_future_tells_it_too(home: Settings, write_night: Write) -> None:
    write_night("n1", datetime.now(UTC) + timedelta(days=400))
    with pytest.raises(IllError, match="n1 was written"):
        machine.check_clock(home)


def test_a_disk_whose_clock_is_another_is_told(home: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_skew_of_disk", lambda _: -90.0)
    with pytest.raises(IllError, match="-90 s from this machine's clock"):
        machine.check_clock(home)


# weights, registry, store, dask


def test_weights_that_were_given_must_be_readable(tmp_path: Path, settings: Settings) -> None:
    good, bad = tmp_path / "good.pth", tmp_path / "bad.pth"
    torch.save({"w": torch.zeros(1)}, good)
    bad.write_bytes(good.read_bytes()[:100])
    assert "good.pth" in parts.check_weights(Settings(home=settings.home, imagenet_weights=good))
    with pytest.raises(IllError, match=r"bad.pth is missing, cut short") as caught:
        parts.check_weights(Settings(home=settings.home, lightcnn_weights=bad))
    assert LIGHTCNN_VARIABLE in caught.value.fix


def test_no_weights_are_no_fault(settings: Settings) -> None:
    assert "not given: F2P_LIGHTCNN_WEIGHTS" in parts.check_weights(settings)


def test_the_detector_is_tried_on_a_face() -> None:
    assert "finds the face" in parts.check_faces()


def test_a_champion_that_was_changed_is_published_again(published: Settings) -> None:
    assert services.check_registry(published) == "champions tiny 1"
    damage(published.registry / "tiny" / "1" / "schema.json")
    with pytest.raises(IllError, match=r"schema.json was changed") as caught:
        services.check_registry(published)
    assert caught.value.fix.startswith("f2p publish --character tiny --home ")


def test_a_version_that_cannot_be_read_makes_way_for_the_others(published: Settings) -> None:
    version = published.registry / "tiny" / "1"
    damage(version / "bundle.json")
    with pytest.raises(IllError, match=r"not a bundle manifest") as caught:
        services.check_registry(published)
    assert caught.value.fix.startswith(f"rm -r {version}; f2p models rollback --character tiny")


def test_damage_of_any_kind_is_a_finding_and_no_crash(home: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Settings) -> str:
        raise KeyError("versions")

    monkeypatch.setattr(doctor, "check_registry", fail)
    [registry] = [finding for finding in examine(home, EngineOrder()) if finding.subject == "registry"]
    assert not registry.ok
    assert registry.fix.startswith(f"rm {home.registry}/registry.db")


def damage(path: Path) -> None:
    path.chmod(0o644)
    path.write_text("[")


def test_a_store_is_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert STORE_VARIABLE in services.check_store()
    monkeypatch.setenv(STORE_VARIABLE, f"file://{tmp_path}/store")
    assert "can be written to and read" in services.check_store()


def test_a_scheduler_that_does_not_listen_is_told(settings: Settings) -> None:
    assert DASK_VARIABLE in services.check_dask(settings)
    assert services.check_dask(Settings(home=settings.home, dask="local:2")) == "local:2"
    with pytest.raises(OSError, match="refused"):
        services.check_dask(Settings(home=settings.home, dask="tcp://127.0.0.1:1"))


# the server


def test_a_home_without_a_server_starts_its_own(settings: Settings) -> None:
    assert "not made yet" in services.check_server(settings)


def test_the_database_of_our_own_server_must_be_whole(settings: Settings) -> None:
    settings.prefect.mkdir(parents=True)
    database = settings.prefect / "prefect.db"
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE flow_run (id)")
    connection.close()
    assert "each command starts its own; database" in services.check_server(settings)
    database.write_bytes(b"x" * 4096)
    with pytest.raises(IllError, match="not a database") as caught:
        services.check_server(settings)
    assert caught.value.fix.startswith(f"rm {database}")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """A server that says it is Prefect; version and time can be changed."""
    said = {"version": services.version("prefect"), "date": format_datetime(datetime.now(UTC), usegmt=True)}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(said["version"]).encode()
            self.send_response_only(200)
            self.send_header("Date", said["date"])
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        monkeypatch.setenv("PREFECT_API_URL", f"http://me:secret@127.0.0.1:{listening.server_port}/api")
        yield said
        listening.shutdown()
        thread.join()


def test_the_users_server_is_asked_for_its_version(settings: Settings, server: dict[str, str]) -> None:
    told = services.check_server(settings)
    assert told.startswith("yours, http://127.0.0.1:")
    assert told.endswith(f"Prefect {server['version']}")


def test_a_server_of_another_version_is_told(settings: Settings, server: dict[str, str]) -> None:
    server["version"] = "3.1.0"
    with pytest.raises(IllError, match=r"is Prefect 3.1.0, this is") as caught:
        services.check_server(settings)
    assert "secret" not in str(caught.value)
    assert caught.value.fix == "pip install prefect~=3.1.0"


def test_a_server_with_another_clock_is_told(settings: Settings, server: dict[str, str]) -> None:
    server["date"] = format_datetime(datetime.now(UTC) - timedelta(minutes=10), usegmt=True)
    with pytest.raises(IllError, match=r"is -\d+ s from this machine's"):
        services.check_server(settings)


def test_a_server_that_is_away_is_told(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:1/api")
    with pytest.raises(IllError, match=r"does not answer \(ConnectError\)") as caught:
        services.check_server(settings)
    assert caught.value.fix.startswith("unset PREFECT_API_URL")


# webhooks and nights


def test_webhooks_are_named_and_tried_only_when_asked(
    settings: Settings, webhook: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert WEBHOOK_VARIABLE in services.check_webhooks(settings)
    monkeypatch.setenv(WEBHOOK_VARIABLE, webhook.url())
    assert services.check_webhooks(settings) == "webhook 1 (127.0.0.1)"
    assert webhook.received == []
    assert services.check_webhooks(settings, send_test=True) == "webhook 1 (127.0.0.1) took a test notice"
    assert webhook.received[0]["kind"] == "test"


def test_a_webhook_that_refuses_is_ill(settings: Settings, serving: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(403) as server:
        monkeypatch.setenv(WEBHOOK_VARIABLE, server.url())
        with pytest.raises(IllError, match="answered 403"):
            services.check_webhooks(settings, send_test=True)


def test_nights_are_ill_when_the_last_one_is_long_ago(home: Settings, write_night: Write) -> None:
    assert "none yet" in services.check_nights(home)
    path = write_night("n1", datetime.now(UTC) - timedelta(days=3))
    with pytest.raises(IllError, match="at most 36 h"):
        services.check_nights(home)
    path.write_text("{")
    with pytest.raises(IllError, match="cannot be read") as caught:
        services.check_nights(home)
    assert caught.value.fix == f"rm {path}"
