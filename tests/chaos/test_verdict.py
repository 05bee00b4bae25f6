"""The chaos would find what it looks for: half-written, missing, changed, left-over files, and a wrong champion."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from flows.leases import lease
from infra.soak import chaos_scene
from infra.soak.chaos_faults import twins
from infra.soak.chaos_home import FinishedHome, contents_of, copy_home, finished_shards
from infra.soak.chaos_scene import BrokenPromiseError, Findings, MissedError, Scene, UnavailableError
from infra.soak.damage import DAMAGES
from infra.soak.forked_runs import ForkedRun

ROOT = Path(__file__).parents[2]
SHARD = "datasets/tiny-studio-01/shard-000000.tar"
VERSIONS = {"1": ("aa", True), "2": ("bb", False)}


@pytest.fixture
def finished(tmp_path: Path) -> FinishedHome:
    home = tmp_path / "finished" / "home"
    for name in (SHARD, "datasets/tiny-studio-01/shard-000000.parquet", "checkpoints/tiny-imitator-02/weights"):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(name)
    (home / "registry").mkdir()
    (home / "registry" / "registry.db").write_text("index")
    return FinishedHome(
        home=home,
        contents=contents_of(home),
        versions=VERSIONS,
        decided=VERSIONS,
        steps={"studio": Path("datasets/tiny-studio-01")},
        seconds={"studio": 1.0},
        remote=Path("datasets/tiny-studio-03"),
        changes=Counter(),
    )


@pytest.fixture
def scene(finished: FinishedHome, tmp_path: Path) -> Scene:
    return Scene(finished, tmp_path / "scene", server="", database=tmp_path / "prefect.db")


def found_in(scene: Scene) -> Findings:
    found = Findings()
    scene.compare_contents(found)
    return found


def test_an_undisturbed_copy_is_fine(scene: Scene) -> None:
    assert found_in(scene) == Findings()


def test_a_copy_shares_its_artifacts_but_no_database(finished: FinishedHome, scene: Scene) -> None:
    assert (scene.home / SHARD).samefile(finished.home / SHARD)
    assert not (scene.home / "registry/registry.db").samefile(finished.home / "registry/registry.db")


def test_a_copy_on_another_disk_is_a_real_one(
    finished: FinishedHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    copy_home(finished.home, tmp_path / "copy")
    assert contents_of(tmp_path / "copy") == finished.contents


def test_missing_pairs_are_lost_pairs(scene: Scene) -> None:
    (scene.home / SHARD).unlink()
    found = found_in(scene)
    assert found.problems == [f"missing in the end: {SHARD}"]
    assert found.pairs_lost == 5


def test_other_bytes_are_found(scene: Scene) -> None:
    DAMAGES["a byte flipped"](scene.home / SHARD, np.random.default_rng(0))
    assert found_in(scene).problems == [f"other bytes than undisturbed: {SHARD}"]


def test_what_is_left_over_is_found(scene: Scene) -> None:
    (scene.home / "checkpoints/tiny-imitator-02/bundle").write_text("half")
    assert found_in(scene).problems == ["left over: checkpoints/tiny-imitator-02/bundle"]


@pytest.mark.parametrize(
    ("there", "problem"),
    [
        ({"1": ("aa", True), "2": ("cc", False)}, "version 2 was never made"),
        ({"1": ("aa", False), "2": ("bb", True)}, r"the registry lists 1, 2 \(champion\) instead of 1 \(champion\), 2"),
        ({}, "the registry lists nothing instead of"),
    ],
)
def test_wrong_publications_are_found(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, there: dict[str, tuple[str, bool]], problem: str
) -> None:
    monkeypatch.setattr(chaos_scene, "stored_versions", lambda *_: there)
    found = Findings()
    scene.compare_versions(found)
    assert found.wrong_publications == 1
    with pytest.raises(AssertionError, match=problem):
        assert found.problems == []


def test_a_shard_that_was_rendered_again_is_another_file(scene: Scene) -> None:
    before = finished_shards(scene.home / "datasets/tiny-studio-01")
    kept = scene.home / SHARD
    shutil.copy(kept, kept.with_suffix(".new"))
    kept.with_suffix(".new").replace(kept)
    assert finished_shards(kept.parent).keys() == before.keys()
    assert finished_shards(kept.parent) != before


@pytest.mark.parametrize("how", DAMAGES)
def test_damage_never_reaches_the_files_that_copies_share(finished: FinishedHome, scene: Scene, how: str) -> None:
    DAMAGES[how](scene.home / SHARD, np.random.default_rng(0))
    assert (finished.home / SHARD).read_bytes() == SHARD.encode()
    assert not (scene.home / SHARD).exists() or (scene.home / SHARD).read_bytes() != SHARD.encode()


def ended_run(scene: Scene, status: int, says: str) -> ForkedRun:
    (scene.folder / "output.txt").write_text(says)
    run = ForkedRun(0, scene.home, scene.folder / "output.txt")
    run._status = status
    return run


def test_a_run_that_was_to_be_killed_and_finished_was_missed(scene: Scene) -> None:
    with pytest.raises(MissedError):
        scene.must_be_killed(ended_run(scene, 0, ""))
    with pytest.raises(BrokenPromiseError, match="ended with status 1: f2p: unexpected KeyError"):
        scene.must_be_killed(ended_run(scene, 1, "f2p: unexpected KeyError"))
    scene.must_be_killed(ended_run(scene, -9, ""))


class TwoRuns(Scene):
    """Two equal runs that both end well."""

    def start(self, *_words: str, deadly: object = None, own_server: bool = False, output: str = "") -> ForkedRun:
        del deadly, own_server, output
        return ended_run(self, 0, "")

    def ran(self, run_id: str, began: str, seconds: float) -> None:
        folder = self.home / "runs" / run_id
        folder.mkdir(parents=True)
        (folder / "run.json").write_text(json.dumps({"started": f"2026-11-20T01:00:{began}+00:00", "seconds": seconds}))


@pytest.fixture
def two_runs(finished: FinishedHome, tmp_path: Path) -> TwoRuns:
    steps = {stage: Path(f"checkpoints/tiny-{stage}-02") for stage in ("imitator", "segmenter", "translator")}
    for folder in steps.values():
        (finished.home / folder).mkdir(exist_ok=True)
    return TwoRuns(replace(finished, steps=steps), tmp_path / "two", server="", database=tmp_path / "prefect.db")


def test_two_equal_runs_that_worked_at_the_same_time_are_a_problem(two_runs: TwoRuns) -> None:
    two_runs.ran("first", "00", 20.0)
    two_runs.ran("second", "01", 20.0)
    with pytest.raises(BrokenPromiseError, match="worked at the same time, and none of them was refused"):
        twins(two_runs, np.random.default_rng(0))


def test_two_equal_runs_one_after_the_other_are_not_what_was_to_be_tried(two_runs: TwoRuns) -> None:
    two_runs.ran("first", "00", 20.5)
    two_runs.ran("second", "20", 3.0)
    with pytest.raises(MissedError):
        twins(two_runs, np.random.default_rng(0))


def test_a_power_cut_leaves_the_leases_of_an_earlier_start(scene: Scene) -> None:
    locks = scene.home / "cache" / "locks"
    with lease(scene.home / "x", locks):
        [path] = locks.glob("*.owner")
        text = path.read_text()
    path.write_text(json.dumps(json.loads(text) | {"installation": "a machine"}))
    assert scene.left_to_an_earlier_start() == 1
    assert json.loads(path.read_text())["machine"] not in text
    path.write_text(json.dumps(json.loads(text) | {"installation": ""}))
    with pytest.raises(UnavailableError, match="no id that outlives a start"):
        scene.left_to_an_earlier_start()


def test_a_traceback_is_no_message(scene: Scene) -> None:
    with pytest.raises(BrokenPromiseError):
        scene.must_say(ended_run(scene, 1, "Traceback (most recent call last):\nOSError: No space left"), "No space")


def test_a_process_is_killed_just_before_the_chosen_change(tmp_path: Path) -> None:
    code = (
        "import pathlib, sys\n"
        "from infra.soak.file_events import Deadly, listen\n"
        "listen(['-imitator-'], Deadly(part='-imitator-', at=1))\n"
        f"folder = pathlib.Path({str(tmp_path)!r})\n"
        "for number in range(3):\n"
        "    (folder / f'other-{number}').write_text('')\n"
        "    (folder / f'tiny-imitator-{number}').write_text('')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False)
    assert done.returncode == -9
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other-0", "other-1", "tiny-imitator-0"]
