from __future__ import annotations

import torch

from f2p_models.creation.choices import try_choices

BLOCKS = [slice(1, 4), slice(4, 6)]


def vectors(*choices: tuple[int, int]) -> torch.Tensor:
    """(B, 6): a slider, a block of three and a block of two."""
    rows = torch.zeros(len(choices), 6)
    for row, (first, second) in enumerate(choices):
        rows[row, 0] = 0.4
        rows[row, 1 + first] = rows[row, 4 + second] = 1.0
    return rows


def away_from(truth: torch.Tensor):
    return lambda tried: (tried - truth).abs().sum(1)


def test_each_photo_gets_the_choice_that_it_shows():
    truth = vectors((2, 0), (0, 1))

    found = try_choices(away_from(truth), vectors((1, 1), (1, 0)), BLOCKS)

    assert torch.equal(found, truth)


def test_blocks_that_are_not_asked_for_stay():
    found = try_choices(away_from(vectors((2, 0))), vectors((1, 1)), BLOCKS[:1])

    assert torch.equal(found, vectors((2, 1)))


def test_what_is_known_before_looking_decides_where_looks_do_not():
    prior = torch.zeros(1, 6)
    prior[0, 1:4] = torch.tensor([0.3, 0.1, 0.2])

    alike = try_choices(lambda tried: torch.zeros(len(tried)), vectors((0, 0)), BLOCKS[:1], prior=prior)
    different = try_choices(away_from(vectors((2, 0))), vectors((0, 0)), BLOCKS[:1], prior=prior)

    assert torch.equal(alike, vectors((1, 0)))
    assert torch.equal(different, vectors((2, 0)))


def test_only_the_present_choice_and_the_most_promising_others_are_tried():
    expected = torch.zeros(1, 6)
    expected[0, 1:4] = torch.tensor([0.9, 0.5, 0.1])
    tried = []

    def losses(candidates):
        tried.append(int(candidates[0, 1:4].argmax()))
        return torch.ones(len(candidates))

    found = try_choices(losses, vectors((0, 0)), BLOCKS[:1], expected=expected, num_tried=1)

    assert tried == [0, 2]
    assert torch.equal(found, vectors((0, 0)))  # nothing looked better


def test_a_start_without_a_choice_gets_one():
    empty = torch.zeros(1, 6)

    found = try_choices(away_from(vectors((1, 1))), empty, BLOCKS)

    assert torch.equal(found[:, 1:], vectors((1, 1))[:, 1:])
