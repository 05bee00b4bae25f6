"""``f2p evaluate`` as a group of verbs that still measures alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.cli import main
from flows.cli.app import USERS_MISTAKE

VERBS = ("verification", "ablation", "speed")


@pytest.fixture
def home(tmp_path: Path) -> str:
    return str(tmp_path / "home")


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_with_an_example_and_json(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", verb, "--help"]) == 0
    shown = capsys.readouterr().out
    assert f"f2p evaluate {verb} --character" in " ".join(shown.split("Example")[1].split())
    assert "--json" in shown


def test_alone_it_needs_a_character(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate"]) == USERS_MISTAKE
    assert "--character" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "named"), [(["--home", "elsewhere"], "--home"), (["--json"], "--json"), (["-c", "tiny"], "--character")]
)
def test_options_before_a_verb_are_refused_because_they_would_be_lost(
    options: list[str], named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", *options, "speed", "--character", "tiny"]) == USERS_MISTAKE
    assert f"behind the verb: f2p evaluate speed {named}" in capsys.readouterr().err


def test_a_set_that_is_not_there_is_told_before_networks_are_opened(
    home: str, capsys: pytest.CaptureFixture[str]
) -> None:
    order = ["evaluate", "verification", "--character", "tiny", "--set", "nowhere", "--home", home]
    assert main(order) == USERS_MISTAKE
    assert "nowhere: no such file or folder" in capsys.readouterr().err


def test_networks_that_were_never_published_are_told(
    home: str, crops_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    order = ["evaluate", "verification", "--character", "tiny", "--set", str(crops_file), "--home", home]
    assert main([*order, "--version", "champion"]) == USERS_MISTAKE
    assert "f2p run --character tiny" in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["retrieval", "robustness", "style"])
def test_a_folder_without_judges_is_told_before_networks_are_opened(
    verb: str, home: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    order = ["evaluate", verb, "--character", "tiny", "--photos", str(tmp_path), "--judges", str(tmp_path)]
    assert main([*order, "--home", home]) == USERS_MISTAKE
    assert "has no judge's weights" in capsys.readouterr().err
