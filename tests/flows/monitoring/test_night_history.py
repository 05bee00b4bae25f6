from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from flows.monitoring.night_history import read_history
from flows.settings import Settings

WriteNight = Callable[..., Path]
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def test_a_home_without_nights_has_no_history(settings: Settings) -> None:
    history = read_history(settings)
    assert (history.nights, history.damaged, history.last_finished) == ((), (), None)


def test_nights_are_told_from_old_to_new_and_end_when_their_time_is_over(
    settings: Settings, write_night: WriteNight
) -> None:
    write_night("a", NOON, seconds=60.0)
    write_night("b", NOON - timedelta(days=1))
    nights = read_history(settings).nights
    assert [night.night_id for night in nights] == ["b", "a"]
    assert nights[1].ended == NOON + timedelta(minutes=1)


@pytest.mark.parametrize("status", ["running", "interrupted", "failed"])
def test_a_night_that_did_not_finish_is_not_the_last_finished(
    settings: Settings, write_night: WriteNight, status: str
) -> None:
    write_night("a", NOON - timedelta(days=1))
    write_night("b", NOON, status)
    last = read_history(settings).last_finished
    assert last is not None
    assert last.night_id == "a"


def test_the_last_outcome_and_the_last_good_one_are_told_apart(settings: Settings, write_night: WriteNight) -> None:
    write_night("a", NOON - timedelta(days=2), hero="published", villain="failed")
    write_night("b", NOON - timedelta(days=1), hero="refused")
    history = read_history(settings)
    last = {name: (night.night_id, outcome.status) for name, (night, outcome) in history.last_outcomes().items()}
    assert last == {"hero": ("b", "refused"), "villain": ("a", "failed")}
    good = {name: night.night_id for name, (night, _) in history.last_outcomes(good_only=True).items()}
    assert good == {"hero": "a"}


def test_times_of_any_zone_are_compared_in_utc(settings: Settings, write_night: WriteNight) -> None:
    """An hour apart in winter time and summer time, and not in the order of their digits."""
    write_night("a", datetime(2026, 10, 25, 2, 30, tzinfo=timezone(timedelta(hours=2))))
    write_night("b", datetime(2026, 10, 25, 2, 10, tzinfo=timezone(timedelta(hours=1))))
    write_night("c", datetime(2026, 10, 25, 1, 20))
    assert [night.night_id for night in read_history(settings).nights] == ["a", "b", "c"]


@pytest.mark.parametrize(
    "content",
    ["", '{"night_id": "x", "sta', "[]", "null", '{"night_id": "x"}', "\0\0"],
    ids=["empty", "cut", "list", "null", "fields", "zeros"],
)
def test_a_record_that_cannot_be_read_hides_no_other(settings: Settings, write_night: WriteNight, content: str) -> None:
    write_night("a", NOON)
    damaged = write_night("b", NOON)
    damaged.write_text(content)
    history = read_history(settings)
    assert [night.night_id for night in history.nights] == ["a"]
    assert history.damaged == (damaged,)


@pytest.mark.parametrize("wrong", [{"seconds": float("inf")}, {"seconds": 1e300}, {"started": NOON, "seconds": -1e15}])
def test_a_night_out_of_all_bounds_is_damaged(
    settings: Settings, write_night: WriteNight, wrong: dict[str, float]
) -> None:
    write_night("a", **{"started": NOON, **wrong})
    assert len(read_history(settings).damaged) == 1
