"""How well a descriptor tells people apart (Shi et al., TPAMI, equations 5 and 6): what the losses are made of.

N people, two pictures of each: two photos, or a photo-like picture and the studio's picture of the same character.
A variant of the descriptor is good when a person's second picture is nearer to the first than to other people's.

D embedding, F features, P parts, h w the segmenter's output grid
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from engine_bridge.parts import Part
from f2p_models.embedders.protocol import Embedder
from f2p_models.evaluation.retrieval import Retrieval, measure_retrieval
from f2p_models.losses import FACIAL_PARTS, content_map
from f2p_models.segmenter import Segmentation, Segmenter

#: Eyes, brows, nose and mouth, without the skin between them.
FEATURE_PARTS: Final = tuple(part for part in FACIAL_PARTS if part is not Part.FACE_SKIN)
#: Where features are taken from: what enters the 1x1 convolution, and a ResNet's stages before.
LAST: Final = "last"
EARLIER: Final = ("layer3", "layer2")
_SEEN_AT_ONCE: Final = 16
_SMALLEST_SHARE: Final = 1e-3


@dataclass(frozen=True, kw_only=True)
class Views:
    """What the networks see of N pictures: embeddings (N, D), and by stage features with the part logits."""

    embeddings: Tensor
    stages: Mapping[str, Segmentation]

    @property
    def probabilities(self) -> Tensor:
        """(N, P, h, w)."""
        return self.stages[LAST].probabilities


@torch.no_grad()
def view_pictures(pictures: Tensor, embedder: Embedder, segmenter: Segmenter) -> Views:
    """Aligned pictures (N, 3, H, H) in [0, 1], as the embedder and the segmenter's stages see them."""
    chunks = torch.split(pictures, _SEEN_AT_ONCE)
    seen = [_see(chunk, segmenter) for chunk in chunks]
    return Views(
        embeddings=torch.cat([embedder.embed(chunk) for chunk in chunks]),
        stages={stage: _joined([one[stage] for one in seen]) for stage in seen[0]},
    )


def _see(pictures: Tensor, segmenter: Segmenter) -> dict[str, Segmentation]:
    """Earlier stages count where they have the output's grid, so that its probabilities can weigh them."""
    kept: dict[str, Tensor] = {}

    def keeper(stage: str) -> Callable[..., None]:
        def keep(_module: object, _inputs: object, output: Tensor) -> None:
            kept[stage] = output

        return keep

    modules = dict(segmenter.trunk.named_children())
    hooks = [modules[stage].register_forward_hook(keeper(stage)) for stage in EARLIER if stage in modules]
    try:
        seen = segmenter(pictures)
    finally:
        for hook in hooks:
            hook.remove()
    grid = seen.logits.shape[-2:]
    earlier = {stage: Segmentation(seen.logits, maps) for stage, maps in kept.items() if maps.shape[-2:] == grid}
    return {LAST: seen, **earlier}


def _joined(parts: Sequence[Segmentation]) -> Segmentation:
    return Segmentation(torch.cat([part.logits for part in parts]), torch.cat([part.features for part in parts]))


Distances = Callable[[Views, Views], Tensor]
"""Two views of N pictures -> the distance of each first to each second picture: (N, N)."""


#: The two that the losses are made of.
IDENTITY_IN_USE: Final = "identity: cosine around the mean photo"
CONTENT_IN_USE: Final = "content: last stage, parts and skin"


def descriptor_variants(embedder: Embedder, stages: Iterable[str]) -> dict[str, Distances]:
    """Every variant by what a table calls it."""
    variants: dict[str, Distances] = {
        IDENTITY_IN_USE: lambda a, b: _cosine(a, b, embedder.center),
        "identity: plain cosine": lambda a, b: _cosine(a, b, torch.zeros_like(embedder.center)),
        "identity: cosine, each kind of picture around its own mean": _cosine_by_domain,
        "identity: Euclidean": lambda a, b: torch.cdist(a.embeddings, b.embeddings),
    }
    for stage in stages:
        for name, parts in (("parts and skin", FACIAL_PARTS), ("parts without skin", FEATURE_PARTS)):
            variants[f"content: {stage} stage, {name}"] = _weighted(stage, parts)
        variants[f"content: {stage} stage, unweighted"] = _weighted(stage, None)
        variants[f"content: {stage} stage, mean of each part"] = _mean_of_parts(stage)
    variants[f"content: {LAST} stage, class by class"] = _class_by_class
    variants["content: probabilities of parts and skin"] = _probabilities(FACIAL_PARTS)
    variants["content: probabilities of all classes"] = _probabilities(tuple(Part))
    return variants


def measure_descriptor(first: Views, second: Views, embedder: Embedder) -> dict[str, Retrieval]:
    """Rank of each person's second picture among all second pictures by each variant."""
    variants = descriptor_variants(embedder, first.stages)
    return {name: measure_retrieval(-distances(first, second)) for name, distances in variants.items()}


def _cosine(first: Views, second: Views, center: Tensor) -> Tensor:
    return 1.0 - _normalized(first.embeddings - center) @ _normalized(second.embeddings - center).T


def _cosine_by_domain(first: Views, second: Views) -> Tensor:
    centered = [views.embeddings - views.embeddings.mean(0) for views in (first, second)]
    return 1.0 - _normalized(centered[0]) @ _normalized(centered[1]).T


def _normalized(embeddings: Tensor) -> Tensor:
    return torch.nn.functional.normalize(embeddings, dim=1)


def _l1(first: Tensor, second: Tensor) -> Tensor:
    """Mean absolute differences of all pairs of maps: (N, N)."""
    return torch.cdist(first.flatten(1), second.flatten(1), p=1) / first[0].numel()


def _weighted(stage: str, parts: Sequence[Part] | None) -> Distances:
    def maps(views: Views) -> Tensor:
        found = views.stages[stage]
        return found.features if parts is None else content_map(found, parts=parts)

    return lambda first, second: _l1(maps(first), maps(second))


def _mean_of_parts(stage: str) -> Distances:
    """Features averaged over each part: what a part looks like, without where it is."""

    def means(views: Views) -> Tensor:
        found = views.stages[stage]
        weights = found.probabilities[:, list(FACIAL_PARTS)]
        weights = weights / (weights.sum((2, 3), keepdim=True) + _SMALLEST_SHARE)
        return torch.einsum("nphw,nfhw->npf", weights, found.features)

    return lambda first, second: _l1(means(first), means(second))


def _class_by_class(first: Views, second: Views) -> Tensor:
    """The product of every class's map with all features: sum over the parts."""
    each = [_weighted(LAST, (part,))(first, second) for part in FACIAL_PARTS]
    return torch.stack(each).sum(0)


def _probabilities(parts: Sequence[Part]) -> Distances:
    return lambda first, second: _l1(first.probabilities[:, list(parts)], second.probabilities[:, list(parts)])
