"""What Godot does when the bridge turns it away and the message about it is lost: only the close status says why."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engine_bridge.remote.processes.adapters import fill, load_adapter
from engine_bridge.remote.processes.keeper import KeeperOrder
from engine_bridge.remote.processes.preparation import engine_environment, placeholders, prepare, variables
from engine_bridge.remote.processes.process import EngineProcess
from engine_bridge.remote.wire.messages import REFUSALS

GODOTS = ("godot3", "godot4")
UNKNOWN_STATUS = 4099


@pytest.fixture(params=GODOTS)
def godot(
    request: pytest.FixtureRequest, engine_folder: Callable[[str], Path], bare_bridge: Any, tmp_path: Path
) -> Iterator[EngineProcess]:
    """The engine as a process that dials the bare bridge."""
    adapter = load_adapter(request.param)
    work = prepare(adapter, engine_folder(request.param) / "work")
    values = placeholders(adapter, work, ())
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    process = EngineProcess(
        KeeperOrder(
            command=tuple(fill(word, values) for word in adapter.command),
            environment={
                **engine_environment(work, scratch),
                **variables(adapter, values),
                "F2P_BRIDGE_URL": bare_bridge.url,
                "F2P_BRIDGE_TOKEN": "a-token-for-the-tests-of-godot",
            },
            folder=str(work),
            log=str(tmp_path / "godot.log"),
            scratch=str(scratch),
            needs_screen=True,
        )
    )
    yield process
    process.end()


def test_a_status_that_means_never_ends_it_and_any_other_has_it_dial_again(
    godot: EngineProcess, bare_bridge: Any
) -> None:
    for passing in (REFUSALS["busy"], UNKNOWN_STATUS):
        bare_bridge.meet().socket.close(passing, "")
    bare_bridge.meet().socket.close(REFUSALS["bad_build"], "")
    assert godot.wait(timeout_s=15), "it dialled on"
    assert godot.cause() == "it ended with status 3"


@pytest.mark.parametrize("name", GODOTS)
def test_it_knows_every_status_that_means_never(name: str) -> None:
    script = (load_adapter(name).folder / "scripts" / "f2p_bridge.gd").read_text()
    table = re.search(r"^const HOPELESS = \{(.*)\}$", script, re.MULTILINE)
    assert table is not None
    known = {code: int(status) for code, status in re.findall(r'"(\w+)": (\d+)', table[1])}
    assert known == {code: status for code, status in REFUSALS.items() if code != "busy"}
