from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine_bridge.errors import InputError
from f2p_datasets.alignment import AlignmentTemplate
from f2p_models.bundle_manifest import BundleManifest
from f2p_models.errors import BundleError
from f2p_models.registry import ModelVersion
from flows.engines.orders import EngineOrder
from flows.gates import rescoring
from flows.gates.rescoring import score_champions_anew
from flows.recipes import smoke
from flows.runs import Run, open_run
from flows.settings import Settings

OURS = AlignmentTemplate(np.linspace(0.1, 0.9, 136).reshape(68, 2))
OTHERS = AlignmentTemplate(np.linspace(0.2, 0.8, 136).reshape(68, 2))
CHAMPION = ModelVersion(
    character="tiny", version=1, folder=Path("registry/tiny/1"), identity="i", metrics={}, parents={}, heldout="old",
    is_champion=True, reason="first", published_at="",
)  # fmt: skip


@dataclass
class Bundle:
    """What a champion has, as far as its score is concerned."""

    template: Any
    resolution: int = 64


class OneChampion:
    """A registry with one champion that has no score on the new set."""

    def __init__(self) -> None:
        self.noted: list[tuple[int, str, float]] = []
        self.unscored = [CHAMPION]

    def unscored_champions(self, *_: str) -> list[ModelVersion]:
        return self.unscored

    def note_score(self, champion: ModelVersion, heldout: str, score: float) -> None:
        self.noted.append((champion.version, heldout, score))


@pytest.fixture
def run(settings: Settings, tmp_path: Path) -> Iterator[Run]:
    with open_run(settings, character="tiny", recipe=smoke(), engine=EngineOrder()) as run:
        with run.step("Render", "heldout-photos", "k", tmp_path / "photos-of-the-run", {}):
            pass
        yield run


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> OneChampion:
    """The champion aligns photos as we do and scores half."""
    registry = OneChampion()
    manifest = BundleManifest(
        character="tiny", fingerprint="f", resolution=64, embedder="dlib", code_version="0", files={}, heldout="old",
        metrics={"score": 0.9}, parents={"engine": "mock 1"},
    )  # fmt: skip
    monkeypatch.setattr(rescoring, "open_registry", lambda _: registry)
    monkeypatch.setattr(rescoring, "refuse_other_engine", lambda *_: None)
    monkeypatch.setattr(rescoring, "read_manifest", lambda _: manifest)
    monkeypatch.setattr(rescoring, "load_bundle", lambda *_, **__: Bundle(OURS.points))
    monkeypatch.setattr(rescoring, "dataset_key", lambda folder: folder.name)
    monkeypatch.setattr(rescoring, "_measure", lambda *_: 0.5)
    monkeypatch.setattr(rescoring, "render_dataset", lambda *_, **__: tmp_path / "photos-of-the-champion")
    return registry


def test_the_champion_s_score_on_the_new_set_is_measured_once(run: Run, registry: OneChampion) -> None:
    for _ in range(2):
        score_champions_anew(run, "new", OURS)
    assert registry.noted == [(1, "new", 0.5)] * 2
    first, second = run.record.steps[-2:]
    assert (first.stage, first.cached, second.cached) == ("rescoring", False, True)
    assert first.figures == {"version": 1, "score": 0.5}
    assert first.inputs["photos"] == "photos-of-the-run"


def test_a_champion_that_aligns_otherwise_sees_the_same_people_its_own_way(
    run: Run, registry: OneChampion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rescoring, "load_bundle", lambda *_, **__: Bundle(OTHERS.points))
    score_champions_anew(run, "new", OURS)
    assert run.record.steps[-1].inputs["photos"] == "photos-of-the-champion"
    assert registry.noted == [(1, "new", 0.5)]


def refuse(*_: Any, **__: Any) -> None:
    raise InputError("made for another engine")


def damaged(*_: Any, **__: Any) -> Bundle:
    raise BundleError("registry/tiny/1: imitator/weights was changed after publishing")


@pytest.mark.parametrize(("name", "reaction"), [("refuse_other_engine", refuse), ("load_bundle", damaged)])
def test_a_champion_of_another_engine_or_a_damaged_one_is_left_as_it_is(
    run: Run, registry: OneChampion, monkeypatch: pytest.MonkeyPatch, name: str, reaction: Any
) -> None:
    monkeypatch.setattr(rescoring, name, reaction)
    score_champions_anew(run, "new", OURS)
    assert (registry.noted, run.record.steps[-1].stage) == ([], "heldout-photos")


def test_a_champion_of_another_embedder_cannot_be_compared(run: Run, registry: OneChampion) -> None:
    run.recipe = replace(run.recipe, embedder="lightcnn")
    score_champions_anew(run, "new", OURS)
    assert registry.noted == []


def test_the_best_champion_is_scored_beside_the_one_in_use_even_where_that_is_damaged(
    run: Run, registry: OneChampion, monkeypatch: pytest.MonkeyPatch
) -> None:
    best = replace(CHAMPION, version=7, folder=Path("registry/tiny/7"), identity="best")

    def load(folder: Path, **_: Any) -> Bundle:
        return Bundle(OURS.points) if folder == best.folder else damaged()

    registry.unscored = [CHAMPION, best]
    score_champions_anew(run, "new", OURS)
    assert [version for version, _, _ in registry.noted] == [1, 7]
    monkeypatch.setattr(rescoring, "load_bundle", load)
    score_champions_anew(run, "newer", OURS)
    assert registry.noted[2:] == [(7, "newer", 0.5)]


def test_with_nothing_to_score_nothing_is_done(run: Run, registry: OneChampion) -> None:
    registry.unscored = []
    score_champions_anew(run, "new", OURS)
    assert registry.noted == []
