"""Fixtures of the flows' tests: a home of one's own, and the command line in a process of its own."""

from __future__ import annotations

import importlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from engine_bridge.mock import MockEngine
from f2p_models.bundle_manifest import BundleManifest, hash_files
from f2p_models.registry import Registry
from flows.engines.orders import studio_renderer
from flows.settings import Settings

F2p = Callable[..., "subprocess.CompletedProcess[str]"]
#: Verbs that need Prefect's server.
ORCHESTRATED = ("run", "nightly", "render", "train", "publish", "evaluate")


@pytest.fixture(autouse=True)
def _same_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The command line sets variables for the libraries it starts; no other test is to see them."""
    monkeypatch.delenv("F2P_HOME", raising=False)
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home")


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """For child processes: an empty user home, compiled kernels, and one thread each because the networks are tiny."""
    _compile_kernels()
    return {**os.environ, "HOME": str(tmp_path_factory.mktemp("user")), "OMP_NUM_THREADS": "1"}


def _compile_kernels() -> None:
    """Into the cache that all tests share: compiling them takes longer than any test may."""
    engine = MockEngine()
    studio_renderer(engine, "tiny", 64)([engine.describe("tiny").default_vector()])


@pytest.fixture(scope="session")
def f2p(environment: dict[str, str], migrated: Callable[[Path], Path]) -> F2p:
    """``f2p(*arguments, home=...)`` in a process of its own."""

    def call(*arguments: str | Path, home: Path) -> subprocess.CompletedProcess[str]:
        if arguments[0] in ORCHESTRATED:
            migrated(home)
        command = [sys.executable, "-m", "flows.cli", *map(str, arguments), "--home", str(home)]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=280, check=False)

    return call


@dataclass(frozen=True)
class Finished:
    """A home in which the smoke run has ended, and what it printed."""

    home: Path
    result: dict[str, Any]


@pytest.fixture(scope="session")
def finished(f2p: F2p, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """Shared by all tests of a session: copy what is to be changed."""
    home = tmp_path_factory.mktemp("smoke") / "home"
    order = ("run", "--character", "tiny", "--recipe", "smoke", "--workers", "2", "--photo", "sample", "--json")
    run = f2p(*order, home=home)
    assert run.returncode == 0, run.stderr
    return Finished(home, json.loads(run.stdout))


@pytest.fixture
def finished_copy(finished: Finished, tmp_path: Path) -> Path:
    """A copy of the finished home that a test may change: files are links, so delete and write anew."""
    shutil.copytree(
        finished.home,
        tmp_path / "finished",
        copy_function=os.link,
        ignore=shutil.ignore_patterns("prefect", "cache", "logs", "registry.db"),
    )
    shutil.copy(finished.home / "registry" / "registry.db", tmp_path / "finished" / "registry")
    return tmp_path / "finished"


@pytest.fixture
def serving(monkeypatch: pytest.MonkeyPatch) -> Any:
    """``with serving(500, 404) as server``: a web server that takes notices; see ``webhook_server.py``."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    monkeypatch.setenv("no_proxy", "127.0.0.1,localhost")
    return importlib.import_module("webhook_server").serving


@pytest.fixture
def webhook(serving: Any) -> Iterator[Any]:
    """A web server that takes every notice."""
    with serving() as server:
        yield server


@pytest.fixture
def write_night(settings: Settings) -> Callable[..., Path]:
    """``write_night("n1", started, "finished", tiny="published")``: a night's record as the nightly flow leaves it."""

    def write(
        night_id: str, started: datetime, status: str = "finished", seconds: float = 3600.0, **outcomes: str
    ) -> Path:
        path = settings.home / "nights" / night_id / "night.json"
        path.parent.mkdir(parents=True)
        characters = [
            {"character": name, "status": outcome, "reason": "", "run_id": "", "version": None, "seconds": 1.0}
            for name, outcome in outcomes.items()
        ]
        record = {"night_id": night_id, "started": started.isoformat(), "status": status, "seconds": seconds}
        path.write_text(json.dumps({**record, "characters": characters}))
        return path

    return write


@pytest.fixture
def write_run(settings: Settings) -> Callable[..., Path]:
    """``write_run("r1", status="refused", gates=[...])``: a run's record, with what monitoring reads of it."""

    def write(run_id: str, **changes: Any) -> Path:
        path = settings.runs / run_id / "run.json"
        path.parent.mkdir(parents=True)
        record = {"run_id": run_id, "character": "tiny", "status": "finished", "started": "2026-11-20T00:00:00+00:00"}
        path.write_text(json.dumps({**record, "steps": [], "gates": [], **changes}))
        return path

    return write


@pytest.fixture(scope="session")
def one_version(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry with one version of ``tiny``; MLflow takes seconds to make its tables."""
    bundle = tmp_path_factory.mktemp("bundle")
    (bundle / "schema.json").write_text("{}")
    manifest = BundleManifest(
        character="tiny",
        fingerprint="f",
        resolution=64,
        embedder="dlib",
        code_version="0",
        files=hash_files(bundle),
        heldout="set",
        metrics={"score": 0.5},
        parents={},
    )
    (bundle / "bundle.json").write_text(json.dumps(manifest.to_dict()))
    folder = tmp_path_factory.mktemp("registry") / "registry"
    Registry(folder).publish("tiny", bundle)
    return folder


@pytest.fixture
def published(settings: Settings, one_version: Path) -> Settings:
    """A home with one version of ``tiny``."""
    shutil.copytree(one_version, settings.registry)
    return settings
