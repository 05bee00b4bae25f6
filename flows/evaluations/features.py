"""Aligned pictures as features: what a creator makes of them, and what its embedder sees.

M pictures, V entries of a vector, C of them sliders, D embedding, H the side of a picture

A picture is aligned, described and forgotten: only features are kept, so a set may be of any size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Final, Literal, get_args

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from engine_bridge.frames import Picture
from f2p_models.creation import Creator
from f2p_models.creation.mode import Mode
from f2p_models.pictures import from_pictures

Rows = npt.NDArray[np.float32]

#: What of a created character is compared.
#:
#: vector    sliders and the probabilities of all choices, as the translator gives them: the generated parameters
#: sliders   the sliders alone
#: choices   the probabilities of the choices alone
#: hardened  sliders and one-hot choices: what the engine renders
FeatureKind = Literal["vector", "sliders", "choices", "hardened"]
FEATURE_KINDS: Final[tuple[FeatureKind, ...]] = get_args(FeatureKind)

DESCRIBED_AT_ONCE: Final = 16


@dataclass(frozen=True, kw_only=True)
class Description:
    """Of M pictures: soft and hardened vectors (M, V), embeddings (M, D); the first ``num_sliders`` are sliders."""

    soft: Rows
    hardened: Rows
    embeddings: Rows
    num_sliders: int

    @property
    def kinds(self) -> tuple[FeatureKind, ...]:
        """What can be compared: without choices there are only sliders."""
        return FEATURE_KINDS if self.num_sliders < self.soft.shape[1] else ("sliders",)

    def parameters(self, kind: FeatureKind) -> Rows:
        """(M, F)."""
        parts = {"sliders": slice(0, self.num_sliders), "choices": slice(self.num_sliders, None)}
        return (self.hardened if kind == "hardened" else self.soft)[:, parts.get(kind, slice(None))]


@dataclass(frozen=True, kw_only=True)
class Descriptions:
    """Of a set's pictures, and of the same mirrored where that was asked for."""

    straight: Description
    mirrored: Description | None = None

    def parameters(self, kind: FeatureKind) -> Rows:
        """(M, F); with mirrored pictures the sum of both, as face.evoLVe's ``tta`` takes it."""
        rows = self.straight.parameters(kind)
        return rows if self.mirrored is None else rows + self.mirrored.parameters(kind)

    def embeddings(self) -> Rows:
        """(M, D), likewise."""
        rows = self.straight.embeddings
        return rows if self.mirrored is None else rows + self.mirrored.embeddings


def describe(
    creator: Creator,
    pictures: Iterable[Picture],
    *,
    mode: Mode = "one-shot",
    mirrored: bool = False,
    advance: Callable[[int], None] = lambda _: None,
) -> Descriptions:
    """Aligned pictures (H, H, 3) uint8, at least one. ``advance`` is told how many more are done."""
    return describe_by_each({"": creator}, pictures, mode=mode, mirrored=mirrored, advance=advance)[""]


def describe_by_each(
    creators: Mapping[str, Creator],
    pictures: Iterable[Picture],
    *,
    mode: Mode = "one-shot",
    mirrored: bool = False,
    advance: Callable[[int], None] = lambda _: None,
) -> dict[str, Descriptions]:
    """The same of several creators, in one pass over the pictures."""
    straight: dict[str, list[Description]] = {name: [] for name in creators}
    turned: dict[str, list[Description]] = {name: [] for name in creators}
    for chunk in _chunks(pictures):
        photos = from_pictures(chunk)
        for name, creator in creators.items():
            straight[name].append(_describe(creator, photos, mode))
            if mirrored:
                turned[name].append(_describe(creator, photos.flip(3), mode))
        advance(len(chunk))
    return {
        name: Descriptions(straight=_joined(straight[name]), mirrored=_joined(turned[name]) if mirrored else None)
        for name in creators
    }


@torch.no_grad()
def embed(creator: Creator, photos: Tensor) -> Tensor:
    """Aligned photos (B, 3, H, H) in [0, 1] -> embeddings (B, D) on the CPU, some at a time."""
    embedder, device = creator.bundle.embedder, creator.bundle.device
    return torch.cat([embedder.embed(chunk.to(device)).cpu() for chunk in torch.split(photos, DESCRIBED_AT_ONCE)])


def _describe(creator: Creator, photos: Tensor, mode: Mode) -> Description:
    embeddings = embed(creator, photos)
    soft, hardened = _translated(creator, embeddings) if mode == "one-shot" else _created(creator, photos, mode)
    return Description(
        soft=soft,
        hardened=hardened,
        embeddings=embeddings.numpy(),
        num_sliders=creator.bundle.schema.num_continuous,
    )


@torch.no_grad()
def _translated(creator: Creator, embeddings: Tensor) -> tuple[Rows, Rows]:
    """What one-shot mode answers, without its judgement of the answer: a tenth of the time, and sets are large."""
    bundle = creator.bundle
    soft = bundle.translator(embeddings.to(bundle.device))
    rows = (soft if bundle.priors is None else bundle.priors.project(soft)).cpu().numpy()
    return rows, np.stack([bundle.schema.harden(row) for row in rows])


def _created(creator: Creator, photos: Tensor, mode: Mode) -> tuple[Rows, Rows]:
    creation = creator.in_mode(mode, photos)
    return creation.soft.numpy(), creation.vectors.numpy()


def _joined(parts: list[Description]) -> Description:
    return Description(
        soft=np.concatenate([part.soft for part in parts]),
        hardened=np.concatenate([part.hardened for part in parts]),
        embeddings=np.concatenate([part.embeddings for part in parts]),
        num_sliders=parts[0].num_sliders,
    )


def _chunks(pictures: Iterable[Picture]) -> Iterator[list[Picture]]:
    waiting = iter(pictures)
    while chunk := list(islice(waiting, DESCRIBED_AT_ONCE)):
        yield chunk
