from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from f2p_models.creation import Creator, IterativeConfig, ModeChoice
from f2p_models.creation import creator as creator_module
from f2p_models.creation.iterative import search
from f2p_models.creator_bundle import load_draft
from f2p_models.errors import TensorError

SHORT = replace(IterativeConfig.quick(), steps=3)
#: Adam divides by the gradient's size, which blows rounding up where the gradient all but vanishes; this does not.
PLAIN = replace(SHORT, optimizer="gradient-descent", learning_rate=0.1)


@pytest.fixture
def creator(small_bundle) -> Creator:
    return Creator(small_bundle, SHORT)


def is_hardened(vectors: torch.Tensor) -> bool:
    block = vectors[:, 4:]
    in_box = bool(((vectors >= 0.0) & (vectors <= 1.0)).all())
    return in_box and bool((block.sum(1) == 1.0).all()) and bool((block.max(1).values == 1.0).all())


@pytest.mark.parametrize("mode", ["one-shot", "iterative", "hybrid"])
def test_every_mode_answers_hardened_vectors_with_their_loss(creator, photos, mode):
    creation = creator.in_mode(mode, photos)

    assert creation.vectors.shape == (5, 7)
    assert is_hardened(creation.vectors)
    assert creation.losses.shape == (5,)
    assert creation.curves.shape == (5, 0 if mode == "one-shot" else 3)
    assert creation.mode == mode
    assert len(creation.reasons) == 5


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("mode", ["one-shot", "iterative", "hybrid"])
def test_every_mode_creates_on_a_gpu_and_answers_on_the_cpu(draft_folder, photos, mode):
    creation = Creator(load_draft(draft_folder, device=torch.device("cuda")), SHORT).in_mode(mode, photos)

    assert is_hardened(creation.vectors)
    assert creation.vectors.device.type == "cpu"


def test_the_search_lowers_the_loss_it_is_told_to_lower(creator, photos):
    creation = Creator(creator.bundle, replace(SHORT, steps=12, pull=0.0)).iterative(photos)

    assert (creation.curves[:, -1] < creation.curves[:, 0]).all()


def test_hybrid_never_ends_with_a_larger_loss_than_one_shot(small_bundle, photos, monkeypatch):
    def climb(losses_of, *rest):
        return search(lambda vectors: -losses_of(vectors), *rest)

    monkeypatch.setattr(creator_module, "search", climb)
    creator = Creator(small_bundle, replace(IterativeConfig.paper(), steps=2, learning_rate=1e4))

    started, ended = creator.one_shot(photos), creator.hybrid(photos)

    searched = creator.iterative(photos, started.vectors)
    assert (searched.losses > started.losses + 1e-4).any()  # or nothing is shown
    assert (ended.losses <= started.losses + 1e-6).all()


def test_hybrid_says_what_the_search_came_to(creator, photos):
    one_shot, hybrid = creator.one_shot(photos), creator.hybrid(photos)

    for row, reason in enumerate(hybrid.reasons):
        improved = bool(hybrid.losses[row] < one_shot.losses[row])
        assert ("lowered" in reason) == improved


def test_a_photo_becomes_the_same_character_alone_as_in_a_batch(small_bundle, photos):
    creator = Creator(small_bundle, PLAIN)
    together = creator.hybrid(photos)

    for row in range(len(photos)):
        alone = creator.hybrid(photos[row : row + 1])
        torch.testing.assert_close(together.vectors[row], alone.vectors[0], rtol=0, atol=1e-4)


def test_photos_beyond_one_chunk_keep_their_place(small_bundle, photos, monkeypatch):
    creator = Creator(small_bundle, PLAIN)
    whole = creator.hybrid(photos)
    monkeypatch.setattr(creator_module, "PHOTOS_AT_ONCE", 2)

    torch.testing.assert_close(creator.hybrid(photos).vectors, whole.vectors, rtol=0, atol=1e-4)


def test_mixed_modes_come_back_in_the_order_of_the_photos(creator, photos):
    wanted = ["hybrid", "one-shot", "hybrid", "one-shot"]
    choices = [ModeChoice(mode=mode, reason=f"photo {row}") for row, mode in enumerate(wanted)]

    created = creator.create(photos[:4], choices)

    assert [creation.mode for creation in created] == wanted
    assert [creation.reasons[0].split(";")[0] for creation in created] == [f"photo {row}" for row in range(4)]
    torch.testing.assert_close(created[1].vectors, creator.one_shot(photos[1:2]).vectors)


def test_a_given_start_is_where_the_search_begins(small_bundle, photos):
    start = torch.full((5, 7), 0.25)
    barely = replace(SHORT, steps=1, learning_rate=1e-6)

    found = Creator(small_bundle, barely).iterative(photos, start)

    torch.testing.assert_close(found.vectors[:, :4], start[:, :4], rtol=0, atol=1e-4)


@pytest.mark.parametrize(("tried", "found"), [(("hairstyle",), True), (("beard_style",), False), ((), False)])
def test_a_choice_that_is_tried_is_found_by_its_outline(small_bundle, tried, found):
    truth = torch.tensor([[0.2, 0.7, 0.9, 0.4, 0.0, 0.0, 1.0], [0.6, 0.1, 0.3, 0.8, 0.0, 0.0, 1.0]])
    start = truth.clone()
    start[:, 4:] = torch.tensor([1.0, 0.0, 0.0])
    creator = Creator(small_bundle, replace(SHORT, steps=1, learning_rate=1e-6, tried_choices=tried))

    creation = creator.iterative(creator.pictures(truth), start)

    assert torch.equal(creation.vectors[:, 4:], (truth if found else start)[:, 4:])


def test_pictures_in_0_to_255_are_refused(creator, photos):
    with pytest.raises(TensorError, match="255"):
        creator.one_shot(photos * 255.0)


def test_creating_leaves_the_networks_as_they_were(creator, photos):
    before = {name: tensor.clone() for name, tensor in creator.bundle.imitator.state_dict().items()}

    creator.hybrid(photos)

    assert all(torch.equal(before[name], tensor) for name, tensor in creator.bundle.imitator.state_dict().items())
    assert all(parameter.grad is None for parameter in creator.bundle.translator.parameters())


def test_a_picture_is_as_similar_to_itself_as_can_be(creator, photos):
    assert creator.similarity(photos, photos).tolist() == pytest.approx([1.0] * 5, abs=1e-4)
