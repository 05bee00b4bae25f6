"""f2p with something altered, in this process and in every one that it spawns (they run this file's head again).

F2P_TEST_RATE    learning rate of the recipe smoke's imitator
F2P_TEST_BUILD   build of the mock engine
"""

from __future__ import annotations

import os
import sys
from dataclasses import replace

from engine_bridge.mock import MockEngine
from flows import recipes
from flows.cli import main

_smoke = recipes.smoke


def _poisoned() -> recipes.Recipe:
    recipe = _smoke()
    return replace(recipe, imitator=replace(recipe.imitator, learning_rate=float(os.environ["F2P_TEST_RATE"])))


if "F2P_TEST_RATE" in os.environ:
    recipes.RECIPES["smoke"] = _poisoned
if "F2P_TEST_BUILD" in os.environ:
    MockEngine.build = os.environ["F2P_TEST_BUILD"]  # type: ignore[assignment,method-assign]

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
