from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine_bridge.errors import InputError
from flows.steps import STAGE_SOURCES, Step, alone, code_version, digest, is_done, plain, source_files, step_key

#: What a stage's code may import without being made stale by it: networks and figures of an earlier stage are inputs by
#: their hash; the others move, check or store what others computed.
NOT_SHAPING = {
    "f2p_models.imitator",
    "f2p_models.segmenter",
    "f2p_models.mirroring",
    "f2p_models.trunks",
    "f2p_models.translator",
    "f2p_models.boundaries",
    "f2p_models.bundle_manifest",
    "f2p_models.checkpoints",
    "f2p_models.devices",
    "f2p_models.durable",
    "f2p_models.embedders.protocol",
    "f2p_models.errors",
    "f2p_models.evaluation",
    "f2p_models.evaluation.report",
    "f2p_models.registry",
    "f2p_models.vision",
    "f2p_models.weights",
}


def imported_models(module: str) -> Iterator[str]:
    """Modules of f2p_models that the source files of a module or package import."""
    for path in source_files(module):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module == "f2p_models":
                yield from (f"f2p_models.{alias.name}" for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("f2p_models."):
                yield str(node.module)


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stage ``drawing`` whose source is one file of ours."""
    source = tmp_path / "drawing_source.py"
    source.write_text("PENCIL = 2\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(STAGE_SOURCES, "drawing", ("drawing_source",))
    code_version.cache_clear()
    return source


def test_the_same_inputs_give_the_same_key_in_whatever_order(stage: Path) -> None:
    assert step_key("drawing", {"a": 1, "b": [2]}) == step_key("drawing", {"b": [2], "a": 1})


def test_another_input_gives_another_key(stage: Path) -> None:
    assert step_key("drawing", {"seed": 0}) != step_key("drawing", {"seed": 1})


def test_a_changed_source_file_gives_another_key(stage: Path) -> None:
    before = step_key("drawing", {})
    stage.write_text("PENCIL = 3\n")
    code_version.cache_clear()
    assert step_key("drawing", {}) != before


def test_the_source_of_another_stage_does_not_matter(stage: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = step_key("template", {})
    stage.write_text("PENCIL = 3\n")
    code_version.cache_clear()
    assert step_key("template", {}) == before


@pytest.mark.parametrize("name", sorted({name for names in STAGE_SOURCES.values() for name in names}))
def test_every_listed_source_exists(name: str) -> None:
    assert source_files(name)


@pytest.mark.parametrize("stage_name", STAGE_SOURCES)
def test_a_stage_lists_every_module_of_ours_that_shapes_its_output(stage_name: str) -> None:
    listed = STAGE_SOURCES[stage_name]
    imported = {name for source in listed for name in imported_models(source)} - NOT_SHAPING
    missing = [name for name in imported if not any(name == one or name.startswith(f"{one}.") for one in listed)]
    assert missing == []


def test_a_package_counts_with_all_its_modules() -> None:
    names = {path.name for path in source_files("f2p_models.training")}
    assert {"__init__.py", "loop.py", "imitator.py"} <= names


def test_a_key_is_sixteen_hex_digits_and_names_the_folder(stage: Path) -> None:
    step = Step(stage="drawing", character="tiny", inputs={"seed": 0})
    assert len(step.key) == 16
    assert int(step.key, 16) >= 0
    assert step.folder(Path("datasets")) == Path("datasets") / f"tiny-drawing-{step.key}"


def test_the_character_belongs_to_the_key(stage: Path) -> None:
    keys = {Step(stage="drawing", character=name, inputs={}).key for name in ("tiny", "justice_girl")}
    assert len(keys) == 2


def test_what_json_cannot_say_is_refused_rather_than_hashed_by_its_address() -> None:
    with pytest.raises(TypeError, match="no canonical JSON"):
        digest({"engine": object()})


def test_paths_and_tuples_become_plain() -> None:
    assert plain({"path": Path("a/b"), "sizes": (1, 2)}) == {"path": "a/b", "sizes": [1, 2]}


def test_done_is_what_verifies(tmp_path: Path) -> None:
    def verify(folder: Path) -> None:
        if not (folder / "manifest").is_file():
            raise InputError("no manifest")

    assert not is_done(tmp_path, verify)
    (tmp_path / "manifest").touch()
    assert is_done(tmp_path, verify)


def test_a_defect_is_not_taken_for_unfinished_work(tmp_path: Path) -> None:
    def verify(folder: Path) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        is_done(tmp_path, verify)


def test_two_processes_do_not_work_on_one_folder(tmp_path: Path) -> None:
    folder = tmp_path / "tiny-imitator"
    locks = tmp_path / "locks"
    code = (
        "import pathlib, flows.steps as s\n"
        f"with s.alone(pathlib.Path({str(folder)!r}), pathlib.Path({str(locks)!r})): print('inside')"
    )
    with alone(folder, locks):
        other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "another f2p process is working on it" in other.stderr
    with alone(folder, locks):
        pass


def test_the_lock_lies_neither_in_nor_beside_the_folder_it_guards(tmp_path: Path) -> None:
    folder = tmp_path / "users" / "made"
    with alone(folder, tmp_path / "locks"):
        assert [path for path in (tmp_path / "users").rglob("*") if path != folder] == []
