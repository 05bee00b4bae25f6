from __future__ import annotations

import json
import pkgutil
import subprocess
import sys

import f2p_datasets

LOADERS = "f2p_datasets.loaders"


def loaded_by(modules: list[str], suspects: set[str]) -> set[str]:
    """Which of the suspects a fresh interpreter holds once it has imported the modules."""
    program = (
        "import importlib, json, sys\n"
        f"for name in {modules!r}: importlib.import_module(name)\n"
        f"print(json.dumps(sorted({suspects!r} & sys.modules.keys())))"
    )
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(json.loads(finished.stdout))


def test_torch_is_imported_by_the_loaders_and_by_nothing_else() -> None:
    modules = [found.name for found in pkgutil.walk_packages(f2p_datasets.__path__, "f2p_datasets.")]
    others = [name for name in modules if not name.startswith(LOADERS)]
    assert len(others) >= 15
    assert loaded_by(others, {"torch", "f2p_models"}) == set()
    assert loaded_by([LOADERS], {"torch"}) == {"torch"}


def test_rendering_workers_start_without_the_statistics_package() -> None:
    modules = ["f2p_datasets.samplers", "f2p_datasets.rendering"]
    assert loaded_by(modules, {"scipy.stats", "torch", "dlib"}) == set()
