from __future__ import annotations

from pathlib import Path

import pytest
import torch

from f2p_models.errors import WeightsError
from f2p_models.evaluation.inception import Inception
from f2p_models.vision import torchvision


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Torchvision's network without training, saved as its own weights are."""
    path = tmp_path_factory.mktemp("inception") / "inception_v3.pth"
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = torchvision.models.inception_v3(weights=None, init_weights=False)
    torch.save(network.state_dict(), path)
    return path


def test_a_picture_gives_features_and_class_probabilities(checkpoint: Path) -> None:
    pictures = torch.rand(1, 3, 40, 40)
    features, probabilities = Inception(checkpoint)(pictures)
    assert (features.shape, probabilities.shape) == ((1, 2048), (1, 1000))
    assert probabilities.sum(1).tolist() == pytest.approx([1.0])
    assert not features.requires_grad


@pytest.mark.parametrize("content", [None, {"fc.weight": torch.zeros(2)}, [1, 2]])
def test_a_file_of_something_else_is_refused(tmp_path: Path, content: object) -> None:
    path = tmp_path / "weights.pth"
    if content is not None:
        torch.save(content, path)
    with pytest.raises(WeightsError, match=r"weights\.pth: (no such file|not torchvision's Inception-v3|holds no)"):
        Inception(path)
