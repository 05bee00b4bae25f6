"""Leases: one owner at a time, named to others, gone with its process; and no clock that anybody has to trust."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from engine_bridge.errors import InputError
from flows import leases
from flows.engines.orders import EngineOrder
from flows.leases import BusyError, holder, lease
from flows.recipes import smoke
from flows.runs import open_run
from flows.settings import Settings

PATIENCE_S = 60.0
#: Holds the lease of the first argument until it is killed, and says when it has it.
HOLD = """
import pathlib, sys, time
from flows.leases import lease
with lease(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), run="night-7"):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "tiny-imitator-0123"


@pytest.fixture
def locks(tmp_path: Path) -> Path:
    return tmp_path / "locks"


@contextmanager
def held(folder: Path, locks: Path) -> Iterator[subprocess.Popen[str]]:
    """By another process."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, folder, locks], text=True, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def owner_file(locks: Path) -> Path:
    [path] = locks.glob("*.owner")
    return path


def left_by(folder: Path, locks: Path, **other: object) -> Path:
    """An owner's file as somebody else leaves it."""
    with lease(folder, locks):
        path = owner_file(locks)
        text = json.dumps(json.loads(path.read_text()) | {"pid": 77} | other)
    path.write_text(text)
    return path


def of_another_machine(folder: Path, locks: Path) -> Path:
    """The file of a machine whose locks this one does not see."""
    return left_by(folder, locks, machine="other-boot", host="render-3", installation="other")


def of_an_earlier_boot(folder: Path, locks: Path) -> Path:
    """The file that a power cut of this machine leaves."""
    return left_by(folder, locks, machine="earlier-boot")


@contextmanager
def beating(path: Path) -> Iterator[None]:
    """Its owner lives."""
    over = threading.Event()

    def beat() -> None:
        while not over.wait(0.02):
            os.utime(path)

    thread = threading.Thread(target=beat)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@pytest.fixture(autouse=True)
def a_known_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not every container has the file; and two machines at the same moment settle it sooner than in seconds."""
    machine_id = tmp_path / "machine-id"
    machine_id.write_text("0123456789abcdef\n")
    monkeypatch.setattr(leases, "_MACHINE_ID", machine_id)
    monkeypatch.setattr(leases, "_SETTLE_S", 0.3)


def test_the_other_owner_is_named_with_process_host_and_run(folder: Path, locks: Path) -> None:
    with held(folder, locks) as other, pytest.raises(BusyError) as refused, lease(folder, locks):
        pass
    message = str(refused.value)
    assert f"{folder}: another f2p process is working on it: process {other.pid} on " in message
    assert "(night-7), since 20" in message
    assert "UTC; wait for that one to end" in message
    assert isinstance(refused.value, InputError)
    assert refused.value.owner is not None
    assert refused.value.owner.pid == other.pid


def test_a_killed_owner_leaves_nothing_to_wait_for(folder: Path, locks: Path) -> None:
    with held(folder, locks) as other:
        other.send_signal(signal.SIGKILL)
        other.wait(PATIENCE_S)
        assert owner_file(locks).exists()
        with lease(folder, locks) as owner:
            assert owner.pid == os.getpid()


def test_a_waiting_process_takes_over_from_a_killed_one(folder: Path, locks: Path) -> None:
    with held(folder, locks) as other:
        threading.Timer(0.3, other.kill).start()
        with lease(folder, locks, wait_s=PATIENCE_S) as owner:
            assert owner.pid == os.getpid()


def test_waiting_ends_in_time(folder: Path, locks: Path) -> None:
    with held(folder, locks), pytest.raises(BusyError), lease(folder, locks, wait_s=0.2):
        pass


def test_two_threads_are_two_owners(folder: Path, locks: Path) -> None:
    with lease(folder, locks), pytest.raises(BusyError, match=f"process {os.getpid()} on"), lease(folder, locks):
        pass


def test_it_is_free_again_afterwards_and_leaves_no_owner(folder: Path, locks: Path) -> None:
    for _ in range(2):
        with lease(folder, locks):
            assert owner_file(locks).exists()
        assert list(locks.glob("*.owner")) == []


def test_other_folders_are_other_leases(folder: Path, locks: Path) -> None:
    with lease(folder, locks), lease(folder.with_name("tiny-segmenter-0123"), locks):
        pass


def test_a_silent_owner_of_another_machine_expires(folder: Path, locks: Path) -> None:
    of_another_machine(folder, locks)
    with lease(folder, locks, expiry_s=0.2) as owner:
        assert owner.pid == os.getpid()


def test_an_owner_of_another_machine_that_still_beats_is_not_robbed(folder: Path, locks: Path) -> None:
    path = of_another_machine(folder, locks)
    with (
        beating(path),
        pytest.raises(BusyError, match="process 77 on render-3"),
        lease(folder, locks, expiry_s=PATIENCE_S),
    ):
        pass


@pytest.mark.parametrize("written", [0.0, 4e9], ids=["1970", "2096"])
def test_what_a_wrong_clock_wrote_does_not_matter(folder: Path, locks: Path, written: float) -> None:
    path = of_another_machine(folder, locks)
    os.utime(path, (written, written))
    assert holder(folder, locks, expiry_s=None) is not None
    with lease(folder, locks, expiry_s=0.2) as owner:
        assert owner.pid == os.getpid()


def test_after_a_power_cut_nobody_is_waited_for(folder: Path, locks: Path) -> None:
    of_an_earlier_boot(folder, locks)
    began = time.monotonic()
    assert holder(folder, locks) is None
    assert holder(folder, locks, expiry_s=None) is None
    with lease(folder, locks) as owner:
        assert owner.pid == os.getpid()
    assert time.monotonic() - began < leases.EXPIRY_S / 2


def test_two_machines_of_one_name_are_not_taken_for_one(
    folder: Path, locks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_an_earlier_boot(folder, locks)
    monkeypatch.setattr(leases, "_MACHINE_ID", locks / "none")
    assert holder(folder, locks, expiry_s=None) is not None
    (locks / "machine-id").write_text("another one\n")
    monkeypatch.setattr(leases, "_MACHINE_ID", locks / "machine-id")
    assert holder(folder, locks, expiry_s=None) is not None


def test_a_silent_owner_of_another_machine_holds_nothing_for_ever(folder: Path, locks: Path) -> None:
    of_another_machine(folder, locks)
    assert holder(folder, locks, expiry_s=0.2) is None


def test_a_holder_on_another_machine_is_named_as_long_as_it_beats(folder: Path, locks: Path) -> None:
    path = of_another_machine(folder, locks)
    with beating(path):
        found = holder(folder, locks, expiry_s=PATIENCE_S)
    assert found is not None
    assert found.host == "render-3"


def test_the_same_silence_is_waited_for_only_once(folder: Path, locks: Path) -> None:
    path = of_another_machine(folder, locks)
    assert holder(folder, locks, expiry_s=0.2) is None
    assert holder(folder, locks, expiry_s=PATIENCE_S) is None
    os.utime(path, (1, 1))
    with beating(path):
        assert holder(folder, locks, expiry_s=PATIENCE_S) is not None


@pytest.mark.parametrize("has_locks", [True, False], ids=["locks of one machine", "no locks"])
@pytest.mark.parametrize("has_links", [True, False], ids=["hard links", "no hard links"])
@pytest.mark.parametrize("is_left_over", [True, False], ids=["taken over", "free"])
def test_of_two_machines_that_claim_it_at_once_one_gets_it(
    folder: Path, locks: Path, monkeypatch: pytest.MonkeyPatch, *, has_locks: bool, has_links: bool, is_left_over: bool
) -> None:
    """Each machine is a thread here: neither sees the other's lock."""

    def refuse(*_: object) -> None:
        raise OSError(leases.errno.EOPNOTSUPP, "Operation not supported")

    both_look = threading.Barrier(2)
    watch = leases._watch

    def watch_at_once(*arguments: object, **options: object) -> object:
        found = watch(*arguments, **options)  # type: ignore[arg-type]
        both_look.wait(PATIENCE_S)
        return found

    if is_left_over:
        of_another_machine(folder, locks)
    monkeypatch.setattr(leases.fcntl, "flock", (lambda *_: None) if has_locks else refuse)
    monkeypatch.setattr(leases, "_watch", watch_at_once)
    if not has_links:
        monkeypatch.setattr(leases.os, "link", refuse)
    both_have_tried = threading.Barrier(2)
    got: list[bool] = []

    def claim() -> None:
        try:
            with lease(folder, locks, expiry_s=0.1):
                got.append(True)
                both_have_tried.wait(PATIENCE_S)
        except BusyError:
            got.append(False)
            both_have_tried.wait(PATIENCE_S)

    machines = [threading.Thread(target=claim) for _ in range(2)]
    for machine in machines:
        machine.start()
    for machine in machines:
        machine.join(PATIENCE_S)
    assert sorted(got) == [False, True]


def test_no_wall_clock_is_asked_how_long_something_took() -> None:
    """A clock that is set back, or an hour that comes twice, ends no lease and keeps none alive."""
    source = Path(leases.__file__).read_text()
    assert "time.time" not in source
    assert source.count("datetime.now(UTC)") == 1  # for people
    assert "datetime.now()" not in source


def test_an_owner_shows_that_it_lives(folder: Path, locks: Path) -> None:
    with lease(folder, locks, beat_s=0.02):
        path = owner_file(locks)
        os.utime(path, (0, 0))
        deadline = time.monotonic() + PATIENCE_S
        while path.stat().st_mtime == 0:
            assert time.monotonic() < deadline
            time.sleep(0.01)


def test_an_owner_whose_file_was_tidied_away_writes_it_again(folder: Path, locks: Path) -> None:
    with lease(folder, locks, beat_s=0.02):
        path = owner_file(locks)
        path.unlink()
        deadline = time.monotonic() + PATIENCE_S
        while not path.exists():
            assert time.monotonic() < deadline
            time.sleep(0.01)


def test_an_owner_that_was_robbed_leaves_the_robbers_file(
    folder: Path, locks: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with lease(folder, locks):
        path = owner_file(locks)
        robbed = json.loads(path.read_text()) | {"token": "another", "machine": "other-boot"}
        path.write_text(json.dumps(robbed))
    assert json.loads(path.read_text()) == robbed


def test_a_damaged_owner_file_names_nobody_and_stops_nobody(folder: Path, locks: Path) -> None:
    with lease(folder, locks):
        path = owner_file(locks)
    path.write_bytes(b"\xff{")
    assert holder(folder, locks) is None
    with lease(folder, locks):
        pass


def test_the_holder_can_be_asked_for_without_taking_the_lease(folder: Path, locks: Path) -> None:
    locks.mkdir()
    assert holder(folder, locks) is None
    with held(folder, locks) as other:
        found = holder(folder, locks)
        assert found is not None
        assert (found.pid, found.run) == (other.pid, "night-7")
    assert holder(folder, locks) is None


def test_a_second_run_of_a_character_is_refused_before_it_has_done_anything(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    refused = open_run(settings, character="tiny", engine=EngineOrder(), recipe=smoke(), only_one=True)
    with (
        lease(settings.runs / "tiny", settings.locks),
        pytest.raises(BusyError, match=r"^run of tiny: another f2p process is working on it"),
        refused,
    ):
        pass
    assert not settings.runs.exists()


def test_a_home_that_is_mounted_elsewhere_has_the_same_leases(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "locks").mkdir(parents=True)
    with lease(home / "checkpoints" / "x", home / "locks"):
        here = owner_file(home / "locks").name
    home.rename(tmp_path / "mounted")
    with lease(tmp_path / "mounted" / "checkpoints" / "x", tmp_path / "mounted" / "locks"):
        assert owner_file(tmp_path / "mounted" / "locks").name == here


def test_file_systems_without_locks_have_the_owners_file(
    folder: Path, locks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(leases.errno.ENOLCK, "No locks available")

    monkeypatch.setattr(leases.fcntl, "flock", refuse)
    with lease(folder, locks) as owner:
        assert json.loads(owner_file(locks).read_text())["token"] == owner.token
        left = owner_file(locks).read_text()
    owner_file_again = locks / f"{next(locks.glob('*.lock')).stem}.owner"
    owner_file_again.write_text(left)  # as a killed process leaves it
    began = time.monotonic()
    with lease(folder, locks, expiry_s=0.2):
        assert time.monotonic() - began >= 0.2
