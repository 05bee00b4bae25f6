"""Single stages as flows of their own, for the verbs that ask for one part of the pipeline."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Final, Literal

from prefect import flow
from prefect.task_runners import ThreadPoolTaskRunner

from engine_bridge.errors import InputError
from f2p_datasets.alignment import AlignmentTemplate
from f2p_datasets.manifest import read_manifest
from f2p_datasets.rendering import DatasetPlan
from f2p_models.registry import ModelVersion, Registry
from flows.engines import open_engine
from flows.evaluate import TrainedCreator, evaluate_creator
from flows.publish import publish_version
from flows.recipes import find_recipe
from flows.render import (
    TEMPLATE_FILE,
    find_template,
    gather_photos,
    render_dataset,
    render_judged,
    render_photo_like,
    render_studio,
)
from flows.runs import Run, RunRecord, list_runs, open_run, read_run
from flows.settings import Settings
from flows.train import CHECKPOINT, train_imitator, train_segmenter, train_translator

NETWORKS: Final = ("imitator", "segmenter", "translator")

_stage = flow(
    task_runner=ThreadPoolTaskRunner[Any](max_workers=64),  # type: ignore[arg-type]  # threads only wait for our workers
    validate_parameters=False,
)


@_stage
def render_pairs(
    settings: Settings, *, character: str, engine: str, num_workers: int | None, out: Path | None, **plan: Any
) -> RunRecord:
    """A studio dataset of any size, in the home or in ``out``. The rest is :class:`DatasetPlan`'s."""
    with _run(settings, character, "render", engine=engine, num_workers=num_workers) as run:
        render_dataset(run, DatasetPlan(schema=run.schema, **plan), stage="studio", title="Render pairs", folder=out)
    return run.record


@_stage
def train_network(
    settings: Settings,
    network: Literal["imitator", "segmenter", "translator"],
    *,
    character: str,
    recipe: str,
    engine: str,
    seed: int,
    dataset: Path | None,
    photos: Path | None,
    resume: bool,
    num_workers: int | None,
) -> RunRecord:
    """One network, after whatever it needs that is not there yet."""
    restart = None if resume else network
    with _run(settings, character, recipe, engine=engine, seed=seed, num_workers=num_workers, restart=restart) as run:
        studio = _checked(run, dataset) if dataset else render_studio(run)
        if network == "imitator":
            train_imitator(run, studio)
            return run.record
        template = find_template(run)
        photo_like = render_photo_like(run, template)
        segmenter = train_segmenter(run, studio, photo_like)
        if network == "translator":
            real = gather_photos(run, template, photos) if photos else photo_like
            imitator = train_imitator(run, studio)
            train_translator(
                run,
                photos=real,
                photo_like=photo_like,
                studio=studio,
                imitator=imitator,
                segmenter=segmenter,
                template=template,
            )
    return run.record


@_stage
def evaluate_again(settings: Settings, *, character: str, version: str | None, engine: str) -> RunRecord:
    """A published version, or else the networks of the last run, on the last run's held-out pairs."""
    last = last_trained(settings, character)
    with _run(settings, character, last.recipe, engine=engine, seed=last.seed) as run:
        published = Registry(settings.registry).get(character, version) if version else None
        trained = _of_version(published) if published else _of_run(last)
        judged = render_judged(run, trained.template)
        evaluate_creator(run, trained, _folder(last, "studio"), _folder(last, "photos"), judged)
    return run.record


@_stage
def publish_again(settings: Settings, *, character: str, engine: str) -> ModelVersion:
    """The networks of the last run, evaluated if they are not yet."""
    last = last_trained(settings, character)
    with _run(settings, character, last.recipe, engine=engine, seed=last.seed) as run:
        trained = _of_run(last)
        judged = render_judged(run, trained.template)
        evaluation = evaluate_creator(run, trained, _folder(last, "studio"), _folder(last, "photos"), judged)
        return publish_version(run, trained, evaluation)


def last_trained(settings: Settings, character: str) -> RunRecord:
    """The last run that trained all three networks of a character. Raises InputError when there is none."""
    for run_id in reversed(list_runs(settings)):
        record = read_run(settings, run_id)
        if record.character == character and all(record.folder_of(network) for network in NETWORKS):
            return record
    raise InputError(f"{character}: no run has trained its networks yet; start one: f2p run --character {character}")


def _run(settings: Settings, character: str, recipe: str, *, engine: str, **order: Any) -> AbstractContextManager[Run]:
    chosen = find_recipe("quick" if recipe == "render" else recipe)
    return open_run(settings, character=character, recipe=chosen, engine=open_engine(engine, settings), **order)


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


def _checked(run: Run, dataset: Path) -> Path:
    """The user's dataset, if it is of this character."""
    schema = read_manifest(dataset).schema
    if schema is None or schema.fingerprint != run.schema.fingerprint:
        found = schema.fingerprint if schema else "none"
        raise InputError(
            f"dataset: {dataset} has schema {found}, {run.schema.character} has {run.schema.fingerprint}; render again"
        )
    return dataset.resolve()
