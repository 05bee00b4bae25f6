"""Champions scored anew: when the engine has changed, the held-out set that they were measured on is gone.

evaluations/<character>-rescoring-<key>/score.json

That is the champion in use and the best one of its held-out set: were it not held to that one too, every engine build
would allow a small step down. The same people are rendered by the engine as it is now and aligned as the champion
aligns photos, by its own template; it creates in the challenger's mode and with its search, so that nothing but the
networks differ.
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
from flows.planning.dataset_plans import TEMPLATE_FILE, heldout_photos_plan
from flows.progress import say
from flows.published import open_registry
from flows.render import render_dataset
from flows.runs import Run
from flows.targets import Order, Target, step_target
from flows.train import dataset_key

SCORE_FILE: Final = "score.json"
#: A stage of its own, so that a run's held-out photos stay the challenger's.
CHAMPION_PHOTOS: Final = f"champion-{HELDOUT_PHOTOS}"
CHAMPION_PHOTOS_TITLE: Final = "Render the champion's held-out photos"
RESCORING: Final = "rescoring"


def score_champions_anew(run: Run, heldout: str, template: AlignmentTemplate) -> None:
    """Give the registry the champions' scores on the held-out set of that name, as far as it has none.

    ``template`` is the challenger's. A champion that is damaged is left as it is.
    """
    registry = open_registry(run.settings)
    for champion in champions_to_score(run.order, heldout):
        try:
            bundle = load_bundle(champion.folder, embedder_checkpoint=run.settings.lightcnn_weights)
        except InputError as error:
            say(f"  [yellow]version {champion.version} cannot be scored anew: {error}[/]")
            continue
        photos = _photos_for(run, bundle, template)
        registry.note_score(champion, heldout, _score(run, champion, bundle, photos))


def champions_to_score(order: Order, heldout: str) -> list[ModelVersion]:
    """The champions without a score on that held-out set whom a challenger measured on it is to be held to.

    One of another schema, engine or embedder cannot be compared and is left as it is: so is a challenger of it, until
    somebody looks at both.
    """
    schema = order.schema
    unscored = open_registry(order.settings).unscored_champions(schema.character, schema.fingerprint, heldout)
    return [champion for champion in unscored if _comparable(order, champion)]


def champions_to_plan(order: Order, template: AlignmentTemplate | None) -> list[tuple[ModelVersion, AlignmentTemplate]]:
    """Champions that a version made with that template would be compared with after they were scored anew; theirs each.

    Where the template is not known yet, the champion's is taken: with the engine that it was made with it is the same.
    Damaged ones are left out.
    """
    folder = order.settings.registry / order.schema.character
    if not folder.is_dir():  # opening a registry makes one
        return []
    expected = template or _template_in_use(order)
    if expected is None:
        return []
    heldout = heldout_photos_plan(order, expected).key(order.engine)
    found = ((champion, _template_of(champion)) for champion in champions_to_score(order, heldout))
    return [(champion, own) for champion, own in found if own is not None]


def _template_in_use(order: Order) -> AlignmentTemplate | None:
    try:
        return _template_of(open_registry(order.settings).get(order.schema.character))
    except InputError:  # nothing is published, or the champion is damaged
        return None


def _template_of(version: ModelVersion) -> AlignmentTemplate | None:
    try:
        return AlignmentTemplate.load(version.folder / TEMPLATE_FILE)
    except InputError:
        return None


def rescoring_target(order: Order, champion: ModelVersion, photos: str) -> Target:
    """The score of a champion on photos, given by their dataset's key."""
    inputs = {
        "champion": champion.identity,
        "photos": photos,
        "search": asdict(order.recipe.search),
        "mode": order.recipe.evaluated_modes[-1],
    }
    step = order.step(RESCORING, inputs)
    return step_target(f"Score version {champion.version} anew", step, order.settings.evaluations, _read_score)


def _comparable(order: Order, champion: ModelVersion) -> bool:
    try:
        refuse_other_engine(champion, order.engine)
    except InputError:
        return False
    return read_manifest(champion.folder).embedder == order.recipe.embedder


def _photos_for(run: Run, bundle: CreatorBundle, template: AlignmentTemplate) -> Path:
    """The challenger's held-out photos where both align photos alike, else the same people aligned its own way."""
    own = AlignmentTemplate(np.asarray(bundle.template, np.float64))
    folder = run.record.folder_of(HELDOUT_PHOTOS)
    if folder is not None and own.fingerprint == template.fingerprint:
        return folder
    plan = heldout_photos_plan(run.order, own)
    return render_dataset(run, plan, stage=CHAMPION_PHOTOS, title=CHAMPION_PHOTOS_TITLE)


def _score(run: Run, champion: ModelVersion, bundle: CreatorBundle, photos: Path) -> float:
    target = rescoring_target(run.order, champion, dataset_key(photos))
    with run.step_to(target) as record:
        record.cached = target.is_done
        if not record.cached:
            with run.alone(target.folder), appearing_file(target.folder / SCORE_FILE) as stream:
                stream.write(json.dumps({"score": _measure(run, bundle, photos)}).encode())
        score = _read_score(target.folder)
        record.figures = {"version": champion.version, "score": score}
    return score


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
