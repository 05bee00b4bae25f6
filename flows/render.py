"""Rendering: one Prefect task per shard, done by worker processes of our own; only what is missing is rendered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

from prefect import unmapped

from engine_bridge.errors import EngineBuildChangedError, InputError
from engine_bridge.frames import Picture
from f2p_datasets.alignment import AlignmentTemplate
from f2p_datasets.engine_log import find_builds
from f2p_datasets.manifest import (
    TABLE_NAME,
    DatasetManifest,
    find_dataset_keys,
    finish_dataset,
    read_manifest,
)
from f2p_datasets.pair_table import read_rows
from f2p_datasets.photo_sets import PhotoPlan, import_photos
from f2p_datasets.rendering import DatasetPlan, missing_shards
from f2p_datasets.shards import ShardRecord, read_rejects
from flows.artifacts import show_table
from flows.engines.orders import studio_renderer
from flows.engines.shard_job import render_held_to_look
from flows.engines.workers import WorkerEngine
from flows.gates.data import pass_data_gate
from flows.layout import HELDOUT_PHOTOS, PHOTO_LIKE, PHOTOS, STUDIO
from flows.photos.imported import is_imported, open_imported
from flows.planning.dataset_plans import (
    TEMPLATE_FILE,
    TITLES,
    dataset_target,
    heldout_photos_plan,
    inputs_of,
    own_folder,
    photo_like_plan,
    photo_set_plan,
    share_missing,
    studio_plan,
    template_target,
)
from flows.progress import ProgressBar
from flows.runs import Run
from flows.scaling.shard_tasks import Arrived, deadline_s, render_elsewhere, render_one_shard

#: The average face is looked at in this size whatever the recipe's: landmarks are fractions of the side.
TEMPLATE_PX: Final = 512


def render_studio(run: Run) -> Path:
    """The imitator's pairs: random characters under fixed light, seen from the front (section 3.1)."""
    return render_dataset(run, studio_plan(run.order), stage=STUDIO, title=TITLES[STUDIO])


def render_photo_like(run: Run, template: AlignmentTemplate) -> Path:
    """Characters photographed as people are: any light, pose and background; then found and aligned like photos."""
    return render_dataset(run, photo_like_plan(run.order, template), stage=PHOTO_LIKE, title=TITLES[PHOTO_LIKE])


def render_heldout_photos(run: Run, template: AlignmentTemplate) -> Path:
    """The photo-like renders that every version of this character is judged by; nothing is trained on them."""
    plan = heldout_photos_plan(run.order, template)
    return render_dataset(run, plan, stage=HELDOUT_PHOTOS, title=TITLES[HELDOUT_PHOTOS])


def find_template(run: Run) -> AlignmentTemplate:
    """Where the average face has its 68 landmarks: the frame that every photo is aligned to."""
    target = template_target(run.order)
    path = target.folder / TEMPLATE_FILE
    with run.step_to(target) as record:
        record.cached = target.is_done
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
    return align_photos(run, photo_set_plan(run.order, template, photos))


def align_photos(run: Run, plan: PhotoPlan, *, folder: Path | None = None) -> Path:
    """The plan's photos as a dataset, aligned as far as they are missing. By default it lies under its own key."""
    with ProgressBar("Read the photos") as bar:
        bar.start(len(plan.records))
        provenance = plan.provenance(_mover(bar))
    target = dataset_target(run.order, provenance, PHOTOS, TITLES[PHOTOS], folder)
    folder = target.folder
    with run.step_to(target) as record:
        record.cached = target.is_done
        if not record.cached:
            record.share = share_missing(target, provenance)
            with run.alone(folder), ProgressBar(target.title) as bar:
                if folder != own_folder(run.order, PHOTOS, provenance):
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
    target = dataset_target(run.order, provenance, stage, title, folder)
    folder = target.folder
    with run.step_to(target) as record:
        record.cached = target.is_done
        if not record.cached:
            record.share = share_missing(target, provenance)
            with run.alone(folder):
                if folder != own_folder(run.order, stage, provenance):
                    _refuse_other_datasets(folder, target.key)
                _render_missing(run, plan, folder, title)
                finish_dataset(folder, provenance)
        manifest = read_manifest(folder)
        record.figures = {"pairs": manifest.num_pairs, "rejects": manifest.num_rejects, **_of_engine(manifest)}
    show_table(f"{stage} pairs of {plan.schema.character}", [{"folder": str(folder), **record.figures}])
    pass_data_gate(run, stage, folder)
    return folder


def _render_missing(run: Run, plan: DatasetPlan, folder: Path, title: str) -> None:
    missing, key = missing_shards(run.engine, plan, folder), plan.key(run.engine)
    with ProgressBar(title) as bar:
        bar.start(plan.count)
        bar.advance(plan.count - _num_pairs(plan, missing))

        def arrived(shard: ShardRecord) -> ShardRecord:
            bar.advance(shard.num_pairs + shard.num_rejects)
            return _of_dataset(shard, key)

        if run.settings.dask:
            render_elsewhere(run, plan, folder, missing, title=title, arrived=arrived)
        else:
            _render_here(run, plan, folder, missing, arrived)


def _render_here(run: Run, plan: DatasetPlan, folder: Path, shards: Sequence[int], arrived: Arrived) -> None:
    """By worker processes of our own."""
    ahead = isinstance(run.engine, WorkerEngine)  # the mock engine computes in the encoder's own process: no gain

    def render_one(shard_index: int) -> ShardRecord:
        order = (render_held_to_look, plan, shard_index, folder, ahead)
        return arrived(run.workers.do(*order, deadline_s=deadline_s(plan)))

    render_one_shard.map(unmapped(render_one), shards).result()


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
