from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from engine_bridge.errors import EngineError
from flows.reports import reported
from flows.run_records import RunRecord
from flows.runs import Run
from flows.settings import Settings


@contextmanager
def opening(settings: Settings, record: RunRecord) -> Iterator[Run]:
    """As a run is opened: its record says how it ended."""
    try:
        yield cast(Run, SimpleNamespace(settings=settings, record=record))
    except BaseException as error:
        record.status, record.error = "failed", str(error)
        raise


def test_a_run_that_fails_leaves_a_report_that_says_so(settings: Settings, make_run: Callable[..., RunRecord]) -> None:
    record = make_run("a")
    with pytest.raises(EngineError, match="lost"), reported(opening(settings, record)):
        raise EngineError("the engine was lost")
    page = (settings.reports / "2026-11-20-tiny-a.html").read_text()
    assert "the engine was lost" in page
    assert "The run failed after" in page


@pytest.mark.parametrize("ending", [None, KeyboardInterrupt])
def test_a_run_that_ends_well_or_is_interrupted_leaves_none_here(
    settings: Settings, make_run: Callable[..., RunRecord], ending: Any
) -> None:
    record = make_run("a")
    try:
        with reported(opening(settings, record)):
            if ending:
                raise ending
    except KeyboardInterrupt:
        pass
    assert not settings.reports.exists()


def test_the_error_is_told_also_when_no_report_can_be_written(
    settings: Settings, make_run: Callable[..., RunRecord]
) -> None:
    record = make_run("a")
    Path(settings.reports).write_text("a file where the folder should be")
    with pytest.raises(EngineError, match="lost"), reported(opening(settings, record)):
        raise EngineError("the engine was lost")


def test_a_run_that_could_not_be_opened_has_nothing_to_report(settings: Settings) -> None:
    @contextmanager
    def refused() -> Iterator[Run]:
        raise EngineError("no engine")
        yield

    with pytest.raises(EngineError, match="no engine"), reported(refused()):
        pass
