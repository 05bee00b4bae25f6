from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from engine_bridge.characters import load_schema
from engine_bridge.errors import InputError
from f2p_models.imitator import Imitator
from f2p_models.priors import PriorsConfig
from f2p_models.segmenter import RESNET50_BLOCKS, Segmenter
from flows.recipes import RECIPES, find_recipe, paper, quick, smoke
from flows.settings import Settings
from flows.steps import plain


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_builds_and_carries_its_name(name: str) -> None:
    assert find_recipe(name).name == name


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_can_be_written_down(name: str) -> None:
    assert plain(find_recipe(name))["name"] == name


@pytest.mark.parametrize("name", ["smoke", "quick", "small"])
def test_the_small_recipes_networks_can_be_built(name: str) -> None:
    recipe = find_recipe(name)
    assert Imitator(recipe.imitator_config(load_schema("tiny")))
    assert Segmenter(recipe.segmenter_config())


def test_an_unknown_recipe_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InputError, match="'slow' is unknown; choose one of smoke, quick, small, nightly, paper"):
        find_recipe("slow")


def test_paper_follows_the_paper() -> None:
    recipe = paper()
    imitator = recipe.imitator_config(load_schema("justice_female"))
    assert (recipe.num_pairs, recipe.resolution, recipe.sampler) == (20_000, 512, "uniform")
    assert (imitator.vector_size, imitator.width) == (310, 1.0)
    assert imitator.filters == (512, 512, 512, 256, 128, 64, 64, 3)
    assert (recipe.imitator.optimizer, recipe.imitator.momentum, recipe.imitator.learning_rate) == ("sgd", 0.9, 0.01)
    assert (recipe.imitator.batch_size, recipe.imitator.epochs) == (16, 500)
    assert (recipe.segmenter_width, recipe.segmenter_px, recipe.segmenter.learning_rate) == (1.0, 256, 0.001)
    assert recipe.segmenter_config().blocks == RESNET50_BLOCKS
    translator = recipe.translator
    assert (translator.optimizer, translator.learning_rate, translator.epochs) == ("adam", 1e-4, 20)
    assert (translator.lambda_1, translator.lambda_2, translator.lambda_3) == (0.01, 1.0, 1.0)
    assert (translator.lambda_parameter, translator.warmup_epochs, translator.full_set_period) == (0.0, 0, 4)
    assert (recipe.search.steps, recipe.search.learning_rate, recipe.search.beta) == (50, 10.0, 100.0)
    assert (recipe.search.decay, recipe.search.decay_every, recipe.embedder) == (0.2, 5, "lightcnn")


def test_priors_are_a_share_of_the_variance_a_number_of_components_or_none() -> None:
    assert smoke().priors == PriorsConfig(energy=0.95)
    assert replace(smoke(), prior_energy=None, prior_components=8).priors == PriorsConfig(components=8, energy=None)
    assert replace(smoke(), prior_energy=None).priors is None


def test_weights_that_cannot_be_shipped_are_asked_for_before_anything_is_rendered(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="set F2P_LIGHTCNN_WEIGHTS to the file"):
        paper().check_weights(Settings(home=tmp_path))
    weights = tmp_path / "weights.pth"
    weights.touch()
    with pytest.raises(InputError, match="set F2P_IMAGENET_WEIGHTS to the file"):
        paper().check_weights(Settings(home=tmp_path, lightcnn_weights=weights))
    paper().check_weights(Settings(home=tmp_path, lightcnn_weights=weights, imagenet_weights=weights))
    quick().check_weights(Settings(home=tmp_path))


@pytest.mark.parametrize("name", RECIPES)
def test_one_process_or_four_train_every_recipe(name: str, tmp_path: Path) -> None:
    for count in (1, 4):
        find_recipe(name).check_processes(Settings(home=tmp_path, train_processes=count))


def test_batches_that_the_processes_cannot_part_are_refused_with_a_number_that_all_of_them_allow(
    tmp_path: Path,
) -> None:
    with pytest.raises(InputError) as refused:
        smoke().check_processes(Settings(home=tmp_path, train_processes=7))
    assert str(refused.value) == (
        "recipe: 'smoke' trains the imitator in batches of 8, which cannot be parted evenly among 7 processes; "
        "set F2P_TRAIN_PROCESSES to 4"
    )


def test_only_networks_that_are_to_be_trained_are_asked_for_their_batches(tmp_path: Path) -> None:
    """Eight rows in each batch of the first two, four in those of the translator."""
    eight = Settings(home=tmp_path, train_processes=8)
    smoke().check_processes(eight, ("imitator", "segmenter"))
    with pytest.raises(InputError, match=r"the translator in batches of 4, .* set F2P_TRAIN_PROCESSES to 4"):
        smoke().check_processes(eight)
    smoke().check_processes(eight, ())


@pytest.mark.parametrize(
    ("change", "learner"),
    [
        ({"warmup_batch_size": 100}, "translator's warm-up"),
        ({"labelled_batch_size": 100}, "translator's parameter loss"),
        ({"warmup_batch_size": 100, "warmup_epochs": 0}, None),
        ({"labelled_batch_size": 100, "lambda_parameter": 0.0}, None),
        ({"labelled_batch_size": 2401}, None),  # of 2,400 known vectors
    ],
)
def test_known_vectors_have_to_part_evenly_where_they_are_learned_from_in_batches(
    change: dict[str, float], learner: str | None, tmp_path: Path
) -> None:
    recipe = replace(quick(), translator=replace(quick().translator, **change))  # type: ignore[arg-type]
    eight = Settings(home=tmp_path, train_processes=8)
    if learner is None:
        recipe.check_processes(eight)
    else:
        with pytest.raises(InputError, match=f"the {learner} in batches of 100, .* set F2P_TRAIN_PROCESSES to 4"):
            recipe.check_processes(eight)


def test_small_takes_as_long_with_a_hundred_thousand_photos() -> None:
    training = find_recipe("small").translator
    assert training.epochs * training.batches_per_epoch * training.batch_size < 50_000


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"num_pairs": 5}, "at least 10 each"),
        ({"num_heldout_photos": 1}, "too few to be told apart"),
        ({"photo_resolution": 32}, "below the resolution"),
        ({"pretrained_trunk": True}, "fit segmenter_width 1, not 0.05"),
        ({"num_prior_faces": 1}, "num_prior_faces: 1"),
        ({"prior_components": 5}, "give one of the two"),
        ({"prior_energy": 2.0}, r"lies in \(0, 1\]"),
    ],
)
def test_a_recipe_refuses_what_cannot_work(change: dict[str, int], message: str) -> None:
    with pytest.raises(InputError, match=message):
        replace(smoke(), **change)
