from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from engine_bridge.errors import InputError
from flows import steps
from flows.steps import STAGE_SOURCES, Step, alone, code_version, digest, is_done, plain, source_files, step_key


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
    code = f"import pathlib, flows.steps as s\nwith s.alone(pathlib.Path({str(folder)!r})): print('inside')"
    with alone(folder):
        other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "another f2p process is working on it" in other.stderr
    with alone(folder):
        pass


def test_the_lock_does_not_lie_in_the_folder_it_guards(tmp_path: Path) -> None:
    with steps.alone(tmp_path / "made"):
        assert list((tmp_path / "made").iterdir()) == []
