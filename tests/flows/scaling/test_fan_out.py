from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from threading import Timer

import pytest

from engine_bridge.errors import EngineBuildChangedError, EngineError, InputError
from engine_bridge.mock import MockEngine
from f2p_datasets.rendering import DatasetPlan, render_shard
from f2p_datasets.shards import finished_shard
from flows.engines.orders import EngineOrder
from flows.scaling import fan_out
from flows.scaling.fan_out import FanOut, collect, dask_task_runner, fanned_out, render
from flows.scaling.stores import StoreError
from flows.settings import Settings

F2p = Callable[..., "subprocess.CompletedProcess[str]"]
RENDER = ("render", "--character", "tiny", "--count", "12", "--resolution", "64", "--shard-size", "3", "--seed", "7")


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def plan() -> DatasetPlan:
    schema = MockEngine().describe("tiny")
    return DatasetPlan(schema=schema, count=6, seed=3, resolution=64, shard_size=3)


@pytest.fixture
def order(settings: Settings, plan: DatasetPlan, tmp_path: Path) -> Iterator[FanOut]:
    key = plan.key(MockEngine())
    with fanned_out(settings, EngineOrder(), plan, tmp_path / "dataset", key=key, ahead=False) as order:
        yield order


@pytest.fixture
def unseen(order: FanOut, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FanOut:
    """The order as a worker has it that sees another disk, with a home of its own."""
    monkeypatch.setenv("F2P_HOME", str(tmp_path / "worker"))
    monkeypatch.setenv("F2P_STORE", f"file://{tmp_path}/store")
    return replace(order, folder=tmp_path / "elsewhere" / "dataset")


@pytest.fixture
def expected(plan: DatasetPlan, tmp_path: Path) -> dict[str, bytes]:
    render_shard(MockEngine(), plan, 1, tmp_path / "expected")
    return contents(tmp_path / "expected")


def test_a_worker_that_sees_the_folder_writes_there(order: FanOut, expected: dict[str, bytes]) -> None:
    record = render(order, 1)
    collect(order, record)
    assert {name: data for name, data in contents(order.folder).items() if not name.endswith(".tmp")} == expected


def test_a_worker_that_does_not_see_it_sends_its_shard_through_the_store(
    unseen: FanOut, order: FanOut, expected: dict[str, bytes], tmp_path: Path
) -> None:
    record = render(unseen, 1)
    assert contents(tmp_path / "worker" / "cache" / "fan-out") == {}
    collect(replace(order, settings=unseen.settings), record)
    assert {name: data for name, data in contents(order.folder).items() if not name.endswith(".tmp")} == expected
    assert contents(tmp_path / "store") == {}


@pytest.mark.parametrize("store", [None, "file:///nowhere"])
@pytest.mark.parametrize("late", ["shard-000001.tar", "shard-000001.parquet"])
def test_a_shard_that_another_machine_has_just_written_may_be_seen_late(
    order: FanOut, tmp_path: Path, late: str, store: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if store:
        monkeypatch.setenv("F2P_STORE", f"file://{tmp_path}/store")
    record = render(order, 1)
    (order.folder / late).rename(tmp_path / late)
    appearing = Timer(0.3, (tmp_path / late).rename, [order.folder / late])
    appearing.start()
    collect(order, record)
    appearing.join()
    assert finished_shard(order.folder, 1, order.key) == record


def test_a_shard_that_never_appears_is_told(order: FanOut, monkeypatch: pytest.MonkeyPatch) -> None:
    record = render(order, 1)
    (order.folder / record.name).unlink()
    monkeypatch.setattr(fan_out, "APPEARING_S", 0.0)
    with pytest.raises(EngineError, match=r"shard-000001\.tar was rendered but did not appear"):
        collect(order, record)


def test_a_shard_that_was_lost_on_its_way_is_told(
    unseen: FanOut, order: FanOut, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = render(unseen, 1)
    shutil.rmtree(tmp_path / "store")
    monkeypatch.setattr(fan_out, "APPEARING_S", 0.0)
    with pytest.raises(StoreError, match=r"shard-000001\.tar was rendered but did not arrive"):
        collect(replace(order, settings=unseen.settings), record)


def test_a_damaged_delivery_leaves_nothing_in_the_dataset(unseen: FanOut, order: FanOut, tmp_path: Path) -> None:
    record = render(unseen, 1)
    [tar] = (tmp_path / "store").rglob("shard-000001.tar")
    tar.write_bytes(tar.read_bytes()[:-1] + b"!")
    with pytest.raises(StoreError, match="damaged in the store"):
        collect(replace(order, settings=unseen.settings), record)
    assert list(order.folder.glob("shard-*")) == []


def test_without_a_shared_folder_or_a_store_there_is_no_way_back(
    unseen: FanOut, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("F2P_STORE")
    with pytest.raises(InputError, match=r"does not see .* set F2P_STORE"):
        render(unseen, 1)


def test_a_worker_of_another_build_is_refused(order: FanOut) -> None:
    with pytest.raises(EngineBuildChangedError, match="install the same everywhere"):
        render(replace(order, key="0123456789abcdef"), 1)


def test_the_mark_in_the_folder_goes_with_the_order(settings: Settings, plan: DatasetPlan, tmp_path: Path) -> None:
    with fanned_out(settings, EngineOrder(), plan, tmp_path / "dataset", key="0", ahead=False) as order:
        assert order.is_shared
    assert list((tmp_path / "dataset").iterdir()) == []


@pytest.mark.parametrize("address", ["", "local", "local:0", "local:two", "2", "http://host:8786", "tcp:"])
def test_an_address_that_is_none_is_refused(settings: Settings, address: str) -> None:
    with pytest.raises(InputError, match=r"F2P_DASK: .* is neither"):
        dask_task_runner(replace(settings, dask=address))


def test_workers_elsewhere_need_a_server_that_they_can_reach(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:4200/api")
    with pytest.raises(InputError, match="cannot reach the Prefect server"):
        dask_task_runner(replace(settings, dask="tcp://render-1.studio:8786"))
    dask_task_runner(replace(settings, dask="tcp://127.0.0.1:8786"))
    monkeypatch.setenv("PREFECT_API_URL", "http://prefect.studio:4200/api")
    dask_task_runner(replace(settings, dask="tcp://render-1.studio:8786"))


@pytest.mark.slow
def test_two_workers_of_dask_give_the_bytes_of_a_single_process(
    f2p: F2p, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]
) -> None:
    alone = f2p(*RENDER, "--workers", "1", home=tmp_path / "alone")
    assert alone.returncode == 0, alone.stderr
    monkeypatch.setitem(environment, "F2P_DASK", "local:2")
    fanned = f2p(*RENDER, home=tmp_path / "fanned")
    assert fanned.returncode == 0, fanned.stderr
    first, second = contents(tmp_path / "alone" / "datasets"), contents(tmp_path / "fanned" / "datasets")
    assert len(first) == 4 * 2 + 2
    assert first == second
