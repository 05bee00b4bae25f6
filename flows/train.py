"""Training the three networks, each in its content-addressed folder.

checkpoints/<character>-<stage>-<key>/
  training/      state, history and previews; a killed training continues from here
  checkpoint/    weights and card, written last: the step is done when they verify
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal, cast

from prefect import task
from prefect.cache_policies import NO_CACHE

from f2p_datasets.alignment import AlignmentTemplate
from f2p_datasets.backgrounds import read_backgrounds
from f2p_datasets.durable import sha256_of
from f2p_datasets.manifest import read_manifest
from f2p_models.checkpoints import (
    CheckpointCard,
    read_card,
    save_checkpoint,
)
from f2p_models.embedders import build_embedder
from f2p_models.errors import DivergenceError
from f2p_models.imitator import Imitator
from f2p_models.segmenter import Segmenter
from f2p_models.training.loop import TrainingResult
from f2p_models.training.run_folder import RunFolder
from f2p_models.training.settings import FitSettings
from f2p_models.training.sources import BatchSource
from f2p_models.translator import Translator
from flows.artifacts import show_picture
from flows.gates.gate import refusing
from flows.gates.training import FINITE, pass_gap_gate, pass_training_gate
from flows.layout import CHECKPOINT, TRAINING
from flows.planning.training_plans import (
    imitator_inputs,
    imitator_settings,
    network_target,
    segmenter_inputs,
    segmenter_settings,
    translator_config,
    translator_inputs,
    translator_settings,
)
from flows.progress import ProgressBar
from flows.runs import Run
from flows.scaling.fitting import Fit, ImitatorOrder, SegmenterOrder, TranslatorOrder, open_split
from flows.scaling.torchrun import fitting
from flows.steps import code_version, plain

#: The metrics shown beside each step; the card has them all.
FIGURES: Final = {
    "imitator": ("l1", "l1_ratio", "psnr", "ssim"),
    "segmenter": ("accuracy", "miou"),
    "translator": ("slider_error", "choice_accuracy", "identity_similarity", "retrieval_top1"),
}


@dataclass(frozen=True, kw_only=True)
class TrainedCreator:
    """Checkpoints that were trained together, and the frame their photos are aligned to.

    priors  file of the facial priors that created faces are held to; None for none
    """

    imitator: Path
    segmenter: Path
    translator: Path
    template: AlignmentTemplate
    priors: Path | None = None

    @property
    def checkpoints(self) -> Mapping[str, Path]:
        return {"imitator": self.imitator, "segmenter": self.segmenter, "translator": self.translator}

    def hashes(self) -> dict[str, str]:
        """SHA-256 of each network's weights, and of the priors' file if there is one."""
        hashes = {kind: checkpoint_hash(folder) for kind, folder in self.checkpoints.items()}
        return hashes if self.priors is None else {**hashes, "priors": sha256_of(self.priors)}


Network = Imitator | Segmenter | Translator


@task(task_run_name="train imitator", cache_policy=NO_CACHE, persist_result=False)
def train_imitator(run: Run, studio: Path) -> Path:
    """G learns to draw what the engine draws (section 3.1, equation 1)."""
    order = ImitatorOrder(
        config=run.recipe.imitator_config(run.schema),
        settings=imitator_settings(run.order),
        resolution=run.recipe.resolution,
        studio=studio,
    )
    inputs = imitator_inputs(run.order, dataset_key(studio))
    checkpoint = trained(run, "imitator", inputs, fitting(run.settings, order), datasets=[studio])
    seen = partial(open_pairs, run, studio, "train", order.settings, fields=("vector", "image"))
    pass_gap_gate(run, "imitator", checkpoint, seen)
    return checkpoint


@task(task_run_name="train segmenter", cache_policy=NO_CACHE, persist_result=False)
def train_segmenter(run: Run, studio: Path, photo_like: Path, backgrounds: Path | None = None) -> Path:
    """F_seg learns the parts of a face from the engine's own masks, in the studio and out of it (section 3.6).

    ``backgrounds`` is a folder of photos to be seen behind the heads.
    """
    order = SegmenterOrder(
        config=run.recipe.segmenter_config(),
        settings=segmenter_settings(run.order),
        resolution=run.recipe.resolution,
        studio=studio,
        photo_like=photo_like,
        backgrounds=backgrounds,
    )
    datasets = [studio, photo_like]
    inputs = segmenter_inputs(run.order, [dataset_key(found) for found in datasets])
    if backgrounds is not None:
        inputs["backgrounds"] = hashlib.sha256(read_backgrounds(backgrounds).tobytes()).hexdigest()
    checkpoint = trained(run, "segmenter", inputs, fitting(run.settings, order), datasets=datasets)
    seen = partial(open_pairs, run, photo_like, "train", order.settings, fields=("image", "mask"))
    pass_gap_gate(run, "segmenter", checkpoint, seen)
    return checkpoint


@task(task_run_name="train translator", cache_policy=NO_CACHE, persist_result=False)
def train_translator(
    run: Run,
    *,
    photos: Path,
    photo_like: Path,
    imitator: Path,
    segmenter: Path,
    template: AlignmentTemplate,
) -> Path:
    """T learns to answer an embedding with the parameters whose picture resembles the photo (section 3.2, equation 4).

    ``photos`` are the user's, or the photo-like renders themselves; it is judged on held-out photo-like renders,
    because only of those the right answer is known.
    """
    embedder = build_embedder(run.recipe.embedder, template.points, run.settings.lightcnn_weights)
    renders = [] if photos == photo_like else [photo_like]
    order = TranslatorOrder(
        config=translator_config(run.order, embedder),
        settings=translator_settings(run.order),
        resolution=run.recipe.resolution,
        photos=photos,
        photo_like=photo_like,
        imitator=imitator,
        segmenter=segmenter,
        fingerprint=run.schema.fingerprint,
        embedder=run.recipe.embedder,
        template=template.tuples,
        lightcnn_weights=run.settings.lightcnn_weights,
    )
    parents = {"imitator": imitator, "segmenter": segmenter}
    inputs = translator_inputs(
        run.order,
        embedder,
        template,
        photos=dataset_key(photos),
        renders=[dataset_key(found) for found in renders],
        parents={kind: checkpoint_hash(folder) for kind, folder in parents.items()},
    )
    checkpoint = trained(
        run, "translator", inputs, fitting(run.settings, order), datasets=[photos, *renders], parents=parents
    )
    seen = partial(open_pairs, run, photo_like, "train", order.settings, fields=("vector", "image"))
    pass_gap_gate(run, "translator", checkpoint, seen, embedder)
    return checkpoint


def open_pairs(
    run: Run,
    dataset: Path,
    split: Literal["train", "heldout"],
    settings: FitSettings,
    *,
    fields: tuple[str, ...],
    subset: Literal["all", "frontal"] = "all",
) -> BatchSource:
    """One split of a dataset as batches for a training, at the recipe's resolution; ``fields`` must have the image."""
    return open_split(dataset, split, settings, run.recipe.resolution, fields=fields, subset=subset)


def dataset_key(folder: Path) -> str:
    """The content address in a dataset's manifest."""
    return read_manifest(folder).key


def checkpoint_hash(folder: Path) -> str:
    """SHA-256 of a checkpoint's weights, as its card states."""
    return read_card(folder).weights_sha256


def trained(
    run: Run,
    stage: str,
    inputs: Mapping[str, Any],
    fit: Fit,
    *,
    datasets: list[Path],
    parents: Mapping[str, Path] | None = None,
) -> Path:
    """The stage's checkpoint: found verified, or trained from where the last attempt was stopped."""
    target = network_target(run.order, stage, inputs)
    folder = target.folder
    training = RunFolder(folder / TRAINING)
    restarted = run.restart == stage
    with run.step_to(target) as record:
        record.cached = not restarted and target.is_done
        if not record.cached:
            run.workers.release()
            with run.alone(folder), ProgressBar(target.title) as bar:
                if restarted:
                    shutil.rmtree(folder)
                record.share = 0.0 if training.has_states else 1.0
                with refusing(run, stage, FINITE, DivergenceError):
                    result = fit(folder / TRAINING, bar)
                card = _card(run, stage, result, inputs=inputs, datasets=datasets, parents=parents or {})
                save_checkpoint(folder / CHECKPOINT, cast(Network, result.module), card)
                training.forget_states()
        elif training.has_states:  # of an attempt that was killed just before the line above
            with suppress(OSError):
                training.forget_states()
        metrics = read_card(folder / CHECKPOINT).metrics
        record.figures = {name: metrics[name] for name in FIGURES[stage] if name in metrics}
    _show(folder, stage)
    pass_training_gate(run, stage, folder / CHECKPOINT)
    return folder / CHECKPOINT


def _card(
    run: Run,
    stage: str,
    result: TrainingResult,
    *,
    inputs: Mapping[str, Any],
    datasets: list[Path],
    parents: Mapping[str, Path],
) -> CheckpointCard:
    return CheckpointCard(
        kind=stage,
        character=run.schema.character,
        schema_fingerprint=run.schema.fingerprint,
        recipe=run.recipe.name,
        code_version=code_version(stage),
        epoch=int(result.history[-1]["epoch"]),
        datasets=tuple(read_manifest(dataset).sha256 for dataset in datasets),
        recipe_settings=plain(inputs["training"]),
        metrics=result.metrics,
        parents={kind: checkpoint_hash(folder) for kind, folder in parents.items()},
        extra={"baseline": result.baseline},
    )


def _show(folder: Path, stage: str) -> None:
    previews = sorted((folder / TRAINING / "previews").glob("epoch-*.png"))
    if previews:
        show_picture(f"{stage} on held-out pairs", previews[-1])
