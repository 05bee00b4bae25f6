from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional as F

from engine_bridge.parts import NUM_PARTS, Part
from f2p_models.errors import TensorError
from f2p_models.losses import (
    content_distances,
    content_loss,
    content_map,
    identity_loss,
    imitation_loss,
    loopback_loss,
    parameter_loss,
    soft_discrete,
)
from f2p_models.segmenter import Segmentation


def certain(part: Part, features: torch.Tensor) -> Segmentation:
    """Every grid point shows ``part`` beyond doubt."""
    logits = torch.full((features.shape[0], NUM_PARTS, *features.shape[2:]), -100.0)
    logits[:, part] = 100.0
    return Segmentation(logits=logits, features=features)


def test_imitation_loss_is_the_mean_absolute_difference() -> None:
    assert imitation_loss(torch.full((2, 3, 4, 4), 1.25), torch.ones(2, 3, 4, 4)).item() == pytest.approx(0.25)


def test_imitation_loss_refuses_engine_pictures_in_bytes() -> None:
    with pytest.raises(TensorError, match="0 to 255; divide 8-bit pictures by 255"):
        imitation_loss(torch.zeros(1, 3, 2, 2), torch.tensor([0.0, 255.0, 0.0, 1.0] * 3).view(1, 3, 2, 2))


def test_imitation_loss_refuses_integer_pictures() -> None:
    with pytest.raises(TensorError, match=r"torch\.uint8"):
        imitation_loss(torch.zeros(1, 3, 2, 2), torch.zeros(1, 3, 2, 2, dtype=torch.uint8))


def test_imitation_loss_refuses_pictures_that_are_not_numbers() -> None:
    with pytest.raises(TensorError, match="got nan"):
        imitation_loss(torch.zeros(1, 3, 2, 2), torch.full((1, 3, 2, 2), math.nan))


def test_imitation_loss_refuses_to_broadcast() -> None:
    with pytest.raises(TensorError, match=r"\(1, 3, 4, 4\) and \(2, 3, 4, 4\)"):
        imitation_loss(torch.zeros(1, 3, 4, 4), torch.zeros(2, 3, 4, 4))


def test_identity_loss_is_zero_one_and_two_for_equal_orthogonal_and_opposite_embeddings() -> None:
    x, y = torch.tensor([[3.0, 0.0]]), torch.tensor([[0.0, 0.5]])
    losses = [identity_loss(x, other).item() for other in (2 * x, y, -x)]
    assert losses == pytest.approx([0.0, 1.0, 2.0])


def test_identity_loss_averages_over_the_whole_batch() -> None:
    photo = torch.tensor([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0], [1.0, 0.0]])
    render = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [1.0, 0.0]])
    assert identity_loss(photo, render).item() == pytest.approx((0 + 1 + 2 + 0) / 4)


def test_identity_loss_of_every_sample_reaches_the_gradient() -> None:
    render = torch.randn(4, 8, requires_grad=True)
    identity_loss(torch.randn(4, 8), render).backward()
    assert render.grad is not None
    assert (render.grad.abs().sum(1) > 0).all()


def test_centering_spreads_squeezed_embeddings() -> None:
    center = torch.tensor([10.0, 0.0, 0.0])
    photo, render = center + torch.tensor([[0.0, 1.0, 0.0]]), center + torch.tensor([[0.0, 0.0, 1.0]])
    assert identity_loss(photo, render).item() < 0.02
    assert identity_loss(photo, render, center=center).item() == pytest.approx(1.0)


def test_a_strangers_picture_costs_one_with_any_embedder() -> None:
    photo, stranger = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.6, 0.8]])
    assert identity_loss(photo, stranger, stranger_distance=0.4).item() == pytest.approx(1.0)


def test_identity_loss_refuses_a_unit_of_nothing() -> None:
    with pytest.raises(TensorError, match="measure it on photos of many people"):
        identity_loss(torch.rand(1, 2), torch.rand(1, 2), stranger_distance=0.0)


def test_content_loss_is_the_mean_difference_of_features_where_the_face_is_certain() -> None:
    photo, render = (certain(Part.NOSE, torch.full((2, 5, 4, 4), value)) for value in (1.0, 1.5))
    assert content_distances(photo, render).tolist() == pytest.approx([0.5, 0.5])


@pytest.mark.parametrize("part", [Part.BACKGROUND, Part.HAIR])
def test_content_loss_does_not_look_at_hair_and_background(part: Part) -> None:
    photo, render = (certain(part, torch.randn(2, 5, 4, 4)) for _ in range(2))
    assert content_distances(photo, render).tolist() == pytest.approx([0.0, 0.0], abs=1e-6)


def test_content_loss_sees_a_face_that_moved_even_if_its_features_did_not_change() -> None:
    features = torch.ones(1, 5, 4, 4)
    photo, render = certain(Part.FACE_SKIN, features), certain(Part.BACKGROUND, features)
    assert content_distances(photo, render).item() == pytest.approx(1)


def test_content_loss_is_the_mean_of_what_each_pair_contributes() -> None:
    photo, render = (certain(Part.LEFT_EYE, torch.randn(3, 5, 4, 4)) for _ in range(2))
    whole = content_loss(content_map(photo), content_map(render))
    torch.testing.assert_close(content_distances(photo, render).mean(), whole)
    assert content_distances(photo, render).shape == (3,)


def test_loopback_loss_is_the_mean_absolute_difference() -> None:
    assert loopback_loss(torch.full((2, 4), 0.5), torch.full((2, 4), 0.75)).item() == pytest.approx(0.25)


def test_loopback_loss_refuses_vectors_in_engine_units() -> None:
    with pytest.raises(TensorError, match="encode engine units"):
        loopback_loss(torch.full((2, 4), -30.0), torch.zeros(2, 4))


def test_parameter_loss_of_a_guess_is_one_plus_the_slider_error() -> None:
    guess = torch.tensor([[0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.25]])
    applied = torch.tensor([[0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0]])
    assert parameter_loss(guess, applied, (2, 4)).item() == pytest.approx(0.5 + 1.0)


def test_choices_count_in_the_parameter_loss_as_often_as_asked() -> None:
    applied = torch.tensor([[1.0, 0.0, 1.0]])
    guess = torch.tensor([[0.5, 0.5, 0.5]])
    assert parameter_loss(guess, applied, (2,), choice_weight=0.1).item() == pytest.approx(0.5 + 0.1)


def test_parameter_loss_of_the_truth_is_zero() -> None:
    applied = torch.tensor([[0.3, 1.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0]])
    assert parameter_loss(applied, applied, (2, 4)).item() == pytest.approx(0.0, abs=1e-6)


def test_parameter_loss_without_blocks_is_the_slider_error() -> None:
    assert parameter_loss(torch.full((2, 3), 0.25), torch.zeros(2, 3), ()).item() == pytest.approx(0.25)


def test_parameter_loss_refuses_blocks_that_do_not_fit() -> None:
    with pytest.raises(TensorError, match="3 entries"):
        parameter_loss(torch.rand(2, 3), torch.rand(2, 3), (3,))


def test_soft_discrete_is_a_softmax_within_each_block() -> None:
    logits = torch.randn(3, 7)
    soft = soft_discrete(logits, (3, 4), beta=2.0)
    torch.testing.assert_close(soft[:, :3], F.softmax(2 * logits[:, :3], dim=1))
    torch.testing.assert_close(soft[:, 3:], F.softmax(2 * logits[:, 3:], dim=1))


def test_soft_discrete_with_a_large_beta_is_the_argmax() -> None:
    soft = soft_discrete(torch.tensor([[0.1, 0.9, 0.3]]), (3,), beta=100.0)
    torch.testing.assert_close(soft, torch.tensor([[0.0, 1.0, 0.0]]), atol=1e-6, rtol=0)


def test_soft_discrete_refuses_logits_that_do_not_fill_the_blocks() -> None:
    with pytest.raises(TensorError, match=r"\(B, 7\), got \(2, 6\)"):
        soft_discrete(torch.zeros(2, 6), (3, 4))
