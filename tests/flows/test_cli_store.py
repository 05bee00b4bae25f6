from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from flows.cli import main
from flows.scaling.stores import Store
from flows.settings import Settings


@pytest.fixture
def store(settings: Settings, one_version: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A store that has one version of ``tiny``, and a dataset."""
    store = Store(f"file://{tmp_path}/store")
    store.push(one_version / "tiny" / "1", "registry/tiny/1")
    (tmp_path / "dataset").mkdir()
    (tmp_path / "dataset" / "manifest.json").write_text("{}")
    store.push(tmp_path / "dataset", "datasets/tiny-studio-0")
    monkeypatch.setenv("F2P_STORE", store.url)
    return store


def test_the_store_is_listed(store: Store, settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["store", "list", "--json", "--home", str(settings.home)]) == 0
    assert list(json.loads(capsys.readouterr().out)) == ["datasets/tiny-studio-0", "registry/tiny/1"]


def test_a_machine_that_builds_nothing_fetches_the_champion(
    store: Store, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["store", "fetch", "--character", "tiny", "--home", str(settings.home)]) == 0
    assert capsys.readouterr().out == "tiny: version 1 is the champion\n"


def test_a_damaged_version_is_told_and_not_taken(
    store: Store, settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(next((tmp_path / "store" / "registry").rglob("bundle.json")).parent)
    assert main(["store", "fetch", "--character", "tiny", "--home", str(settings.home)]) == 3
    assert "missing or damaged in the store" in capsys.readouterr().err


def test_what_is_decided_by_hand_is_sent_at_once(
    store: Store, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["store", "fetch", "--character", "tiny", "--home", str(settings.home)]) == 0
    assert main(["models", "promote", "--character", "tiny", "--version", "1", "--home", str(settings.home)]) == 0
    assert store.names("registry/tiny") == ["1", "decisions"]
    assert "tiny: version 1 is now champion" in capsys.readouterr().out


def test_without_a_store_the_way_out_is_told(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["store", "list", "--home", str(settings.home)]) == 2
    assert "F2P_STORE: no store is set" in capsys.readouterr().err
