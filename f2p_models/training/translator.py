"""Training the translator by self-supervision (Shi et al., TPAMI, section 3.4.1).

    photo -> F_recg -> T -> vector -> G -> picture -> F_recg, F_seg      the picture is to look like the photo

Only T learns; G, F_seg and F_recg are frozen, and see each photo once: embeddings and content maps are remembered.
Where vectors are known (renders), two things can be added that the paper has not: a parameter loss beside the photos'
own losses, and before all a warm-up. Both need T alone, so they cost next to nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from f2p_models.devices import choose_device
from f2p_models.embedders.protocol import Embedder
from f2p_models.errors import TrainingError
from f2p_models.training.content_memory import ContentMemory
from f2p_models.training.domain_gap import characters_mean, close_gap, photos_mean
from f2p_models.training.embedded import EmbeddedSource, EmbeddingTable, embed_source
from f2p_models.training.loop import TrainingResult, fit
from f2p_models.training.progress import Progress
from f2p_models.training.run_folder import Record
from f2p_models.training.sources import BatchSource, GuardedSource, heldout_index
from f2p_models.training.translator_metrics import mean_vector_metrics
from f2p_models.training.translator_settings import TranslatorTraining
from f2p_models.training.translator_source import AlternatingSource, LabelledTables
from f2p_models.training.translator_task import FrozenNetworks, TranslatorTask, WarmupTask
from f2p_models.translator import Translator, TranslatorConfig


def train_translator(
    config: TranslatorConfig,
    training: TranslatorTraining,
    *,
    networks: FrozenNetworks,
    photos: BatchSource,
    heldout: BatchSource,
    folder: Path,
    frontal: BatchSource | None = None,
    renders: Sequence[BatchSource] = (),
    resume: bool = False,
    progress: Progress | None = None,
    device: torch.device | None = None,
) -> TrainingResult:
    """Train a translator.

    photos    all of them; ``frontal`` the good front views among them, by the same indices (None: all)
    renders   further pairs with known vectors, for the warm-up and the parameter loss
    heldout   what it is judged on: photo-like renders, whose vectors are known, or photos

    Metrics: see ``translator_metrics``; characters are judged on the imitator's pictures. Baseline: the mean vector.
    """
    device = device or choose_device()
    networks.check(training.max_imitator_l1_ratio)
    networks.freeze(device)
    sources = _embed_all(
        networks.embedder,
        photos=photos,
        frontal=frontal,
        renders=renders,
        heldout=heldout,
        device=device,
        progress=progress,
    )
    task = _build_task(config, training, networks, sources, device)
    labelled = _labelled(training, networks, sources)
    if training.warmup_epochs:
        _warm_up(task, labelled, folder / "warmup", resume=resume, progress=progress)
    history = fit(
        task,
        _alternating(training, sources, labelled),
        training,
        folder=folder,
        device=device,
        title="translator",
        identity={"architecture": str(config), "num_pairs": photos.num_pairs},
        resume=resume,
        progress=progress,
    )
    return TrainingResult.of(task.module, sources.baseline(config.block_sizes), history)


@dataclass(frozen=True, kw_only=True)
class _Sources:
    photos: EmbeddedSource
    frontal: EmbeddedSource
    heldout: EmbeddedSource
    labelled: list[EmbeddingTable]

    def baseline(self, block_sizes: Sequence[int]) -> Record:
        applied = self.heldout.table.vector
        if applied is None or not self.labelled:
            return {}
        known = torch.cat([table.vector for table in self.labelled if table.vector is not None])
        return mean_vector_metrics(known, applied, block_sizes)


def _embed_all(
    embedder: Embedder,
    *,
    photos: BatchSource,
    frontal: BatchSource | None,
    renders: Sequence[BatchSource],
    heldout: BatchSource,
    device: torch.device,
    progress: Progress | None,
) -> _Sources:
    forbidden = heldout_index(heldout)

    def embedded(source: BatchSource, title: str) -> EmbeddedSource:
        return EmbeddedSource(source, embed_source(embedder, source, device=device, title=title, progress=progress))

    def guarded(source: BatchSource, title: str) -> EmbeddedSource:
        return embedded(GuardedSource(source, forbidden), title)

    all_photos = guarded(photos, "photos")
    tables = [all_photos.table, *(guarded(source, "renders").table for source in renders)]
    return _Sources(
        photos=all_photos,
        frontal=all_photos if frontal is None else EmbeddedSource(GuardedSource(frontal, forbidden), all_photos.table),
        heldout=embedded(heldout, "held-out pictures"),
        labelled=[table for table in tables if table.vector is not None],
    )


def _build_task(
    config: TranslatorConfig,
    training: TranslatorTraining,
    networks: FrozenNetworks,
    sources: _Sources,
    device: torch.device,
) -> TranslatorTask:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(training.seed)
        module = Translator(config, center=networks.embedder.center.cpu()).to(device)
    content = ContentMemory(networks.segmenter, limit_bytes=training.content_memory_mb << 20, device=device)
    gap = _gap_of_characters(networks, sources, device) if training.close_domain_gap else torch.zeros(1)
    return TranslatorTask(module, training, networks, sources.heldout, content, gap.to(device), device)


def _gap_of_characters(networks: FrozenNetworks, sources: _Sources, device: torch.device) -> Tensor:
    """(D,) from the imitator's pictures of known vectors to the training photos, be they photos or renders."""
    vectors = next((table.vector for table in sources.labelled if table.vector is not None), None)
    if vectors is None:
        raise TrainingError("close_domain_gap: it is measured on renders, and there are none; add renders")
    characters = characters_mean(networks.imitator, networks.embedder, vectors, device)
    return sources.photos.table.mean.to(device) - characters


def _labelled(training: TranslatorTraining, networks: FrozenNetworks, sources: _Sources) -> list[EmbeddingTable]:
    """What is learned from known vectors."""
    if not training.close_domain_gap:
        return sources.labelled
    return close_gap(sources.labelled, photos_mean(sources.photos.table, networks.embedder))


def _alternating(
    training: TranslatorTraining, sources: _Sources, labelled: Sequence[EmbeddingTable]
) -> AlternatingSource:
    """Without a content loss there is nothing to choose good front views for."""
    known = None
    if training.lambda_parameter:
        known = LabelledTables(labelled, batch_size=training.labelled_batch_size, seed=training.seed)
    limit = training.batches_per_epoch
    if not training.lambda_2:
        return AlternatingSource(sources.photos, sources.photos, 0, known, limit)
    return AlternatingSource(sources.photos, sources.frontal, training.full_set_period, known, limit)


def _warm_up(
    task: TranslatorTask,
    labelled: Sequence[EmbeddingTable],
    folder: Path,
    *,
    resume: bool,
    progress: Progress | None,
) -> None:
    training = task.training
    tables = LabelledTables(labelled, batch_size=training.warmup_batch_size, seed=training.seed)
    fit(
        WarmupTask(task, noise=training.embedding_noise * tables.deviation),
        tables,
        training.warmup,
        folder=folder,
        device=task.device,
        title="translator warm-up",
        identity={"architecture": str(task.module.config), "embedding_noise": training.embedding_noise},
        resume=resume,
        progress=progress,
    )
