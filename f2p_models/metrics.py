"""What is measured on held-out data: small pure functions.

B batch, N pictures, P classes, H W pixels
Pictures are float (B, 3, H, W) in [0, 1]; label maps are integers (B, H, W).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

SSIM_WINDOW_PX = 11
SSIM_SIGMA_PX = 1.5
SSIM_C1, SSIM_C2 = 0.01**2, 0.03**2  # for a data range of 1


def l1(pictures: Tensor, others: Tensor) -> Tensor:
    """Mean absolute difference of each picture: (B,)."""
    return (pictures - others).abs().flatten(1).mean(1)


def psnr(pictures: Tensor, others: Tensor) -> Tensor:
    """Peak signal-to-noise ratio of each picture in dB: (B,). Equal pictures give infinity."""
    return -10.0 * torch.log10((pictures - others).square().flatten(1).mean(1))


def ssim(pictures: Tensor, others: Tensor) -> Tensor:
    """Structural similarity of each picture: (B,), 1 for equal ones.

    Wang et al. 2004: Gaussian window of 11 px and sigma 1.5, population covariance, pixels whose window leaves the
    picture left out. The same numbers as scikit-image's with ``gaussian_weights`` and no sample covariance.
    """
    mean_x, mean_y = _window_mean(pictures), _window_mean(others)
    variance_x = _window_mean(pictures.square()) - mean_x.square()
    variance_y = _window_mean(others.square()) - mean_y.square()
    covariance = _window_mean(pictures * others) - mean_x * mean_y
    luminance = (2 * mean_x * mean_y + SSIM_C1) / (mean_x.square() + mean_y.square() + SSIM_C1)
    structure = (2 * covariance + SSIM_C2) / (variance_x + variance_y + SSIM_C2)
    return (luminance * structure).flatten(1).mean(1)


def _window_mean(pictures: Tensor) -> Tensor:
    offsets = torch.arange(SSIM_WINDOW_PX, dtype=pictures.dtype, device=pictures.device) - SSIM_WINDOW_PX // 2
    kernel = torch.exp(-0.5 * (offsets / SSIM_SIGMA_PX).square())
    kernel = kernel / kernel.sum()
    channels = pictures.shape[1]
    rows = kernel.view(1, 1, 1, -1).expand(channels, 1, 1, -1)
    return F.conv2d(F.conv2d(pictures, rows, groups=channels), rows.transpose(2, 3), groups=channels)


def confusion_matrix(predicted: Tensor, target: Tensor, num_classes: int) -> Tensor:
    """Pixel counts (P, P), int64: row is the target class, column the predicted one."""
    cells = target.long().flatten() * num_classes + predicted.long().flatten()
    return torch.bincount(cells, minlength=num_classes**2).view(num_classes, num_classes)


def pixel_accuracy(confusion: Tensor) -> float:
    """Share of pixels whose class is right."""
    return float(confusion.diagonal().sum() / confusion.sum())


def iou_per_class(confusion: Tensor) -> Tensor:
    """Intersection over union of each class: (P,) float64, NaN for a class that neither side contains."""
    matrix = confusion.double()
    intersection = matrix.diagonal()
    return intersection / (matrix.sum(0) + matrix.sum(1) - intersection)


def mean_iou(confusion: Tensor) -> float:
    """Mean IoU over the classes that the target contains."""
    present = confusion.sum(1) > 0
    return float(iou_per_class(confusion)[present].mean())


def retrieval_ranks(similarity: Tensor) -> Tensor:
    """Rank (1 is best) of each query's own match: (N,) int64 from similarity (N, N), whose diagonal is the match.

    Ties count against the query, so a constant similarity ranks last.
    """
    own = similarity.diagonal().unsqueeze(1)
    return (similarity >= own).sum(1)


def top1(similarity: Tensor) -> float:
    """Share of queries nearer to their own match than to any other: similarity (N, N), diagonal is the match."""
    return float((retrieval_ranks(similarity) == 1).double().mean())


def roc_auc(positives: Tensor, negatives: Tensor) -> float:
    """Probability that a positive scores above a negative, ties counting half: the area under the ROC curve."""
    order = torch.sort(negatives.double().flatten()).values
    scores = positives.double().flatten().contiguous()
    below = torch.searchsorted(order, scores, right=False)
    up_to = torch.searchsorted(order, scores, right=True)
    return float((below + up_to).double().mean() / (2 * order.numel()))


def verification_auc(similarity: Tensor) -> float:
    """AUC of telling matching pairs (the diagonal) from all others: similarity (N, N)."""
    others = ~torch.eye(similarity.shape[0], dtype=torch.bool, device=similarity.device)
    return roc_auc(similarity.diagonal(), similarity[others])
