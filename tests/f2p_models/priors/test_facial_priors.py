from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
import torch

from engine_bridge.schema import ParameterSchema
from f2p_models.errors import PriorsError, TensorError
from f2p_models.priors import FacialPriors, PriorsConfig, fit_priors

Vectors = npt.NDArray[np.float32]


def complete(schema: ParameterSchema, faces: Vectors) -> FacialPriors:
    return fit_priors(schema, faces, PriorsConfig(components=100, energy=None, limit=100.0))


def test_coefficients_of_the_fitted_faces_are_white_within_each_group(priors: FacialPriors, faces: Vectors) -> None:
    coefficients = priors.encode(torch.from_numpy(faces)).double()
    torch.testing.assert_close(coefficients.mean(0), torch.zeros_like(coefficients[0]), atol=1e-4, rtol=0)
    start = 0
    for group in priors.groups:
        own = coefficients[:, start : start + group.num_components]
        covariance = (own - own.mean(0)).T @ (own - own.mean(0)) / (len(own) - 1)
        torch.testing.assert_close(covariance, torch.eye(group.num_components).double(), atol=1e-3, rtol=0)
        start += group.num_components


def test_the_way_back_is_equation_12_with_the_inverse_where_it_exists(schema: ParameterSchema, faces: Vectors) -> None:
    priors = complete(schema, faces)
    assert priors.num_components == priors.num_sliders
    p = priors.whitening.double()
    coefficients = priors.encode(torch.from_numpy(faces[:5])).double()
    printed = (torch.linalg.inv(p @ p.T) @ p @ coefficients.T).T + priors.mean
    torch.testing.assert_close(priors.decode(coefficients.float()).double(), printed, atol=1e-4, rtol=0)


def test_the_way_back_is_the_pseudo_inverse_where_components_are_left_out(priors: FacialPriors) -> None:
    assert priors.num_components < priors.num_sliders
    torch.testing.assert_close(priors.unwhitening, torch.linalg.pinv(priors.whitening.T).T, atol=1e-5, rtol=0)


def test_with_all_components_a_face_comes_back_as_it_was(schema: ParameterSchema, faces: Vectors) -> None:
    vectors = torch.from_numpy(faces)
    torch.testing.assert_close(complete(schema, faces).project(vectors), vectors, atol=1e-5, rtol=0)


def test_projecting_twice_is_projecting_once(priors: FacialPriors) -> None:
    sliders = priors.mean + 0.02 * torch.randn(20, priors.num_sliders, generator=torch.Generator().manual_seed(1))
    once = priors.project(sliders)
    assert (once - sliders).abs().max() > 0.005
    torch.testing.assert_close(priors.project(once), once, atol=1e-5, rtol=0)


def test_no_coefficient_of_a_projected_face_is_beyond_the_limit(schema: ParameterSchema, faces: Vectors) -> None:
    narrow = fit_priors(schema, faces, PriorsConfig(components=2, energy=None, limit=1.0))
    extreme = torch.cat([torch.zeros(1, schema.vector_size), torch.ones(1, schema.vector_size)])
    assert narrow.encode(extreme).abs().max() > 2.0
    assert narrow.encode(narrow.project(extreme)).abs().max() < 1.001


def test_sliders_stay_in_their_range_and_choices_as_they_are(priors: FacialPriors, schema: ParameterSchema) -> None:
    vectors = torch.rand(50, schema.vector_size, generator=torch.Generator().manual_seed(2)).round()
    projected = priors.project(vectors)
    assert projected.min() >= 0.0
    assert projected.max() <= 1.0
    torch.testing.assert_close(projected[:, schema.num_continuous :], vectors[:, schema.num_continuous :])


def test_gradients_pass_through_the_projection(priors: FacialPriors, faces: Vectors) -> None:
    vectors = torch.from_numpy(faces[:3]).requires_grad_(True)
    sliders = priors.project(vectors)[:, : priors.num_sliders]
    (gradient,) = torch.autograd.grad(sliders.square().sum(), vectors)
    assert gradient[:, : priors.num_sliders].abs().sum(1).min() > 0.0


def test_a_face_does_not_depend_on_its_neighbours(priors: FacialPriors, faces: Vectors) -> None:
    together = priors.project(torch.from_numpy(faces[:8]))
    torch.testing.assert_close(priors.project(torch.from_numpy(faces[3:4])), together[3:4], atol=1e-6, rtol=0)


@pytest.mark.parametrize("shape", [(12,), (2, 11)])
def test_vectors_without_all_sliders_are_refused(priors: FacialPriors, shape: tuple[int, ...]) -> None:
    with pytest.raises(TensorError, match=r"expected \(B, 12 or more\)"):
        priors.project(torch.zeros(shape))


def test_coefficients_of_another_number_are_refused(priors: FacialPriors) -> None:
    with pytest.raises(TensorError, match="coefficients: expected"):
        priors.decode(torch.zeros(1, priors.num_components + 1))


def test_groups_that_leave_a_slider_out_are_refused(priors: FacialPriors) -> None:
    with pytest.raises(PriorsError, match="cover each of 12 sliders once"):
        FacialPriors(priors.card, priors.mean, priors.groups[1:])


def test_a_direction_of_no_extent_is_refused(priors: FacialPriors) -> None:
    group = priors.groups[0]
    with pytest.raises(PriorsError, match="a deviation is not positive"):
        replace(group, deviations=torch.zeros_like(group.deviations))
