"""The champion scored anew: when the engine has changed, the held-out set that it was measured on is gone.

evaluations/<character>-rescoring-<key>/score.json

The same people are rendered by the engine as it is now and aligned as the champion aligns photos, by its own template;
it creates in the challenger's mode and with its search, so that nothing but the networks differ.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Final

import numpy as np

from engine_bridge.errors import InputError
from f2p_datasets.alignment import AlignmentTemplate
from f2p_datasets.durable import appearing_file
from f2p_models.bundle_manifest import read_manifest
from f2p_models.creation import Creator
from f2p_models.creator_bundle import CreatorBundle, load_bundle
from f2p_models.evaluation import evaluate_creator
from f2p_models.registry import ModelVersion
from flows.create import refuse_other_engine
from flows.engines.orders import studio_renderer
from flows.evaluate import read_heldout_photos
from flows.layout import HELDOUT_PHOTOS
from flows.planning.dataset_plans import heldout_photos_plan
from flows.progress import say
from flows.published import open_registry
from flows.render import render_dataset
from flows.runs import Run
from flows.targets import Target, step_target
from flows.train import dataset_key

SCORE_FILE: Final = "score.json"
#: A stage of its own, so that a run's held-out photos stay the challenger's.
CHAMPION_PHOTOS: Final = f"champion-{HELDOUT_PHOTOS}"
RESCORING: Final = "rescoring"


def score_champion_anew(run: Run, heldout: str, template: AlignmentTemplate) -> None:
    """Give the registry the champion's score on the held-out set of that name, unless it has one.

    ``template`` is the challenger's. A champion of another schema, engine or embedder cannot be compared and is left
    as it is: so is a challenger of it, until somebody looks at both. The same goes for one that is damaged.
    """
    registry = open_registry(run.settings)
    champion = registry.unscored_champion(run.schema.character, run.schema.fingerprint, heldout)
    if champion is None or not _comparable(run, champion):
        return
    try:
        bundle = load_bundle(champion.folder, embedder_checkpoint=run.settings.lightcnn_weights)
    except InputError as error:
        say(f"  [yellow]the champion cannot be scored anew: {error}[/]")
        return
    photos = _photos_for(run, bundle, template)
    registry.note_score(champion, heldout, _score(run, champion, bundle, photos))


def _comparable(run: Run, champion: ModelVersion) -> bool:
    try:
        refuse_other_engine(champion, run.engine)
    except InputError:
        return False
    return read_manifest(champion.folder).embedder == run.recipe.embedder


def _photos_for(run: Run, bundle: CreatorBundle, template: AlignmentTemplate) -> Path:
    """The challenger's held-out photos where both align photos alike, else the same people aligned its own way."""
    own = AlignmentTemplate(np.asarray(bundle.template, np.float64))
    folder = run.record.folder_of(HELDOUT_PHOTOS)
    if folder is not None and own.fingerprint == template.fingerprint:
        return folder
    plan = heldout_photos_plan(run.order, own)
    return render_dataset(run, plan, stage=CHAMPION_PHOTOS, title="Render the champion's held-out photos")


def _score(run: Run, champion: ModelVersion, bundle: CreatorBundle, photos: Path) -> float:
    target = _target(run, champion, photos)
    with run.step_to(target) as record:
        record.cached = target.is_done
        if not record.cached:
            with run.alone(target.folder), appearing_file(target.folder / SCORE_FILE) as stream:
                stream.write(json.dumps({"score": _measure(run, bundle, photos)}).encode())
        score = _read_score(target.folder)
        record.figures = {"version": champion.version, "score": score}
    return score


def _target(run: Run, champion: ModelVersion, photos: Path) -> Target:
    inputs = {
        "champion": champion.identity,
        "photos": dataset_key(photos),
        "search": asdict(run.recipe.search),
        "mode": run.recipe.evaluated_modes[-1],
    }
    step = run.order.step(RESCORING, inputs)
    return step_target("Score the champion anew", step, run.settings.evaluations, _read_score)


def _measure(run: Run, bundle: CreatorBundle, photos: Path) -> float:
    pictures, vectors = read_heldout_photos(photos, bundle.resolution)
    render = studio_renderer(run.engine, run.schema.character, bundle.resolution)
    creator = Creator(bundle, run.recipe.search)
    return evaluate_creator(creator, pictures, vectors, render, run.recipe.evaluated_modes[-1]).score


def _read_score(folder: Path) -> float:
    try:
        return float(json.loads((folder / SCORE_FILE).read_text(encoding="utf-8"))["score"])
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise InputError(f"{folder}: no score can be read from it ({error}); run again") from error
