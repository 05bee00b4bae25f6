"""The verbs of ``f2p engine``, and ``--engine`` of the others, as far as no engine has to be started."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from flows.cli import main
from flows.cli.app import ENGINE_TROUBLE, USERS_MISTAKE

ADAPTER = """title = "Sketch"
command = ["sketch-editor"]
[[needs]]
program = "sketch-editor"
install = "apt-get install sketch-editor"
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A home with an adapter of the user's own, whose engine is not installed."""
    monkeypatch.delenv("F2P_BRIDGE_TOKEN", raising=False)
    folder = tmp_path / "home" / "engines" / "sketch"
    folder.mkdir(parents=True)
    (folder / "engine.toml").write_text(ADAPTER)
    return str(tmp_path / "home")


def test_engines_are_listed_with_those_of_the_home_and_what_they_lack(
    home: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["engine", "list", "--json", "--home", home]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert {"mock", "mock_remote", "sketch"} <= rows.keys()
    assert rows["mock"]["missing"] == []
    assert rows["sketch"]["missing"] == ["sketch-editor is not installed: apt-get install sketch-editor"]


def test_an_adapter_that_cannot_be_read_is_named_and_the_others_listed(
    home: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (Path(home) / "engines" / "sketch" / "engine.toml").write_text("title = ")
    assert main(["engine", "list", "--home", home]) == 0
    shown = capsys.readouterr()
    assert "mock_remote" in shown.out
    assert "left out" in shown.err
    assert "sketch" in shown.err


@pytest.mark.parametrize("verb", [["render", "--count", "5"], ["run"], ["engine", "check"], ["engine", "bench"]])
def test_an_engine_that_is_not_installed_is_told_at_once_with_status_3(
    verb: list[str], home: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*verb, "--character", "tiny", "--engine", "sketch", "--home", home]) == ENGINE_TROUBLE
    assert "apt-get install sketch-editor" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--engine", "skatch"], "did you mean 'sketch'?"),
        (["--engine", "mock_remote:speed=high"], "knows no option 'speed'"),
        (["--engine", "mock_remote", "--gpus", "first"], "gpus: 'first'; give numbers"),
        (["--instances", "2"], "give --workers"),
        (["--engine", "ws://0.0.0.0:9310"], "give a wss:// address"),
    ],
)
def test_a_wrong_engine_is_told_at_once_with_the_way_out(
    options: list[str], complaint: str, home: str, capsys: pytest.CaptureFixture[str]
) -> None:
    order = ["render", "--character", "tiny", "--count", "5", *options, "--home", home]
    assert main(order) == USERS_MISTAKE
    errors = capsys.readouterr().err
    assert complaint in errors
    assert errors.count("\n") == 1


def test_a_check_goes_into_a_page(home: str, capsys: pytest.CaptureFixture[str]) -> None:
    order = ["engine", "check", "--engine", "mock", "--character", "tiny", "--out", "report.txt", "--home", home]
    assert main(order) == USERS_MISTAKE
    assert "end it with .html" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "complaint"), [([], "set F2P_BRIDGE_TOKEN"), (["--fault", "lazy"], "fault: 'lazy' is none")]
)
def test_a_mock_that_cannot_be_served_says_why(
    options: list[str], complaint: str, home: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["engine", "serve-mock", "--url", "ws://127.0.0.1:9", *options, "--home", home]) == USERS_MISTAKE
    assert complaint in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "complaint"), [("mock", "has no folder of its own"), ("mock_remote", "prepares no project")]
)
def test_an_engine_without_a_project_says_so(
    name: str, complaint: str, home: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["engine", "project", name, "--out", str(tmp_path / "project"), "--home", home]) == USERS_MISTAKE
    assert complaint in capsys.readouterr().err


def test_a_project_is_written_into_a_new_folder_only(
    home: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (Path(home) / "engines" / "sketch" / "engine.toml").write_text(
        ADAPTER + '[prepare]\ncommand = ["{python}", "-c", "open(\'{work}/scene\', \'w\').close()"]\n'
    )
    order = ["engine", "project", "sketch", "--out", str(tmp_path / "project"), "--home", home]
    assert main(order) == 0
    assert [path.name for path in (tmp_path / "project").iterdir()] == ["scene"]
    assert main(order) == USERS_MISTAKE
    assert "is not empty" in capsys.readouterr().err
