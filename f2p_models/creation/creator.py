"""A creator: photos in, characters out.

B photos, H W pixels, V entries of a vector

    aligned photos (B, 3, H, W) -> one-shot: embedder -> translator -> vectors (B, V)
                                -> iterative: search through the imitator, from the average face
                                -> hybrid: the same search, from the one-shot answer
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import torch
from torch import Tensor

from f2p_models.boundaries import check_pictures
from f2p_models.creation.creation import Creation, joined
from f2p_models.creation.iterative import IterativeConfig, PictureLosses, search, soften, try_choices
from f2p_models.creation.likeness import Likeness, Target
from f2p_models.creation.mode import Mode, ModeChoice
from f2p_models.creator_bundle import CreatorBundle

#: Photos searched together: more is not faster on a CPU, and a full ResNet-50 on larger batches fills a small GPU.
PHOTOS_AT_ONCE: Final = 16


class Creator:
    """The frozen networks of one published version, and how to search with them."""

    def __init__(self, bundle: CreatorBundle, config: IterativeConfig | None = None) -> None:
        self.bundle = bundle
        self.config = config or IterativeConfig.quick()
        self._blocks = tuple(bundle.schema.blocks.values())
        self._likeness = Likeness(
            embedder=bundle.embedder,
            segmenter=bundle.segmenter,
            identity_weight=self.config.identity_weight,
            content_weight=self.config.content_weight,
        )

    def create(self, photos: Tensor, choices: Sequence[ModeChoice]) -> list[Creation]:
        """A creation (B = 1) for each photo, each in the mode chosen for it. Photos as for :meth:`one_shot`."""
        created: dict[int, Creation] = {}
        for mode in dict.fromkeys(choice.mode for choice in choices):
            wanted = [index for index, choice in enumerate(choices) if choice.mode == mode]
            creation = self.in_mode(mode, photos[wanted])
            created |= {index: creation.row(row, choices[index].reason) for row, index in enumerate(wanted)}
        return [created[index] for index in range(len(choices))]

    def in_mode(self, mode: Mode, photos: Tensor) -> Creation:
        """All photos in one mode."""
        return {"one-shot": self.one_shot, "iterative": self.iterative, "hybrid": self.hybrid}[mode](photos)

    def one_shot(self, photos: Tensor) -> Creation:
        """Aligned photos (B, 3, H, W) float RGB in [0, 1] -> characters, in one pass (section 3.4.1).

        Raises TensorError for another shape or range.
        """
        return self._in_chunks(self._one_shot, photos)

    def iterative(self, photos: Tensor, start: Tensor | None = None) -> Creation:
        """Search from ``start`` (B, V), by default the average face: sliders at 0.5, scores at 0 (section 3.4.2)."""
        return self._in_chunks(self._iterative, photos, self._average_face(len(photos)) if start is None else start)

    def hybrid(self, photos: Tensor) -> Creation:
        """One-shot, then a search from there; for each photo whichever of the two has the lower loss."""
        return self._in_chunks(self._hybrid, photos)

    @torch.no_grad()
    def pictures(self, vectors: Tensor) -> Tensor:
        """The imitator's pictures of vectors (B, V): (B, 3, H, W) in [0, 1], on the CPU."""
        return self.bundle.imitator.picture(vectors.to(self.bundle.device)).cpu()

    @torch.no_grad()
    def similarity(self, photos: Tensor, pictures: Tensor) -> Tensor:
        """The embedder's similarity of each photo and its picture, both (B, 3, H, W) in [0, 1]: (B,), 1 is equal."""
        embedder, device = self.bundle.embedder, self.bundle.device
        return embedder.similarity(embedder.embed(photos.to(device)), embedder.embed(pictures.to(device))).cpu()

    def _one_shot(self, photos: Tensor) -> Creation:
        with torch.no_grad():
            soft = self.bundle.translator(self.bundle.embedder.embed(photos))
        losses_of = self._losses_for(self._likeness.target(photos))
        return self._creation("one-shot", losses_of, soft, self._hardened(soft), reason="one pass")

    def _iterative(self, photos: Tensor, start: Tensor) -> Creation:
        target = self._likeness.target(photos)
        losses_of = self._losses_for(target)
        start = self._tried(target, start)
        found = search(losses_of, start, self._blocks, self.bundle.schema.num_continuous, self.config)
        vectors, reason = self._hardened(found.soft), f"searched {self.config.steps} steps"
        return self._creation("iterative", losses_of, found.soft, vectors, found.curves, reason=reason)

    def _hybrid(self, photos: Tensor) -> Creation:
        start = self._one_shot(photos)
        end = self._iterative(photos, start.vectors.to(self.bundle.device))
        better = end.losses < start.losses
        return Creation(
            vectors=torch.where(better[:, None], end.vectors, start.vectors),
            soft=torch.where(better[:, None], end.soft, start.soft),
            losses=torch.where(better, end.losses, start.losses),
            curves=end.curves,
            mode="hybrid",
            reasons=tuple(_comparison(float(a), float(b)) for a, b in zip(start.losses, end.losses, strict=True)),
        )

    def _losses_for(self, target: Target) -> PictureLosses:
        return lambda vectors: self._likeness.losses(target, self.bundle.imitator.picture(vectors))

    def _tried(self, target: Target, start: Tensor) -> Tensor:
        """``start`` with those choices whose outlines fit the photos best."""
        wanted = [block for name, block in self.bundle.schema.blocks.items() if name in self.config.tried_choices]

        def outlines(vectors: Tensor) -> Tensor:
            softened = soften(vectors, self._blocks, self.config.beta)
            return self._likeness.outline_losses(target, self.bundle.imitator.picture(softened))

        return try_choices(outlines, start, wanted)

    def _hardened(self, soft: Tensor) -> Tensor:
        rows = [self.bundle.schema.harden(row) for row in soft.detach().cpu().numpy()]
        return torch.from_numpy(np.stack(rows)).to(soft)

    def _average_face(self, num_photos: int) -> Tensor:
        start = torch.zeros(num_photos, self.bundle.schema.vector_size)
        start[:, : self.bundle.schema.num_continuous] = 0.5
        return start

    @torch.no_grad()
    def _creation(
        self,
        mode: Mode,
        losses_of: PictureLosses,
        soft: Tensor,
        vectors: Tensor,
        curves: Tensor | None = None,
        *,
        reason: str,
    ) -> Creation:
        curves = vectors.new_zeros(len(vectors), 0) if curves is None else curves
        return Creation(
            vectors=vectors.cpu(),
            soft=soft.cpu(),
            losses=losses_of(vectors).cpu(),
            curves=curves.cpu(),
            mode=mode,
            reasons=(reason,) * len(vectors),
        )

    def _in_chunks(self, create: Callable[..., Creation], photos: Tensor, *starts: Tensor) -> Creation:
        """Some photos at a time on the bundle's device, each chunk with its rows of ``starts``."""
        check_pictures(photos, "photos")
        split = (torch.split(tensor, PHOTOS_AT_ONCE) for tensor in (photos, *starts))
        chunks = zip(*split, strict=True)
        return joined([create(*(tensor.to(self.bundle.device) for tensor in chunk)) for chunk in chunks])


def _comparison(before: float, after: float) -> str:
    if after < before:
        return f"the search lowered the one-shot loss from {before:.4f} to {after:.4f}"
    return f"the search found nothing better than the one-shot answer (loss {before:.4f})"
