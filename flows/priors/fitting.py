"""Facial priors: what the faces created from front-view photos have in common (Shi et al., TPAMI, section 3.5).

checkpoints/<character>-priors-<key>/
  faces.parquet         the created faces' parameters: the table that the priors were fitted on
  energy.png            figure 6 (a): how few directions hold most of their variety
  priors.safetensors    written last
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
import torch
from PIL import Image
from prefect import task
from prefect.cache_policies import NO_CACHE
from torch import Tensor

from engine_bridge.schema import ParameterSchema, Vector
from f2p_datasets.alignment import AlignmentTemplate
from f2p_datasets.errors import DatasetError
from f2p_datasets.loaders.pair_loader import Subset
from f2p_models.pictures import to_unit
from f2p_models.priors import PRIORS_FILE, FacialPriors, PriorsConfig, fit_priors, load_priors, save_priors
from flows.artifacts import show_picture
from flows.evaluate import open_creator
from flows.priors.faces import write_faces
from flows.priors.pictures import energy_chart
from flows.progress import ProgressBar, say
from flows.runs import Run
from flows.targets import Order, Target, step_target
from flows.train import TrainedCreator, dataset_key, open_pairs

FACES_FILE: Final = "faces.parquet"
ENERGY_FILE: Final = "energy.png"
FEWEST_FACES: Final = 2
T = TypeVar("T", Path, str)
#: Created together; their pictures are all in memory anyway.
_FACES_AT_ONCE: Final = 64


@task(task_run_name="fit facial priors", cache_policy=NO_CACHE, persist_result=False)
def fit_facial_priors(run: Run, trained: TrainedCreator, photos: Sequence[Path]) -> TrainedCreator:
    """The creator with priors, if the recipe asks for them: of faces that it creates in one shot without any.

    ``photos`` are datasets of aligned faces, the dearest first: the user's own, then photo-like renders, until there
    are as many front views of training photos as the recipe asks for.
    """
    config = run.recipe.priors
    if config is None:
        return trained
    keys = [dataset_key(found) for found in photos]
    target = priors_target(run.order, config, trained.hashes()["translator"], trained.template, keys)
    folder = target.folder
    with run.step_to(target) as record:
        record.cached = target.is_done
        if not record.cached:
            run.workers.release()
            with run.alone(folder), ProgressBar(target.title) as bar:
                vectors = _create(run, replace(trained, priors=None), front_views(run, photos), bar)
                source = {"photos": keys, "mode": "one-shot"}
                write_priors(folder, run.schema, vectors, config, source=source)
        priors = _load(run.schema, folder / PRIORS_FILE)
        record.figures = figures(priors)
    show_picture(f"facial priors of {run.schema.character}", folder / ENERGY_FILE)
    return replace(trained, priors=folder / PRIORS_FILE)


def priors_target(
    order: Order, config: PriorsConfig, translator: str, template: AlignmentTemplate, photos: Sequence[str]
) -> Target:
    """The priors of what a translator, given by its hash, creates from datasets of photos, given by their keys."""
    inputs = {
        "translator": translator,
        "template": template.fingerprint,
        "embedder": order.recipe.embedder,
        "resolution": order.recipe.resolution,
        "photos": list(photos),
        "faces": order.recipe.num_prior_faces,
        "config": asdict(config),
    }
    return step_target(
        "Fit the facial priors",
        order.step("priors", inputs),
        order.settings.checkpoints,
        lambda folder: _load(order.schema, folder / PRIORS_FILE),
    )


def prior_photos(photos: T, photo_like: T) -> list[T]:
    """The photos that a translator was trained with, and renders to fill up with, if these are not the photos."""
    return list(dict.fromkeys([photos, photo_like]))


def write_priors(
    folder: Path, schema: ParameterSchema, vectors: Vector, config: PriorsConfig, *, source: dict[str, Any]
) -> FacialPriors:
    """Fit priors of these faces (N, V) and write everything of them into the folder."""
    priors = fit_priors(schema, vectors, config, source=source)
    folder.mkdir(parents=True, exist_ok=True)
    write_faces(folder / FACES_FILE, schema, vectors)
    Image.fromarray(energy_chart(priors)).save(folder / ENERGY_FILE)
    save_priors(folder / PRIORS_FILE, priors)
    return priors


def figures(priors: FacialPriors) -> dict[str, int]:
    """The few numbers that are shown beside the step."""
    return {"faces": priors.card.num_faces, "sliders": priors.num_sliders, "components": priors.num_components}


def front_views(run: Run, photos: Sequence[Path]) -> Tensor:
    """Up to the recipe's number of aligned front views (N, 3, H, W) uint8, or of any views where there are no two."""
    found = _first_pictures(run, photos, "frontal")
    if len(found) < FEWEST_FACES:
        say("  [yellow]no high-quality front views among the photos: the priors are fitted on all of them[/]")
        found = _first_pictures(run, photos, "all")
    if len(found) < FEWEST_FACES:
        raise DatasetError(f"photos: {len(found)} face among them; facial priors need hundreds to be any good")
    return found


def _first_pictures(run: Run, photos: Sequence[Path], subset: Subset) -> Tensor:
    found: list[Tensor] = []
    for dataset in photos:
        found += _pictures(run, dataset, subset, run.recipe.num_prior_faces - sum(map(len, found)))
    return torch.cat(found) if found else torch.zeros(0)


def _pictures(run: Run, dataset: Path, subset: Subset, wanted: int) -> list[Tensor]:
    """The first pictures of the training split."""
    if wanted < 1:
        return []
    try:
        pairs = open_pairs(run, dataset, "train", run.recipe.translator, fields=("image",), subset=subset)
    except DatasetError:
        return []  # none of them
    found, missing = [], wanted
    for batch in pairs.complete():
        found.append(batch.image[:missing])
        missing -= len(found[-1])
        if not missing:
            break
    return found


@torch.no_grad()
def _create(run: Run, trained: TrainedCreator, pictures: Tensor, bar: ProgressBar) -> Vector:
    """The vectors (N, V) of the characters that T answers to pictures (N, 3, H, W) uint8, and nothing else of them."""
    bundle = open_creator(run, trained).bundle
    chunks = torch.split(pictures, _FACES_AT_ONCE)
    bar.start(len(chunks))
    vectors: list[Vector] = []
    for chunk in chunks:
        soft = bundle.translator(bundle.embedder.embed(to_unit(chunk, bundle.device)))
        vectors += [run.schema.harden(row) for row in soft.cpu().numpy()]
        bar.advance()
    return np.stack(vectors)


def _load(schema: ParameterSchema, path: Path) -> FacialPriors:
    return load_priors(path, expect_fingerprint=schema.fingerprint)
