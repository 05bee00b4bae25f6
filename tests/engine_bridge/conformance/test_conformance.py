"""The contract suite on the mock, and what becomes of its findings."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pytest

from engine_bridge.conformance import (
    BEHAVIOURS,
    Behaviour,
    Evidence,
    Exhibit,
    Subject,
    Trial,
    Verdict,
    run_conformance,
    try_behaviour,
    write_report,
)
from engine_bridge.conformance.evidence import judge
from engine_bridge.conformance.spans import span
from engine_bridge.errors import EngineLostError, UnknownCharacterError
from engine_bridge.mock import MockEngine
from engine_bridge.parts import PART_COLORS

MOST_FRAMES = 800


@pytest.fixture(scope="module")
def trial(mock):
    return Trial(Subject(engine=mock, restart=MockEngine), "tiny")


@pytest.mark.parametrize("behaviour", BEHAVIOURS, ids=lambda behaviour: behaviour.name)
def test_the_mock_engine(behaviour, trial):
    evidence = try_behaviour(trial, behaviour).evidence
    assert evidence.verdict is not Verdict.FAILED, evidence.reason


def test_a_full_character_takes_a_bounded_number_of_pictures(mock):
    report = run_conformance(Subject(engine=mock, restart=MockEngine), "justice_female")
    assert report.passed, [finding.evidence.reason for finding in report.failures]
    assert report.num_frames < MOST_FRAMES


def test_progress_tells_every_finding(mock):
    told = []
    run_conformance(
        Subject(engine=mock),
        "tiny",
        behaviours=BEHAVIOURS[:3],
        progress=lambda finding, done, total: told.append((finding.name, done, total)),
    )
    assert told == [(behaviour.name, place, 3) for place, behaviour in enumerate(BEHAVIOURS[:3], start=1)]


def test_an_unknown_character_is_the_users_mistake(mock):
    with pytest.raises(UnknownCharacterError):
        run_conformance(Subject(engine=mock), "nobody")


def test_an_engine_that_dies_fails_one_behaviour_and_skips_the_rest(mock):
    engine = MockEngine()

    def kill(trial: Trial) -> Evidence:
        trial.engine.close()
        raise EngineLostError("the connection ended")

    deadly = Behaviour(name="deadly", sentence="die", check=kill)
    report = run_conformance(Subject(engine=engine), "tiny", behaviours=(BEHAVIOURS[0], deadly, *BEHAVIOURS[1:4]))
    verdicts = [finding.evidence.verdict for finding in report.findings]
    assert verdicts == [Verdict.PASSED, Verdict.FAILED, *[Verdict.SKIPPED] * 3]


def test_an_engine_that_dies_is_started_again(mock):
    engine = MockEngine()
    deadly = Behaviour(name="deadly", sentence="die", check=lambda trial: (trial.engine.close(), judge(True, ""))[1])
    report = run_conformance(
        Subject(engine=engine, restart=MockEngine), "tiny", behaviours=(deadly, BEHAVIOURS[2], BEHAVIOURS[3])
    )
    assert report.passed
    assert report.count(Verdict.PASSED) == 3


@pytest.fixture(scope="module")
def broken_report(mock):
    def nothing_moves(trial: Trial) -> Evidence:
        shown = np.zeros((8, 24, 3), np.uint8)
        exhibit = Exhibit(title="nose <b>", picture=shown, caption="minimum & maximum")
        return judge(False, "1 of 2 sliders move nothing", names=("nose.<ty>",), exhibits=(exhibit,))

    dead = Behaviour(name="sliders", sentence="move the picture with every slider", check=nothing_moves)
    return run_conformance(Subject(engine=mock), "tiny", behaviours=(*BEHAVIOURS[:3], dead))


def test_the_page_has_every_picture_inside(broken_report, tmp_path):
    page = write_report(broken_report, tmp_path / "deep" / "check.html").read_text(encoding="utf-8")
    sources = re.findall(r'(?:src|href)="([^"#]+)', page)
    assert len(sources) == 1 + len(broken_report.sheet)
    assert all(source.startswith("data:image/webp;base64,") for source in sources)


def test_the_page_escapes_what_engines_call_their_parameters(broken_report, tmp_path):
    page = write_report(broken_report, tmp_path / "check.html").read_text(encoding="utf-8")
    assert "nose.&lt;ty&gt;" in page
    assert "nose <b>" not in page


def test_the_findings_lie_beside_the_page_as_json(broken_report, tmp_path):
    path = write_report(broken_report, tmp_path / "check.html")
    data = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    assert (data["conforms"], data["counts"]) == (False, {"passed": 3, "failed": 1, "skipped": 0})
    assert data["findings"][-1]["names"] == ["nose.<ty>"]
    assert sorted(path.parent.iterdir()) == [path, path.with_suffix(".json")]


def test_the_page_reads_as_people_do(broken_report, tmp_path):
    report = replace(broken_report, started="2026-11-05T09:07:03+00:00", seconds=614.0)
    page = write_report(report, tmp_path / "check.html").read_text(encoding="utf-8")
    assert "5 November 2026, 09:07 UTC" in page
    assert "pictures in 10 min" in page
    assert "✗ 3 passed, 0 could not be tried, 1 failed" in page
    assert 'The engine must move the picture with every slider: <span class="bad">failed</span>' in page


def test_errors_are_told_without_the_names_of_their_classes(mock):
    def break_off(trial: Trial) -> Evidence:
        raise EngineLostError("the connection ended")

    broken = Behaviour(name="broken", sentence="hold on", check=break_off)
    assert try_behaviour(Trial(Subject(engine=mock), "tiny"), broken).evidence.reason == "the connection ended"


def test_masks_are_shown_in_the_colours_of_the_legend(broken_report):
    side = broken_report.sheet[0].picture.shape[0]
    colors = np.unique(broken_report.sheet[0].picture[:, side:].reshape(-1, 3), axis=0)
    assert {tuple(color) for color in colors.tolist()} <= set(PART_COLORS)


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.4, "0 s"), (119.0, "119 s"), (120.0, "2 min"), (7000.0, "117 min"), (7200.0, "2.0 h")]
)
def test_durations_have_the_unit_that_fits(seconds, words):
    assert span(seconds) == words


def test_a_report_without_failures_says_so(broken_report, tmp_path):
    report = replace(broken_report, findings=broken_report.findings[:-1])
    page = write_report(report, tmp_path / "check.html").read_text(encoding="utf-8")
    assert "✓ 3 passed, 0 could not be tried, 0 failed" in page
    assert "What to repair" not in page
