"""Published versions of two homes with one store: what was removed, decided or damaged in one of them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from engine_bridge.errors import InputError
from f2p_models.bundle_manifest import BundleManifest, hash_files
from f2p_models.registry import Registry
from flows.leases import BusyError, lease
from flows.nights.retention import tidy
from flows.scaling import shared_versions
from flows.scaling.shared_versions import SharedVersions
from flows.scaling.stores import Store, StoreError
from flows.settings import Settings

Home = Callable[[str], Settings]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(f"file://{tmp_path}/store")


@pytest.fixture
def home(tmp_path: Path, one_version: Path) -> Home:
    """``home("a")``: a home of that name; nothing is published in it. MLflow takes seconds to make its tables."""
    index = tmp_path / "empty.db"
    shutil.copy(one_version / "registry.db", index)
    Registry(index.parent / "unused", database=f"sqlite:///{index}")._index._client.delete_registered_model("tiny")

    def build(name: str) -> Settings:
        settings = Settings(home=tmp_path / name)
        if not settings.registry.exists():
            settings.registry.mkdir(parents=True)
            shutil.copy(index, settings.registry / "registry.db")
        return settings

    return build


@pytest.fixture
def publish(tmp_path: Path) -> Callable[..., int]:
    """``publish(home, "content")``: a version of ``tiny`` with that content; its number."""

    def publish(settings: Settings, content: str, score: float = 0.5, heldout: str = "set") -> int:
        folder = tmp_path / "bundles" / content
        folder.mkdir(parents=True)
        (folder / "schema.json").write_text(content)
        manifest = BundleManifest(
            character="tiny", fingerprint="f", resolution=64, embedder="dlib", code_version="0",
            files=hash_files(folder), heldout=heldout, metrics={"score": score}, parents={},
        )  # fmt: skip
        (folder / "bundle.json").write_text(json.dumps(manifest.to_dict()))
        return Registry(settings.registry).publish("tiny", folder).version

    return publish


def shared(settings: Settings, store: Store) -> SharedVersions:
    return SharedVersions(settings, store, "tiny")


def numbers(settings: Settings) -> list[int]:
    return [version.version for version in Registry(settings.registry).list("tiny")]


def champion(settings: Settings) -> int:
    return Registry(settings.registry).get("tiny").version


def overwrite(path: Path, text: str) -> None:
    path.chmod(0o644)
    path.write_text(text)


def test_a_published_version_is_the_champion_in_the_other_home(
    home: Home, store: Store, publish: Callable[..., int]
) -> None:
    publish(home("a"), "first")
    shared(home("a"), store).offer()
    shared(home("b"), store).fetch()
    found = Registry(home("b").registry).get("tiny")
    assert (found.version, found.identity) == (1, Registry(home("a").registry).get("tiny").identity)
    assert all(path.stat().st_mode & 0o222 == 0 for path in found.folder.rglob("*") if path.is_file())


def test_two_versions_of_one_number_are_refused(home: Home, store: Store, publish: Callable[..., int]) -> None:
    publish(home("a"), "first")
    publish(home("b"), "other")
    shared(home("a"), store).offer()
    with pytest.raises(InputError, match="published by another machine"):
        shared(home("b"), store).fetch()


def test_what_was_tidied_away_stays_away_and_the_registry_works(
    home: Home, store: Store, publish: Callable[..., int]
) -> None:
    for content in "abcd":
        publish(home("a"), content)
    shared(home("a"), store).offer()
    tidy(home("a"), keep=1)
    left = [1, 3, 4]  # the best one, that which a rollback returns to, and the last one
    assert numbers(home("a")) == left
    shared(home("a"), store).fetch()
    assert numbers(home("a")) == left
    assert publish(home("a"), "e") == 5


def test_a_fresh_home_takes_versions_with_gaps_between_them(
    home: Home, store: Store, publish: Callable[..., int]
) -> None:
    for content in "abcd":
        publish(home("a"), content)
    for removed in (1, 3):
        Registry(home("a").registry).remove("tiny", removed)
    shared(home("a"), store).offer()
    shared(home("b"), store).fetch()
    assert (numbers(home("b")), champion(home("b"))) == ([2, 4], 4)
    assert publish(home("b"), "e") == 5


def test_a_removed_version_comes_back_when_another_home_made_it_champion(
    home: Home, store: Store, publish: Callable[..., int]
) -> None:
    for content in "abc":
        publish(home("a"), content)
    shared(home("a"), store).offer()
    shared(home("b"), store).fetch()
    published_at = Registry(home("b").registry).get("tiny").published_at
    Registry(home("b").registry).remove("tiny", 1)
    Registry(home("a").registry).promote("tiny", 1)
    shared(home("a"), store).offer()
    shared(home("b"), store).fetch()
    assert (numbers(home("b")), champion(home("b"))) == ([1, 2, 3], 1)
    assert Registry(home("b").registry).get("tiny", 3).published_at == published_at
    assert publish(home("b"), "d") == 4


def test_versions_are_fetched_by_one_process_at_a_time(
    home: Home, store: Store, publish: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(home("a"), "first")
    shared(home("a"), store).offer()
    monkeypatch.setattr(shared_versions, "_FETCH_WAIT_S", 0.0)
    with (
        lease(home("b").registry / "tiny", home("b").locks),
        pytest.raises(BusyError, match="the versions of tiny"),
    ):
        shared(home("b"), store).fetch()


def test_a_version_that_is_damaged_here_is_restored(home: Home, store: Store, publish: Callable[..., int]) -> None:
    publish(home("a"), "first")
    shared(home("a"), store).offer()
    damaged = home("a").registry / "tiny" / "1" / "schema.json"
    overwrite(damaged, "fIrst")
    shared(home("a"), store).fetch()
    assert damaged.read_text() == "first"


def test_what_is_damaged_here_is_not_sent(
    home: Home, store: Store, publish: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    for content in "ab":
        publish(home("a"), content)
    overwrite(home("a").registry / "tiny" / "2" / "schema.json", "B")
    shared(home("a"), store).offer()
    assert store.names("registry/tiny") == ["1"]  # nor are decisions that name it champion
    assert "schema.json was changed after publishing" in " ".join(capsys.readouterr().err.split())


def test_a_damaged_version_in_the_store_is_refused_and_the_others_come(
    home: Home, store: Store, publish: Callable[..., int]
) -> None:
    for content in "ab":
        publish(home("a"), content)
    shared(home("a"), store).offer()
    broken = home("a").registry / "tiny" / "1"
    overwrite(broken / "schema.json", "A")
    store.push(broken, "registry/tiny/1", again=True)
    with pytest.raises(StoreError, match="registry/tiny/1: no whole version"):
        shared(home("b"), store).fetch()
    assert (numbers(home("b")), champion(home("b"))) == ([2], 2)


def test_a_rollback_holds_in_the_other_home(home: Home, store: Store, publish: Callable[..., int]) -> None:
    for content in "ab":
        publish(home("a"), content)
    shared(home("a"), store).offer()
    shared(home("b"), store).fetch()
    assert champion(home("b")) == 2
    Registry(home("a").registry).rollback("tiny")
    shared(home("a"), store).offer()
    for name in ("b", "c"):
        shared(home(name), store).fetch()
        assert champion(home(name)) == 1
        assert "rolled back" in Registry(home(name).registry).get("tiny", 2).reason


def test_of_two_decisions_the_later_one_holds_everywhere(home: Home, store: Store, publish: Callable[..., int]) -> None:
    for content in "ab":
        publish(home("a"), content)
    shared(home("a"), store).offer()
    shared(home("b"), store).fetch()
    Registry(home("a").registry).rollback("tiny")
    Registry(home("b").registry).promote("tiny", 1)
    Registry(home("b").registry).promote("tiny", 2)
    for name in ("b", "a"):  # whoever comes last
        shared(home(name), store).offer()
    for name in ("a", "b", "c"):
        shared(home(name), store).fetch()
    assert [champion(home(name)) for name in ("a", "b", "c")] == [2, 2, 2]


def test_what_was_measured_travels_too(home: Home, store: Store, publish: Callable[..., int]) -> None:
    publish(home("a"), "first", heldout="old")
    registry = Registry(home("a").registry)
    registry.note_score(registry.get("tiny"), "new", 0.3)
    noise = home("a").registry / "tiny" / "noise" / "quick.json"
    noise.parent.mkdir()
    noise.write_text("{}")
    shared(home("a"), store).offer()
    shared(home("b"), store).fetch()
    assert (home("b").registry / "tiny" / "noise" / "quick.json").read_text() == "{}"
    assert publish(home("b"), "second", score=0.1, heldout="new") == 2
    assert "against 0.3000 of version 1, scored anew" in Registry(home("b").registry).get("tiny", 2).reason


def test_decisions_that_nobody_changed_are_not_sent_again(
    home: Home, store: Store, publish: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(home("a"), "first")
    shared(home("a"), store).offer()
    shared(home("b"), store).fetch()
    monkeypatch.setattr(Store, "push", lambda *_, **__: pytest.fail("sent again"))
    for name in ("a", "b"):
        shared(home(name), store).offer()
