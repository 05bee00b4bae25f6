from __future__ import annotations

import pytest

from engine_bridge.errors import InputError
from flows.pipeline import build_character
from flows.settings import Settings


def test_a_recipe_that_the_processes_cannot_train_is_refused_before_anything_is_rendered(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("F2P_TRAIN_PROCESSES", "8")
    with pytest.raises(InputError, match="the translator in batches of 4, which cannot be parted evenly among 8"):
        build_character.fn("tiny", recipe="smoke", home=settings.home)
    assert not settings.datasets.exists()
