from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from engine_bridge.errors import InputError
from f2p_models.creation.choices import try_choices
from f2p_models.creation.iterative import search, soften
from f2p_models.creation.search_settings import IterativeConfig

BLOCK = slice(4, 7)
TRUTH = torch.tensor([[0.2, 0.7, 0.9, 0.4, 0.0, 0.0, 1.0], [0.6, 0.1, 0.3, 0.8, 1.0, 0.0, 0.0]])
START = torch.tensor([[0.5, 0.5, 0.5, 0.5, 0.0, 0.0, 0.0]])


def known_picture(vectors: torch.Tensor) -> torch.Tensor:
    """A differentiable 'imitator' whose inverse is known: two blobs at (s0, s1) and (s2, s3) on a shade per choice."""
    axis = torch.linspace(0.0, 1.0, 16)

    def blob(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return torch.exp(-12.0 * ((axis - x[:, None, None]) ** 2 + (axis[:, None] - y[:, None, None]) ** 2))

    shade = vectors[:, BLOCK] @ torch.tensor([0.0, 0.3, 0.6])
    blobs = torch.stack([blob(vectors[:, 0], vectors[:, 1]), blob(vectors[:, 2], vectors[:, 3])], 1)
    return torch.cat([blobs, shade[:, None, None, None].expand(-1, 1, 16, 16)], 1)


def losses_against(truth: torch.Tensor):
    target = known_picture(truth)
    return lambda vectors: (known_picture(vectors) - target).square().flatten(1).mean(1)


def starts(count: int) -> torch.Tensor:
    return START.expand(count, -1).clone()


def slider_errors(vectors: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    return (vectors - truth)[:, :4].abs().mean(1)


def test_the_quick_search_recovers_the_sliders_behind_a_known_picture():
    config = replace(IterativeConfig.quick(), pull=0.0)

    found = search(losses_against(TRUTH), starts(2), [BLOCK], 4, config)

    assert slider_errors(found.soft, TRUTH).max() < 0.05
    assert slider_errors(starts(2), TRUTH).min() > 0.2


def test_the_papers_search_ends_nearer_to_the_truth_than_it_began():
    losses = losses_against(TRUTH)

    # rate 10 is meant for a loss whose slopes are near 0.01, as identity weighted with 0.01 has them
    found = search(lambda vectors: 0.05 * losses(vectors), starts(2), [BLOCK], 4, IterativeConfig.paper())

    assert (slider_errors(found.soft, TRUTH) < 0.5 * slider_errors(starts(2), TRUTH)).all()
    assert (found.soft[:, BLOCK].argmax(1) == TRUTH[:, BLOCK].argmax(1)).all()


@pytest.mark.parametrize("config", [IterativeConfig.paper(), IterativeConfig.quick()], ids=["paper", "quick"])
def test_a_photo_takes_the_same_path_alone_as_in_a_batch(config):
    together = search(losses_against(TRUTH), starts(2), [BLOCK], 4, config)

    for row in range(2):
        alone = search(losses_against(TRUTH[row : row + 1]), starts(1), [BLOCK], 4, config)
        torch.testing.assert_close(together.soft[row], alone.soft[0], rtol=0, atol=1e-5)
        torch.testing.assert_close(together.curves[row], alone.curves[0], rtol=0, atol=1e-6)


def test_every_state_the_imitator_is_shown_lies_in_the_unit_box():
    shown = []

    def pushing_out(vectors):
        shown.append(vectors.detach())
        return vectors[:, :4].sum(1) * 5.0

    search(pushing_out, starts(1), [BLOCK], 4, IterativeConfig.paper())

    assert all(((vectors >= 0.0) & (vectors <= 1.0)).all() for vectors in shown)
    assert (shown[-1][:, :4] == 0.0).all()


def test_the_paper_recipe_moves_by_rate_10_decayed_by_a_fifth_every_5_steps():
    slope = 1e-4

    found = search(lambda v: -slope * v[:, 0], starts(1), [], 4, IterativeConfig.paper())

    rates = [10.0 * 0.8 ** (step // 5) for step in range(50)]
    assert float(found.soft[0, 0]) == pytest.approx(0.5 + slope * sum(rates), abs=1e-5)
    assert found.curves.shape == (1, 50)


def test_the_pull_ends_nearer_to_the_start():
    config = replace(IterativeConfig.quick(), pull=0.0)

    free = search(losses_against(TRUTH), starts(2), [BLOCK], 4, config)
    held = search(losses_against(TRUTH), starts(2), [BLOCK], 4, replace(config, pull=1.0))

    assert (slider_errors(held.soft, starts(2)) < slider_errors(free.soft, starts(2))).all()


def test_beta_100_makes_scores_all_but_one_hot():
    soft = soften(torch.tensor([[0.5, 0.3, 0.4, 0.2]]), [slice(1, 4)], beta=100.0)

    assert soft[0].tolist() == pytest.approx([0.5, 0.0, 1.0, 0.0], abs=1e-4)


def test_trying_finds_the_choice_that_each_photo_shows():
    vectors = TRUTH.clone()
    vectors[:, BLOCK] = torch.tensor([0.0, 1.0, 0.0])

    found = try_choices(losses_against(TRUTH), vectors, [BLOCK])

    assert torch.equal(found, TRUTH)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("steps", 0),
        ("learning_rate", 0.0),
        ("decay", 1.0),
        ("beta", -1.0),
        ("pull", -0.1),
        ("prior_weight", -0.1),
        ("refined_choices", -1),
        ("restarts", -1),
        ("seed", -1),
    ],
)
def test_a_setting_that_cannot_work_is_refused_by_name(field, value):
    with pytest.raises(InputError, match=field):
        replace(IterativeConfig.quick(), **{field: value})


@pytest.mark.parametrize("spread", [0.0, 1.5])
def test_restarts_that_start_nowhere_else_or_anywhere_are_refused(spread):
    with pytest.raises(InputError, match="restart_spread"):
        replace(IterativeConfig.quick(), restarts=1, restart_spread=spread)


def test_every_step_is_projected_to_what_is_allowed():
    def halved(vectors):
        return torch.cat([vectors[:, :4].clamp(max=0.5), vectors[:, 4:]], 1)

    shown = []

    def pushing_up(vectors):
        shown.append(vectors.detach())
        return -vectors[:, :4].sum(1)

    search(pushing_up, starts(1), [BLOCK], 4, IterativeConfig.quick(), project=halved)

    assert all((vectors[:, :4] <= 0.5).all() for vectors in shown)


def test_a_recorded_search_begins_at_its_start_and_ends_at_its_result():
    config = replace(IterativeConfig.quick(), steps=7)

    found = search(losses_against(TRUTH), starts(2), [BLOCK], 4, config, record_every=3)

    assert found.trail.shape == (2, 4, 7)
    torch.testing.assert_close(found.trail[:, 0, :4], starts(2)[:, :4])
    torch.testing.assert_close(found.trail[:, -1], found.soft)


def test_a_search_that_compares_nothing_is_refused():
    with pytest.raises(InputError, match="one of them must be positive"):
        replace(IterativeConfig.quick(), identity_weight=0.0, content_weight=0.0)
