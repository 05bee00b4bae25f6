from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from engine_bridge.errors import InputError
from flows.monitoring import webhooks
from flows.monitoring.health import Health, examine_health, watch_health
from flows.monitoring.logs import read_log
from flows.settings import WEBHOOK_VARIABLE, Settings

WriteNight = Callable[..., Path]
F2p = Callable[..., "CompletedProcess[str]"]
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def hours(number: float) -> timedelta:
    return timedelta(hours=number)


def notices(settings: Settings) -> list[str]:
    return [line["headline"] for line in read_log(settings) if line["event"] == "notice: stale"]


@pytest.fixture
def home(settings: Settings) -> Settings:
    settings.home.mkdir()
    return settings


def test_a_night_that_has_just_finished_is_healthy(settings: Settings, write_night: WriteNight) -> None:
    write_night("n1", NOW - hours(8), tiny="unchanged")
    health = examine_health(settings, 36, now=NOW)
    assert health == Health(
        healthy=True,
        detail="the last night finished 7.0 h ago",
        max_age_hours=36,
        age_hours=7.0,
        last_night="n1",
        characters={"tiny": "unchanged"},
    )


def test_a_night_of_failures_has_finished_all_the_same(settings: Settings, write_night: WriteNight) -> None:
    """Each failure had its own notice; here it is asked whether nights happen at all."""
    write_night("n1", NOW - hours(8), tiny="failed")
    assert examine_health(settings, now=NOW).healthy


def test_silence_is_told_with_the_way_out(settings: Settings, write_night: WriteNight) -> None:
    write_night("n1", NOW - hours(50))
    write_night("n2", NOW - hours(3), status="running")
    health = examine_health(settings, 36, now=NOW)
    assert not health.healthy
    assert health.last_night == "n1"
    assert "49.0 h ago; at most 36 h are allowed: is 'f2p serve' running?" in health.detail


def test_a_home_without_a_finished_night_is_not_healthy(home: Settings) -> None:
    health = examine_health(home, now=NOW)
    assert (health.healthy, health.age_hours) == (False, None)
    assert "no night has ever finished" in health.detail


def test_a_night_from_the_future_proves_nothing(settings: Settings, write_night: WriteNight) -> None:
    """A clock that was a year ahead for an hour must not silence the watch for a year."""
    write_night("n1", NOW - hours(50))
    write_night("n2", NOW + hours(24 * 365))
    health = examine_health(settings, 36, now=NOW)
    assert not health.healthy
    assert "dated in the future" in health.warnings[0]


def test_a_clock_that_is_a_little_behind_is_forgiven(settings: Settings, write_night: WriteNight) -> None:
    write_night("n1", NOW - hours(1) + timedelta(minutes=5))
    health = examine_health(settings, 36, now=NOW)
    assert (health.healthy, health.age_hours) == (True, 0.0)


def test_damaged_records_are_a_warning(settings: Settings, write_night: WriteNight) -> None:
    write_night("n1", NOW - hours(8))
    write_night("n2", NOW).write_text("{")
    health = examine_health(settings, now=NOW)
    assert health.healthy
    assert "cannot be read" in health.warnings[0]


@pytest.mark.parametrize("limit", [0, -1, float("nan"), float("inf")])
def test_a_limit_that_makes_no_sense_is_refused(home: Settings, limit: float) -> None:
    with pytest.raises(InputError, match="max-age-hours"):
        examine_health(home, limit)


def test_a_home_that_is_not_there_is_refused(settings: Settings) -> None:
    with pytest.raises(InputError, match="does not exist"):
        examine_health(settings)


def test_people_are_told_once_per_period_however_often_somebody_looks(
    settings: Settings, write_night: WriteNight
) -> None:
    write_night("n1", NOW - hours(50))
    for minutes in range(0, 24 * 60, 60):
        watch_health(settings, 36, now=NOW + timedelta(minutes=minutes))
    assert len(notices(settings)) == 1
    watch_health(settings, 36, now=NOW + hours(36))
    assert len(notices(settings)) == 2


def test_a_new_silence_is_told_at_once(settings: Settings, write_night: WriteNight) -> None:
    write_night("n1", NOW - hours(3))
    watch_health(settings, 1, now=NOW)
    write_night("n2", NOW)
    watch_health(settings, 5, now=NOW + hours(1))
    assert len(notices(settings)) == 1
    watch_health(settings, 5, now=NOW + hours(7))
    assert len(notices(settings)) == 2


def test_a_new_home_is_given_time_for_its_first_night(home: Settings) -> None:
    assert not watch_health(home, 36, now=NOW).healthy
    assert not watch_health(home, 36, now=NOW + hours(35)).healthy
    assert notices(home) == []
    watch_health(home, 36, now=NOW + hours(37))
    assert len(notices(home)) == 1


@pytest.mark.parametrize(
    "content", ["{", "null", "{}", '{"watched_since": "2026-11-20", "told": "0001-01-01", "told_of": "n1"}']
)
def test_a_memory_that_was_lost_tells_again_instead_of_never(
    settings: Settings, write_night: WriteNight, content: str
) -> None:
    write_night("n1", NOW - hours(50))
    watch_health(settings, 36, now=NOW)
    (settings.logs / "health.json").write_text(content)
    watch_health(settings, 36, now=NOW)
    assert len(notices(settings)) == 2


def test_a_notice_that_nobody_could_take_is_sent_again(
    settings: Settings, write_night: WriteNight, serving: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_night("n1", NOW - hours(50))
    monkeypatch.setattr(webhooks, "PAUSES_S", ())
    with serving(500) as server:
        monkeypatch.setenv(WEBHOOK_VARIABLE, server.url())
        for _ in range(3):
            watch_health(settings, 36, now=NOW)
        assert len(server.received) == 2


def test_the_command_says_it_by_its_exit_status(settings: Settings, write_night: WriteNight, f2p: F2p) -> None:
    write_night("n1", datetime.now(UTC) - hours(3), tiny="published")
    good = f2p("health", "--json", home=settings.home)
    assert (good.returncode, json.loads(good.stdout)["characters"]) == (0, {"tiny": "published"})
    stale = f2p("health", "--max-age-hours", "1", home=settings.home)
    assert stale.returncode == 1, stale.stderr
    assert "STALE: the last night finished 2.0 h ago" in stale.stdout
    assert len(notices(settings)) == 1


def test_who_only_looks_makes_no_home(settings: Settings, f2p: F2p) -> None:
    done = f2p("health", home=settings.home)
    assert done.returncode == 2, done.stdout
    assert "does not exist" in done.stderr
    assert not settings.home.exists()
