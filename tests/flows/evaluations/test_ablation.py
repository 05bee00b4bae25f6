from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from engine_bridge.errors import InputError
from flows.engines.orders import EngineOrder
from flows.evaluations import ablation
from flows.evaluations.ablation import VARIANTS, Variant, evaluate_ablation
from flows.recipes import RECIPES
from flows.settings import Settings


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_every_recipe_can_be_ablated(name: str, variant: Variant) -> None:
    recipe = RECIPES[name]()
    ablated, training = variant.of(recipe), recipe.translator
    assert ablated.attention == variant.attention
    assert ablated.translator.lambda_1 == (training.lambda_1 if variant.identity else 0.0)
    assert ablated.translator.lambda_3 == (training.lambda_3 if variant.loopback else 0.0)
    assert ablated.translator.lambda_2 == training.lambda_2 > 0


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_no_row_learns_from_known_parameters(variant: Variant) -> None:
    ablated = variant.of(RECIPES["quick"]()).translator
    assert (ablated.lambda_parameter, ablated.warmup_epochs) == (0.0, 0)


def test_rows_differ_only_in_what_the_table_says() -> None:
    recipe = RECIPES["quick"]()
    everything, without_attention = VARIANTS[3].of(recipe), VARIANTS[2].of(recipe)
    assert everything.translator == without_attention.translator
    assert VARIANTS[1].of(recipe).translator.lambda_1 == everything.translator.lambda_1


def test_content_alone_has_no_step_without_a_loss() -> None:
    assert VARIANTS[0].of(RECIPES["paper"]()).translator.full_set_period == 0


def test_epochs_can_be_chosen() -> None:
    assert VARIANTS[3].of(RECIPES["quick"](), epochs=7).translator.epochs == 7


def test_rows_that_the_processes_cannot_train_are_refused_before_anything_is_rendered(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ablation, "_networks", lambda *_: (RECIPES["smoke"](), 0, None, None))
    pairs: Any = SimpleNamespace(open=lambda: None)
    order: dict[str, Any] = dict.fromkeys(("version", "photos", "epochs"))
    with pytest.raises(InputError, match="the translator in batches of 4, which cannot be parted evenly among 8"):
        evaluate_ablation.fn(
            replace(settings, train_processes=8),
            pairs,
            None,  # type: ignore[arg-type]  # nobody comes to ask for it
            character="tiny",
            engine=EngineOrder(),
            command="",
            **order,
        )
    assert not settings.home.exists()
