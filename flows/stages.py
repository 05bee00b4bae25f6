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
from f2p_datasets.parsing import ParsingSet
from f2p_datasets.rendering import DatasetPlan
from f2p_models.bundle_manifest import read_manifest as read_bundle_manifest
from f2p_models.checkpoints import read_card
from f2p_models.priors import PRIORS_FILE, PriorsConfig
from f2p_models.registry import ModelVersion
from flows.adaptation import adapt_segmenter, gather_labelled
from flows.create import refuse_other_engine
from flows.engines.orders import EngineOrder
from flows.evaluate import evaluate_creator
from flows.layout import CHECKPOINT
from flows.planning.dataset_plans import TEMPLATE_FILE, inputs_of
from flows.priors.fitting import fit_facial_priors, prior_photos
from flows.publish import publish_version
from flows.published import open_registry
from flows.recipes import NETWORKS, Recipe, find_recipe, quick
from flows.render import (
    find_template,
    gather_photos,
    render_dataset,
    render_heldout_photos,
    render_photo_like,
    render_studio,
)
from flows.run_records import RunRecord, past_runs
from flows.runs import RENDER_ONLY, Run, open_run
from flows.settings import Settings
from flows.train import TrainedCreator, train_imitator, train_segmenter, train_translator

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
    named = replace(quick(), name=RENDER_ONLY)  # a run has a recipe, but this one asks it nothing else
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
    labelled: ParsingSet | None = None,
    backgrounds: Path | None = None,
) -> RunRecord:
    """One network, after whatever it needs that is not there yet.

    ``labelled`` photos and ``backgrounds`` are for the segmenter; it goes on with ``photos`` too when it is the one
    that was asked for.
    """
    how: dict[str, Any] = {"seed": seed, "num_workers": num_workers, "restart": None if resume else network}
    trains = NETWORKS if network == "translator" else (network,)
    with _run(settings, character, find_recipe(recipe), engine=engine, trains=trains, **how) as run:
        studio = _use_dataset(run, dataset) if dataset else render_studio(run)
        if network == "imitator":
            train_imitator(run, studio)
            return run.record
        template = find_template(run)
        photo_like = render_photo_like(run, template)
        training_photos = gather_photos(run, template, photos) if photos else photo_like
        segmenter = train_segmenter(run, studio, photo_like, backgrounds)
        seen = training_photos if photos and network == "segmenter" else None
        if seen or labelled:
            of_labelled = gather_labelled(run, template, labelled) if labelled else None
            segmenter = adapt_segmenter(run, segmenter, photo_like, labelled=of_labelled, photos=seen)
        if network == "translator":
            imitator = train_imitator(run, studio)
            translator = train_translator(
                run,
                photos=training_photos,
                photo_like=photo_like,
                imitator=imitator,
                segmenter=segmenter,
                template=template,
            )
            trained = TrainedCreator(imitator=imitator, segmenter=segmenter, translator=translator, template=template)
            fit_facial_priors(run, trained, prior_photos(training_photos, photo_like))
    return run.record


@_stage
def fit_priors_on_photos(
    settings: Settings,
    *,
    character: str,
    version: str,
    photos: Path,
    config: PriorsConfig,
    num_faces: int,
    engine: EngineOrder,
    num_workers: int | None,
) -> RunRecord:
    """Facial priors of the faces that a published version creates from the front views among the user's photos."""
    published = open_registry(settings).get(character, version)
    trained = trained_as(published)
    asked = replace(
        recipe_of(published),
        prior_components=config.components,
        prior_energy=config.energy,
        num_prior_faces=num_faces,
    )
    with _run(settings, character, asked, engine=engine, num_workers=num_workers) as run:
        refuse_other_engine(published, run.engine)
        fit_facial_priors(run, trained, [gather_photos(run, trained.template, photos)])
    return run.record


@_stage
def evaluate_last(settings: Settings, *, character: str, version: str | None, engine: EngineOrder) -> RunRecord:
    """The networks of the last run, or a published version, on the held-out pairs of their own recipe."""
    if version:
        return _evaluate_version(settings, open_registry(settings).get(character, version), engine)
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
        return publish_version(run, trained_of(last), evaluation, earlier=earlier)


def last_trained(settings: Settings, character: str, engine: EngineOrder) -> RunRecord:
    """The last run that trained all three networks of a character with that engine. Raises InputError for none."""
    for record in past_runs(settings):
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
    trained = trained_of(last)
    heldout_photos = render_heldout_photos(run, trained.template)
    return evaluate_creator(
        run, trained, stage_folder(last, "studio"), stage_folder(last, "photo-like"), heldout_photos
    )


def _evaluate_version(settings: Settings, version: ModelVersion, engine: EngineOrder) -> RunRecord:
    """On pairs as its recipe and seed say: found, or rendered anew."""
    trained = trained_as(version)
    with _run(settings, version.character, recipe_of(version), engine=engine, seed=seed_of(version)) as run:
        refuse_other_engine(version, run.engine)
        studio, photo_like = render_studio(run), render_photo_like(run, trained.template)
        evaluate_creator(run, trained, studio, photo_like, render_heldout_photos(run, trained.template))
    return run.record


def recipe_of(version: ModelVersion) -> Recipe:
    """The recipe that a version was trained by, with the resolution and the embedder it had then."""
    recipe = find_recipe(read_card(version.folder / "imitator").recipe)
    bundle = read_bundle_manifest(version.folder)
    return replace(recipe, resolution=bundle.resolution, embedder=bundle.embedder)


def seed_of(version: ModelVersion) -> int:
    """The seed of the run that a version comes from."""
    return int(read_card(version.folder / "imitator").recipe_settings["seed"])


def trained_of(record: RunRecord) -> TrainedCreator:
    """The networks that a run trained. Raises InputError when they were tidied away."""
    folders = {network: stage_folder(record, network) / CHECKPOINT for network in NETWORKS}
    priors = stage_folder(record, "priors") / PRIORS_FILE if record.folder_of("priors") else None
    template = AlignmentTemplate.load(stage_folder(record, "template") / TEMPLATE_FILE)
    return TrainedCreator(**folders, template=template, priors=priors)


def trained_as(version: ModelVersion) -> TrainedCreator:
    """The networks of a published version."""
    folders = {network: version.folder / network for network in NETWORKS}
    priors = version.folder / PRIORS_FILE
    template = AlignmentTemplate.load(version.folder / TEMPLATE_FILE)
    return TrainedCreator(**folders, template=template, priors=priors if priors.is_file() else None)


def stage_folder(record: RunRecord, stage: str) -> Path:
    """Where a run left a stage's output. Raises InputError when it is gone."""
    folder = record.folder_of(stage)
    if folder is None or not folder.is_dir():
        raise InputError(f"{record.run_id}: its {stage} output is gone ({folder}); run the pipeline again")
    return folder


def _use_dataset(run: Run, dataset: Path) -> Path:
    """The user's dataset in the place of the recipe's, if it verifies and is of this character."""
    folder = dataset.resolve()
    manifest = read_manifest(folder)
    with run.step("Check the studio pairs", "studio", manifest.key, folder, inputs_of(manifest.provenance)) as record:
        verify_dataset(folder)
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
