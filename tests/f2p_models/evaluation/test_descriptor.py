from __future__ import annotations

import pytest
import torch

from f2p_models.creator_bundle import CreatorBundle
from f2p_models.evaluation.descriptor import (
    CONTENT_IN_USE,
    IDENTITY_IN_USE,
    Views,
    descriptor_variants,
    measure_descriptor,
    view_pictures,
)
from f2p_models.losses import content_loss, content_map, identity_loss


@pytest.fixture(scope="module")
def views(small_bundle: CreatorBundle, photos: torch.Tensor) -> Views:
    return view_pictures(photos, small_bundle.embedder, small_bundle.segmenter)


def test_every_variant_finds_a_person_in_the_same_picture(small_bundle: CreatorBundle, views: Views) -> None:
    found = measure_descriptor(views, views, small_bundle.embedder)
    assert {"content: layer2 stage, parts and skin", "content: probabilities of all classes"} < found.keys()
    assert {name for name, one in found.items() if one.top1 < 1.0} == set()


def test_every_variant_is_wrong_when_all_pictures_are_exchanged(small_bundle: CreatorBundle, views: Views) -> None:
    stages = {name: type(stage)(*(tensor.roll(1, 0) for tensor in stage)) for name, stage in views.stages.items()}
    exchanged = Views(embeddings=views.embeddings.roll(1, 0), stages=stages)
    found = measure_descriptor(views, exchanged, small_bundle.embedder)
    assert {name for name, one in found.items() if one.top1 > 0.0} == set()


def test_the_losses_variants_are_the_losses(small_bundle: CreatorBundle, views: Views) -> None:
    variants = descriptor_variants(small_bundle.embedder, views.stages)
    one, other = views.embeddings[:1], views.embeddings[1:2]
    identity = variants[IDENTITY_IN_USE](views, views)[0, 1]
    torch.testing.assert_close(identity, identity_loss(one, other, center=small_bundle.embedder.center))
    maps = content_map(views.stages["last"])
    content = variants[CONTENT_IN_USE](views, views)[0, 1]
    torch.testing.assert_close(content, content_loss(maps[:1], maps[1:2]))


def test_looking_leaves_no_hook_behind(small_bundle: CreatorBundle, views: Views) -> None:
    assert not any(module._forward_hooks for module in small_bundle.segmenter.modules())
