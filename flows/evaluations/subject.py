"""What is evaluated: a published version, or the networks of the last run, with the engine they were made for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

from engine_bridge.bridge import EngineBridge
from engine_bridge.schema import ParameterSchema
from f2p_datasets.alignment import AlignmentTemplate
from f2p_models.creation import Creator
from f2p_models.creator_bundle import load_bundle
from f2p_models.evaluation import Renderer
from f2p_models.registry import ModelVersion
from flows.create import refuse_other_engine
from flows.engines.orders import EngineOrder, agreed_schema, open_engine, studio_renderer
from flows.evaluate import open_networks
from flows.published import open_registry
from flows.recipes import Recipe, find_recipe
from flows.settings import Settings
from flows.stages import last_trained, recipe_of, seed_of, trained_as, trained_of
from flows.train import TrainedCreator


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A creator under evaluation. ``origin`` says where it comes from: ``version 3``, or a run's id.

    ``hashes`` are those of its weights and its template: what a result depends on.
    """

    creator: Creator
    template: AlignmentTemplate
    engine: EngineBridge
    recipe: Recipe
    seed: int
    origin: str
    hashes: Mapping[str, str]

    @property
    def schema(self) -> ParameterSchema:
        return self.creator.bundle.schema

    @property
    def resolution(self) -> int:
        """Side of the pictures that the networks see, in pixels."""
        return self.creator.bundle.resolution

    def renderer(self, resolution: int | None = None) -> Renderer:
        """The engine's studio pictures of vectors, by default at the networks' resolution."""
        return studio_renderer(self.engine, self.schema.character, resolution or self.resolution)

    def inputs(self) -> dict[str, Any]:
        """Its part of an evaluation's key. The engine is not in it: add :attr:`engine_build` where it renders."""
        return {**self.hashes, "search": self.creator.config}

    @property
    def engine_build(self) -> str:
        return f"{self.engine.name} {self.engine.build}"

    def provenance(self) -> dict[str, Any]:
        """Its part of a page's provenance."""
        return {
            "creator": self.origin,
            "recipe": self.recipe.name,
            "seed": self.seed,
            "resolution": self.resolution,
            "embedder": self.creator.bundle.embedder.name,
            "engine": self.engine_build,
            "weights": dict(self.hashes),
        }


@contextmanager
def open_subject(
    settings: Settings, character: str, version: str | None = None, *, engine: EngineOrder | None = None
) -> Iterator[Subject]:
    """``version`` is a number or ``champion``; None stands for the networks of the last run with that engine.

    Raises InputError for what was never trained or published, or was made for another engine.
    """
    order = engine or EngineOrder()
    with closing(open_engine(order, settings)) as bridge:
        if version:
            yield _published(settings, open_registry(settings).get(character, version), bridge)
        else:
            yield _last_trained(settings, character, order, bridge)


def _published(settings: Settings, version: ModelVersion, engine: EngineBridge) -> Subject:
    refuse_other_engine(version, engine)
    recipe = recipe_of(version)
    bundle = load_bundle(version.folder, embedder_checkpoint=settings.lightcnn_weights)
    trained = trained_as(version)
    return Subject(
        creator=Creator(bundle, recipe.search),
        template=trained.template,
        engine=engine,
        recipe=recipe,
        seed=seed_of(version),
        origin=f"version {version.version}",
        hashes=_hashes(trained),
    )


def _last_trained(settings: Settings, character: str, order: EngineOrder, engine: EngineBridge) -> Subject:
    record = last_trained(settings, character, order)
    trained, recipe = trained_of(record), find_recipe(record.recipe)
    return Subject(
        creator=open_networks(settings, trained, recipe, agreed_schema(engine, order, character, settings)),
        template=trained.template,
        engine=engine,
        recipe=recipe,
        seed=record.seed,
        origin=f"run {record.run_id}",
        hashes=_hashes(trained),
    )


def _hashes(trained: TrainedCreator) -> dict[str, str]:
    return trained.hashes() | {"template": trained.template.fingerprint}
