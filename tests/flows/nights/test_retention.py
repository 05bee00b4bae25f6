"""What may go, and above all what may not."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from engine_bridge.errors import InputError
from f2p_models.bundle_manifest import BundleManifest, hash_files
from f2p_models.errors import RegistryError
from f2p_models.registry_index import RegistryIndex
from flows import leases
from flows.engines.orders import EngineOrder
from flows.leases import lease
from flows.nights import retention
from flows.nights.retention import FINAL_FILES, Tidied, find_removals, folder_bytes, remove, tidy
from flows.planning.plan import plan_run
from flows.published import open_registry
from flows.recipes import smoke
from flows.runs import open_run
from flows.settings import Settings

KINDS = {"studio": "datasets", "photo-like": "datasets", "heldout-photos": "datasets", "template": "datasets"} | {
    "imitator": "checkpoints",
    "segmenter": "checkpoints",
    "translator": "checkpoints",
    "priors": "checkpoints",
    "evaluation": "evaluations",
    "version": "evaluations",
    "champion-heldout-photos": "datasets",
    "rescoring": "evaluations",
}
Output = Callable[..., Path]


@pytest.fixture
def output(settings: Settings) -> Output:
    """``output("studio", "a")``: a finished output of that stage, whose key is that letter sixteen times."""

    def make(stage: str, letter: str, *, finished: bool = True, character: str = "tiny") -> Path:
        folder = settings.home / KINDS[stage] / f"{character}-{stage}-{letter * 16}"
        folder.mkdir(parents=True)
        (folder / "data").write_bytes(b"x" * 100)
        if finished:
            (folder / FINAL_FILES[stage]).write_text("{}")
        return folder

    return make


@pytest.fixture(scope="session")
def empty_index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with its tables, which take seconds to make."""
    path = tmp_path_factory.mktemp("index") / "registry.db"
    RegistryIndex(path).characters()
    return path


@pytest.fixture
def publish(settings: Settings, tmp_path: Path, empty_index: Path) -> Callable[..., int]:
    """``publish("a", score=0.5)``: a version with that content; the number it got."""
    settings.registry.mkdir(parents=True)
    shutil.copy(empty_index, settings.registry)

    def make(content: str, *, score: float = 0.5, heldout: str = "set", parents: dict[str, str] | None = None) -> int:
        folder = tmp_path / "bundles" / content
        (folder / "imitator").mkdir(parents=True)
        (folder / "imitator" / "weights").write_text(content)
        manifest = BundleManifest(
            character="tiny", fingerprint="f", resolution=64, embedder="dlib", code_version="0",
            files=hash_files(folder), heldout=heldout, metrics={"score": score}, parents=parents or {},
        )  # fmt: skip
        (folder / "bundle.json").write_text(json.dumps(manifest.to_dict()))
        return open_registry(settings).publish("tiny", folder).version

    return make


def step_of(folder: Path, stage: str) -> dict[str, Any]:
    key = folder.name.rsplit("-", 1)[-1]
    return {"title": "", "stage": stage, "key": key, "folder": str(folder), "cached": False, "seconds": 1.0}


@pytest.fixture
def ran(settings: Settings) -> Callable[..., None]:
    """``ran("r1", studio=folder)``: the record of a run with these outputs."""

    def make(
        run_id: str,
        status: str = "finished",
        started: datetime | None = None,
        *,
        recipe: str = "smoke",
        engine: str = "mock",
        in_use: Path | str = "",
        **outputs: Path,
    ) -> None:
        folder = settings.runs / run_id
        folder.mkdir(parents=True)
        record = {
            "run_id": run_id,
            "character": "tiny",
            "recipe": recipe,
            "engine": f"{engine} b1",
            "ordered_engine": engine,
            "in_use": str(in_use),
            "seed": 0,
            "started": (started or datetime.now(UTC)).isoformat(),
            "status": status,
            "steps": [step_of(path, stage.replace("_", "-")) for stage, path in outputs.items()],
        }
        (folder / "run.json").write_text(json.dumps(record))
        time.sleep(0.01)  # ids are told apart by the age of their folders

    return make


def going(settings: Settings, **options: Any) -> set[Path]:
    return {removal.folder for removal in find_removals(settings, **options)}


def make_old(folder: Path, days: float) -> None:
    then = time.time() - days * 86_400
    for path in (*folder.rglob("*"), folder):
        os.utime(path, (then, then))


def test_an_output_that_nothing_needs_goes_and_its_bytes_are_counted(settings: Settings, output: Output) -> None:
    folder = output("studio", "a")
    [removal] = find_removals(settings)
    assert (removal.folder, removal.num_bytes, removal.why) == (folder, 102, "nothing needs it")
    assert tidy(settings) == Tidied(num_bytes=102)
    assert not folder.exists()


@pytest.mark.parametrize("stage", FINAL_FILES)
def test_every_stage_s_outputs_are_known(settings: Settings, output: Output, stage: str) -> None:
    folder = output(stage, "a")
    [removal] = find_removals(settings)
    assert (removal.folder, removal.character) == (folder, "tiny")


def test_the_last_run_keeps_what_it_made_and_found(
    settings: Settings, output: Output, ran: Callable[..., None]
) -> None:
    before, last = output("studio", "a"), output("studio", "b")
    ran("r1", studio=before)
    ran("r2", studio=last)
    assert going(settings) == {before}


def test_a_short_run_after_it_does_not_cost_the_last_training(
    settings: Settings, output: Output, ran: Callable[..., None]
) -> None:
    networks = {network: output(network, "a") for network in ("imitator", "segmenter", "translator")}
    ran("r1", **networks)
    ran("r2", studio=output("studio", "a"))
    assert going(settings) == set()


def test_what_somebody_ordered_for_itself_stays_whoever_runs_after_it(
    settings: Settings, output: Output, ran: Callable[..., None]
) -> None:
    ordered = [output("studio", letter) for letter in "ab"]
    for number, folder in enumerate(ordered):
        ran(f"r{number}", started=datetime.now(UTC) - timedelta(days=90), recipe="render", studio=folder)
    ran("r2", studio=output("studio", "c"))
    assert going(settings) == set()


def test_the_last_run_with_an_engine_stays_however_it_ended(
    settings: Settings, output: Output, ran: Callable[..., None]
) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=30)
    before, rendered = output("studio", "a"), output("studio", "b")
    ran("r1", "failed", long_ago, engine="e1", studio=before)
    ran("r2", "failed", long_ago, engine="e1", studio=rendered)
    ran("r3", engine="e2", studio=output("studio", "c"))
    assert going(settings) == {before}


@pytest.mark.parametrize("status", ["failed", "refused", "interrupted", "running"])
def test_what_an_unfinished_run_finished_has_a_week_s_grace(
    settings: Settings, output: Output, ran: Callable[..., None], status: str
) -> None:
    fresh, old = output("studio", "a"), output("studio", "b")
    ran("r1", status, datetime.now(UTC) - timedelta(days=8), studio=old)
    ran("r2", status, datetime.now(UTC) - timedelta(days=6), studio=fresh)
    ran("r3", studio=output("studio", "c"))
    assert going(settings) == {old}


def test_a_run_that_takes_weeks_keeps_what_it_found(
    settings: Settings, output: Output, ran: Callable[..., None]
) -> None:
    found, in_use = output("studio", "a"), output("imitator", "a")
    ran("r1", "running", datetime.now(UTC) - timedelta(days=30), studio=found, in_use=in_use)
    ran("r2", studio=output("studio", "c"))
    with lease(settings.runs / "r1", settings.locks):
        assert going(settings) == set()
    assert going(settings) == {found, in_use}


def test_a_run_under_way_keeps_its_outputs_but_not_for_ever(
    settings: Settings, output: Output, ran: Callable[..., None]
) -> None:
    fresh, killed = output("studio", "a"), output("studio", "b")
    ran("r1", "running", datetime.now(UTC) - timedelta(days=30), studio=killed)
    ran("r2", "running", studio=fresh)
    ran("r3", studio=output("studio", "c"))
    assert going(settings) == {killed}


def test_the_champion_keeps_what_it_was_made_of(settings: Settings, output: Output, publish: Any) -> None:
    parents = {"studio": "a" * 16, "imitator": "b" * 16, "engine": "mock b1"}
    kept = {output("studio", "a"), output("imitator", "b")}
    unneeded = output("studio", "c")
    publish("first", parents=parents)
    assert going(settings) == {unneeded}
    assert kept.isdisjoint(going(settings))


def test_a_challenger_s_parents_go(settings: Settings, output: Output, publish: Any) -> None:
    publish("champion", score=0.5)
    publish("worse", score=0.1, parents={"studio": "a" * 16})
    folder = output("studio", "a")
    assert going(settings) == {folder}


def test_of_versions_the_last_stay_and_the_champion_and_the_one_before(settings: Settings, publish: Any) -> None:
    for number in range(5):
        publish(f"v{number}", score=0.5 + number / 100)
    publish("v5", score=0.1)  # a challenger
    gone = {removal.version for removal in find_removals(settings, keep=1)}
    assert gone == {1, 2, 3}  # 5 is champion, 4 the one before, 6 the last
    tidy(settings, keep=1)
    registry = open_registry(settings)
    assert [version.version for version in registry.list("tiny")] == [4, 5, 6]
    assert registry.get("tiny").version == 5
    assert registry.rollback("tiny").version == 4
    assert publish("next", score=0.6) == 7


def test_a_champion_cannot_be_removed(settings: Settings, publish: Any) -> None:
    number = publish("only")
    with pytest.raises(RegistryError, match="is the champion; promote another one first"):
        open_registry(settings).remove("tiny", number)
    assert open_registry(settings).get("tiny").version == number


def test_the_best_champion_stays_as_the_measure_of_challengers(settings: Settings, publish: Any) -> None:
    for content, score in [("a", 0.50), ("best", 0.55), ("c", 0.545), ("d", 0.54), ("e", 0.535)]:
        publish(content, score=score)
    assert {removal.version for removal in find_removals(settings, keep=1)} == {1, 3}


def test_a_lost_index_is_rebuilt_around_the_versions_that_went(
    settings: Settings, publish: Any, empty_index: Path
) -> None:
    for number in range(4):
        publish(f"v{number}", score=0.5 + number / 100)
    tidy(settings, keep=1)
    shutil.copy(empty_index, settings.registry / "registry.db")
    assert [version.version for version in open_registry(settings).list("tiny")] == [3, 4]


def test_a_version_that_the_last_run_published_stays_or_every_night_would_publish_it_again(
    settings: Settings, output: Output, publish: Any, ran: Callable[..., None]
) -> None:
    numbers = [publish(f"v{number}", score=0.5 + number / 100) for number in range(5)]
    note = output("version", "a")
    (note / "version.json").write_text(json.dumps({"version": numbers[1]}))
    networks = {network: output(network, "a") for network in ("imitator", "segmenter", "translator")}
    ran("r1", **networks, version=note)
    assert {removal.version for removal in find_removals(settings, keep=1)} == {1, 3}


def test_a_note_goes_with_its_version(settings: Settings, output: Output, publish: Any) -> None:
    notes = [output("version", letter) for letter in "abc"]
    for note, score in zip(notes, (0.50, 0.51, 0.52), strict=True):
        (note / "version.json").write_text(json.dumps({"version": publish(note.name, score=score)}))
    assert going(settings, keep=1) == {notes[0], settings.registry / "tiny" / "1"}


def test_unfinished_work_stays_for_a_week(settings: Settings, output: Output) -> None:
    fresh, old = output("imitator", "a", finished=False), output("imitator", "b", finished=False)
    make_old(old, 8)
    make_old(fresh, 6)
    [removal] = find_removals(settings)
    assert removal.folder == old
    assert removal.why == "unfinished, untouched for more than 7 days"


def test_what_somebody_works_on_stays(settings: Settings, output: Output) -> None:
    folder = output("studio", "a")
    with lease(folder, settings.locks):
        assert going(settings) == set()
    assert going(settings) == {folder}


def test_what_somebody_worked_on_before_a_power_cut_is_tidied(
    settings: Settings, output: Output, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "machine-id").write_text("0123456789abcdef")
    monkeypatch.setattr(leases, "_MACHINE_ID", tmp_path / "machine-id")
    monkeypatch.setattr(leases, "_SETTLE_S", 0.0)
    folder = output("studio", "a")
    with lease(folder, settings.locks):
        [path] = settings.locks.glob("*.owner")
        text = json.dumps(json.loads(path.read_text()) | {"machine": "earlier-boot"})
    path.write_text(text)
    assert tidy(settings).num_bytes > 0
    assert not folder.exists()


def test_what_somebody_begins_to_work_on_meanwhile_stays(settings: Settings, output: Output) -> None:
    [removal] = find_removals(settings) if output("studio", "a") else []
    with lease(removal.folder, settings.locks):
        assert not remove(settings, removal)
    assert removal.folder.is_dir()


def test_what_a_run_finds_meanwhile_stays(settings: Settings, output: Output, ran: Callable[..., None]) -> None:
    folder = output("studio", "a")
    [removal] = find_removals(settings)
    ran("r1", "running", studio=folder)
    assert not remove(settings, removal)
    assert folder.is_dir()


def test_what_a_run_begins_to_verify_while_it_is_judged_stays(
    settings: Settings, output: Output, ran: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run looks last before the lease is taken, so the record is read after it."""
    folder = output("studio", "a")
    [removal] = find_removals(settings)

    def take(*given: Any, **options: Any) -> Any:
        ran("r1", "running", in_use=folder)
        return lease(*given, **options)

    monkeypatch.setattr(retention, "lease", take)
    assert not remove(settings, removal)
    assert folder.is_dir()


def test_what_a_run_is_verifying_stays(settings: Settings, output: Output) -> None:
    """For minutes it is neither a step of the record nor leased."""
    folder = output("studio", "a")
    with open_run(settings, character="tiny", recipe=smoke(), engine=EngineOrder()) as run:
        [removal] = find_removals(settings)
        with run.step("Render", "studio", "a" * 16, folder, {}):
            assert going(settings) == set()
            assert not remove(settings, removal)


def test_one_that_cannot_be_removed_keeps_no_other(
    settings: Settings, output: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck, other = output("studio", "a"), output("studio", "b")

    def take(folder: Path, *given: Any, **options: Any) -> Any:
        if folder == stuck:
            raise PermissionError("not yours")
        return lease(folder, *given, **options)

    monkeypatch.setattr(retention, "lease", take)
    tidied = tidy(settings)
    assert tidied.troubles == (f"{stuck.name}: not yours",)
    assert stuck.is_dir()
    assert not other.exists()


def damage(settings: Settings, version: int) -> None:
    manifest = settings.registry / "tiny" / str(version) / "bundle.json"
    manifest.unlink()
    manifest.write_text("{")


def test_a_version_that_cannot_be_read_stays_and_the_others_are_tidied(
    settings: Settings, output: Output, publish: Any
) -> None:
    for number in range(4):
        publish(f"v{number}", score=0.5 + number / 100)
    unneeded = output("studio", "c")
    damage(settings, 1)
    assert going(settings, keep=1) == {unneeded, settings.registry / "tiny" / "2"}
    assert tidy(settings, keep=1).troubles == ()
    assert open_registry(settings).get("tiny").version == 4


def test_of_a_character_whose_champion_cannot_be_read_all_stays_and_of_others_nothing_does(
    settings: Settings, output: Output, publish: Any
) -> None:
    mine, other = output("studio", "a"), output("studio", "a", character="justice_girl")
    damage(settings, publish("only", parents={"studio": "a" * 16}))
    tidied = tidy(settings)
    assert mine.is_dir()
    assert not other.exists()
    [trouble] = tidied.troubles
    assert trouble.startswith("tiny: ")
    assert tidy(settings, characters={"justice_girl"}).troubles == ()


@pytest.mark.parametrize(
    "name",
    [
        f"datasets/tiny-photos-{'a' * 16}",
        f"datasets/tiny-parsing-{'a' * 16}",
        f"evaluations/tiny-verification-{'a' * 16}",
        "datasets/my-own-pairs",
        "datasets/tiny-studio-abc",
        f"creations/tiny-studio-{'a' * 16}",
        f"reports/tiny-studio-{'a' * 16}",
        f"tiny-studio-{'a' * 16}",
    ],
)
def test_what_is_not_the_pipeline_s_is_left_alone(settings: Settings, name: str) -> None:
    folder = settings.home / name
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text("{}")
    make_old(folder, 1000)
    assert going(settings) == set()


def test_a_link_to_data_elsewhere_is_left_alone(settings: Settings, output: Output, tmp_path: Path) -> None:
    elsewhere = output("studio", "a").rename(tmp_path / "elsewhere")
    (settings.datasets / f"tiny-studio-{'a' * 16}").symlink_to(elsewhere)
    assert tidy(settings).num_bytes == 0
    assert (elsewhere / "data").is_file()


def test_only_the_characters_that_are_asked_for_are_tidied(settings: Settings, output: Output) -> None:
    mine, other = output("studio", "a"), output("studio", "a", character="justice_girl")
    assert going(settings, characters={"tiny"}) == {mine}
    assert going(settings) == {mine, other}


def test_a_removal_that_was_killed_is_finished_by_the_next(settings: Settings, output: Output) -> None:
    output("studio", "a").rename(settings.datasets / f".removing-tiny-studio-{'a' * 16}")
    tidy(settings)
    assert list(settings.datasets.iterdir()) == []


def test_a_removal_that_fails_leaves_no_half_of_an_output(
    settings: Settings, output: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = output("studio", "a")

    def killed(_path: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(retention.shutil, "rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            tidy(settings)
    assert not folder.exists()
    tidy(settings)
    assert list(settings.datasets.iterdir()) == []


def test_an_empty_home_has_nothing_to_tidy(settings: Settings) -> None:
    assert tidy(settings) == Tidied(num_bytes=0)
    assert not settings.registry.exists()


def test_at_least_one_version_stays(settings: Settings) -> None:
    with pytest.raises(InputError, match="keep"):
        find_removals(settings, keep=0)


def test_bytes_of_a_folder_are_those_of_its_files(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "file").write_bytes(b"x" * 7)
    assert folder_bytes(tmp_path / "a") == 7


def test_after_tidying_a_finished_home_all_is_still_there(finished_copy: Path, f2p: Any) -> None:
    """Through the command line: first what would go, then for real."""
    settings = Settings(home=finished_copy)
    stale = finished_copy / "datasets" / f"tiny-studio-{'f' * 16}"
    stale.mkdir()
    (stale / "manifest.json").write_text("{}")
    for run in (finished_copy / "runs").iterdir():
        shutil.rmtree(run)  # the champion alone keeps what it was made of
    told: subprocess.CompletedProcess[str] = f2p("gc", "--dry-run", home=finished_copy)
    assert str(stale) in told.stdout
    assert "would free 0.0 MB in 1 folders (2 bytes)" in told.stdout
    assert stale.is_dir()
    result = json.loads(f2p("gc", "--json", home=finished_copy).stdout)
    assert [Path(removal["folder"]) for removal in result["removals"]] == [stale]
    assert not stale.exists()
    plan = plan_run(settings, character="tiny", recipe=smoke(), engine=EngineOrder())
    assert plan.to_do == ()
