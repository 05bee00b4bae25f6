"""Real engines as processes, installed by the session where it may, and shared by the tests that need them."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine_bridge.remote.adapters import load_adapter
from engine_bridge.remote.pool import EnginePool, PoolConfig

INFRA = Path(__file__).parents[3] / "infra"


@pytest.fixture(scope="session")
def open_pool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], EnginePool]]:
    """``open_pool(adapter)``: a pool of one instance, started once; the test is skipped where it cannot be had."""
    pools: dict[str, EnginePool] = {}

    def call(name: str) -> EnginePool:
        if reason := missing(name):
            pytest.skip(reason)
        if name not in pools:
            folder = tmp_path_factory.mktemp(name)
            pools[name] = EnginePool(
                load_adapter(name), config=PoolConfig(), work_root=folder / "work", log_folder=folder / "logs"
            )
        return pools[name]

    yield call
    for pool in pools.values():
        pool.close()


def missing(name: str) -> str | None:
    """Why an engine cannot be started here, after trying what this session may do about it."""
    if name == "godot4" and (prefix := os.environ.get("F2P_GODOT4_PREFIX")):
        os.environ["PATH"] = f"{prefix}{os.pathsep}{os.environ['PATH']}"
    lacking = load_adapter(name).missing()
    if lacking and name == "godot3" and os.geteuid() == 0 and shutil.which("apt-get"):
        install = subprocess.run(["bash", INFRA / "install_godot3.sh"], capture_output=True, text=True, check=False)
        lacking = load_adapter(name).missing() if install.returncode == 0 else [*lacking, install.stderr[-300:]]
    return "; ".join(lacking) or None
