"""A watched engine leaves a log of what happened to it; the pairs are the same with and without."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from engine_bridge.bridge import EngineBridge
from engine_bridge.errors import EngineError, FrameRejectedError
from engine_bridge.frames import Frame, RenderRequest
from engine_bridge.schema import ParameterSchema
from f2p_datasets.engine_log import find_builds
from f2p_datasets.errors import DatasetError
from f2p_datasets.manifest import DatasetManifest, finish_dataset, read_manifest, verify_dataset
from f2p_datasets.rendering import DatasetPlan, missing_shards, render_shard


@dataclass(frozen=True, kw_only=True)
class Record:
    """As a pool's, as far as logs ask."""

    engine: str = "stripes"
    build: str = "1"
    repeatability: dict[str, float] | None = None
    stamped: bool = False
    canaries: int = 0
    canary_failures: int = 0
    restarts: tuple[str, ...] = ()
    recycles: int = 0
    frames: int = 0
    frames_discarded: int = 0

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "restarts": list(self.restarts)}


class WatchedEngine:
    """An engine with a record: a canary per call; it may fail in its first calls."""

    def __init__(self, engine: EngineBridge, failures: Sequence[Exception] = ()) -> None:
        self._engine, self._failures = engine, list(failures)
        self.name, self.build, self.scene_fields = engine.name, engine.build, engine.scene_fields
        self.record = Record(repeatability={"largest": 0.0, "mean": 0.0})
        self.describe, self.close = engine.describe, engine.close

    def render(self, requests: Sequence[RenderRequest]) -> list[Frame]:
        counted = self.record.canaries + 1, self.record.frames + len(requests)
        self.record = replace(self.record, canaries=counted[0], frames=counted[1])
        if self._failures:
            failure = self._failures.pop(0)
            self.record = replace(self.record, canary_failures=self.record.canary_failures + 1)
            self.record = replace(self.record, restarts=(*self.record.restarts, str(failure)))
            raise failure
        return self._engine.render(requests)


def attempts(folder: Path, shard_index: int) -> list[dict[str, Any]]:
    text = (folder / f"shard-{shard_index:06d}.engine.jsonl").read_text()
    return [json.loads(line) for line in text.splitlines()]


def pairs_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix in {".tar", ".parquet"}}


@pytest.fixture
def watched(engine: EngineBridge) -> WatchedEngine:
    return WatchedEngine(engine, [FrameRejectedError("canary 1 differs")])


@pytest.fixture
def troubled(watched: WatchedEngine, plan: DatasetPlan, tmp_path: Path) -> Path:
    """A dataset whose first shard was thrown away once."""
    folder = tmp_path / "troubled"
    with pytest.raises(FrameRejectedError):
        render_shard(watched, plan, 0, folder)
    for shard_index in missing_shards(watched, plan, folder):
        render_shard(watched, plan, shard_index, folder)
    finish_dataset(folder, plan.provenance(watched))
    return folder


def test_every_attempt_at_a_shard_is_logged_with_how_it_ended(troubled: Path) -> None:
    failed, rendered = attempts(troubled, 0)
    assert failed["outcome"] == "thrown away: FrameRejectedError: canary 1 differs"
    assert (failed["canary_failures"], failed["restarts"]) == (1, ["canary 1 differs"])
    assert rendered["outcome"] == "rendered"
    assert (rendered["canary_failures"], rendered["restarts"], rendered["canaries"]) == (0, [], 1)


def test_the_manifest_sums_up_what_happened_to_the_engine(troubled: Path) -> None:
    rendering = verify_dataset(troubled).rendering
    assert rendering is not None
    assert (rendering["engine"], rendering["build"]) == ("stripes", "1")
    assert (rendering["canaries"], rendering["canary_failures"], rendering["restarts"]) == (6, 1, 1)
    assert rendering["stamped"] is False
    assert rendering["repeatability"] == {"largest": 0.0, "mean": 0.0}
    assert len(rendering["attempts"]["shard-000000.tar"]) == 2


def test_pairs_and_the_datasets_identity_do_not_depend_on_what_happened(troubled: Path, finished_dataset: Path) -> None:
    assert pairs_of(troubled) == pairs_of(finished_dataset)
    eventful, calm = read_manifest(troubled), read_manifest(finished_dataset)
    assert (eventful.key, eventful.sha256) == (calm.key, calm.sha256)
    assert eventful != calm


def test_a_restart_between_two_shards_is_told_once_and_by_the_later_one(
    engine: EngineBridge, plan: DatasetPlan, tmp_path: Path
) -> None:
    watched = WatchedEngine(engine)
    for shard_index in range(3):
        render_shard(watched, plan, shard_index, tmp_path)
        if shard_index == 0:
            watched.record = replace(watched.record, restarts=("it fell silent",))
    assert [attempts(tmp_path, index)[0]["restarts"] for index in range(3)] == [[], ["it fell silent"], []]


def test_an_engine_nobody_watches_leaves_no_log(dataset: Path) -> None:
    assert list(dataset.glob("*.jsonl")) == []
    assert "rendering" not in json.loads((dataset / "manifest.json").read_text())


def test_a_log_survives_a_shard_that_is_rendered_again(
    troubled: Path, watched: WatchedEngine, plan: DatasetPlan
) -> None:
    (troubled / "shard-000000.tar").write_bytes(b"damaged")
    [shard_index] = missing_shards(watched, plan, troubled)
    render_shard(watched, plan, shard_index, troubled)
    assert [attempt["outcome"] for attempt in attempts(troubled, 0)][1:] == ["rendered", "rendered"]


def test_a_consumer_that_fails_is_logged_as_the_reason(
    watched: WatchedEngine, plan: DatasetPlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> str:
        raise OSError("no space left")

    monkeypatch.setattr(watched, "_failures", [])
    monkeypatch.setattr("f2p_datasets.shards._add_pair", fail)
    with pytest.raises(OSError, match="no space left"):
        render_shard(watched, plan, 0, tmp_path)
    assert attempts(tmp_path, 0)[0]["outcome"] == "thrown away: it could not be written"


def test_a_manifest_of_two_builds_is_refused(troubled: Path) -> None:
    content = json.loads((troubled / "manifest.json").read_text())
    content["rendering"]["attempts"]["shard-000003.tar"][0]["build"] = "2"
    (troubled / "manifest.json").write_text(json.dumps(content))
    with pytest.raises(DatasetError, match=r"shard-000003\.tar: rendered by stripes 2, the dataset by stripes 1"):
        verify_dataset(troubled)


def test_a_dataset_is_not_finished_when_the_build_changed_half_way(
    troubled: Path, watched: WatchedEngine, plan: DatasetPlan
) -> None:
    log = troubled / "shard-000002.engine.jsonl"
    log.write_text(log.read_text().replace('"build": "1"', '"build": "2"'))
    with pytest.raises(DatasetError, match="the engine changed half-way"):
        finish_dataset(troubled, plan.provenance(watched))


def test_shards_of_another_build_are_rendered_again(
    troubled: Path, schema: ParameterSchema, make_engine: Callable[..., EngineBridge], plan: DatasetPlan
) -> None:
    newer = WatchedEngine(make_engine())
    newer.build = "2"
    assert missing_shards(newer, plan, troubled) == [0, 1, 2, 3, 4]


def test_a_manifest_with_a_shard_of_another_dataset_is_refused(dataset: Path) -> None:
    content = json.loads((dataset / "manifest.json").read_text())
    content["shards"][1]["dataset_key"] = "0" * 16
    (dataset / "manifest.json").write_text(json.dumps(content))
    with pytest.raises(DatasetError, match=r"shard-000001\.tar: belongs to dataset 0000000000000000"):
        verify_dataset(dataset)


def test_a_folder_tells_which_builds_rendered_a_dataset(troubled: Path) -> None:
    key = read_manifest(troubled).key
    assert find_builds(troubled, key) == {("stripes", "1")}
    assert find_builds(troubled, "0" * 16) == set()


def test_a_damaged_log_is_named(troubled: Path, watched: WatchedEngine, plan: DatasetPlan) -> None:
    (troubled / "shard-000001.engine.jsonl").write_text("{")
    with pytest.raises(DatasetError, match=r"shard-000001\.engine\.jsonl: not an engine's log"):
        finish_dataset(troubled, plan.provenance(watched))


def test_a_manifest_with_a_log_survives_reading_and_writing(troubled: Path) -> None:
    manifest: DatasetManifest = read_manifest(troubled)
    assert manifest.to_json() == (troubled / "manifest.json").read_text()


@pytest.mark.parametrize("ahead", [False, True])
def test_a_shard_has_the_same_bytes_whether_batches_are_rendered_ahead(
    ahead: bool, engine: EngineBridge, plan: DatasetPlan, finished_dataset: Path, tmp_path: Path
) -> None:
    render_shard(engine, plan, 3, tmp_path, ahead)
    assert pairs_of(tmp_path).items() <= pairs_of(finished_dataset).items()


def test_an_engine_that_dies_ahead_leaves_nothing(
    make_engine: Callable[..., EngineBridge], plan: DatasetPlan, tmp_path: Path
) -> None:
    plan = replace(plan, count=150, shard_size=150)
    with pytest.raises(EngineError, match="the engine died"):
        render_shard(make_engine(fails_after=100), plan, 0, tmp_path, ahead=True)
    assert list(tmp_path.iterdir()) == []
