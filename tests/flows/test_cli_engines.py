"""The verbs of ``f2p engine``, and ``--engine`` of the others, as far as no engine has to be started."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from engine_bridge.remote.engine_end.faults import FAULTS
from flows.cli import main
from flows.cli.app import ENGINE_TROUBLE, INTERRUPTED, USERS_MISTAKE

ADAPTER = """title = "Sketch"
command = ["sketch-editor"]
[[needs]]
program = "sketch-editor"
install = "apt-get install sketch-editor"
"""
#: A preparation that makes a project of one file.
MAKE_PROJECT = "os.mkdir('{work}/project'); open('{work}/project/scene', 'w').close()"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A home with an adapter of the user's own, whose engine is not installed."""
    for variable in ("F2P_BRIDGE_TOKEN", "F2P_BRIDGE_CERTIFICATE", "F2P_BRIDGE_KEY"):
        monkeypatch.delenv(variable, raising=False)
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


def test_a_token_that_is_too_short_is_told_before_anybody_waits(
    home: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("F2P_BRIDGE_TOKEN", "short")
    order = ["engine", "check", "--engine", "ws://127.0.0.1:9310", "--character", "tiny", "--home", home]
    assert main(order) == USERS_MISTAKE
    errors = capsys.readouterr().err
    assert "F2P_BRIDGE_TOKEN: 5 characters" in errors
    assert "waiting for engines" not in errors


@pytest.mark.parametrize(
    ("files", "complaint"),
    [
        ((), "needs a certificate and its key; set F2P_BRIDGE_CERTIFICATE and F2P_BRIDGE_KEY"),
        (("F2P_BRIDGE_KEY",), "give both F2P_BRIDGE_CERTIFICATE and F2P_BRIDGE_KEY"),
        (("F2P_BRIDGE_CERTIFICATE", "F2P_BRIDGE_KEY"), "F2P_BRIDGE_CERTIFICATE, F2P_BRIDGE_KEY: tls:"),
    ],
)
def test_a_certificate_that_is_none_is_told_before_anybody_waits(
    files: tuple[str, ...],
    complaint: str,
    home: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = Path(home)
    for variable in files:
        (folder / variable).write_text("no PEM\n")
        monkeypatch.setenv(variable, str(folder / variable))
    order = ["engine", "check", "--engine", "wss://127.0.0.1:9310", "--character", "tiny", "--home", home]
    assert main(order) == USERS_MISTAKE
    errors = capsys.readouterr().err
    assert complaint in errors
    assert "waiting for engines" not in errors


@pytest.mark.parametrize("engine", ["mock", "ws://127.0.0.1:9310"])
def test_a_bench_of_instances_that_nobody_starts_is_refused(
    engine: str, home: str, capsys: pytest.CaptureFixture[str]
) -> None:
    order = ["engine", "bench", "--engine", engine, "--character", "tiny", "--instances", "1,2", "--home", home]
    assert main(order) == USERS_MISTAKE
    assert "instances, gpus:" in capsys.readouterr().err


def test_a_check_ends_with_the_verdicts_counted(home: str, capsys: pytest.CaptureFixture[str]) -> None:
    page = Path(home) / "page.html"
    order = ["engine", "check", "--engine", "mock", "--character", "tiny", "--out", str(page), "--home", home]
    assert main(order) == 0
    shown = capsys.readouterr()
    assert re.fullmatch(rf"\d+ passed, \d+ could not be tried, 0 failed: {page}\n", shown.out)
    assert "must describe the character before it draws it" in shown.err
    assert f"✓ {shown.out.partition(':')[0]}" in page.read_text()


def test_the_help_of_faults_loses_nothing_to_markup(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["engine", "serve-mock", "--help"]) == 0
    shown = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert "NAME[=VALUE][@WHEN][!]" in shown
    for name, words in FAULTS.items():
        assert f"{name} {words}" in shown


@pytest.mark.parametrize(
    ("verb", "resumes"), [("render", True), ("run", True), ("train", True), ("create", False), ("engine", False)]
)
def test_only_what_goes_on_where_it_was_says_so(
    verb: str, resumes: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(sys.modules["flows.cli.app"], "app", interrupt)
    assert main([verb]) == INTERRUPTED
    assert ("run the same command again to continue" in capsys.readouterr().err) == resumes


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
    ("name", "complaint"),
    [("mock", "has no folder of its own"), ("mock_remote", "no project for an editor; its sources")],
)
def test_an_engine_without_a_project_says_so(
    name: str, complaint: str, home: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["engine", "project", name, "--out", str(tmp_path / "project"), "--home", home]) == USERS_MISTAKE
    assert complaint in capsys.readouterr().err


def test_an_engine_that_is_only_compiled_has_no_project(
    home: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (Path(home) / "engines" / "sketch" / "engine.toml").write_text(
        ADAPTER + '[prepare]\ncommand = ["{python}", "-c", "open(\'{work}/sketch.exe\', \'w\').close()"]\n'
    )
    assert main(["engine", "project", "sketch", "--out", str(tmp_path / "project"), "--home", home]) == USERS_MISTAKE
    assert "its sources lie in" in capsys.readouterr().err
    assert not (tmp_path / "project").exists()


def test_a_project_is_written_into_a_new_folder_only(
    home: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (Path(home) / "engines" / "sketch" / "engine.toml").write_text(
        f'{ADAPTER}[prepare]\ncommand = ["{{python}}", "-c", "import os; {MAKE_PROJECT}"]\n'
    )
    order = ["engine", "project", "sketch", "--out", str(tmp_path / "project"), "--home", home]
    assert main(order) == 0
    assert [path.name for path in (tmp_path / "project").iterdir()] == ["scene"]
    assert main(order) == USERS_MISTAKE
    assert "is not empty" in capsys.readouterr().err
