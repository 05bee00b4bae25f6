from __future__ import annotations

import json
import shutil
import stat
import subprocess
import sys

import pytest

from f2p_models.bundle_manifest import BundleManifest, hash_files
from f2p_models.checkpoints import CARD_FILE, CheckpointCard
from f2p_models.errors import BundleError, RegistryError
from f2p_models.registry import Registry
from f2p_models.registry_index import RegistryIndex
from f2p_models.score_noise import noise_path


@pytest.fixture
def bundle(tmp_path):
    """Makes a finished bundle whose content, score, held-out set, character and recipe can be chosen."""

    def make(weights, score=0.5, heldout="set", *, character="small", fingerprint="f", recipe=None):
        folder = tmp_path / "bundles" / f"{character}-{weights}"
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "imitator").mkdir(parents=True)
        (folder / "imitator" / "weights").write_text(weights)
        if recipe:
            card = CheckpointCard(
                kind="imitator", character=character, schema_fingerprint=fingerprint, recipe=recipe, code_version="0",
                epoch=1,
            )  # fmt: skip
            (folder / "imitator" / CARD_FILE).write_text(card.to_json())
        manifest = BundleManifest(
            character=character, fingerprint=fingerprint, resolution=64, embedder="dlib", code_version="0",
            files=hash_files(folder), heldout=heldout, metrics={"score": score}, parents={"dataset": "d"},
        )  # fmt: skip
        (folder / "bundle.json").write_text(json.dumps(manifest.to_dict()))
        return folder

    return make


@pytest.fixture(scope="session")
def empty_index(tmp_path_factory):
    """A database with its tables, which take MLflow seconds to make."""
    path = tmp_path_factory.mktemp("index") / "registry.db"
    RegistryIndex(path).characters()
    return path


@pytest.fixture
def home(tmp_path, empty_index):
    folder = tmp_path / "home" / "registry"
    folder.mkdir(parents=True)
    shutil.copy(empty_index, folder)
    return folder


@pytest.fixture
def registry(home):
    return Registry(home)


def numbers(versions):
    return [version.version for version in versions]


def test_the_first_version_becomes_champion(registry, bundle):
    published = registry.publish("small", bundle("a", score=0.4))

    assert (published.version, published.is_champion) == (1, True)
    assert published.metrics == {"score": 0.4}
    assert published.parents == {"dataset": "d"}
    assert (published.folder / "imitator" / "weights").read_text() == "a"
    assert registry.get("small") == published


def test_publishing_the_same_content_again_is_the_same_version(registry, bundle):
    first = registry.publish("small", bundle("a"))

    assert registry.publish("small", bundle("a")) == first
    assert numbers(registry.list("small")) == [1]


def test_a_challenger_that_is_not_worse_becomes_champion(registry, bundle):
    registry.publish("small", bundle("a", score=0.50))

    challenger = registry.publish("small", bundle("b", score=0.49))

    assert challenger.is_champion
    assert "not worse: score 0.4900 against 0.5000 of version 1" in challenger.reason


def test_a_worse_challenger_is_kept_and_the_reason_given(registry, bundle):
    registry.publish("small", bundle("a", score=0.50))

    challenger = registry.publish("small", bundle("b", score=0.45))

    assert not challenger.is_champion
    assert "worse by more than 0.02" in challenger.reason
    assert registry.get("small").version == 1
    assert registry.get("small", 2).folder.is_dir()


def test_small_steps_down_do_not_add_up(registry, bundle):
    for weights, score in (("a", 0.50), ("b", 0.49), ("c", 0.475)):
        last = registry.publish("small", bundle(weights, score=score))

    assert not last.is_champion
    assert registry.get("small").version == 2


def test_scores_on_different_heldout_sets_are_not_compared(registry, bundle):
    registry.publish("small", bundle("a", score=0.1, heldout="one"))

    challenger = registry.publish("small", bundle("b", score=0.9, heldout="other"))

    assert not challenger.is_champion
    assert "held-out set" in challenger.reason


def test_the_first_version_of_a_changed_schema_becomes_champion(registry, bundle):
    registry.publish("small", bundle("a", score=0.9))

    assert registry.publish("small", bundle("b", score=0.1, fingerprint="changed")).is_champion


def test_publishing_again_mends_a_damaged_version(registry, bundle):
    damaged = registry.publish("small", bundle("a"))
    (damaged.folder / "imitator" / "weights").chmod(0o644)
    (damaged.folder / "imitator" / "weights").write_text("broken")

    mended = registry.publish("small", bundle("a"))

    assert mended.version == damaged.version
    assert (mended.folder / "imitator" / "weights").read_text() == "a"


def test_rollback_restores_the_previous_champion_and_says_so(registry, bundle):
    for weights in "ab":
        registry.publish("small", bundle(weights))

    restored = registry.rollback("small")

    assert (restored.version, restored.is_champion) == (1, True)
    assert registry.get("small").version == 1
    assert "rolled back to version 1" in registry.get("small", 2).reason


def test_rollback_goes_back_through_promotions(registry, bundle):
    for weights, score in (("a", 0.5), ("b", 0.1), ("c", 0.5)):
        registry.publish("small", bundle(weights, score=score))
    registry.promote("small", 2)

    assert [registry.rollback("small").version, registry.rollback("small").version] == [3, 1]
    with pytest.raises(RegistryError, match="no earlier champion"):
        registry.rollback("small")


def test_promoting_the_champion_changes_nothing(registry, bundle):
    published = registry.publish("small", bundle("a"))

    assert registry.promote("small", 1) == published


def test_a_version_does_not_change_with_the_folder_it_came_from(registry, bundle):
    source = bundle("a")
    published = registry.publish("small", source)

    (source / "imitator" / "weights").write_text("changed")

    assert (published.folder / "imitator" / "weights").read_text() == "a"


def test_published_files_are_read_only(registry, bundle):
    published = registry.publish("small", bundle("a"))

    modes = {stat.S_IMODE(path.stat().st_mode) for path in published.folder.rglob("*") if path.is_file()}
    assert modes == {0o444}


def test_characters_have_versions_of_their_own(registry, bundle):
    registry.publish("small", bundle("a"))
    registry.publish("large", bundle("a", character="large"))

    assert [(v.character, v.version) for v in registry.list()] == [("large", 1), ("small", 1)]


def test_the_home_can_be_moved(registry, bundle, home):
    registry.publish("small", bundle("a"))
    registry.publish("small", bundle("b", score=0.1))

    moved = Registry(home.rename(home.with_name("moved")))

    assert [v.is_champion for v in moved.list("small")] == [True, False]
    assert moved.get("small").folder.is_dir()
    assert moved.publish("small", bundle("c")).version == 3


@pytest.mark.parametrize("step", ["add", "set_champions", "set_tag"])
def test_a_crash_while_registering_is_mended_by_the_next_call(registry, bundle, home, monkeypatch, step):
    registry.publish("small", bundle("a", score=0.3))

    def crash(*args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(RegistryIndex, step, crash)
        with pytest.raises(KeyboardInterrupt):
            registry.publish("small", bundle("b", score=0.5))

    mended = Registry(home)
    assert numbers(mended.list("small")) == [1, 2]
    assert mended.get("small").version == 2
    assert "0.3000 of version 1" in mended.get("small").reason


def test_a_crash_while_copying_leaves_no_version(registry, bundle, home, monkeypatch):
    def crash(*args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("f2p_models.registry._seal", crash)
        with pytest.raises(KeyboardInterrupt):
            registry.publish("small", bundle("a"))

    assert Registry(home).publish("small", bundle("b")).version == 1
    assert [path.name for path in (home / "small").iterdir() if path.is_dir()] == ["1"]


def test_a_lost_index_is_rebuilt_from_the_folders(registry, bundle, home):
    for weights, score in (("a", 0.5), ("b", 0.2)):
        registry.publish("small", bundle(weights, score=score))
    (home / "registry.db").unlink()

    rebuilt = Registry(home)

    assert [(v.version, v.is_champion) for v in rebuilt.list("small")] == [(1, True), (2, False)]


def test_processes_that_publish_at_once_get_versions_of_their_own(bundle, home):
    publish = "import sys, pathlib, f2p_models.registry as r; a, b = map(pathlib.Path, sys.argv[1:])"
    publish += "; r.Registry(a).publish('small', b)"
    writers = [subprocess.Popen([sys.executable, "-c", publish, home, bundle(weights)]) for weights in "ab"]

    assert [writer.wait() for writer in writers] == [0, 0]
    assert numbers(Registry(home).list("small")) == [1, 2]


def test_nothing_is_written_outside_the_registry(bundle, tmp_path, monkeypatch):
    home = tmp_path / "new" / "registry"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    monkeypatch.setenv("HOME", str(elsewhere))

    Registry(home).publish("small", bundle("a"))

    assert list(elsewhere.iterdir()) == []
    assert sorted(path.name for path in home.iterdir()) == [".lock", "registry.db", "small"]


def test_listing_an_empty_home_writes_nothing(tmp_path):
    home = tmp_path / "nothing-here"

    assert list(Registry(home).list()) == []
    assert not home.exists()


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda r: r.get("small", 7), r"no 7; published are \[1\]"),
        (lambda r: r.get("small", "best"), "no 'best'"),
        (lambda r: r.get("other"), "nothing is published yet"),
        (lambda r: r.promote("small", 2), "no 2"),
        (lambda r: r.get("../small"), "no name of a character"),
    ],
)
def test_a_version_that_is_not_there_is_refused_with_those_that_are(registry, bundle, ask, message):
    registry.publish("small", bundle("a"))

    with pytest.raises(RegistryError, match=message):
        ask(registry)


def test_a_bundle_of_another_character_is_refused(registry, bundle):
    with pytest.raises(RegistryError, match="made for 'small', not for 'large'"):
        registry.publish("large", bundle("a"))


def test_a_damaged_bundle_is_not_published(registry, bundle, home):
    folder = bundle("a")
    (folder / "imitator" / "weights").write_text("changed")

    with pytest.raises(BundleError, match="was changed"):
        registry.publish("small", folder)
    assert list(registry.list()) == []


def test_a_champion_without_a_score_on_a_new_held_out_set_is_found_and_scored(registry, bundle):
    champion = registry.publish("small", bundle("a", score=0.5, heldout="old"))
    assert registry.unscored_champions("small", "f", "old") == ()
    assert registry.unscored_champions("small", "another schema", "new") == ()
    assert registry.unscored_champions("small", "f", "new") == (champion,)

    registry.note_score(champion, "new", 0.3)

    assert registry.unscored_champions("small", "f", "new") == ()
    challenger = registry.publish("small", bundle("b", score=0.35, heldout="new"))
    assert challenger.is_champion
    assert "against 0.3000 of version 1, scored anew" in challenger.reason


def test_nothing_published_has_no_unscored_champion(registry):
    assert registry.unscored_champions("small", "f", "set") == ()


def test_small_steps_down_do_not_add_up_across_engine_builds(registry, bundle):
    """Every build has a held-out set of its own, and what is the best on the last one is scored on the next."""
    registry.publish("small", bundle("a", score=0.50, heldout="build 0"))
    for build, weights in enumerate("bcd"):
        registry.publish("small", bundle(weights, score=0.49, heldout=f"build {build}"))
        unscored = registry.unscored_champions("small", "f", f"build {build + 1}")
        assert numbers(unscored) == [build + 2, 1]
        for champion in unscored:
            registry.note_score(champion, f"build {build + 1}", 0.50 if champion.version == 1 else 0.49)
        assert registry.superseded("small", 1) == [*range(2, build + 1)]  # version 1 stays, whose score is the bar

    last = registry.publish("small", bundle("e", score=0.475, heldout="build 3"))

    assert "score 0.4750 against 0.5000 of version 1, scored anew" in last.reason
    assert not last.is_champion


def test_a_damaged_noise_stops_no_version(registry, bundle, home):
    registry.publish("small", bundle("a", score=0.50))
    noise = noise_path(home, "small", "quick")
    noise.parent.mkdir(parents=True)
    noise.write_text("{half")

    published = registry.publish("small", bundle("b", score=0.49, recipe="quick"))

    assert published.is_champion
    assert "the noise of quick cannot be read" in published.reason


def test_a_version_is_kept_back_until_somebody_promotes_it(registry, bundle):
    registry.publish("small", bundle("a", score=0.5))
    assert registry.publish("small", bundle("b", score=0.4)).is_kept_back
    assert not registry.promote("small", 2).is_kept_back
    registry.rollback("small")
    assert not registry.get("small", 2).is_kept_back
