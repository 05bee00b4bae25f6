"""Single stages as flows of their own, for the verbs that ask for one part of the pipeline."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Literal

from prefect import flow
from prefect.task_runners import ThreadPoolTaskRunner

from engine_bridge.errors import InputError
from engine_bridge.schema import ParameterSchema
from f2p_datasets.alignment import AlignmentTemplate
from f2p_datasets.manifest import read_manifest, verify_dataset
from f2p_datasets.rendering import DatasetPlan
from f2p_models.bundle_manifest import read_manifest as read_bundle_manifest
from f2p_models.checkpoints import read_card
from f2p_models.registry import ModelVersion, Registry
from flows.create import refuse_other_engine
from flows.engines import EngineOrder
from flows.evaluate import evaluate_creator
from flows.layout import CHECKPOINT
from flows.publish import publish_version
from flows.recipes import Recipe, find_recipe, quick
from flows.render import (
    TEMPLATE_FILE,
    find_template,
    gather_photos,
    render_dataset,
    render_heldout_photos,
    render_photo_like,
    render_studio,
)
from flows.runs import Run, RunRecord, list_runs, open_run, read_run
from flows.settings import Settings
from flows.train import TrainedCreator, train_imitator, train_segmenter, train_translator

NETWORKS: Final = ("imitator", "segmenter", "translator")
#: Stages that a version does not come from.
AFTER_EVALUATION: Final = ("version", "creation")

_stage = flow(
    task_runner=ThreadPoolTaskRunner[Any](max_workers=64),  # type: ignore[arg-type]  # threads only wait for our workers
    validate_parameters=False,
)


@_stage
def render_pairs(
    settings: Settings, *, character: str, engine: EngineOrder, num_workers: int | None, out: Path | None, **plan: Any
) -> RunRecord:
    """A studio dataset of any size, in the home or in ``out``. The rest is :class:`DatasetPlan`'s."""
    named = replace(quick(), name="render")  # a run has a recipe, but this one asks it nothing: the order says it all
    with _run(settings, character, named, engine=engine, num_workers=num_workers) as run:
        render_dataset(run, DatasetPlan(schema=run.schema, **plan), stage="studio", title="Render pairs", folder=out)
    return run.record


@_stage
def train_network(
    settings: Settings,
    network: Literal["imitator", "segmenter", "translator"],
    *,
    character: str,
    recipe: str,
    engine: EngineOrder,
    seed: int,
    dataset: Path | None,
    photos: Path | None,
    resume: bool,
    num_workers: int | None,
) -> RunRecord:
    """One network, after whatever it needs that is not there yet."""
    restart = None if resume else network
    chosen = find_recipe(recipe)
    with _run(settings, character, chosen, engine=engine, seed=seed, num_workers=num_workers, restart=restart) as run:
        studio = _use_dataset(run, dataset) if dataset else render_studio(run)
        if network == "imitator":
            train_imitator(run, studio)
            return run.record
        template = find_template(run)
        photo_like = render_photo_like(run, template)
        training_photos = gather_photos(run, template, photos) if photos and network == "translator" else photo_like
        segmenter = train_segmenter(run, studio, photo_like)
        if network == "translator":
            imitator = train_imitator(run, studio)
            train_translator(
                run,
                photos=training_photos,
                photo_like=photo_like,
                imitator=imitator,
                segmenter=segmenter,
                template=template,
            )
    return run.record


@_stage
def evaluate_last(settings: Settings, *, character: str, version: str | None, engine: EngineOrder) -> RunRecord:
    """The networks of the last run, or a published version, on the held-out pairs of their own recipe."""
    if version:
        return _evaluate_version(settings, Registry(settings.registry).get(character, version), engine)
    last = last_trained(settings, character, engine)
    with _run(settings, character, find_recipe(last.recipe), engine=engine, seed=last.seed) as run:
        _evaluate_run(run, last)
    return run.record


@_stage
def publish_last(settings: Settings, *, character: str, engine: EngineOrder) -> ModelVersion:
    """The networks of the last run, evaluated if they are not yet."""
    last = last_trained(settings, character, engine)
    with _run(settings, character, find_recipe(last.recipe), engine=engine, seed=last.seed) as run:
        evaluation = _evaluate_run(run, last)
        earlier = [step for step in last.steps if step.stage not in AFTER_EVALUATION]
        return publish_version(run, _of_run(last), evaluation, earlier=earlier)


def last_trained(settings: Settings, character: str, engine: EngineOrder) -> RunRecord:
    """The last run that trained all three networks of a character with that engine. Raises InputError for none."""
    for run_id in reversed(list_runs(settings)):
        record = read_run(settings, run_id)
        ours = record.character == character and record.ordered_engine == engine.name
        if ours and all(record.folder_of(network) for network in NETWORKS):
            return record
    raise InputError(
        f"{character}: no run has trained its networks with {engine.name} yet; start one: "
        f"f2p run --character {character}{'' if engine.is_mock else f' --engine {engine.name}'}"
    )


def _run(
    settings: Settings, character: str, recipe: Recipe, *, engine: EngineOrder, **order: Any
) -> AbstractContextManager[Run]:
    return open_run(settings, character=character, recipe=recipe, engine=engine, **order)


def _evaluate_run(run: Run, last: RunRecord) -> Path:
    trained = _of_run(last)
    heldout_photos = render_heldout_photos(run, trained.template)
    return evaluate_creator(run, trained, _folder(last, "studio"), _folder(last, "photo-like"), heldout_photos)


def _evaluate_version(settings: Settings, version: ModelVersion, engine: EngineOrder) -> RunRecord:
    """On pairs as its recipe and seed say: found, or rendered anew."""
    trained = _of_version(version)
    seed = read_card(trained.imitator).recipe_settings["seed"]
    with _run(settings, version.character, _recipe_of(version), engine=engine, seed=seed) as run:
        refuse_other_engine(version, run.engine)
        studio, photo_like = render_studio(run), render_photo_like(run, trained.template)
        evaluate_creator(run, trained, studio, photo_like, render_heldout_photos(run, trained.template))
    return run.record


def _recipe_of(version: ModelVersion) -> Recipe:
    """The recipe that a version was trained by, with the resolution and the embedder it had then."""
    recipe = find_recipe(read_card(version.folder / "imitator").recipe)
    bundle = read_bundle_manifest(version.folder)
    return replace(recipe, resolution=bundle.resolution, embedder=bundle.embedder)


def _of_run(record: RunRecord) -> TrainedCreator:
    folders = {network: _folder(record, network) / CHECKPOINT for network in NETWORKS}
    return TrainedCreator(**folders, template=AlignmentTemplate.load(_folder(record, "template") / TEMPLATE_FILE))


def _of_version(version: ModelVersion) -> TrainedCreator:
    folders = {network: version.folder / network for network in NETWORKS}
    return TrainedCreator(**folders, template=AlignmentTemplate.load(version.folder / TEMPLATE_FILE))


def _folder(record: RunRecord, stage: str) -> Path:
    folder = record.folder_of(stage)
    if folder is None or not folder.is_dir():
        raise InputError(f"{record.run_id}: its {stage} output is gone ({folder}); run the pipeline again")
    return folder


def _use_dataset(run: Run, dataset: Path) -> Path:
    """The user's dataset in the place of the recipe's, if it verifies and is of this character."""
    folder = dataset.resolve()
    with run.step("Check the studio pairs", "studio", read_manifest(folder).key, folder) as record:
        manifest = verify_dataset(folder)
        _check_schema(run, folder, manifest.schema)
        record.cached = True
        record.figures = {"pairs": manifest.num_pairs, "rejects": manifest.num_rejects}
    return folder


def _check_schema(run: Run, dataset: Path, schema: ParameterSchema | None) -> None:
    if schema is None or schema.fingerprint != run.schema.fingerprint:
        found = schema.fingerprint if schema else "none"
        raise InputError(
            f"dataset: {dataset} has schema {found}, {run.schema.character} has {run.schema.fingerprint}; render again"
        )
