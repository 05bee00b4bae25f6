"""One step of the translator's training, and how it is judged (Shi et al., TPAMI, equations 4 to 8).

B batch, V vector, D embedding, H W pixels
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from f2p_models.embedders.protocol import Embedder
from f2p_models.errors import TrainingError
from f2p_models.imitator import Imitator
from f2p_models.losses import content_loss, identity_loss, loopback_loss, parameter_loss
from f2p_models.pictures import to_unit
from f2p_models.segmenter import Segmenter
from f2p_models.training.embedded import EmbeddedBatch, EmbeddedSource
from f2p_models.training.previews import PREVIEW_PAIRS, picture_sheet
from f2p_models.training.run_folder import Record
from f2p_models.training.translator_metrics import identity_metrics, parameter_metrics
from f2p_models.training.translator_settings import TranslatorTraining
from f2p_models.translator import Translator

#: Held-out pictures are judged in chunks of this many, whatever the source's batches.
JUDGED_AT_ONCE = 32


@dataclass(frozen=True, kw_only=True)
class FrozenNetworks:
    """What the translator is trained against. ``imitator_metrics`` are those of its training: ``l1_ratio`` at least."""

    imitator: Imitator
    segmenter: Segmenter
    embedder: Embedder
    imitator_metrics: Mapping[str, float]

    def check(self, max_l1_ratio: float) -> None:
        """Raises TrainingError for an imitator too bad to learn from, such as one whose weights were never loaded."""
        ratio = self.imitator_metrics.get("l1_ratio", float("inf"))
        if not ratio <= max_l1_ratio:
            raise TrainingError(
                f"imitator: its held-out L1 is {ratio:.3f} of the best constant picture's, at most {max_l1_ratio:g} is "
                "accepted; train it longer or on more pairs, or raise max_imitator_l1_ratio"
            )

    def freeze(self, device: torch.device) -> None:
        """Evaluation mode (batch norm!) and no gradients to any weight."""
        for network in (self.imitator, self.segmenter):
            network.to(device).eval().requires_grad_(False)
        self.embedder.to(device)


@dataclass(frozen=True)
class TranslatorTask:
    """See :class:`f2p_models.training.loop.Task`."""

    module: Translator
    training: TranslatorTraining
    networks: FrozenNetworks
    heldout: EmbeddedSource
    device: torch.device

    def losses(self, batch: EmbeddedBatch, step: int, generator: torch.Generator) -> dict[str, Tensor]:  # noqa: ARG002
        """Equation 4, each part over the whole batch, and the parameter loss where vectors are known."""
        photo_embedding = batch.embedding.to(self.device)
        vectors = self.module(photo_embedding)
        created = self.networks.imitator.picture(vectors)
        created_embedding = self.networks.embedder.embed(created)
        center = self.networks.embedder.center
        parts = {
            "identity": identity_loss(photo_embedding, created_embedding, center=center),
            "loopback": loopback_loss(vectors, self.module(created_embedding)),
        }
        total = self.training.lambda_1 * parts["identity"] + self.training.lambda_3 * parts["loopback"]
        if batch.with_content and self.training.lambda_2 > 0:
            parts["content"] = self._content_loss(batch, created)
            total = total + self.training.lambda_2 * parts["content"]
        if batch.vector is not None and self.training.lambda_parameter > 0:
            parts["parameter"] = self.parameter_loss(vectors, batch)
            total = total + self.training.lambda_parameter * parts["parameter"]
        return {"loss": total, **parts}

    def _content_loss(self, batch: EmbeddedBatch, created: Tensor) -> Tensor:
        if batch.image is None:
            raise TrainingError("source: its batches carry no pictures; ask the loader for the field 'image'")
        with torch.no_grad():
            photo = self.networks.segmenter(to_unit(batch.image, self.device))
        return content_loss(photo, self.networks.segmenter(created))

    def parameter_loss(self, vectors: Tensor, batch: EmbeddedBatch) -> Tensor:
        """Supervision by the vectors of a batch that has them."""
        if batch.vector is None:
            raise TrainingError("source: its pairs carry no vectors; use a dataset of renders, not of photos")
        return parameter_loss(
            vectors,
            batch.vector.to(self.device),
            self.module.config.block_sizes,
            choice_weight=self.training.choice_weight,
        )

    def evaluate(self) -> Record:
        """Parameter errors where the held-out vectors are known, and how well characters resemble their pictures."""
        table = self.heldout.table
        vectors = torch.cat([self._translate(chunk) for chunk in torch.split(table.embedding, JUDGED_AT_ONCE)])
        embedder = self.networks.embedder
        created = torch.cat([embedder.embed(self._imitate(chunk)) for chunk in torch.split(vectors, JUDGED_AT_ONCE)])
        metrics = identity_metrics(table.embedding.to(self.device), created, embedder)
        if table.vector is None:
            return metrics
        return metrics | parameter_metrics(vectors.cpu(), table.vector, self.module.config.block_sizes)

    def preview(self) -> npt.NDArray[np.uint8] | None:
        """Picture above the imitator's picture of its character."""
        batch = next(iter(self.heldout.epoch(0)))
        if batch.image is None:
            return None
        created = self._imitate(self._translate(batch.embedding[:PREVIEW_PAIRS]))
        return picture_sheet(to_unit(batch.image[:PREVIEW_PAIRS], self.device), created)

    def _translate(self, embedding: Tensor) -> Tensor:
        vectors: Tensor = self.module(embedding.to(self.device))
        return vectors

    def _imitate(self, vectors: Tensor) -> Tensor:
        return self.networks.imitator.picture(vectors)


@dataclass(frozen=True)
class WarmupTask:
    """T alone, from embeddings to known vectors; judged as the translator is."""

    task: TranslatorTask
    noise: float

    @property
    def module(self) -> Translator:
        return self.task.module

    def losses(self, batch: EmbeddedBatch, step: int, generator: torch.Generator) -> dict[str, Tensor]:  # noqa: ARG002
        """The parameter loss, on embeddings with Gaussian noise of that deviation."""
        embedding = batch.embedding
        if self.noise > 0:
            embedding = embedding + self.noise * torch.randn(embedding.shape, generator=generator)
        vectors = self.task.module(embedding.to(self.task.device))
        return {"loss": self.task.parameter_loss(vectors, batch)}

    def evaluate(self) -> Record:
        return self.task.evaluate()

    def preview(self) -> npt.NDArray[np.uint8] | None:
        return self.task.preview()
