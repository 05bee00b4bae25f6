"""One step of the translator's training, and how it is judged (Shi et al., TPAMI, equations 4 to 8).

B batch, V vector, D embedding, H W pixels
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from f2p_models.embedders.protocol import Embedder
from f2p_models.errors import TrainingError
from f2p_models.imitator import Imitator
from f2p_models.losses import content_loss, content_map, identity_loss, loopback_loss, parameter_loss
from f2p_models.pictures import to_unit
from f2p_models.segmenter import Segmenter
from f2p_models.training.content_memory import ContentMemory
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
    """See :class:`f2p_models.training.loop.Task`.

    ``gap`` (D,) is added to what F_recg sees of created pictures: zeros in the paper's recipe.
    """

    module: Translator
    training: TranslatorTraining
    networks: FrozenNetworks
    heldout: EmbeddedSource
    content: ContentMemory
    gap: Tensor
    device: torch.device

    def losses(self, batch: EmbeddedBatch, step: int, generator: torch.Generator) -> dict[str, Tensor]:  # noqa: ARG002
        """Equation 4, each part over the whole batch, and the parameter loss on the renders that came along."""
        training, parts = self.training, dict[str, Tensor]()
        if training.lambda_1 + training.lambda_2 + training.lambda_3 > 0:
            vectors = self.module(batch.embedding.to(self.device))
            created = self.networks.imitator.picture(vectors).float()
            parts |= self._identity_losses(batch, vectors, created)
            if training.lambda_2 > 0 and batch.with_content:
                parts["content"] = self._content_loss(batch, created)
        if training.lambda_parameter > 0 and batch.labelled is not None:
            parts["parameter"] = self.parameter_loss(batch.labelled)
        return {"loss": self._total(parts), **parts}

    def _total(self, parts: Mapping[str, Tensor]) -> Tensor:
        training = self.training
        weights = {
            "identity": training.lambda_1,
            "content": training.lambda_2,
            "loopback": training.lambda_3,
            "parameter": training.lambda_parameter,
        }
        return torch.stack([weights[name] * loss for name, loss in parts.items()]).sum()

    def _identity_losses(self, batch: EmbeddedBatch, vectors: Tensor, created: Tensor) -> dict[str, Tensor]:
        """What is seen of the created pictures by F_recg: identity and loopback loss, as far as they count."""
        training, embedder = self.training, self.networks.embedder
        if training.lambda_1 + training.lambda_3 == 0:
            return {}
        embedding, parts = embedder.embed(created) + self.gap, dict[str, Tensor]()
        if training.lambda_1 > 0:
            photo, stranger = batch.embedding.to(self.device), embedder.stranger_distance
            parts["identity"] = identity_loss(photo, embedding, center=embedder.center, stranger_distance=stranger)
        if training.lambda_3 > 0:
            parts["loopback"] = loopback_loss(vectors, self.module(embedding))
        return parts

    def _content_loss(self, batch: EmbeddedBatch, created: Tensor) -> Tensor:
        if batch.image is None:
            raise TrainingError("source: its batches carry no pictures; ask the loader for the field 'image'")
        photo = self.content.maps(batch.index, batch.image)
        return content_loss(photo, content_map(self.networks.segmenter(created)))

    def parameter_loss(self, batch: EmbeddedBatch) -> Tensor:
        """Supervision by a batch whose vectors are known."""
        if batch.vector is None:
            raise TrainingError("source: its pairs carry no vectors; use a dataset of renders, not of photos")
        return parameter_loss(
            self.module(batch.embedding.to(self.device)),
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
        if self.noise > 0:
            noise = self.noise * torch.randn(batch.embedding.shape, generator=generator)
            batch = replace(batch, embedding=batch.embedding + noise)
        return {"loss": self.task.parameter_loss(batch)}

    def evaluate(self) -> Record:
        return self.task.evaluate()

    def preview(self) -> npt.NDArray[np.uint8] | None:
        return self.task.preview()
