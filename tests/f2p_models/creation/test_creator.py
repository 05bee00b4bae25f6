from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from f2p_models.creation import Creator, IterativeConfig, ModeChoice
from f2p_models.creation import creator as creator_module
from f2p_models.creation.iterative import search
from f2p_models.creator_bundle import load_draft
from f2p_models.errors import TensorError
from f2p_models.imitator import Imitator, ImitatorConfig
from f2p_models.pictures import to_bytes
from f2p_models.priors import FacialPriors, PriorGroup, PriorsCard
from f2p_models.translator import Translator, TranslatorConfig

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
    def climb(losses_of, *rest, **options):
        return search(lambda vectors: -losses_of(vectors), *rest, **options)

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
    creator = Creator(small_bundle, replace(SHORT, steps=1, learning_rate=1e-6, tried_choices=tried, refined_choices=0))

    creation = creator.iterative(creator.pictures(truth), start)

    assert torch.equal(creation.vectors[:, 4:], (truth if found else start)[:, 4:])


def test_the_last_refinement_finds_a_choice_that_the_search_had_wrong(small_bundle):
    truth = torch.tensor([[0.2, 0.7, 0.9, 0.4, 0.0, 0.0, 1.0], [0.6, 0.1, 0.3, 0.8, 0.0, 0.0, 1.0]])
    start = truth.clone()
    start[:, 4:] = torch.tensor([1.0, 0.0, 0.0])
    barely = replace(SHORT, steps=1, learning_rate=1e-6, tried_choices=())
    pictures = Creator(small_bundle).pictures(truth)

    refined = Creator(small_bundle, barely).iterative(pictures, start)
    unrefined = Creator(small_bundle, replace(barely, refined_choices=0)).iterative(pictures, start)

    assert torch.equal(refined.vectors[:, 4:], truth[:, 4:])
    assert torch.equal(refined.vectors[:, :4], unrefined.vectors[:, :4])
    assert (refined.losses < unrefined.losses).all()


def test_an_engine_has_the_last_word_about_choices(small_bundle, photos):
    """It draws everybody gray but those with the second choice, who are the photo itself."""

    def render(vectors):
        second = torch.from_numpy(vectors)[:, 5] == 1.0
        pictures = torch.where(second[:, None, None, None], photos[0], torch.full_like(photos[0], 0.5))
        return to_bytes(pictures)

    creator = Creator(small_bundle, replace(SHORT, prior_weight=0.0), render=render)

    assert creator.iterative(photos[:1]).vectors[0, 4:].tolist() == [0.0, 1.0, 0.0]


def test_a_rig_of_sliders_only_has_no_choices_to_ask_the_engine_about(small_bundle, photos):
    bundle = replace(
        small_bundle,
        schema=replace(small_bundle.schema, discrete=()),
        imitator=Imitator(ImitatorConfig(vector_size=4, resolution=64, width=0.05)).eval().requires_grad_(False),
        translator=Translator(TranslatorConfig(embedding_size=128, num_continuous=4, block_sizes=())).eval(),
    )
    creator = Creator(
        bundle, SHORT, render=lambda vectors: np.stack([np.zeros((64, 64, 3), np.uint8) for _ in vectors])
    )

    assert creator.hybrid(photos[:1]).vectors.shape == (1, 4)


def test_hybrid_keeps_the_one_shot_answer_that_the_engine_draws_better(small_bundle, photos):
    answer = Creator(small_bundle, SHORT).one_shot(photos[:1]).vectors

    def render(vectors):
        same = (torch.from_numpy(vectors) == answer).all(1)
        return to_bytes(torch.where(same[:, None, None, None], photos[0], torch.full_like(photos[0], 0.5)))

    creation = Creator(small_bundle, SHORT, render=render).hybrid(photos[:1])

    assert torch.equal(creation.vectors, answer)
    assert "nothing better" in creation.reasons[0]


def test_more_starts_never_end_with_a_larger_loss(small_bundle, photos):
    once = Creator(small_bundle, SHORT).iterative(photos)
    often = Creator(small_bundle, replace(SHORT, restarts=2, restart_spread=0.3)).iterative(photos)

    assert (often.losses <= once.losses + 1e-6).all()
    assert (often.losses < once.losses - 1e-4).any()  # or restarts change nothing
    assert "best of 3 starts" in often.reasons[0]


def test_another_seed_restarts_elsewhere_and_the_same_seed_does_not(small_bundle, photos):
    def created(seed):
        config = replace(SHORT, restarts=1, restart_spread=0.3, pull=0.0, seed=seed)
        return Creator(small_bundle, config).iterative(photos).vectors

    assert torch.equal(created(1), created(1))
    assert not torch.equal(created(1), created(2))


@pytest.fixture
def one_direction(small_bundle):
    """Priors that let the four sliders move alike only, by 0.05 around 0.3."""
    return FacialPriors(
        PriorsCard(character="small", fingerprint=small_bundle.schema.fingerprint, num_faces=9, limit=1.0),
        torch.full((4,), 0.3),
        [
            PriorGroup(
                name="face",
                indices=(0, 1, 2, 3),
                axes=torch.tensor([[0.5, 0.5, 0.5, 0.5]]),
                deviations=torch.tensor([0.1]),
                variances=torch.tensor([0.01, 0.0, 0.0, 0.0]),
            )
        ],
    )


def test_priors_hold_one_shot_and_search_to_the_faces_they_know(small_bundle, one_direction, photos):
    creator = Creator(replace(small_bundle, priors=one_direction), replace(SHORT, pull=0.0))

    for mode in ("one-shot", "iterative", "hybrid"):
        sliders = creator.in_mode(mode, photos).vectors[:, :4]
        assert sliders.std(1).max() < 1e-5
        assert ((sliders - 0.3).abs() <= 0.05 + 1e-5).all()


def test_a_search_that_is_pulled_to_the_translators_answer_may_leave_the_priors(small_bundle, one_direction, photos):
    creator = Creator(replace(small_bundle, priors=one_direction), replace(SHORT, pull=0.1), record_every=1)

    assert creator.hybrid(photos).trail[:, -1, :4].std(1).min() > 1e-4
    assert creator.iterative(photos).trail[:, -1, :4].std(1).max() < 1e-5


def test_the_way_of_a_search_is_remembered_when_asked_for(small_bundle, photos):
    creation = Creator(small_bundle, replace(SHORT, steps=5), record_every=2).hybrid(photos)

    assert creation.trail.shape == (5, 4, 7)  # before steps 0, 2 and 4, and at the end
    assert Creator(small_bundle, SHORT).hybrid(photos).trail.shape == (5, 0, 7)


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
