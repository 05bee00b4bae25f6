"""A night, unattended: every character is brought up to date, one after the other, and none of them stops the others.

Of each one it is planned first what is stale. If nothing is, nothing is done; if time or disk would not do, it is not
begun. What a gate refuses leaves the champion where it is. At the end old outputs are tidied away.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any, Final

from prefect import flow
from prefect.task_runners import ThreadPoolTaskRunner
from rich.markup import escape

from engine_bridge.errors import InputError
from flows.cancellation import heeding_cancellation
from flows.engines.orders import EngineOrder
from flows.leases import BusyError, holder, lease
from flows.monitoring.notifications import notify
from flows.nights.endings import ending_of, one_line
from flows.nights.notices import notice_about, notice_of_night, notice_of_no_night
from flows.nights.records import Ending, NightlyOutcome, NightRecord, list_nights, read_night
from flows.nights.retention import DEFAULT_KEEP, tidy
from flows.pipeline import build_character
from flows.planning.plan import RunPlan, plan_run
from flows.progress import say
from flows.publish import noted_version
from flows.published import open_registry
from flows.recipes import Recipe, find_recipe
from flows.reports.formats import format_bytes, format_duration
from flows.run_records import RunRecord, list_runs, past_runs
from flows.runs import reserve_id
from flows.settings import Settings

__all__ = ["NightOrder", "NightRecord", "NightlyOutcome", "list_nights", "nightly", "read_night"]

DEFAULT_FREE_GB: Final = 5.0
_GB: Final = 1e9
_HOUR_S: Final = 3600.0


@dataclass(frozen=True, kw_only=True)
class NightOrder:
    """What a night is to do for every character.

    max_hours    of the whole night; what is estimated to take longer than what is left is not begun. None: no limit
    min_free_gb  disk that has to be free at the end (1 GB is 10^9 bytes)
    keep         versions of each character that stay, besides the champion and what a rollback needs
    """

    recipe: Recipe
    engine: EngineOrder
    seed: int = 0
    photos: Path | None = None
    num_workers: int | None = None
    max_hours: float | None = None
    min_free_gb: float = DEFAULT_FREE_GB
    keep: int = DEFAULT_KEEP

    def __post_init__(self) -> None:
        if self.max_hours is not None and not self.max_hours > 0:
            raise InputError(f"max_hours: {self.max_hours}; give more than 0, or leave it out for no limit")
        if not self.min_free_gb >= 0:
            raise InputError(f"min_free_gb: {self.min_free_gb}; give 0 or more")
        if self.keep < 1:
            raise InputError(f"keep: {self.keep} versions; give 1 or more")


@flow(
    name="nightly",
    task_runner=ThreadPoolTaskRunner[Any](max_workers=64),  # type: ignore[arg-type]  # threads only wait for our workers
    validate_parameters=False,
)
def nightly(
    settings: Settings,
    characters: Sequence[str],
    *,
    recipe: str = "nightly",
    engine: EngineOrder = EngineOrder(),  # noqa: B008 - it is frozen
    **order: Any,
) -> NightRecord:
    """One night; ``order`` is the rest of a :class:`NightOrder`. Raises InputError for a mistake in the order itself.

    A character's trouble is no error of the night: it is in the record, and told (``flows.monitoring.notifications``).
    What keeps the night from beginning, or ends it, is told as well.
    """
    with telling_why_not(settings):
        if not characters:
            raise InputError("characters: give one at least")
        ordered = NightOrder(recipe=find_recipe(recipe), engine=engine, **order)
        ordered.recipe.check_weights(settings)
        ordered.recipe.check_processes(settings)
        night = _Night(settings, ordered)
    with heeding_cancellation(), night.under_way():
        for character in dict.fromkeys(characters):
            night.spend(character)
        night.tidy()
    return night.record


@contextmanager
def telling_why_not(settings: Settings) -> Iterator[None]:
    """Tell what keeps a night from beginning: whoever sleeps reads neither a log nor Prefect's page."""
    try:
        yield
    except Exception as error:
        notify(settings, notice_of_no_night(one_line(error)))
        raise


class _Night:
    """A night that is under way, and its record on disk."""

    def __init__(self, settings: Settings, order: NightOrder) -> None:
        self._settings, self._order, self._start = settings, order, monotonic()
        now = datetime.now(UTC)
        night_id, self.folder = reserve_id(settings.nights, f"{now:%Y-%m-%d}")
        self.record = NightRecord(
            night_id=night_id,
            started=now.isoformat(timespec="seconds"),
            recipe=order.recipe.name,
            engine=order.engine.name,
        )
        self._save()

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """The record says how the night ended, and until then the lease, for which nobody waits, that it has not."""
        try:
            with lease(self.folder, self._settings.locks, run=self.record.night_id):
                yield
                self._close("finished")
        except BaseException as error:
            if isinstance(error, Exception):
                self.record.troubles.append(one_line(error))
            self._close("failed" if isinstance(error, Exception) else "interrupted")
            raise

    def spend(self, character: str) -> None:
        """Bring one character up to date, if it is not and can be."""
        say(f"[bold]{character}[/]")
        start = monotonic()
        known = set(list_runs(self._settings))
        try:
            outcome = self._bring_up_to_date(character)
        except BusyError as error:
            outcome = self._met_somebody(character, error, known)
        except Exception as error:  # whatever it is, the other characters have their turn
            outcome = _outcome(character, ending_of(error), one_line(error), self._run_since(known, character))
        except BaseException:
            reason = "the night was stopped; the next one goes on where it was"
            self._keep(_outcome(character, "interrupted", reason, self._run_since(known, character)), start)
            raise
        self._keep(outcome, start)

    def tidy(self) -> None:
        """What no version, run or unfinished work needs goes."""
        try:
            names = {outcome.character for outcome in self.record.characters}
            tidied = tidy(self._settings, keep=self._order.keep, characters=names)
            self.record.freed_bytes, troubles = tidied.num_bytes, tidied.troubles
        except Exception as error:  # whatever it is, the versions are published all the same
            troubles = (one_line(error),)
        for trouble in troubles:
            told = f"old outputs were not tidied away: {trouble}"
            say(f"  [yellow]{escape(told)}[/]")
            self.record.troubles.append(told)

    def _close(self, status: str) -> None:
        """The night is over, and that only once."""
        if self.record.status != "running":
            return
        self.record.status = status
        self._save()
        notify(self._settings, notice_of_night(self.record))

    def _bring_up_to_date(self, character: str) -> NightlyOutcome:
        order = self._order
        owner = holder(self._settings.runs / character, self._settings.locks)
        if owner is not None:
            return _outcome(character, "skipped", f"another run of it is under way: {owner}")
        plan = plan_run(
            self._settings,
            character=character,
            recipe=order.recipe,
            engine=order.engine,
            seed=order.seed,
            photos=order.photos,
        )
        if not plan.to_do:
            return self._unchanged(plan)
        lack = self._lack(plan)
        if lack:
            return _outcome(character, "skipped", lack)
        say(f"  {escape(_told(plan))}")
        return self._build(plan)

    def _unchanged(self, plan: RunPlan) -> NightlyOutcome:
        folder = plan.steps[-1].folder
        assert folder is not None  # everything is done
        version = open_registry(self._settings).get(plan.character, noted_version(folder))
        reason = (
            f"nothing is stale: engine {plan.engine}, schema {plan.fingerprint}, recipe {plan.recipe}, "
            f"seed {plan.seed} and the code are those of version {version.version}"
        )
        if version.is_kept_back and self._order.recipe.gates.refuse_worse:  # nobody should have to remember last night
            return replace(_outcome(plan.character, "refused", f"{reason}, {version.reason}"), version=version.version)
        say(f"  {escape(reason)}")
        return NightlyOutcome(character=plan.character, status="unchanged", reason=reason, version=version.version)

    def _lack(self, plan: RunPlan) -> str:
        """What there is not enough of for the plan; empty when there is."""
        estimate, order = plan.estimate, self._order
        if order.max_hours is not None:
            left_s = order.max_hours * _HOUR_S - (monotonic() - self._start)
            if estimate.seconds > left_s:
                return (
                    f"no time: {format_duration(estimate.seconds)} are estimated (by {estimate.source}), "
                    f"{format_duration(max(0.0, left_s))} of {order.max_hours:g} h are left"
                )
        free_gb = shutil.disk_usage(self._settings.home).free / _GB
        needed_gb = estimate.bytes / _GB
        if free_gb - needed_gb < order.min_free_gb:
            return (
                f"no disk: {needed_gb:.2f} GB are estimated, {free_gb:.2f} are free, and {order.min_free_gb:g} have to "
                f"stay free; see what 'f2p gc --dry-run' would tidy away"
            )
        return ""

    def _build(self, plan: RunPlan) -> NightlyOutcome:
        order = self._order
        run = build_character(
            plan.character,
            recipe=order.recipe.name,
            engine=order.engine,
            seed=order.seed,
            home=self._settings.home,
            photos=order.photos,
            num_workers=order.num_workers,
        )
        return self._published(plan.character, run)

    def _published(self, character: str, run: RunRecord) -> NightlyOutcome:
        step = next(step for step in reversed(run.steps) if step.stage == "version")
        version = open_registry(self._settings).get(character, int(step.figures["version"]))
        champion = "champion" if version.is_champion else "not champion"
        found = "what was gone is there again; " if step.cached else ""
        return NightlyOutcome(
            character=character,
            status="unchanged" if step.cached else "published",
            reason=f"{found}version {version.version}, {champion}: {version.reason}",
            run_id=run.run_id,
            version=version.version,
        )

    def _met_somebody(self, character: str, error: BusyError, known: set[str]) -> NightlyOutcome:
        """Skipped when the other run was there first; one that met it half way has done work, and failed."""
        fresh = [run_id for run_id in list_runs(self._settings) if run_id not in known]
        broken_off = [run.run_id for run in past_runs(self._settings, fresh) if run.error == str(error)]
        ending: Ending = "failed" if broken_off else "skipped"
        return _outcome(character, ending, one_line(error), broken_off[0] if broken_off else "")

    def _run_since(self, known: set[str], character: str) -> str:
        """The run of the character that was begun since; empty when it came to none."""
        fresh = [run_id for run_id in list_runs(self._settings) if run_id not in known]
        ours = (run.run_id for run in past_runs(self._settings, fresh) if run.character == character)
        return next(ours, "")

    def _keep(self, outcome: NightlyOutcome, start: float) -> None:
        """Put an outcome on record, and tell it."""
        told = replace(outcome, seconds=monotonic() - start)
        self.record.characters.append(told)
        self._save()
        notify(self._settings, notice_about(told, self.record))

    def _save(self) -> None:
        self.record.seconds = monotonic() - self._start
        try:
            self.record.save(self.folder)
        except OSError as error:  # a full disk keeps no other character from its turn, and nobody from being told
            say(f"  [yellow]the night's record was not written: {escape(one_line(error))}[/]")


def _outcome(character: str, status: Ending, reason: str, run_id: str = "") -> NightlyOutcome:
    """An ending that somebody should look at."""
    say(f"  [yellow]{status}[/]: {escape(reason)}")
    return NightlyOutcome(character=character, status=status, reason=reason, run_id=run_id)


def _told(plan: RunPlan) -> str:
    """A plan in one line."""
    reasons = "; ".join(dict.fromkeys(f"{step.stage}: {step.reason}" for step in plan.to_do if step.key))
    estimate = plan.estimate
    return (
        f"{len(plan.to_do)} of {len(plan.steps)} steps to do ({reasons}): {plan.pairs:,} pairs, "
        f"{format_bytes(estimate.bytes)}, {format_duration(estimate.seconds)} by {estimate.source}"
    )
