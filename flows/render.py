"""Rendering: one Prefect task per shard, done by worker processes of our own; only what is missing is rendered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from prefect import task, unmapped
from prefect.cache_policies import NO_CACHE

from engine_bridge.errors import EngineBuildChangedError, EngineError, InputError
from engine_bridge.frames import Picture
from f2p_datasets.alignment import AlignmentTemplate
from f2p_datasets.collections import open_for_training
from f2p_datasets.engine_log import find_builds
from f2p_datasets.manifest import (
    TABLE_NAME,
    DatasetManifest,
    find_dataset_keys,
    finish_dataset,
    read_manifest,
    verify_dataset,
)
from f2p_datasets.pair_table import read_rows
from f2p_datasets.photo_sets import PhotoPlan, import_photos
from f2p_datasets.provenance import Provenance
from f2p_datasets.rendering import DatasetPlan, missing_shards
from f2p_datasets.shards import ShardRecord, read_rejects
from flows.artifacts import show_table
from flows.engines import studio_renderer
from flows.imported_photos import is_imported, open_imported
from flows.layout import HELDOUT_PHOTOS
from flows.progress import ProgressBar, say
from flows.runs import Run
from flows.shard_job import render_held_to_look
from flows.steps import Step, digest, is_done
from flows.workers import WorkerEngine, WorkersStoppedError

#: The average face is looked at in this size whatever the recipe's: landmarks are fractions of the side.
TEMPLATE_PX: Final = 512
TEMPLATE_FILE: Final = "template.json"
#: The seed of the held-out photos; it is nobody's training seed and always the same, so scores compare across runs.
HELDOUT_SEED: Final = 2**31 - 1
HELDOUT_PX: Final = 512
HELDOUT_SHARD_SIZE: Final = 14
_START_S, _SECONDS_PER_PAIR = 600.0, 30.0

RenderOne = Callable[[int], ShardRecord]


def render_studio(run: Run) -> Path:
    """The imitator's pairs: random characters under fixed light, seen from the front (section 3.1)."""
    plan = DatasetPlan(
        schema=run.schema,
        count=run.recipe.num_pairs,
        seed=run.seed,
        sampler=run.recipe.sampler,
        resolution=run.recipe.resolution,
        shard_size=run.recipe.shard_size,
    )
    return render_dataset(run, plan, stage="studio", title="Render studio pairs")


def render_photo_like(run: Run, template: AlignmentTemplate) -> Path:
    """Characters photographed as people are: any light, pose and background; then found and aligned like photos."""
    plan = _photo_like_plan(run, template, count=run.recipe.num_photo_like, seed=run.seed)
    return render_dataset(run, plan, stage="photo-like", title="Render photo-like pictures")


def render_heldout_photos(run: Run, template: AlignmentTemplate) -> Path:
    """The photo-like renders that every version of this character is judged by; nothing is trained on them.

    Neither seed nor recipe shape them (but for their number), so that the scores of versions compare.
    """
    plan = replace(
        _photo_like_plan(run, template, count=run.recipe.num_heldout_photos, seed=HELDOUT_SEED),
        resolution=HELDOUT_PX,
        shard_size=HELDOUT_SHARD_SIZE,
    )
    return render_dataset(run, plan, stage=HELDOUT_PHOTOS, title="Render held-out photos")


def find_template(run: Run) -> AlignmentTemplate:
    """Where the average face has its 68 landmarks: the frame that every photo is aligned to."""
    step = Step(
        stage="template",
        character=run.schema.character,
        inputs={"fingerprint": run.schema.fingerprint, "engine": [run.engine.name, run.engine.build]},
    )
    path = step.folder(run.settings.datasets) / TEMPLATE_FILE
    with run.step("Find the average face's landmarks", "template", step.key, path.parent, step.record) as record:
        record.cached = is_done(path, AlignmentTemplate.load)
        if not record.cached:
            path.parent.mkdir(parents=True, exist_ok=True)
            AlignmentTemplate.from_average_face(_average_face(run)).save(path)
        return AlignmentTemplate.load(path)


def gather_photos(run: Run, template: AlignmentTemplate, photos: Path) -> Path:
    """The user's photos, faces found and aligned: of a known collection the training partition, else a whole folder.

    What ``f2p photos import`` made is taken as it is. Raises InputError, with the main reasons, when none of them can
    be learned from.
    """
    if is_imported(photos):
        return _use_imported(run, template, photos)
    collection = open_for_training(photos)
    plan = PhotoPlan(
        root=collection.root,
        records=collection.records,
        template=template,
        subject=collection.format.subject,
        resolution=run.recipe.photo_resolution,
        shard_size=run.recipe.shard_size,
    )
    return align_photos(run, plan)


def align_photos(run: Run, plan: PhotoPlan, *, folder: Path | None = None) -> Path:
    """The plan's photos as a dataset, aligned as far as they are missing. By default it lies under its own key."""
    provenance = plan.provenance()
    own = run.settings.datasets / f"{run.schema.character}-photos-{provenance.key}"
    folder = folder or own
    with run.step("Align the photos", "photos", provenance.key, folder, inputs_of(provenance)) as record:
        record.cached = is_done(folder, lambda found: verify_dataset_of(found, provenance.key))
        if not record.cached:
            with run.alone(folder), ProgressBar("Align the photos") as bar:
                if folder != own:
                    _refuse_other_datasets(folder, provenance.key)
                bar.start(provenance.count)
                import_photos(plan, folder, workers=run.num_workers, progress=_mover(bar), provenance=provenance)
        manifest = read_manifest(folder)
        _check_usable(plan.root, folder, manifest)
        record.figures = {"photos": manifest.num_pairs, "rejects": manifest.num_rejects}
    return folder


def _mover(bar: ProgressBar) -> Callable[[int, int], None]:
    """Moves a bar to where the import is: shards that were there already count at once."""
    reached = 0

    def move(done: int, _total: int) -> None:
        nonlocal reached
        bar.advance(done - reached)
        reached = done

    return move


def _use_imported(run: Run, template: AlignmentTemplate, photos: Path) -> Path:
    folder = photos.resolve()
    with run.step("Check the imported photos", "photos", "imported", folder, {}) as record:
        manifest = open_imported(folder, run.schema.character, template, run.recipe.resolution)
        _check_usable(folder, folder, manifest)
        record.key, record.inputs, record.cached = manifest.key, inputs_of(manifest.provenance), True
        record.figures = {"photos": manifest.num_pairs, "rejects": manifest.num_rejects}
    return folder


def render_dataset(run: Run, plan: DatasetPlan, *, stage: str, title: str, folder: Path | None = None) -> Path:
    """The plan's dataset, rendered as far as it is missing. By default it lies under its own key in the home.

    Raises InputError when the folder holds another dataset, EngineError when a shard cannot be rendered after three
    attempts; the other shards stay.
    """
    provenance = plan.provenance(run.engine)
    key = provenance.key
    own = run.settings.datasets / f"{plan.schema.character}-{stage}-{key}"
    folder = folder or own
    with run.step(title, stage, key, folder, inputs_of(provenance)) as record:
        record.cached = is_done(folder, lambda found: verify_dataset_of(found, key))
        if not record.cached:
            with run.alone(folder):
                if folder != own:
                    _refuse_other_datasets(folder, key)
                _render_missing(run, plan, folder, title)
                finish_dataset(folder, provenance)
        manifest = read_manifest(folder)
        record.figures = {"pairs": manifest.num_pairs, "rejects": manifest.num_rejects, **_of_engine(manifest)}
    show_table(f"{stage} pairs of {plan.schema.character}", [{"folder": str(folder), **record.figures}])
    return folder


def _render_missing(run: Run, plan: DatasetPlan, folder: Path, title: str) -> None:
    missing = missing_shards(run.engine, plan, folder)
    ahead = isinstance(run.engine, WorkerEngine)  # the mock engine computes in the encoder's own process: no gain
    with ProgressBar(title) as bar:
        bar.start(plan.count)
        bar.advance(plan.count - _num_pairs(plan, missing))

        def render_one(shard_index: int) -> ShardRecord:
            deadline_s = _START_S + _SECONDS_PER_PAIR * plan.shard_size
            shard: ShardRecord = run.workers.do(
                render_held_to_look, plan, shard_index, folder, ahead, deadline_s=deadline_s
            )
            bar.advance(_num_pairs(plan, [shard_index]))
            return _of_dataset(shard, plan.key(run.engine))

        render_one_shard.map(unmapped(render_one), missing).result()


def _may_help(_task: Any, _run: Any, state: Any) -> bool:
    """Engine trouble may pass; a user's mistake does not, and nobody wants more of a run that is being ended."""
    error = state.result(raise_on_failure=False)
    may_help = isinstance(error, EngineError) and not isinstance(error, WorkersStoppedError)
    if may_help:
        say(f"  [yellow]{error}[/]")
    return may_help


@task(
    task_run_name="shard {shard_index}",
    cache_policy=NO_CACHE,
    persist_result=False,
    retries=2,
    retry_delay_seconds=2,
    retry_condition_fn=_may_help,
)
def render_one_shard(render_one: RenderOne, shard_index: int) -> ShardRecord:
    """Wait for a worker process to render the shard."""
    return render_one(shard_index)


def _photo_like_plan(run: Run, template: AlignmentTemplate, *, count: int, seed: int) -> DatasetPlan:
    return DatasetPlan(
        schema=run.schema,
        count=count,
        seed=seed,
        sampler="natural",
        resolution=run.recipe.photo_resolution,
        shard_size=run.recipe.shard_size,
        domain="photo-like",
        template=template,
    )


def _average_face(run: Run) -> Picture:
    render = studio_renderer(run.engine, run.schema.character, TEMPLATE_PX)
    average: Picture = render([run.schema.default_vector()])[0]
    return average


def _check_usable(photos: Path, folder: Path, manifest: DatasetManifest) -> None:
    if "train" in read_rows(folder / TABLE_NAME).column("split").to_pylist():
        return
    rejects = [reject["reason"] for shard in manifest.shards for reject in read_rejects(folder, shard.name)]
    main_reasons = "; ".join(f"{count} of them: {reason}" for reason, count in Counter(rejects).most_common(3))
    raise InputError(
        f"photos: {photos} has nothing to learn from, {manifest.num_rejects} of "
        f"{manifest.provenance.count} photos are of no use ({main_reasons})"
    )


def inputs_of(provenance: Provenance) -> dict[str, Any]:
    """What a run's record keeps of a dataset's provenance: long lists by their hash."""
    inputs = provenance.to_dict()
    if provenance.schema:
        inputs["schema"] = provenance.schema.fingerprint
    if provenance.template:
        inputs["template"] = digest(inputs["template"])
    return {name: value for name, value in inputs.items() if value is not None}


def verify_dataset_of(folder: Path, key: str) -> DatasetManifest:
    """The manifest of a dataset that verifies. Raises InputError when it is another than ``key``."""
    manifest = verify_dataset(folder)
    if manifest.key != key:
        raise InputError(f"{folder}: holds dataset {manifest.key}, asked for is {key}; choose another folder")
    return manifest


def _refuse_other_datasets(folder: Path, key: str) -> None:
    """Rendering deletes shards that are not its own, so nobody else's may be there."""
    for other in sorted(find_dataset_keys(folder) - {key}):
        builds = " and ".join(f"{engine} {build}" for engine, build in sorted(find_builds(folder, other)))
        by = f" rendered by {builds}" if builds else ""
        raise InputError(f"{folder}: holds dataset {other}{by}, asked for is {key}; choose another folder")


def _of_engine(manifest: DatasetManifest) -> dict[str, int]:
    """What a night with a remote engine was like."""
    found = manifest.rendering or {}
    return {name: found[name] for name in ("restarts", "canaries", "canary_failures") if name in found}


def _of_dataset(shard: ShardRecord, key: str) -> ShardRecord:
    if shard.dataset_key != key:
        raise EngineBuildChangedError(f"{shard.name}: the engine's build changed while it was rendering; run again")
    return shard


def _num_pairs(plan: DatasetPlan, shards: Iterable[int]) -> int:
    return sum(len(plan.indices(shard)) for shard in shards)
