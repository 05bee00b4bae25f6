from __future__ import annotations

import math

import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from f2p_models import metrics


@pytest.fixture
def pictures() -> tuple[torch.Tensor, torch.Tensor]:
    draw = torch.Generator().manual_seed(3)
    first = torch.rand(2, 3, 40, 40, generator=draw)
    return first, (first + 0.1 * torch.randn(first.shape, generator=draw)).clamp(0, 1)


def test_l1_is_the_mean_difference_of_each_picture() -> None:
    black, gray = torch.zeros(2, 3, 4, 4), torch.stack([torch.full((3, 4, 4), 0.25), torch.full((3, 4, 4), 0.5)])
    assert metrics.l1(black, gray).tolist() == [0.25, 0.5]


def test_psnr_agrees_with_scikit_image(pictures: tuple[torch.Tensor, torch.Tensor]) -> None:
    first, second = pictures
    expected = [
        peak_signal_noise_ratio(a.numpy(), b.numpy(), data_range=1.0) for a, b in zip(first, second, strict=True)
    ]
    assert metrics.psnr(first, second).tolist() == pytest.approx(expected, abs=1e-4)


def test_ssim_agrees_with_scikit_image(pictures: tuple[torch.Tensor, torch.Tensor]) -> None:
    first, second = pictures
    expected = [
        structural_similarity(
            a.numpy(), b.numpy(), channel_axis=0, data_range=1.0, gaussian_weights=True, use_sample_covariance=False
        )
        for a, b in zip(first, second, strict=True)
    ]
    assert metrics.ssim(first, second).tolist() == pytest.approx(expected, abs=1e-4)


def test_ssim_of_equal_pictures_is_one(pictures: tuple[torch.Tensor, torch.Tensor]) -> None:
    assert metrics.ssim(pictures[0], pictures[0]).tolist() == pytest.approx([1.0, 1.0])


def test_confusion_has_targets_in_rows_and_predictions_in_columns() -> None:
    target, predicted = torch.tensor([[[0, 0, 1]]]), torch.tensor([[[0, 1, 1]]])
    assert metrics.confusion_matrix(predicted, target, 3).tolist() == [[1, 1, 0], [0, 1, 0], [0, 0, 0]]


def test_pixel_accuracy_is_the_share_of_the_diagonal() -> None:
    assert metrics.pixel_accuracy(torch.tensor([[3, 1], [0, 4]])) == pytest.approx(7 / 8)


def test_iou_divides_the_overlap_by_the_union() -> None:
    assert metrics.iou_per_class(torch.tensor([[3, 1], [2, 4]])).tolist() == pytest.approx([3 / 6, 4 / 7])


def test_mean_iou_leaves_out_classes_the_target_does_not_contain() -> None:
    confusion = torch.tensor([[4, 0, 0], [0, 2, 2], [0, 0, 0]])
    assert metrics.mean_iou(confusion) == pytest.approx((1.0 + 0.5) / 2)


def test_retrieval_ranks_count_how_many_are_at_least_as_near() -> None:
    similarity = torch.tensor([[0.9, 0.1, 0.2], [0.8, 0.5, 0.1], [0.7, 0.6, 0.5]])
    assert metrics.retrieval_ranks(similarity).tolist() == [1, 2, 3]


def test_a_constant_similarity_finds_nobody() -> None:
    assert metrics.top1(torch.ones(4, 4)) == 0.0


def test_auc_counts_ties_half() -> None:
    assert metrics.roc_auc(torch.tensor([0.5, 0.9]), torch.tensor([0.5, 0.1])) == pytest.approx((0.75 + 1.0) / 2)


def test_verification_auc_compares_the_diagonal_with_the_rest() -> None:
    assert metrics.verification_auc(torch.eye(3)) == 1.0
    assert metrics.verification_auc(1 - torch.eye(3)) == 0.0
    assert math.isclose(metrics.verification_auc(torch.ones(3, 3)), 0.5)
