from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from prefect.settings import Settings as PrefectSettings

from engine_bridge.errors import InputError
from flows.settings import Settings, prepare_environment, store_address


def test_a_given_home_comes_before_the_environments_and_that_before_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert Settings.from_environment().home == tmp_path / "f2p-home"
    monkeypatch.setenv("F2P_HOME", str(tmp_path / "theirs"))
    assert Settings.from_environment().home == tmp_path / "theirs"
    assert Settings.from_environment(tmp_path / "mine").home == tmp_path / "mine"


def test_the_home_is_absolute_because_worker_processes_may_start_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert Settings.from_environment(Path("here")).home == tmp_path / "here"


def test_a_file_is_refused_as_a_home(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="is a file; give a folder"):
        Settings(home=tmp_path / "file")


def test_a_home_that_cannot_be_written_is_refused_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"cannot write to .* choose another with --home"):
        prepare_environment(Settings(home=tmp_path / "file" / "home"))


def test_every_folder_that_libraries_are_pointed_to_lies_in_the_home(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    prepare_environment(settings)
    for variable in ("PREFECT_HOME", "NUMBA_CACHE_DIR", "XDG_CACHE_HOME", "TORCH_HOME", "MPLCONFIGDIR"):
        assert Path(os.environ[variable]).is_relative_to(settings.home), variable


def test_a_cache_that_the_user_shares_on_purpose_is_kept(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", "/shared/kernels")
    prepare_environment(settings)
    assert os.environ["NUMBA_CACHE_DIR"] == "/shared/kernels"


def test_nobody_is_phoned(settings: Settings) -> None:
    prepare_environment(settings)
    assert os.environ["DO_NOT_TRACK"] == "1"
    assert os.environ["PREFECT_SERVER_ANALYTICS_ENABLED"] == "false"
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"


def test_prefects_server_writes_many_task_states_at_a_time(settings: Settings) -> None:
    """As Prefect itself reads it: a variable that it does not know would change nothing."""
    prepare_environment(settings)
    recorder = PrefectSettings().server.services.task_run_recorder
    assert (recorder.batch_size, recorder.flush_interval) == (100, 2.0)


def test_where_work_is_done_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    alone = Settings.from_environment(tmp_path)
    assert (alone.train_processes, alone.dask, store_address()) == (1, None, None)
    monkeypatch.setenv("F2P_TRAIN_PROCESSES", "8")
    monkeypatch.setenv("F2P_DASK", "local:2")
    monkeypatch.setenv("F2P_STORE", "s3://bucket/f2p")
    shared = Settings.from_environment(tmp_path)
    assert (shared.train_processes, shared.dask, store_address()) == (8, "local:2", "s3://bucket/f2p")
    assert "s3://" not in repr(shared)  # settings are recorded and sent, and an address may hold a password


@pytest.mark.parametrize("count", ["0", "-1", "two", "1.5"])
def test_a_number_of_processes_that_is_none_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, count: str
) -> None:
    monkeypatch.setenv("F2P_TRAIN_PROCESSES", count)
    with pytest.raises(InputError, match=r"F2P_TRAIN_PROCESSES: .* give 1 or more"):
        Settings.from_environment(tmp_path)


def test_importing_the_command_line_imports_nothing_heavy() -> None:
    heavy = ["torch", "prefect", "numpy", "numba", "mlflow"]
    code = f"import sys, flows.cli; print([name for name in {heavy} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
