"""Real engines as processes, installed by the session where it may, and shared by the tests that need them."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine_bridge.remote.pool.pool import EnginePool, PoolConfig
from engine_bridge.remote.processes.adapters import load_adapter

INFRA = Path(__file__).parents[3] / "infra"
#: Engines that must be there: a test of one of them fails where it would be skipped elsewhere.
REQUIRED = frozenset(filter(None, os.environ.get("F2P_REQUIRE_ENGINES", "").split(",")))


@pytest.fixture(scope="session")
def engine_folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """``engine_folder(adapter)``: where it is prepared, once; the test is skipped where the engine cannot be had."""
    folders: dict[str, Path] = {}

    def call(name: str) -> Path:
        skip_without(name, missing(name))
        if name not in folders:
            folders[name] = tmp_path_factory.mktemp(name)
        return folders[name]

    return call


@pytest.fixture(scope="session")
def open_pool(engine_folder: Callable[[str], Path]) -> Iterator[Callable[..., EnginePool]]:
    """``open_pool(adapter, option=choice)``: a pool of one instance, started once."""
    pools: dict[tuple[str, ...], EnginePool] = {}

    def call(name: str, **options: str) -> EnginePool:
        folder, key = engine_folder(name), (name, *options.values())
        if key not in pools:
            pools[key] = EnginePool(
                load_adapter(name),
                options=options,
                config=PoolConfig(),
                work_root=folder / "work",
                log_folder=folder / "logs",
            )
        return pools[key]

    yield call
    for pool in pools.values():
        pool.close()


def skip_without(name: str, reason: str | None) -> None:
    """Skip the test that needs an engine that is not here, or fail it where the engine must be."""
    if reason and name in REQUIRED:
        pytest.fail(f"F2P_REQUIRE_ENGINES names {name}, which is not here: {reason}")
    if reason:
        pytest.skip(reason)


def missing(name: str) -> str | None:
    """Why an engine cannot be started here, after trying what this session may do about it."""
    if name == "godot4" and (prefix := os.environ.get("F2P_GODOT4_PREFIX")):
        os.environ["PATH"] = f"{prefix}{os.pathsep}{os.environ['PATH']}"
    lacking = load_adapter(name).missing()
    if lacking and name == "godot3" and os.geteuid() == 0 and shutil.which("apt-get"):
        install = subprocess.run(["bash", INFRA / "install_godot3.sh"], capture_output=True, text=True, check=False)
        lacking = load_adapter(name).missing() if install.returncode == 0 else [*lacking, install.stderr[-300:]]
    return "; ".join(lacking) or None
