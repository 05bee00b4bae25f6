from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

from engine_bridge.schema import ParameterSchema
from f2p_models.errors import PriorsError
from f2p_models.priors import PriorsConfig, fit_priors

Vectors = npt.NDArray[np.float32]


@pytest.mark.parametrize("energy", [0.5, 0.8, 1.0])
def test_the_fewest_components_that_hold_the_energy_are_kept(
    energy: float, schema: ParameterSchema, faces: Vectors
) -> None:
    for group in fit_priors(schema, faces, PriorsConfig(energy=energy)).groups:
        assert group.kept_energy >= energy - 1e-6
        if group.num_components > 1:
            assert float(group.energy[group.num_components - 2]) < energy


def test_every_group_keeps_the_number_of_components_or_all_it_has(schema: ParameterSchema, faces: Vectors) -> None:
    priors = fit_priors(schema, faces, PriorsConfig(components=2, energy=None))
    assert [group.num_components for group in priors.groups] == [min(2, len(group.indices)) for group in priors.groups]


def test_the_energy_is_the_variance_that_the_kept_directions_explain(schema: ParameterSchema, faces: Vectors) -> None:
    priors = fit_priors(schema, faces, PriorsConfig(components=1, energy=None, limit=100.0))
    sliders = torch.from_numpy(faces[:, : schema.num_continuous]).double()
    kept = priors.project(torch.from_numpy(faces))[:, : schema.num_continuous].double()
    for group in priors.groups:
        columns = list(group.indices)
        lost = (sliders - kept)[:, columns].square().sum() / (sliders - sliders.mean(0))[:, columns].square().sum()
        assert 1.0 - float(lost) == pytest.approx(group.kept_energy, abs=1e-4)


def test_a_slider_that_never_moves_is_held_at_its_mean(schema: ParameterSchema, faces: Vectors) -> None:
    still = faces.copy()
    eye = list(schema.groups["eye"])
    still[:, eye] = 0.3
    priors = fit_priors(schema, still)
    assert {group.name: group.num_components for group in priors.groups}["eyes"] == 0
    assert {group.name: group.kept_energy for group in priors.groups}["eyes"] == 1.0
    np.testing.assert_allclose(priors.project(torch.from_numpy(faces))[:, eye], 0.3, atol=1e-6)


def test_fewer_faces_than_sliders_give_fewer_components(schema: ParameterSchema, faces: Vectors) -> None:
    priors = fit_priors(schema, faces[:2], PriorsConfig(energy=1.0))
    assert {group.num_components for group in priors.groups} == {1}


def test_the_order_of_the_faces_does_not_matter(schema: ParameterSchema, faces: Vectors) -> None:
    some, other = fit_priors(schema, faces), fit_priors(schema, faces[::-1])
    torch.testing.assert_close(some.whitening, other.whitening, atol=1e-3, rtol=1e-4)


def test_the_card_says_what_the_priors_were_fitted_on(schema: ParameterSchema, faces: Vectors) -> None:
    card = fit_priors(schema, faces, source={"mode": "one-shot"}).card
    assert (card.character, card.fingerprint, card.num_faces) == ("tiny", schema.fingerprint, 200)
    assert card.source == {"mode": "one-shot"}


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (lambda faces: faces[:1], r"1 face\(s\) do not vary"),
        (lambda faces: faces[:, :5], r"tiny has \(N, 19\), got \(200, 5\)"),
        (lambda faces: faces * 2.0, r"entries lie in \[0, 1\]"),
        (lambda faces: np.where(faces > 0.9, np.nan, faces), r"entries lie in \[0, 1\]"),
    ],
)
def test_faces_that_cannot_be_fitted_are_refused(
    spoil: Any, complaint: str, schema: ParameterSchema, faces: Vectors
) -> None:
    with pytest.raises(PriorsError, match=complaint):
        fit_priors(schema, spoil(faces))


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"components": 3}, "give one of the two"),
        ({"energy": None}, "give one of the two"),
        ({"components": 0, "energy": None}, "0 keep nothing"),
        ({"energy": 1.5}, r"lies in \(0, 1\], got 1.5"),
        ({"limit": 0.0}, "only the mean face"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings: dict[str, Any], complaint: str) -> None:
    with pytest.raises(PriorsError, match=complaint):
        PriorsConfig(**settings)
