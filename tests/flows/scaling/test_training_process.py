"""One of several processes that train together, as far as it can be seen alone."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pytest

from f2p_models.training.distributed import Processes
from f2p_models.training.interrupts import AgreedInterrupt
from f2p_models.training.progress import SilentProgress
from flows.leases import lease
from flows.scaling import training_process
from flows.scaling.torchrun import _follow
from flows.scaling.training_process import main
from flows.settings import Settings

Start = Callable[[], int]


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Start:
    """Starts the first process of a group, which ends before it has joined."""
    monkeypatch.setenv("F2P_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setattr(training_process, "open_group", lambda: nullcontext(Processes()))
    monkeypatch.setattr(training_process, "_train", lambda *_: None)
    return lambda: main([str(tmp_path / "order.json"), str(tmp_path / "training")])


@pytest.mark.parametrize(("interrupt", "status"), [(AgreedInterrupt, 0), (KeyboardInterrupt, 130)])
def test_only_an_agreed_end_is_no_failure(
    start: Start,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    interrupt: type[BaseException],
    status: int,
) -> None:
    """Torchrun ends the others when one fails; whoever stopped together may still be leaving."""

    def stop(*_: object) -> None:
        raise interrupt

    monkeypatch.setattr(training_process, "_train", stop)
    assert start() == status
    assert ('{"interrupted": true}' in capsys.readouterr().out) == (status == 0)


def test_the_one_who_asked_learns_of_an_interruption() -> None:
    assert isinstance(_follow([b'{"interrupted": true}\n'], SilentProgress()), KeyboardInterrupt)


def test_a_second_group_waits_for_the_first_and_then_names_it(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(training_process, "OTHERS_S", 0.2)
    locks = Settings.from_environment().locks
    with lease(tmp_path / "training", locks):
        assert start() == 2
    assert f"process {os.getpid()} on" in json.loads(capsys.readouterr().out)["error"]
    assert start() == 0


def test_a_process_that_saves_does_not_mind_that_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    """A parent that was killed has closed both pipes: the one that says so, and the one for progress."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as stream:
        monkeypatch.setattr("sys.stdout", stream)
        progress = training_process._ToldProgress()
        for _ in range(3):
            progress.advance()
