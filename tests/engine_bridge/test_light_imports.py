from __future__ import annotations

import json
import pkgutil
import subprocess
import sys

import engine_bridge

BUILD = "engine_bridge.mock.build"


def loaded_by(modules: list[str], suspects: set[str]) -> set[str]:
    """Which of the suspects a fresh interpreter holds once it has imported the modules."""
    program = (
        "import importlib, json, sys\n"
        f"for name in {modules!r}: importlib.import_module(name)\n"
        f"print(json.dumps(sorted({suspects!r} & sys.modules.keys())))"
    )
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(json.loads(finished.stdout))


def test_an_engine_host_needs_neither_torch_nor_prefect() -> None:
    modules = [found.name for found in pkgutil.walk_packages(engine_bridge.__path__, "engine_bridge.")]
    product = [name for name in modules if not name.startswith(BUILD)]
    assert "engine_bridge.mock.engine" in product
    assert loaded_by(product, {"torch", "torchvision", "prefect", "f2p_models", "f2p_datasets", "flows"}) == set()


def test_rendering_does_not_load_what_only_building_the_assets_needs() -> None:
    needed_to_build = {BUILD, "scipy.spatial", "scipy.ndimage", "scipy.sparse", "skimage", "PIL", "dlib"}
    assert loaded_by(["engine_bridge.mock.engine"], needed_to_build) == set()
