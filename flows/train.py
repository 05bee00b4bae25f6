"""Training the three networks, each in its content-addressed folder.

checkpoints/<character>-<stage>-<key>/
  training/      state, history and previews; a killed training continues from here
  checkpoint/    weights and card, written last: the step is done when they verify
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal, cast

import torch
from prefect import task
from prefect.cache_policies import NO_CACHE

from f2p_datasets.alignment import AlignmentTemplate
from f2p_datasets.backgrounds import read_backgrounds
from f2p_datasets.durable import sha256_of
from f2p_datasets.errors import DatasetError
from f2p_datasets.loaders import PairLoader
from f2p_datasets.manifest import read_manifest
from f2p_models import training
from f2p_models.checkpoints import (
    CheckpointCard,
    load_checkpoint,
    load_imitator,
    load_segmenter,
    read_card,
    save_checkpoint,
)
from f2p_models.embedders import Embedder, build_embedder
from f2p_models.imitator import Imitator
from f2p_models.segmenter import Segmenter
from f2p_models.training.loop import TrainingResult
from f2p_models.training.progress import Progress
from f2p_models.training.run_folder import RunFolder
from f2p_models.training.settings import FitSettings
from f2p_models.training.sources import BatchSource
from f2p_models.training.translator_task import FrozenNetworks
from f2p_models.translator import Translator, TranslatorConfig
from flows.artifacts import show_picture
from flows.layout import CHECKPOINT, TRAINING
from flows.progress import ProgressBar, say
from flows.runs import Run
from flows.steps import Step, code_version, digest, is_done, plain

LOADER_WORKERS: Final = 2
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
Fit = Callable[[Path, Progress], TrainingResult]
"""Train in this folder, continuing what is there, and tell how far it is."""


@task(task_run_name="train imitator", cache_policy=NO_CACHE, persist_result=False)
def train_imitator(run: Run, studio: Path) -> Path:
    """G learns to draw what the engine draws (section 3.1, equation 1)."""
    settings = replace(run.recipe.imitator, seed=run.seed)
    config = run.recipe.imitator_config(run.schema)

    def fit(folder: Path, progress: Progress) -> TrainingResult:
        return training.train_imitator(
            config,
            settings,
            train=open_pairs(run, studio, "train", settings, fields=("vector", "image")),
            heldout=open_pairs(run, studio, "heldout", settings, fields=("vector", "image")),
            folder=folder,
            resume=True,
            progress=progress,
        )

    inputs = {"architecture": asdict(config), "training": settings.to_dict(), "studio": dataset_key(studio)}
    return trained(run, "imitator", inputs, fit, datasets=[studio])


@task(task_run_name="train segmenter", cache_policy=NO_CACHE, persist_result=False)
def train_segmenter(run: Run, studio: Path, photo_like: Path, backgrounds: Path | None = None) -> Path:
    """F_seg learns the parts of a face from the engine's own masks, in the studio and out of it (section 3.6).

    ``backgrounds`` is a folder of photos to be seen behind the heads.
    """
    behind = read_backgrounds(backgrounds) if backgrounds else None
    settings = replace(run.recipe.segmenter, seed=run.seed, imagenet_trunk=_imagenet_trunk(run))
    config = run.recipe.segmenter_config()
    fields = ("image", "mask")

    def fit(folder: Path, progress: Progress) -> TrainingResult:
        return training.train_segmenter(
            config,
            settings,
            train=[open_pairs(run, found, "train", settings, fields=fields) for found in (studio, photo_like)],
            heldout=open_pairs(run, photo_like, "heldout", settings, fields=fields),
            backgrounds=None if behind is None else torch.from_numpy(behind),
            folder=folder,
            resume=True,
            progress=progress,
        )

    datasets = [studio, photo_like]
    inputs = {
        "architecture": asdict(config),
        "training": settings.to_dict(),
        "datasets": [dataset_key(found) for found in datasets],
        **({} if behind is None else {"backgrounds": hashlib.sha256(behind.tobytes()).hexdigest()}),
    }
    return trained(run, "segmenter", inputs, fit, datasets=datasets)


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
    settings = replace(run.recipe.translator, seed=run.seed)
    embedder = build_embedder(run.recipe.embedder, template.points, run.settings.lightcnn_weights)
    config = _translator_config(run, embedder)
    # Renders know their vectors. Photo-like ones that are the photos teach theirs there, and otherwise beside them.
    labelled = photos == photo_like
    pairs = ("vector", "image")
    fields = pairs if labelled else ("image",)
    renders = [] if labelled else [photo_like]

    def fit(folder: Path, progress: Progress) -> TrainingResult:
        return training.train_translator(
            config,
            settings,
            networks=_frozen_networks(run, imitator, segmenter, embedder),
            photos=open_pairs(run, photos, "train", settings, fields=fields),
            frontal=_frontal_pairs(run, photos, settings, fields=fields),
            renders=[open_pairs(run, found, "train", settings, fields=pairs) for found in renders],
            heldout=open_pairs(run, photo_like, "heldout", settings, fields=pairs),
            folder=folder,
            resume=True,
            progress=progress,
        )

    parents = {"imitator": imitator, "segmenter": segmenter}
    inputs = {
        "architecture": asdict(config),
        "training": settings.to_dict(),
        "photos": dataset_key(photos),
        "renders": [dataset_key(found) for found in renders],
        "embedder": [embedder.name, embedder.weights_sha256, digest(embedder.center.tolist()), template.fingerprint],
        **{kind: checkpoint_hash(folder) for kind, folder in parents.items()},
    }
    return trained(run, "translator", inputs, fit, datasets=[photos, *renders], parents=parents)


def _imagenet_trunk(run: Run) -> Path | Literal["packaged"] | None:
    """Where the segmenter's first weights come from, if the recipe starts from any."""
    if not run.recipe.pretrained_trunk:
        return None
    return run.settings.imagenet_weights if run.recipe.segmenter_trunk == "resnet50" else "packaged"


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
    loader = PairLoader(
        dataset,
        split=split,
        batch_size=settings.batch_size,
        seed=settings.seed,
        fields=fields,
        subset=subset,
        resolution=run.recipe.resolution,
        workers=LOADER_WORKERS,
    )
    return cast(BatchSource, loader)  # its batches say "image or None", and here it is never None


def _translator_config(run: Run, embedder: Embedder) -> TranslatorConfig:
    return TranslatorConfig(
        embedding_size=embedder.embedding_size,
        num_continuous=run.schema.num_continuous,
        block_sizes=tuple(len(choice.choices) for choice in run.schema.discrete),
        attention=run.recipe.attention,
    )


def _frozen_networks(run: Run, imitator: Path, segmenter: Path, embedder: Embedder) -> FrozenNetworks:
    network, card = load_imitator(imitator, expect_fingerprint=run.schema.fingerprint)
    return FrozenNetworks(
        imitator=network, segmenter=load_segmenter(segmenter)[0], embedder=embedder, imitator_metrics=card.metrics
    )


def _frontal_pairs(run: Run, photos: Path, settings: FitSettings, *, fields: tuple[str, ...]) -> BatchSource | None:
    """The high-quality front views that the content loss learns from; None, for all photos, when there are none."""
    try:
        return open_pairs(run, photos, "train", settings, fields=fields, subset="frontal")
    except DatasetError:
        say("  [yellow]no high-quality front view among the photos: the content loss uses all of them[/]")
        return None


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
    step = Step(stage=stage, character=run.schema.character, inputs=inputs)
    folder = step.folder(run.settings.checkpoints)
    title = f"Train the {stage}"
    restarted = run.restart == stage
    with run.step(title, stage, step.key, folder, step.record) as record:
        record.cached = not restarted and is_done(folder / CHECKPOINT, lambda found: _verified(run, found))
        if not record.cached:
            run.workers.release()
            with run.alone(folder), ProgressBar(title) as bar:
                if restarted:
                    shutil.rmtree(folder)
                result = fit(folder / TRAINING, bar)
                card = _card(run, stage, result, inputs=inputs, datasets=datasets, parents=parents or {})
                save_checkpoint(folder / CHECKPOINT, cast(Network, result.module), card)
                RunFolder(folder / TRAINING).forget_states()
        metrics = read_card(folder / CHECKPOINT).metrics
        record.figures = {name: metrics[name] for name in FIGURES[stage] if name in metrics}
    _show(folder, stage)
    return folder / CHECKPOINT


def _verified(run: Run, folder: Path) -> CheckpointCard:
    return load_checkpoint(folder, expect_fingerprint=run.schema.fingerprint)[1]


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
