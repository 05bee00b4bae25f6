"""A registry whose index, decisions or versions are lost or damaged: what people decided stays decided."""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from f2p_models.bundle_manifest import BundleManifest, hash_files
from f2p_models.decisions import FILE_NAME, Decisions, read_decisions, write_decisions
from f2p_models.errors import BundleError, RegistryError
from f2p_models.index_health import ASIDE_SUFFIX, is_damaged, put_aside_when_damaged
from f2p_models.registry import Registry
from f2p_models.registry_index import RegistryIndex


def make_bundle(folder: Path, weights: str, score: float = 0.5) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "imitator").mkdir(parents=True)
    (folder / "imitator" / "weights").write_text(weights)
    manifest = BundleManifest(
        character="small",
        fingerprint="f",
        resolution=64,
        embedder="dlib",
        code_version="0",
        files=hash_files(folder),
        heldout="set",
        metrics={"score": score},
        parents={},
    )
    (folder / "bundle.json").write_text(json.dumps(manifest.to_dict()))
    return folder


@pytest.fixture(scope="session")
def empty_index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with its tables, which take MLflow seconds to make."""
    path = tmp_path_factory.mktemp("index") / "registry.db"
    RegistryIndex(path).characters()
    return path


@pytest.fixture
def home(empty_index: Path, tmp_path: Path) -> Path:
    """Version 2 is better, and version 1 was made champion by hand."""
    (tmp_path / "registry").mkdir()
    shutil.copy(empty_index, tmp_path / "registry")
    registry = Registry(tmp_path / "registry")
    for number in (1, 2):
        registry.publish("small", make_bundle(tmp_path / "bundle", f"v{number}", 0.1 * number))
    registry.promote("small", 1)
    return tmp_path / "registry"


def listed(home: Path) -> list[tuple[int, bool, str]]:
    return [(version.version, version.is_champion, version.reason) for version in Registry(home).list()]


def champion_of(home: Path) -> int:
    return Registry(home).get("small").version


def test_an_index_that_was_lost_is_made_anew_with_what_was_decided_by_hand(home: Path, empty_index: Path) -> None:
    before = listed(home)
    assert (1, True, "promoted by hand") in before
    elsewhere = home.rename(home.with_name("moved"))  # MLflow keeps databases open by their path
    shutil.copy(empty_index, elsewhere)
    assert listed(elsewhere) == before


@pytest.mark.parametrize("size", [100, 5000, 50_000])
def test_a_database_that_was_cut_is_damaged(empty_index: Path, tmp_path: Path, size: int) -> None:
    assert not is_damaged(empty_index)
    (tmp_path / "cut.db").write_bytes(empty_index.read_bytes()[:size])
    assert is_damaged(tmp_path / "cut.db")


def test_a_database_with_noise_in_it_is_damaged(empty_index: Path, tmp_path: Path) -> None:
    (tmp_path / "noise.db").write_bytes(b"noise" * 200 + empty_index.read_bytes()[1000:])
    assert is_damaged(tmp_path / "noise.db")


def test_damaged_decisions_are_made_anew_from_the_index(home: Path) -> None:
    path = home / "small" / FILE_NAME
    assert json.loads(path.read_text())["champions"] == [1, 2, 1]
    path.write_text(path.read_text().replace("promoted by hand", "promoted by hanD"))
    assert read_decisions(path.parent) is None
    assert champion_of(home) == 1
    assert read_decisions(path.parent) is not None


def test_a_champion_whose_files_are_damaged_is_replaced_by_nobody(home: Path, tmp_path: Path) -> None:
    damaged = home / "small" / "1" / "bundle.json"
    damaged.unlink()
    damaged.write_text("{")
    challenger = Registry(home).publish("small", make_bundle(tmp_path / "bundle", "v3", 0.9))
    assert (challenger.version, challenger.is_champion) == (3, False)
    assert "version 1, the champion, is damaged" in challenger.reason
    assert Registry(home).unscored_champions("small", "f", "another set") == ()


def test_a_version_that_cannot_be_read_keeps_nobody_from_the_others(home: Path, empty_index: Path) -> None:
    """Also when it is not in the index, so that the next call would enter it there."""
    damaged = home / "small" / "2" / "bundle.json"
    damaged.unlink()
    damaged.write_text("{")
    elsewhere = home.rename(home.with_name("moved"))  # MLflow keeps databases open by their path
    shutil.copy(empty_index, elsewhere)
    assert champion_of(elsewhere) == 1
    with pytest.raises(BundleError, match="bundle"):
        Registry(elsewhere).get("small", 2)


def test_versions_of_which_none_can_be_read_have_no_champion(home: Path, empty_index: Path) -> None:
    (home / "small" / FILE_NAME).unlink()
    for version in (1, 2):
        manifest = home / "small" / str(version) / "bundle.json"
        manifest.unlink()
        manifest.write_text("{")
    elsewhere = home.rename(home.with_name("moved"))  # MLflow keeps databases open by their path
    shutil.copy(empty_index, elsewhere)
    with pytest.raises(RegistryError, match="none is champion"):
        champion_of(elsewhere)


def test_a_damaged_version_is_restored_by_publishing_it_again(home: Path, tmp_path: Path) -> None:
    damaged = home / "small" / "1" / "bundle.json"
    damaged.unlink()
    restored = Registry(home).publish("small", make_bundle(tmp_path / "bundle", "v1", 0.1))
    assert (restored.version, restored.is_champion) == (1, True)
    assert sorted(path.name for path in (home / "small").iterdir()) == ["1", "2", FILE_NAME]


def test_a_crash_while_a_version_is_restored_loses_neither(home: Path, tmp_path: Path) -> None:
    (home / "small" / "1").rename(home / "small" / ".damaged-1")
    shutil.copytree(home / "small" / "2", home / "small" / ".staging-1")
    assert champion_of(home) == 1
    assert sorted(path.name for path in (home / "small").iterdir()) == ["1", "2", FILE_NAME]


def test_decisions_survive_writing(tmp_path: Path) -> None:
    decisions = Decisions(champions=(1, 3), reasons={1: "first", 2: "worse", 3: "better"})
    write_decisions(tmp_path, decisions)
    assert read_decisions(tmp_path) == decisions


def test_a_decision_comes_after_those_that_it_follows_whatever_the_clock_says() -> None:
    ahead = Decisions(reasons={1: "first"}, made_at="2999-01-01T00:00:00.000000+00:00")
    later = ahead.with_(1, "rolled back", []).dated()
    assert later.is_later_than(ahead)
    assert not ahead.is_later_than(later)
    assert later.is_later_than(Decisions(reasons={1: "a", 2: "b"}).dated())


def test_decisions_from_before_removals_were_noted_say_what_is_missing(tmp_path: Path) -> None:
    decided = {"champions": [2], "reasons": {"1": "first", "2": "better"}}
    digest = hashlib.sha256(json.dumps(decided, sort_keys=True).encode()).hexdigest()
    (tmp_path / FILE_NAME).write_text(json.dumps({**decided, "sha256": digest}))
    (tmp_path / "2").mkdir()
    found = read_decisions(tmp_path)
    assert found == Decisions(champions=(2,), reasons={1: "first", 2: "better"}, removed=frozenset({1}))
    assert found.highest == 2


def test_a_locked_database_is_not_a_damaged_one(tmp_path: Path) -> None:
    path = tmp_path / "some.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE t (x)")
        connection.commit()
        connection.execute("BEGIN EXCLUSIVE")
        assert not put_aside_when_damaged(path)


def test_a_damaged_database_is_put_aside_with_its_journal(tmp_path: Path) -> None:
    path = tmp_path / "some.db"
    path.write_bytes(b"no database at all" * 100)
    (tmp_path / "some.db-wal").write_bytes(b"x")
    assert put_aside_when_damaged(path)
    assert [found.name for found in tmp_path.iterdir()] == ["some.db" + ASIDE_SUFFIX]
