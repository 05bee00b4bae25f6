from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from flows.cli.app import main
from flows.run_records import RunRecord
from flows.settings import Settings

MakeRun = Callable[..., RunRecord]


def test_without_a_name_it_is_the_last_runs_report(
    settings: Settings, make_run: MakeRun, capsys: pytest.CaptureFixture[str]
) -> None:
    make_run("a")
    make_run("b")
    assert main(["report", "--home", str(settings.home)]) == 0
    page = settings.reports / "2026-11-20-tiny-b.html"
    assert capsys.readouterr().out == f"{page}\n"
    assert page.is_file()


def test_two_runs_are_compared_in_the_order_given(
    settings: Settings, make_run: MakeRun, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    make_run("a")
    make_run("b", seed=1)
    order = ["report", "--compare", "tiny-b", "tiny-a", "--out", str(tmp_path / "both.html"), "--json"]
    assert main([*order, "--home", str(settings.home)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == {"runs": ["2026-11-20-tiny-b", "2026-11-20-tiny-a"], "report": str(tmp_path / "both.html")}


@pytest.mark.parametrize(
    ("order", "says"),
    [
        (["nosuch"], "no run 'nosuch'"),
        (["latest", "--compare", "tiny-a", "latest"], "'latest' is a third"),
        (["--compare", "tiny-a", "nosuch"], "no run 'nosuch'"),
        (["latest", "--out", "page.txt"], "end it with .html"),
    ],
)
def test_a_mistake_is_one_line_and_writes_nothing(
    settings: Settings, make_run: MakeRun, capsys: pytest.CaptureFixture[str], order: list[str], says: str
) -> None:
    make_run("a")
    assert main(["report", *order, "--home", str(settings.home)]) == 2
    error = capsys.readouterr().err
    assert says in error
    assert error.count("\n") == 1
    assert not settings.reports.exists()
