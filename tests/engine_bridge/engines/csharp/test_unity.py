"""The Unity package compiles against stubs of the Unity API. Nothing here says that it runs in Unity."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

ENGINES = Path(__file__).parents[4] / "engine_bridge" / "engines"
UNITY = ENGINES / "unity"
STUBS = Path(__file__).parent / "unity_stubs"
SOURCES = sorted(UNITY.rglob("*.cs"))


def compile_library(output: Path, references: list[Path], sources: list[Path]) -> Path:
    options = ["-langversion:7", "-warn:4", "-warnaserror", "-nologo", "-target:library", f"-out:{output}"]
    command = ["mcs", *options, *[f"-reference:{reference}" for reference in references], *map(str, sources)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return output


def test_the_package_compiles_against_stubs_of_unity(program: Path, tmp_path: Path) -> None:
    unity = compile_library(tmp_path / "UnityEngine.dll", [], sorted(STUBS.glob("*.cs")))
    library = program.parent / "F2P.Bridge.dll"
    assert compile_library(tmp_path / "F2P.Unity.dll", [unity, library], SOURCES).exists()


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_every_file_says_that_it_was_not_run(source: Path) -> None:
    assert source.read_text().startswith("// NOT RUN IN UNITY")


def test_the_library_knows_no_unity() -> None:
    assert not [path for path in (ENGINES / "csharp" / "F2P.Bridge").glob("*.cs") if "UnityEngine" in path.read_text()]


def test_the_package_depends_on_the_library_by_its_name() -> None:
    library = json.loads((ENGINES / "csharp" / "F2P.Bridge" / "package.json").read_text())
    package = json.loads((UNITY / "package.json").read_text())
    assert package["dependencies"][library["name"]] == library["version"]
