"""What a run would do: never something else than what it does then."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine_bridge.errors import InputError
from engine_bridge.mock import MockEngine
from flows import steps
from flows.engines.orders import EngineOrder
from flows.planning.plan import RunPlan, plan_run
from flows.planning.planned_steps import PlannedStep
from flows.recipes import Recipe, quick, smoke
from flows.settings import Settings

Plan = Callable[..., RunPlan]


def plan_of(home: Path, *, recipe: Recipe | None = None, **order: Any) -> RunPlan:
    settings = Settings(home=home)
    return plan_run(settings, character="tiny", recipe=recipe or smoke(), engine=EngineOrder(), **order)


def by_stage(plan: RunPlan) -> dict[str, PlannedStep]:
    return {step.stage: step for step in plan.steps}


def reasons(plan: RunPlan) -> dict[str, str]:
    return {step.stage: step.reason for step in plan.to_do}


def files_in(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file()}


def test_after_a_run_everything_is_there_under_the_keys_that_the_run_recorded(finished: Any) -> None:
    plan = plan_of(finished.home)
    done = [(step["stage"], step["key"]) for step in finished.result["steps"] if step["stage"] != "creation"]
    assert [(step.stage, step.key) for step in plan.steps] == done
    assert plan.to_do == ()
    assert (plan.pairs, plan.estimate.seconds, plan.estimate.bytes) == (0, 0.0, 0)


def test_what_is_known_before_anything_is_made_are_the_keys_of_the_run_that_follows(
    finished: Any, settings: Settings
) -> None:
    done = {step["stage"]: step["key"] for step in finished.result["steps"]}
    known = {step.stage: step.key for step in plan_of(settings.home).steps if step.key}
    assert known == {stage: done[stage] for stage in ("studio", "template", "imitator")}


def test_a_plan_writes_nothing(settings: Settings) -> None:
    plan_of(settings.home)
    assert files_in(settings.home) == set()


def test_what_the_run_would_refuse_before_its_first_step_is_not_planned(settings: Settings) -> None:
    three = replace(settings, train_processes=3)
    with pytest.raises(InputError, match="cannot be parted evenly among 3 processes"):
        plan_run(three, character="tiny", recipe=smoke(), engine=EngineOrder())


def test_on_a_fresh_home_all_is_new_or_follows_and_counts_the_pairs(settings: Settings) -> None:
    plan = plan_of(settings.home)
    assert reasons(plan) == {
        "studio": "new",
        "template": "new",
        "photo-like": "follows from template",
        "heldout-photos": "follows from template",
        "imitator": "new",
        "segmenter": "follows from photo-like",
        "translator": "follows from imitator, segmenter and photo-like",
        "priors": "follows from translator",
        "evaluation": "follows from imitator, segmenter, translator and priors",
        "version": "follows from evaluation",
    }
    assert plan.pairs == 20 + 10 + 5
    assert plan.estimate.source == "defaults"
    assert plan.estimate.bytes > 0


def test_another_seed_is_the_reason_of_what_it_shapes_only(finished: Any) -> None:
    found = reasons(plan_of(finished.home, seed=1))
    assert (found["studio"], found["photo-like"]) == ("seed 0 -> 1", "seed 0 -> 1")
    assert found["imitator"] == "seed 0 -> 1; follows from studio"
    assert found["segmenter"] == "seed 0 -> 1; follows from studio and photo-like"
    assert {"template", "heldout-photos"}.isdisjoint(found)


def test_a_changed_setting_is_named_with_both_values(finished: Any) -> None:
    poisoned = replace(smoke(), imitator=replace(smoke().imitator, learning_rate=1000.0))
    found = reasons(plan_of(finished.home, recipe=poisoned))
    assert found == {
        "imitator": "recipe: training.learning_rate 0.002 -> 1000.0",
        "translator": "follows from imitator",
        "priors": "follows from translator",
        "evaluation": "follows from imitator, translator and priors",
        "version": "follows from evaluation",
    }


def test_of_another_recipe_the_name_is_enough(finished: Any) -> None:
    plan = plan_of(finished.home, recipe=quick())
    assert by_stage(plan)["studio"].reason == "recipe smoke -> quick"
    assert by_stage(plan)["template"].cached


def test_a_new_build_of_the_engine_makes_all_that_it_draws_stale(
    finished: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = MockEngine().build
    monkeypatch.setattr(MockEngine, "build", "mock-next")
    found = reasons(plan_of(finished.home))
    assert found["studio"] == found["template"] == f"engine build {before} -> mock-next"
    assert found["imitator"] == "follows from studio"
    assert found["photo-like"] == "follows from template"
    assert len(found) == 12


def test_champions_that_a_new_build_s_version_is_compared_with_are_scored_anew(
    finished: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MockEngine, "build", "mock-next")
    plan = plan_of(finished.home)
    assert [step.stage for step in plan.steps][-3:] == ["champion-heldout-photos", "rescoring", "version"]
    found = by_stage(plan)
    assert found["champion-heldout-photos"].pairs == smoke().num_heldout_photos
    assert (found["rescoring"].title, found["rescoring"].cached) == ("Score version 1 anew", False)
    assert found["rescoring"].estimate.seconds > 0


def test_a_held_out_set_of_another_size_is_a_new_one(finished: Any) -> None:
    """The template is known to be the champion's, so its photos are the challenger's."""
    larger = replace(smoke(), num_heldout_photos=6)
    assert reasons(plan_of(finished.home, recipe=larger)) == {
        "heldout-photos": "recipe: count 5 -> 6",
        "evaluation": "follows from heldout-photos",
        "rescoring": "new",
        "version": "follows from evaluation",
    }


def test_changed_code_makes_its_stage_stale(finished: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    code_version = steps.code_version
    monkeypatch.setattr(steps, "code_version", lambda stage: "0" if stage == "evaluation" else code_version(stage))
    assert reasons(plan_of(finished.home)) == {"evaluation": "code changed", "version": "follows from evaluation"}


@pytest.mark.parametrize(
    ("stage", "kind", "followers"),
    [
        ("studio", "datasets", set()),
        ("segmenter", "checkpoints", {"translator", "priors", "evaluation", "version"}),
        ("priors", "checkpoints", {"evaluation", "version"}),
        ("evaluation", "evaluations", set()),
    ],
)
def test_what_was_deleted_is_made_again_and_the_rest_found(
    finished_copy: Path, stage: str, kind: str, followers: set[str]
) -> None:
    [folder] = (finished_copy / kind).glob(f"tiny-{stage}-*")
    shutil.rmtree(folder)
    found = reasons(plan_of(finished_copy))
    assert found.pop(stage) == "its output is gone"
    assert set(found) == followers


def test_of_a_dataset_that_was_cut_short_only_the_missing_pairs_are_planned(finished_copy: Path) -> None:
    [studio] = (finished_copy / "datasets").glob("tiny-studio-*")
    (studio / "manifest.json").unlink()
    (studio / "shard-000001.tar").unlink()
    [step] = plan_of(finished_copy).to_do
    assert step.pairs == 5
    assert "manifest.json: missing" in step.reason


def test_a_version_that_was_removed_is_published_again(finished_copy: Path) -> None:
    shutil.rmtree(finished_copy / "registry" / "tiny")
    assert set(reasons(plan_of(finished_copy))) == {"version"}


def test_photos_are_planned_under_their_own_key(finished: Any, tmp_path: Path) -> None:
    shutil.copy(sample_photo(), tmp_path / "one.png")
    plan = plan_of(finished.home, photos=tmp_path)
    found = by_stage(plan)
    assert (found["photos"].reason, found["photos"].pairs) == ("new", 1)
    assert "follows from photos" in found["translator"].reason
    assert found["imitator"].cached


def test_a_folder_without_photos_is_refused_as_the_run_would(finished: Any, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="photos"):
        plan_of(finished.home, photos=tmp_path / "empty")


def test_a_damaged_record_of_an_earlier_run_hides_no_other(finished_copy: Path) -> None:
    damaged = finished_copy / "runs" / "2026-01-01-tiny-smoke-001"
    damaged.mkdir()
    (damaged / "run.json").write_text('{"run_id": ')
    assert reasons(plan_of(finished_copy, seed=1))["studio"] == "seed 0 -> 1"


def sample_photo() -> Path:
    from flows.photos.names import sample_photo

    return sample_photo()
