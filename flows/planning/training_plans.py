"""The trainings of a run: settings, everything that shapes the weights, and where the checkpoints are to lie.

What was trained or rendered before is given by its hash or key, so that a training can be planned before anything is
there to be learned from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final, Literal

from f2p_datasets.alignment import AlignmentTemplate
from f2p_models.checkpoints import load_checkpoint
from f2p_models.embedders import Embedder
from f2p_models.segmenter import SegmenterConfig
from f2p_models.training import ImitatorTraining, SegmenterTraining, TranslatorTraining
from f2p_models.translator import TranslatorConfig
from flows.layout import CHECKPOINT
from flows.steps import digest
from flows.targets import Order, Target, step_target

#: Of the learning rate that a segmenter was trained with, once it goes on: it has learned already.
SLOWER: Final = 0.3


def imitator_settings(order: Order) -> ImitatorTraining:
    """The recipe's, with the run's seed."""
    return replace(order.recipe.imitator, seed=order.seed)


def segmenter_settings(order: Order) -> SegmenterTraining:
    """The recipe's, with the run's seed and the weights that it starts from."""
    return replace(order.recipe.segmenter, seed=order.seed, imagenet_trunk=_imagenet_trunk(order))


def translator_settings(order: Order) -> TranslatorTraining:
    """The recipe's, with the run's seed."""
    return replace(order.recipe.translator, seed=order.seed)


def translator_config(order: Order, embedder: Embedder) -> TranslatorConfig:
    """The architecture for a character and an embedder."""
    return TranslatorConfig(
        embedding_size=embedder.embedding_size,
        num_continuous=order.schema.num_continuous,
        block_sizes=tuple(len(choice.choices) for choice in order.schema.discrete),
        attention=order.recipe.attention,
    )


def imitator_inputs(order: Order, studio: str) -> dict[str, Any]:
    """What shapes G: ``studio`` is the key of its pairs."""
    config = order.recipe.imitator_config(order.schema)
    return {"architecture": asdict(config), "training": imitator_settings(order).to_dict(), "studio": studio}


def segmenter_inputs(order: Order, datasets: Sequence[str]) -> dict[str, Any]:
    """What shapes F_seg: the keys of its datasets among it."""
    return {
        "architecture": asdict(order.recipe.segmenter_config()),
        "training": segmenter_settings(order).to_dict(),
        "datasets": list(datasets),
    }


def translator_inputs(
    order: Order,
    embedder: Embedder,
    template: AlignmentTemplate,
    *,
    photos: str,
    renders: Sequence[str],
    parents: Mapping[str, str],
) -> dict[str, Any]:
    """What shapes T: keys of its photos and renders, and the hashes of ``imitator`` and ``segmenter``."""
    return {
        "architecture": asdict(translator_config(order, embedder)),
        "training": translator_settings(order).to_dict(),
        "photos": photos,
        "renders": list(renders),
        "embedder": [embedder.name, embedder.weights_sha256, digest(embedder.center.tolist()), template.fingerprint],
        **parents,
    }


def adaptation_settings(order: Order) -> SegmenterTraining:
    """Of a segmenter that goes on with photos: slower, from its own weights."""
    return replace(
        order.recipe.segmenter,
        seed=order.seed,
        imagenet_trunk=None,
        learning_rate=SLOWER * order.recipe.segmenter.learning_rate,
    )


def adaptation_inputs(order: Order, config: SegmenterConfig, datasets: Sequence[str], segmenter: str) -> dict[str, Any]:
    """What shapes a segmenter that goes on: keys of its datasets, and the hash of what it was."""
    return {
        "architecture": asdict(config),
        "training": adaptation_settings(order).to_dict(),
        "datasets": list(datasets),
        "segmenter": segmenter,
    }


def network_target(order: Order, stage: str, inputs: Mapping[str, Any]) -> Target:
    """A network's checkpoint."""

    def verify(folder: Path) -> object:
        return load_checkpoint(folder / CHECKPOINT, expect_fingerprint=order.schema.fingerprint)

    return step_target(f"Train the {stage}", order.step(stage, inputs), order.settings.checkpoints, verify)


def _imagenet_trunk(order: Order) -> Path | Literal["packaged"] | None:
    """Where the segmenter's first weights come from, if the recipe starts from any."""
    if not order.recipe.pretrained_trunk:
        return None
    return order.settings.imagenet_weights if order.recipe.segmenter_trunk == "resnet50" else "packaged"
