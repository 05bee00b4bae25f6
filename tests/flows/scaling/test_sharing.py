"""Two homes and one store."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import pytest

from flows.scaling.sharing import SharedHome
from flows.scaling.stores import Store, StoreError
from flows.settings import Settings

NAME = "tiny-imitator-0"


def alone(_folder: Path) -> AbstractContextManager[None]:
    return nullcontext()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Settings]:
    """``home("a")``: a home of that name, on the store that all share."""
    monkeypatch.setenv("F2P_STORE", f"file://{tmp_path}/store")

    def build(name: str) -> Settings:
        return Settings(home=tmp_path / name)

    return build


@pytest.fixture
def step(home: Callable[[str], Settings]) -> Callable[..., Path]:
    """``step("a", "weights")``: a finished step's folder in that home."""

    def build(name: str, text: str) -> Path:
        folder = home(name).checkpoints / NAME
        (folder / "checkpoint").mkdir(parents=True, exist_ok=True)
        (folder / "checkpoint" / "weights").write_text(text)
        return folder

    return build


def text(settings: Settings) -> str:
    return (settings.checkpoints / NAME / "checkpoint" / "weights").read_text()


def test_what_one_home_made_another_finds(home: Callable[[str], Settings], step: Callable[..., Path]) -> None:
    SharedHome(home("a"), alone).offer("imitator", step("a", "trained"), fresh=True)
    SharedHome(home("b"), alone).fetch("imitator", home("b").checkpoints / NAME)
    assert text(home("b")) == "trained"


def test_what_is_whole_here_is_not_fetched(
    home: Callable[[str], Settings], step: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = SharedHome(home("a"), alone)
    shared.offer("imitator", step("a", "trained"), fresh=True)
    monkeypatch.setattr(Store, "pull", lambda *_: pytest.fail("fetched"))
    shared.fetch("imitator", home("a").checkpoints / NAME)


def test_a_damaged_folder_is_fetched_again(home: Callable[[str], Settings], step: Callable[..., Path]) -> None:
    shared = SharedHome(home("a"), alone)
    shared.offer("imitator", step("a", "trained"), fresh=True)
    folder = step("a", "tr@ined")
    shared.fetch("imitator", folder)
    assert text(home("a")) == "trained"


def test_what_was_made_again_replaces_what_the_store_has(
    home: Callable[[str], Settings], step: Callable[..., Path]
) -> None:
    shared = SharedHome(home("a"), alone)
    shared.offer("imitator", step("a", "trained"), fresh=True)
    shared.offer("imitator", step("a", "found"), fresh=False)
    shared.offer("imitator", step("a", "again"), fresh=True)
    SharedHome(home("b"), alone).fetch("imitator", home("b").checkpoints / NAME)
    assert text(home("b")) == "again"


def test_what_could_not_be_sent_is_sent_by_the_next_run(
    home: Callable[[str], Settings],
    step: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shared, folder = SharedHome(home("a"), alone), step("a", "trained")

    def refuse(*_: object, **__: object) -> None:
        raise StoreError("store: away")

    with monkeypatch.context() as patched:
        patched.setattr(Store, "push", refuse)
        shared.offer("imitator", folder, fresh=True)
    assert "store: away; the next run offers it again" in capsys.readouterr().err
    shared.offer("imitator", folder, fresh=False)
    assert Store(f"file://{tmp_path}/store").names("checkpoints") == [NAME]


def test_a_damaged_store_costs_the_work_and_not_the_run(
    home: Callable[[str], Settings], step: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    SharedHome(home("a"), alone).offer("imitator", step("a", "trained"), fresh=True)
    [stored] = (tmp_path / "store").rglob("weights")
    stored.write_text("tr@ined")
    SharedHome(home("b"), alone).fetch("imitator", home("b").checkpoints / NAME)
    assert "it is made here" in capsys.readouterr().err
    assert not (home("b").checkpoints / NAME).exists()


@pytest.mark.parametrize("place", ["creations/tiny-creation-0", "../elsewhere/tiny-studio-0"])
def test_only_folders_named_by_their_content_are_shared(
    home: Callable[[str], Settings], tmp_path: Path, place: str
) -> None:
    folder = (home("a").home / place).resolve()
    folder.mkdir(parents=True)
    (folder / "file").write_text("mine")
    SharedHome(home("a"), alone).offer("studio", folder, fresh=True)
    assert [path for path in (tmp_path / "store").rglob("*") if path.is_file()] == []


def test_without_a_store_nothing_is_looked_for(settings: Settings) -> None:
    shared = SharedHome(settings, alone)
    shared.fetch("imitator", settings.checkpoints / NAME)
    shared.offer("version", settings.evaluations / "tiny-version-0", fresh=True)
    assert not settings.home.exists()


def test_a_store_that_cannot_be_used_is_told_before_any_work(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("F2P_STORE", f"file://{tmp_path}/file/store")
    with pytest.raises(StoreError, match="cannot be written to"):
        SharedHome(settings, alone)
