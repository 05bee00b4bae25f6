"""Evaluation: the networks on held-out pairs, and the creator on people that no network has seen.

evaluations/<character>-evaluation-<key>/
  pictures/          what the figures look like
  evaluation.json    the figures, written last
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from prefect import task
from prefect.cache_policies import NO_CACHE

from engine_bridge.schema import ParameterSchema
from f2p_datasets.alignment import AlignmentTemplate
from f2p_datasets.loaders.memory import MemoryPairs
from f2p_datasets.manifest import TABLE_NAME, read_manifest
from f2p_datasets.pair_table import read_rows
from f2p_models import evaluation as measuring
from f2p_models.checkpoints import load_imitator, load_segmenter, load_translator
from f2p_models.creation import Creator
from f2p_models.creator_bundle import CreatorBundle
from f2p_models.devices import choose_device
from f2p_models.embedders import build_embedder
from f2p_models.evaluation.creators import CreatorQuality
from f2p_models.evaluation.report import read_evaluation
from f2p_models.pictures import to_unit
from f2p_models.priors import load_priors
from flows.artifacts import show_picture, show_table
from flows.engines.orders import studio_renderer
from flows.layout import EVALUATION_FILE, HELDOUT_PHOTOS, PICTURES
from flows.pictures.evaluation_pictures import draw_evaluation
from flows.progress import ProgressBar
from flows.recipes import Recipe
from flows.runs import Run
from flows.settings import Settings
from flows.targets import Order, Target, step_target
from flows.train import TrainedCreator, dataset_key, open_pairs


@task(task_run_name="evaluate", cache_policy=NO_CACHE, persist_result=False)
def evaluate_creator(run: Run, trained: TrainedCreator, studio: Path, photo_like: Path, heldout_photos: Path) -> Path:
    """Measure everything that is published with a version. Returns the evaluation's folder."""
    keys = [dataset_key(found) for found in (studio, photo_like, heldout_photos)]
    target = evaluation_target(run.order, trained.hashes(), trained.template, keys)
    folder = target.folder
    with run.step_to(target) as record:
        record.cached = target.is_done
        if not record.cached:
            with run.alone(folder), ProgressBar(target.title) as bar:
                bar.start(2 + len(run.recipe.evaluated_modes))
                creator = open_creator(run, trained)
                found = _measure(run, creator, bar, studio=studio, photo_like=photo_like, heldout_photos=heldout_photos)
                photos, _ = read_heldout_photos(heldout_photos, run.recipe.resolution)
                draw_evaluation(
                    creator,
                    folder / PICTURES,
                    studio=open_pairs(run, studio, "heldout", run.recipe.imitator, fields=("vector", "image")),
                    photo_like=open_pairs(run, photo_like, "heldout", run.recipe.segmenter, fields=("image", "mask")),
                    photos=photos,
                    render=studio_renderer(run.engine, run.schema.character, run.recipe.resolution),
                    mode=run.recipe.evaluated_modes[-1],
                )
                found.save(folder / EVALUATION_FILE)
        record.figures = headline(read_evaluation(folder / EVALUATION_FILE))
    show_table(f"evaluation of {run.schema.character}", [record.figures])
    for picture in sorted((folder / PICTURES).glob("*.png")):
        show_picture(f"{run.schema.character} {picture.stem}", picture)
    return folder


def evaluation_target(
    order: Order, networks: Mapping[str, str], template: AlignmentTemplate, datasets: Sequence[str]
) -> Target:
    """The evaluation of networks, given by their hashes, on datasets, given by their keys."""
    inputs = {
        **networks,
        "template": template.fingerprint,
        "datasets": list(datasets),
        "search": asdict(order.recipe.search),
        "modes": list(order.recipe.evaluated_modes),
    }
    return step_target(
        "Evaluate",
        order.step("evaluation", inputs),
        order.settings.evaluations,
        lambda folder: read_evaluation(folder / EVALUATION_FILE),
    )


def open_creator(run: Run, trained: TrainedCreator) -> Creator:
    """The networks that a run trained, ready to create."""
    return open_networks(run.settings, trained, run.recipe, run.schema)


def open_networks(settings: Settings, trained: TrainedCreator, recipe: Recipe, schema: ParameterSchema) -> Creator:
    """Networks of a recipe, ready to create. Raises CheckpointError for those of another schema."""
    fingerprint, template = schema.fingerprint, trained.template.points
    bundle = CreatorBundle(
        schema=schema,
        template=template,
        imitator=load_imitator(trained.imitator, expect_fingerprint=fingerprint)[0],
        segmenter=load_segmenter(trained.segmenter)[0],
        translator=load_translator(trained.translator, expect_fingerprint=fingerprint)[0],
        embedder=build_embedder(recipe.embedder, template, settings.lightcnn_weights),
        device=choose_device(),
        priors=load_priors(trained.priors, expect_fingerprint=fingerprint) if trained.priors else None,
    )
    return Creator(bundle, recipe.search)


def read_heldout_photos(heldout_photos: Path, resolution: int) -> tuple[torch.Tensor, Any]:
    """Every pair of an aligned dataset: photos (N, 3, H, W) float in [0, 1] and their vectors (N, V)."""
    indices = sorted(read_rows(heldout_photos / TABLE_NAME).column("index").to_pylist())
    return read_photos(heldout_photos, resolution, indices)


def read_unseen_photos(folder: Path, resolution: int, count: int) -> tuple[torch.Tensor, Any]:
    """The first ``count`` pairs of a photo-like dataset that no network learned from, as :func:`read_heldout_photos`.

    Where the whole dataset was held out, as its folder's name says, that is any pair; else one of the held-out split.
    """
    rows = read_rows(folder / TABLE_NAME).to_pylist()
    unseen = sorted(row["index"] for row in rows if row["split"] == "heldout" or f"-{HELDOUT_PHOTOS}-" in folder.name)
    return read_photos(folder, resolution, unseen[:count])


def read_photos(folder: Path, resolution: int, indices: list[int]) -> tuple[torch.Tensor, Any]:
    """Pictures (N, 3, H, W) float in [0, 1] and vectors (N, V) of the pairs with these indices."""
    shards = [folder / shard.name for shard in read_manifest(folder).shards if shard.num_pairs]
    fields = ("vector", "image")
    pairs = MemoryPairs(shards, indices, fields=fields, resolution=resolution, device=torch.device("cpu"))
    batch = pairs.batch(np.arange(len(indices)))
    assert batch.image is not None
    assert batch.vector is not None
    return to_unit(batch.image), batch.vector.numpy()


def headline(found: measuring.Evaluation) -> dict[str, float]:
    """The few figures that are shown beside the step."""
    creating = found.creators[found.judged_mode]
    return {
        "score": found.score,
        "imitator L1 / baseline": found.imitator.l1_ratio,
        "segmenter mIoU": found.segmenter.mean_iou,
        "retrieval top 1": creating.retrieval.top1,
    }


def _measure(
    run: Run, creator: Creator, bar: ProgressBar, *, studio: Path, photo_like: Path, heldout_photos: Path
) -> measuring.Evaluation:
    pairs = ("vector", "image")
    imitator = measuring.evaluate_imitator(
        creator.bundle.imitator,
        open_pairs(run, studio, "train", run.recipe.imitator, fields=pairs),
        open_pairs(run, studio, "heldout", run.recipe.imitator, fields=pairs),
    )
    bar.advance()
    segmenter = measuring.evaluate_segmenter(
        creator.bundle.segmenter,
        open_pairs(run, photo_like, "train", run.recipe.segmenter, fields=("image", "mask")),
        open_pairs(run, photo_like, "heldout", run.recipe.segmenter, fields=("image", "mask")),
    )
    bar.advance()
    photos, vectors = read_heldout_photos(heldout_photos, run.recipe.resolution)
    render = studio_renderer(run.engine, run.schema.character, run.recipe.resolution)
    creators: dict[str, CreatorQuality] = {}
    for mode in run.recipe.evaluated_modes:
        creators[mode] = measuring.evaluate_creator(creator, photos, vectors, render, mode)
        bar.advance()
    return measuring.Evaluation(
        character=run.schema.character,
        fingerprint=run.schema.fingerprint,
        heldout=dataset_key(heldout_photos),
        judged_mode=run.recipe.evaluated_modes[-1],
        imitator=imitator,
        segmenter=segmenter,
        creators=creators,
    )
