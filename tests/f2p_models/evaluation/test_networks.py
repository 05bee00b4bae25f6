from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from engine_bridge.parts import Part
from f2p_models.evaluation import evaluate_imitator, evaluate_segmenter


class Pairs:
    """A source of the given pairs, four to a batch."""

    def __init__(self, vector, image, mask=None):
        self._parts = {"vector": vector, "image": image, "mask": mask}
        self.num_pairs, self.num_batches = len(image), -(-len(image) // 4)

    def epoch(self, epoch, start_batch=0):
        for start in range(4 * start_batch, self.num_pairs, 4):
            rows = slice(start, start + 4)
            cut = {name: None if part is None else part[rows] for name, part in self._parts.items()}
            yield SimpleNamespace(index=torch.arange(self.num_pairs)[rows], **cut)


@pytest.fixture
def vectors():
    vectors = torch.rand(10, 7, generator=torch.Generator().manual_seed(2))
    vectors[:, 4:] = torch.eye(3)[torch.arange(10) % 3]
    return vectors


@pytest.fixture
def own_pictures(small_bundle, vectors):
    with torch.no_grad():
        return (small_bundle.imitator.picture(vectors) * 255).round().byte()


def test_an_imitator_that_is_the_engine_has_no_error_but_rounding(small_bundle, vectors, own_pictures):
    pairs = Pairs(vectors, own_pictures)

    quality = evaluate_imitator(small_bundle.imitator, pairs, pairs)

    assert quality.num_pairs == 10
    assert quality.l1 < 1 / 255
    assert quality.ssim > 0.99
    assert quality.l1_ratio == pytest.approx(quality.l1 / quality.constant_l1)
    assert quality.constant_l1 > quality.l1


def test_an_imitator_is_charged_for_pictures_of_other_vectors(small_bundle, vectors, own_pictures):
    right, shuffled = Pairs(vectors, own_pictures), Pairs(vectors.roll(1, 0), own_pictures)

    assert evaluate_imitator(small_bundle.imitator, right, shuffled).l1 > 1 / 255


def test_a_segmenter_that_made_the_masks_is_always_right(small_bundle, own_pictures):
    with torch.no_grad():
        grid = small_bundle.segmenter(own_pictures.float() / 255.0).logits.argmax(1)
    masks = grid.repeat_interleave(8, 1).repeat_interleave(8, 2).byte()

    pairs = Pairs(None, own_pictures, masks)

    quality = evaluate_segmenter(small_bundle.segmenter, pairs, pairs)

    assert (quality.pixel_accuracy, quality.mean_iou) == (1.0, 1.0)
    assert set(quality.part_iou.values()) == {1.0}


def test_a_segmenter_is_charged_for_masks_of_another_class(small_bundle, own_pictures):
    with torch.no_grad():
        grid = small_bundle.segmenter(own_pictures.float() / 255.0).logits.argmax(1)
    wrong = ((grid + 1) % 11).repeat_interleave(8, 1).repeat_interleave(8, 2).byte()

    pairs = Pairs(None, own_pictures, wrong)

    assert evaluate_segmenter(small_bundle.segmenter, pairs, pairs).pixel_accuracy == 0.0


def test_a_segmenter_stands_beside_the_constant_mask_of_its_training_masks(small_bundle, own_pictures):
    masks = torch.full((10, 64, 64), Part.NOSE, dtype=torch.uint8)
    train = Pairs(None, own_pictures, masks)
    heldout = Pairs(None, own_pictures, torch.cat([masks[:5], torch.full_like(masks[5:], Part.HAIR)]))

    quality = evaluate_segmenter(small_bundle.segmenter, train, heldout)

    assert (quality.constant_accuracy, quality.constant_mean_iou) == (0.5, 0.25)
