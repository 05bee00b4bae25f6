"""``engine_bridge`` installs alone on an engine host: what it imports is what it declares, and nothing is left out."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import engine_bridge

PACKAGE = Path(engine_bridge.__file__).parent
#: Import names that differ from the distribution's.
DISTRIBUTIONS = {"yaml": "pyyaml", "cv2": "opencv-python", "PIL": "pillow"}
#: Which extras a part of the package may use beyond the core's dependencies; "" is everything that is not named.
EXTRAS = {
    "mock": {"mock"},
    "engines": {"mock", "png", "panda3d", "check"},
    "remote/bridge_end/camera_effects.py": {"mock"},
    "remote/wire/pictures.py": {"png"},
    "conformance/page.py": {"check"},
    "conformance/bench_table.py": {"check"},
    "": set(),
}


PROJECT = tomllib.loads((PACKAGE / "pyproject.toml").read_text(encoding="utf-8"))
WHOLE_PROJECT = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text(encoding="utf-8"))


def sources() -> Iterator[Path]:
    """Without mock/build, which made the assets once, from a wheel that no user needs."""
    return (
        path
        for path in sorted(PACKAGE.rglob("*.py"))
        if not {"__pycache__", "build"} & set(path.relative_to(PACKAGE).parts)
    )


def third_party_imports(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and not node.level}
    roots = {name.partition(".")[0] for name in names}
    return {root for root in roots if root not in sys.stdlib_module_names | {"engine_bridge"}}


def distribution(requirement: str) -> str:
    return requirement.partition(">")[0].partition("[")[0].lower()


def declared(extras: set[str]) -> set[str]:
    optional = PROJECT["project"]["optional-dependencies"]
    lists = [PROJECT["project"]["dependencies"], *[optional[extra] for extra in extras]]
    return {distribution(requirement) for requirements in lists for requirement in requirements}


@pytest.mark.parametrize("part", EXTRAS)
def test_every_import_is_declared(part):
    named = [PACKAGE / name for name in EXTRAS if name]
    files = [
        path
        for path in sources()
        if (path.is_relative_to(PACKAGE / part) if part else not any(path.is_relative_to(name) for name in named))
    ]
    assert files
    used = {DISTRIBUTIONS.get(name, name) for path in files for name in third_party_imports(path)}
    assert used <= declared(EXTRAS[part])


def test_every_dependency_of_the_core_is_used():
    used = {DISTRIBUTIONS.get(name, name) for path in sources() for name in third_party_imports(path)}
    assert declared(set()) <= used


def test_the_core_imports_with_none_of_the_extras():
    """The two ends of the protocol, the supervisor and the checks; no module of the extras can be found meanwhile."""
    modules = [
        "characters", "remote.engine_end.client", "remote.bridge_end.hub", "remote.processes.adapters",
        "remote.pool.pool", "conformance",
        "conformance.subjects", "conformance.bench",
    ]  # fmt: skip
    absent = ["numba", "cv2", "PIL", "jinja2", "rich", "panda3d", "scipy", "torch", "prefect"]
    code = f"import sys; sys.modules |= dict.fromkeys({absent}); " + "; ".join(
        f"import engine_bridge.{module}" for module in modules
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_its_requirements_are_those_of_the_whole_project():
    """One bound per distribution, wherever it is declared."""
    project = PROJECT["project"]
    requirements = {
        *project["dependencies"],
        *[one for some in project["optional-dependencies"].values() for one in some],
    }
    whole = WHOLE_PROJECT["project"]
    ours = {*whole["dependencies"], *whole["optional-dependencies"]["panda3d"]}
    assert {one for one in requirements if distribution(one) != "f2p-engine-bridge"} <= ours
    assert (project["version"], project["requires-python"]) == (whole["version"], whole["requires-python"])


def test_every_package_is_installed():
    folders = {path.parent for path in sources() if path.name == "__init__.py"}
    names = {".".join((PACKAGE.name, *folder.relative_to(PACKAGE).parts)) for folder in folders}
    adapters = {name for name in names if name.startswith("engine_bridge.engines")}
    assert set(PROJECT["tool"]["setuptools"]["packages"]) == names - adapters


@pytest.mark.parametrize("project", [PROJECT, WHOLE_PROJECT], ids=["engine host", "whole project"])
def test_every_data_file_is_installed(project: dict[str, Any]):
    patterns = project["tool"]["setuptools"]["package-data"]["engine_bridge"]
    installed = {path for pattern in patterns for path in PACKAGE.glob(pattern)}
    data = {
        path
        for path in PACKAGE.rglob("*")
        if path.is_file() and path.suffix not in (".py", ".pyc", ".nbi", ".nbc") and path.name != "pyproject.toml"
    }
    assert data - installed == set()
