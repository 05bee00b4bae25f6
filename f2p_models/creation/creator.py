"""A creator: photos in, characters out.

B photos, H W pixels, V entries of a vector

    aligned photos (B, 3, H, W) -> one-shot: embedder -> translator -> vectors (B, V)
                                -> iterative: search through the imitator, from the average face
                                -> hybrid: the same search, from the one-shot answer
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Final

import numpy as np
import torch
from torch import Tensor

from f2p_models.boundaries import check_pictures
from f2p_models.creation.choices import IMPOSSIBLE, try_choices
from f2p_models.creation.creation import Creation, better_of, joined
from f2p_models.creation.iterative import search, soften
from f2p_models.creation.likeness import Likeness, Target
from f2p_models.creation.mode import Mode, ModeChoice
from f2p_models.creation.palette import Palette, mix_palette
from f2p_models.creation.rendering import Renderer, engine_drawing
from f2p_models.creation.search_settings import IterativeConfig
from f2p_models.creation.starts import moved_starts
from f2p_models.creator_bundle import CreatorBundle

#: Photos searched together: more is not faster on a CPU, and a full ResNet-50 on larger batches fills a small GPU.
PHOTOS_AT_ONCE: Final = 16


class Creator:
    """The frozen networks of one published version, and how to search with them.

    ``render`` is the engine, where there is one to ask: it then draws the pictures by which finished characters and
    their last choices are compared. A search's gradients come from the imitator, always; but what a small imitator
    blurs away, brows and the color of lips, only the engine can show.
    With ``record_every`` a search remembers its state every so many steps: :attr:`Creation.trail`.
    """

    def __init__(
        self,
        bundle: CreatorBundle,
        config: IterativeConfig | None = None,
        *,
        render: Renderer | None = None,
        record_every: int = 0,
    ) -> None:
        self.bundle = bundle
        self._draw = engine_drawing(render, bundle.device) if render else bundle.imitator.picture
        self.config = config or IterativeConfig.quick()
        self._record_every = record_every
        self._blocks = tuple(bundle.schema.blocks.values())
        self._likeness = Likeness(
            embedder=bundle.embedder,
            segmenter=bundle.segmenter,
            identity_weight=self.config.identity_weight,
            content_weight=self.config.content_weight,
        )

    def with_engine(self, render: Renderer) -> Creator:
        """The same creator with an engine to ask."""
        return Creator(self.bundle, self.config, render=render, record_every=self._record_every)

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
        return self._translated(photos, self._likeness.target(photos))

    def _iterative(self, photos: Tensor, start: Tensor) -> Creation:
        return self._searched(self._likeness.target(photos), start)

    def _hybrid(self, photos: Tensor) -> Creation:
        target = self._likeness.target(photos)
        start = self._translated(photos, target)
        device = self.bundle.device
        end = self._searched(target, start.vectors.to(device), known=start.soft.to(device))
        better = (end.losses < start.losses)[:, None]
        return Creation(
            vectors=torch.where(better, end.vectors, start.vectors),
            soft=torch.where(better, end.soft, start.soft),
            losses=torch.minimum(end.losses, start.losses),
            curves=end.curves,
            trail=end.trail,
            mode="hybrid",
            reasons=tuple(_comparison(float(a), float(b)) for a, b in zip(start.losses, end.losses, strict=True)),
        )

    @torch.no_grad()
    def _translated(self, photos: Tensor, target: Target) -> Creation:
        soft = self._sensible(self.bundle.translator(self.bundle.embedder.embed(photos)))
        return self._creation("one-shot", target, self._hardened(soft), soft, reason="one pass")

    def _searched(self, target: Target, start: Tensor, known: Tensor | None = None) -> Creation:
        """The best of the searches from ``start``; ``known`` (B, V) has the choices' probabilities before it."""
        start = self._tried(target, start, known)
        best = self._search(target, start, known)
        for moved in moved_starts(start, self.bundle.schema.num_continuous, self.config):
            best = better_of(best, self._search(target, self._sensible(moved), known))
        return best

    def _search(self, target: Target, start: Tensor, known: Tensor | None) -> Creation:
        found = search(
            lambda vectors: self._likeness.losses(target, self.bundle.imitator.picture(vectors)),
            start,
            self._blocks,
            self.bundle.schema.num_continuous,
            self.config,
            project=None if self._is_held(known) else self._sensible,
            record_every=self._record_every,
        )
        vectors = self._refined(
            target, self._hardened(found.soft), known, likely=found.soft if known is None else known
        )
        return self._creation(
            "iterative", target, vectors, found.soft, curves=found.curves, trail=found.trail, reason=self.config.summary
        )

    def _tried(self, target: Target, start: Tensor, known: Tensor | None) -> Tensor:
        """``start`` with those of the tried choices that look most like the photos, to the imitator."""

        def looks(candidates: Tensor) -> Tensor:
            softened = soften(candidates, self._blocks, self.config.beta)
            return self._likeness.choice_losses(target, self.bundle.imitator.picture(softened))

        blocks = self.bundle.schema.blocks
        tried = [blocks[name] for name in self.config.tried_choices if name in blocks]
        return try_choices(looks, start, tried, prior=self._prior(known, start))

    def _refined(self, target: Target, vectors: Tensor, known: Tensor | None, *, likely: Tensor) -> Tensor:
        """``vectors`` with the best of a few choices each: of the ``likely`` ones (B, V) near the photo's colors."""
        if not self.config.refined_choices or not self._blocks:
            return vectors
        return try_choices(
            lambda candidates: self._likeness.choice_losses(target, self._draw(candidates)),
            vectors,
            self._blocks,
            prior=self._prior(known, vectors),
            expected=self._prior(likely, vectors) + self._palette.color_losses(target, vectors.shape[1]),
            num_tried=self.config.refined_choices,
        )

    def _prior(self, known: Tensor | None, vectors: Tensor) -> Tensor:
        """What speaks against each choice before looking (B, V)."""
        if known is None:
            return torch.zeros_like(vectors)
        return -self.config.prior_weight * known.clamp_min(IMPOSSIBLE).log()

    @cached_property
    def _palette(self) -> Palette:
        return mix_palette(self.bundle.schema, self._draw, self.bundle.segmenter, self.bundle.device)

    def _is_held(self, known: Tensor | None) -> bool:
        """Whether a search stays near the translator's answer, which is sensible, by the pull alone.

        Projecting it too mended nothing there, and cost likeness: 0.37 for 0.42 on 24 front views of LFW.
        """
        return known is not None and self.config.pull > 0

    def _sensible(self, vectors: Tensor) -> Tensor:
        """What the facial priors make of vectors (B, V), where the version has priors."""
        return vectors if self.bundle.priors is None else self.bundle.priors.project(vectors)

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
        target: Target,
        vectors: Tensor,
        soft: Tensor,
        *,
        reason: str,
        curves: Tensor | None = None,
        trail: Tensor | None = None,
    ) -> Creation:
        num_photos, vector_size = vectors.shape
        return Creation(
            vectors=vectors.cpu(),
            soft=soft.cpu(),
            losses=self._likeness.judged_losses(target, self._draw(vectors)).cpu(),
            curves=torch.zeros(num_photos, 0) if curves is None else curves.cpu(),
            trail=torch.zeros(num_photos, 0, vector_size) if trail is None else trail.cpu(),
            mode=mode,
            reasons=(reason,) * num_photos,
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
