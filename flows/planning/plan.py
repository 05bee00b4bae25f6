"""What a run would do, and why, without doing any of it: the steps of ``pipeline.py`` in their order.

Every step's target comes from the same functions that the run asks. The hash of a network that is not trained yet is
not known, so neither are the targets of what follows from it: they have no key, and say what they follow from.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from f2p_datasets.parsing import ParsingSet
from flows.engines.orders import EngineOrder, agreed_schema
from flows.engines.workers import EngineWorkers
from flows.layout import HELDOUT_PHOTOS, PHOTO_LIKE, STUDIO
from flows.planning.dataset_plans import (
    heldout_photos_plan,
    photo_like_plan,
    studio_plan,
)
from flows.planning.estimates import Estimate, in_all
from flows.planning.planned_steps import PlannedStep, StepPlanner
from flows.recipes import Recipe
from flows.runs import engine_of
from flows.settings import Settings, num_cores
from flows.targets import Order


@dataclass(frozen=True, kw_only=True)
class RunPlan:
    """All steps of an order. ``engine`` is name and build."""

    character: str
    recipe: str
    engine: str
    fingerprint: str
    seed: int
    steps: tuple[PlannedStep, ...]

    @property
    def to_do(self) -> tuple[PlannedStep, ...]:
        return tuple(step for step in self.steps if not step.cached)

    @property
    def pairs(self) -> int:
        return sum(step.pairs for step in self.steps)

    @property
    def estimate(self) -> Estimate:
        return in_all(step.estimate for step in self.to_do)


def plan_run(
    settings: Settings,
    *,
    character: str,
    recipe: Recipe,
    engine: EngineOrder,
    seed: int = 0,
    photos: Path | None = None,
    labelled: ParsingSet | None = None,
) -> RunPlan:
    """The steps of :func:`flows.pipeline.build_character`, found or to be done. The engine says what it is, no more.

    Raises what the run would raise before its first step.
    """
    recipe.check_weights(settings)
    recipe.check_processes(settings)
    with (
        EngineWorkers(engine=engine, settings=settings, num_workers=num_cores()) as workers,
        closing(engine_of(engine, settings, workers)) as bridge,
    ):
        schema = agreed_schema(bridge, engine, character, settings)
        order = Order(settings=settings, schema=schema, recipe=recipe, engine=bridge, seed=seed)
        return RunPlan(
            character=character,
            recipe=recipe.name,
            engine=f"{bridge.name} {bridge.build}",
            fingerprint=schema.fingerprint,
            seed=seed,
            steps=_plan_steps(order, photos, labelled),
        )


def _plan_steps(order: Order, photos: Path | None, labelled: ParsingSet | None) -> tuple[PlannedStep, ...]:
    """The pipeline once more, line by line; None stands for what is not known yet."""
    steps = StepPlanner(order)
    studio = steps.dataset(STUDIO, studio_plan(order).provenance(order.engine))
    assert studio is not None
    template = steps.template()
    renders = [plan(order, template).provenance(order.engine) if template else None for plan in _PHOTO_LIKE_PLANS]
    photo_like = steps.dataset(PHOTO_LIKE, renders[0], order.recipe.num_photo_like)
    heldout = steps.dataset(HELDOUT_PHOTOS, renders[1], order.recipe.num_heldout_photos)
    training_photos = steps.photos(template, photos) if photos else photo_like
    imitator = steps.imitator(studio)
    segmenter = steps.segmenter(studio, photo_like, template, labelled)
    translator = steps.translator(template, training_photos, photo_like, imitator, segmenter)
    networks = {"imitator": imitator, "segmenter": segmenter, "translator": translator}
    if order.recipe.priors is not None:
        networks["priors"] = steps.priors(template, translator, training_photos, photo_like)
    hashes = {name: value for name, value in networks.items() if value is not None}
    known = hashes if len(hashes) == len(networks) else None
    evaluation = steps.evaluation(template, known, (studio, photo_like, heldout))
    steps.version(template, known, evaluation)
    return tuple(steps.planned)


_PHOTO_LIKE_PLANS: Final = (photo_like_plan, heldout_photos_plan)
