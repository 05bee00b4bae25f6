"""A night: who has a turn, what stops it, and what is told and recorded of it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from engine_bridge.errors import EngineError, InputError
from flows import leases
from flows.engines.orders import EngineOrder
from flows.gates.gate import GateError
from flows.leases import BusyError, lease
from flows.monitoring.notifications import Notice
from flows.nights import nightly as nights
from flows.nights.nightly import NightRecord, list_nights, read_night
from flows.nights.records import status_of
from flows.nights.retention import Tidied
from flows.planning.estimates import Estimate
from flows.planning.plan import RunPlan
from flows.planning.planned_steps import PlannedStep
from flows.run_records import GateRecord, RunRecord, StepRecord
from flows.settings import Settings

Build = Callable[[str], RunRecord]
PLENTY = 1e-9


def plan_of(character: str, *, stale: bool = True, estimate: Estimate | None = None) -> RunPlan:
    step = PlannedStep(
        title="Publish",
        stage="version",
        key="0" * 16,
        folder=Path("note"),
        cached=not stale,
        reason="code changed" if stale else "",
        estimate=estimate or Estimate(),
    )
    return RunPlan(character=character, recipe="smoke", engine="mock b1", fingerprint="f", seed=0, steps=(step,))


def refusal() -> GateError:
    return GateError(GateRecord(stage="imitator", name="better than baseline", passed=False, detail="ratio 7 > 1"))


def busy() -> BusyError:
    return BusyError("run of tiny", None)


class Night:
    """What the pipeline and the planner answer in a test, and what is told."""

    def __init__(self, settings: Settings) -> None:
        self.settings, self.plans, self.builds = settings, dict[str, Any](), dict[str, BaseException]()
        self.built: list[str] = []
        self.told: list[Notice] = []
        self.tidied: list[dict[str, Any]] = []
        self.tidying_troubles: tuple[str, ...] = ()
        self.registry = Versions()

    def plan(self, _settings: Settings, *, character: str, **_order: Any) -> RunPlan:
        answer = self.plans.get(character, plan_of(character))
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def build(self, character: str, **_order: Any) -> RunRecord:
        self.built.append(character)
        run_id = f"2026-11-20-{character}-smoke-001"
        record = RunRecord(run_id=run_id, character=character, recipe="smoke", engine="mock b1", seed=0, started="")
        folder = self.settings.runs / run_id
        folder.mkdir(parents=True)
        (folder / "run.json").write_text(json.dumps(record.__dict__))
        if character in self.builds:
            error = self.builds[character]
            record.status, record.error = "failed", str(error)
            (folder / "run.json").write_text(json.dumps(record.__dict__))
            raise error
        step = StepRecord(title="", stage="version", key="", folder="", cached=False, seconds=1.0)
        step.figures = {"version": 4, "champion": "yes"}
        return replace(record, steps=[step])

    def tidy(self, _settings: Settings, **options: Any) -> Tidied:
        self.tidied.append(options)
        return Tidied(num_bytes=1234, troubles=self.tidying_troubles)

    def spend(self, *characters: str, **order: Any) -> NightRecord:
        options = {"recipe": "smoke", "min_free_gb": 0.0} | order
        return nights.nightly.fn(self.settings, list(characters), **options)


class Versions:
    """A registry whose versions are champions, unless they are kept back."""

    def __init__(self) -> None:
        self.kept_back: set[int] = set()

    def get(self, _character: str, number: int) -> Any:
        worse = number in self.kept_back
        reason = "kept as challenger: score 0.1" if worse else "not worse"
        return SimpleNamespace(version=number, is_champion=not worse, is_kept_back=worse, reason=reason)


@pytest.fixture
def night(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Night:
    found = Night(settings)
    monkeypatch.setattr(nights, "plan_run", found.plan)
    monkeypatch.setattr(nights, "build_character", found.build)
    monkeypatch.setattr(nights, "notify", lambda _settings, notice: found.told.append(notice))
    monkeypatch.setattr(nights, "noted_version", lambda _folder: 3)
    monkeypatch.setattr(nights, "tidy", found.tidy)
    monkeypatch.setattr(nights, "open_registry", lambda _settings: found.registry)
    return found


def endings(record: NightRecord) -> list[tuple[str, str]]:
    return [(outcome.character, outcome.status) for outcome in record.characters]


def test_a_character_that_is_stale_is_built_and_published(night: Night) -> None:
    record = night.spend("tiny")
    [outcome] = record.characters
    assert (outcome.status, outcome.version, outcome.run_id) == ("published", 4, "2026-11-20-tiny-smoke-001")
    assert "champion: not worse" in outcome.reason
    assert record.status == "finished"


def test_a_character_of_which_nothing_is_stale_is_left_alone_with_the_reason(night: Night) -> None:
    night.plans["tiny"] = plan_of("tiny", stale=False)
    [outcome] = night.spend("tiny").characters
    assert (outcome.status, outcome.version, night.built) == ("unchanged", 3, [])
    assert outcome.reason.startswith("nothing is stale: engine mock b1, schema f, recipe smoke, seed 0")


def test_what_was_refused_is_not_called_unchanged_the_night_after(night: Night) -> None:
    night.plans["tiny"] = plan_of("tiny", stale=False)
    night.registry.kept_back = {3}
    [outcome] = night.spend("tiny", recipe="quick").characters
    assert (outcome.status, outcome.version) == ("refused", 3)
    assert "kept as challenger: score 0.1" in outcome.reason


def test_a_recipe_without_that_gate_refuses_nothing(night: Night) -> None:
    night.plans["tiny"] = plan_of("tiny", stale=False)
    night.registry.kept_back = {3}
    assert endings(night.spend("tiny", recipe="smoke")) == [("tiny", "unchanged")]


@pytest.mark.parametrize(
    ("error", "status", "told"),
    [
        (refusal(), "refused", "ratio 7 > 1"),
        (EngineError("the engine\ndied"), "failed", "the engine died"),
        (InputError("photos: none"), "failed", "photos: none"),
        (ZeroDivisionError("division"), "failed", "unexpected ZeroDivisionError: division"),
    ],
)
def test_one_character_s_trouble_is_told_and_stops_no_other(
    night: Night, error: Exception, status: str, told: str
) -> None:
    night.builds["tiny"] = error
    record = night.spend("tiny", "justice_girl")
    assert endings(record) == [("tiny", status), ("justice_girl", "published")]
    assert told in record.characters[0].reason
    assert "\n" not in record.characters[0].reason
    assert record.characters[0].run_id == "2026-11-20-tiny-smoke-001"
    assert record.status == "finished"


def test_trouble_with_the_plan_is_the_character_s_as_well(night: Night) -> None:
    night.plans["nobody"] = InputError("character: no character type is called 'nobody'")
    record = night.spend("nobody", "tiny")
    assert endings(record) == [("nobody", "failed"), ("tiny", "published")]
    assert record.characters[0].run_id == ""


def test_what_would_take_longer_than_is_left_is_not_begun(night: Night) -> None:
    night.plans["tiny"] = plan_of("tiny", estimate=Estimate(seconds=7200.0, source="defaults"))
    record = night.spend("tiny", "justice_girl", max_hours=1.0)
    assert endings(record) == [("tiny", "skipped"), ("justice_girl", "published")]
    assert record.characters[0].reason.startswith("no time: 2 h 0 min are estimated (by defaults), ")
    assert night.built == ["justice_girl"]


def test_what_would_leave_too_little_disk_is_not_begun(night: Night) -> None:
    night.plans["tiny"] = plan_of("tiny", estimate=Estimate(bytes=10**18))
    [outcome] = night.spend("tiny", min_free_gb=1.0).characters
    assert outcome.status == "skipped"
    assert outcome.reason.startswith("no disk: 1000000000.00 GB are estimated")
    assert "f2p gc --dry-run" in outcome.reason


def test_a_character_that_another_run_works_on_is_skipped_with_its_name(night: Night, settings: Settings) -> None:
    with lease(settings.runs / "tiny", settings.locks, run="2026-11-20-tiny-quick-007"):
        [outcome] = night.spend("tiny").characters
    assert outcome.status == "skipped"
    assert "2026-11-20-tiny-quick-007" in outcome.reason
    assert night.built == []


def test_a_run_that_meets_another_one_half_way_has_failed(night: Night) -> None:
    night.builds["tiny"] = busy()
    record = night.spend("tiny", "justice_girl")
    assert endings(record) == [("tiny", "failed"), ("justice_girl", "published")]
    assert record.characters[0].run_id == "2026-11-20-tiny-smoke-001"
    assert "another f2p process" in record.characters[0].reason


def test_a_character_whose_other_run_was_quicker_is_skipped(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other one, begun while the night was planned, is on record as well."""

    def meet_at_the_door(character: str, **order: Any) -> RunRecord:
        night.build(character, **order)
        raise busy()

    monkeypatch.setattr(nights, "build_character", meet_at_the_door)
    record = night.spend("tiny")
    assert endings(record) == [("tiny", "skipped")]
    assert record.characters[0].run_id == ""


def test_a_run_that_a_power_cut_ended_stops_no_later_night(
    night: Night, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "machine-id").write_text("0123456789abcdef")
    monkeypatch.setattr(leases, "_MACHINE_ID", tmp_path / "machine-id")
    leave_to_an_earlier_boot(settings, settings.runs / "tiny")
    assert endings(night.spend("tiny")) == [("tiny", "published")]


def leave_to_an_earlier_boot(settings: Settings, folder: Path) -> None:
    """The owner's file that a power cut leaves of whoever worked on the folder."""
    with lease(folder, settings.locks):
        [path] = settings.locks.glob("*.owner")
        text = json.dumps(json.loads(path.read_text()) | {"machine": "earlier-boot"})
    path.write_text(text)


def test_ctrl_c_ends_the_night_with_a_record_of_it(night: Night, settings: Settings) -> None:
    night.builds["tiny"] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        night.spend("tiny", "justice_girl")
    record = read_night(settings, "latest")
    assert (record.status, endings(record)) == ("interrupted", [("tiny", "interrupted")])
    assert [notice.kind for notice in night.told] == ["interrupted", "interrupted"]


def test_everybody_is_told_once_per_character_and_once_per_night(night: Night) -> None:
    night.builds["tiny"] = refusal()
    night.plans["justice_girl"] = plan_of("justice_girl", stale=False)
    record = night.spend("tiny", "justice_girl", "tiny")
    assert [(notice.kind, notice.character) for notice in night.told] == [
        ("refused", "tiny"),
        ("unchanged", "justice_girl"),
        ("refused", ""),
    ]
    assert night.told[0].run_id == "2026-11-20-tiny-smoke-001"
    assert night.told[-1].headline == f"night {record.night_id} finished: 1 refused, 1 unchanged"


def test_at_the_end_the_night_s_characters_are_tidied(night: Night) -> None:
    record = night.spend("tiny", keep=7)
    assert night.tidied == [{"keep": 7, "characters": {"tiny"}}]
    assert record.freed_bytes == 1234


def test_tidying_that_fails_costs_no_published_version(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_settings: Settings, **_options: Any) -> Tidied:
        raise PermissionError("read-only")

    monkeypatch.setattr(nights, "tidy", fail)
    record = night.spend("tiny")
    assert (record.status, endings(record)) == ("finished", [("tiny", "published")])


def test_what_could_not_be_tidied_is_on_record_and_told(night: Night, settings: Settings) -> None:
    night.tidying_troubles = ("tiny: bundle.json is damaged",)
    record = night.spend("tiny")
    told = "old outputs were not tidied away: tiny: bundle.json is damaged"
    assert read_night(settings, record.night_id).troubles == [told]
    assert record.freed_bytes == 1234
    assert night.told[-1].kind == "failed"
    assert night.told[-1].headline == f"night {record.night_id} finished: 1 published; {told}"


def test_a_night_whose_trainings_the_processes_cannot_share_does_not_begin(night: Night) -> None:
    night.settings = replace(night.settings, train_processes=3)
    with pytest.raises(InputError, match="cannot be parted evenly among 3 processes"):
        night.spend("tiny")
    assert night.built == []
    assert [notice.kind for notice in night.told] == ["failed"]


@pytest.mark.parametrize("broken", ["find_recipe", "reserve_id"])
def test_a_night_that_cannot_begin_is_told_with_the_reason(
    night: Night, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    def fail(*_given: Any) -> Any:
        raise OSError("the home is read-only")

    monkeypatch.setattr(nights, broken, fail)
    with pytest.raises(OSError, match="read-only"):
        night.spend("tiny")
    [notice] = night.told
    assert (notice.kind, notice.headline) == ("failed", "the night could not begin: the home is read-only")


def test_a_night_that_breaks_off_is_told_once_with_the_reason(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_given: Any, **_options: Any) -> Any:
        raise OSError("no locks")

    monkeypatch.setattr(nights, "lease", fail)
    with pytest.raises(OSError, match="no locks"):
        night.spend("tiny")
    [notice] = night.told
    assert notice.kind == "failed"
    assert notice.headline.endswith("failed: nothing done; no locks")


def test_a_first_record_that_cannot_be_written_keeps_no_character_from_its_turn(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_record: NightRecord, _folder: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(NightRecord, "save", fail)
    assert endings(night.spend("tiny")) == [("tiny", "published")]


def test_a_disk_that_fills_up_keeps_nobody_from_being_told(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_record: NightRecord, _folder: Path) -> None:
        raise OSError(28, "No space left on device")

    def fill_up(character: str, **_order: Any) -> RunRecord:
        monkeypatch.setattr(NightRecord, "save", fail)
        raise OSError(28, f"No space left on device for {character}")

    monkeypatch.setattr(nights, "build_character", fill_up)
    record = night.spend("tiny", "justice_girl")
    assert endings(record) == [("tiny", "failed"), ("justice_girl", "failed")]
    assert [notice.kind for notice in night.told] == ["failed"] * 3


def test_the_record_reads_back(night: Night, settings: Settings) -> None:
    record = night.spend("tiny")
    assert list_nights(settings) == [record.night_id]
    assert read_night(settings, record.night_id) == record
    assert read_night(settings, "latest") == record


def test_a_night_that_was_killed_is_not_said_to_be_running(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "machine-id").write_text("0123456789abcdef")
    monkeypatch.setattr(leases, "_MACHINE_ID", tmp_path / "machine-id")
    record = NightRecord(night_id="2026-11-20-001", started="")
    with lease(settings.nights / record.night_id, settings.locks):
        assert status_of(settings, record) == "running"
    assert status_of(settings, record) == "cut off"
    leave_to_an_earlier_boot(settings, settings.nights / record.night_id)
    assert status_of(settings, record) == "cut off"
    assert status_of(settings, replace(record, status="finished")) == "finished"


def test_nights_are_listed_as_they_began(settings: Settings) -> None:
    began = ["2026-11-19-002", "2026-11-20-001", "2026-11-20-999", "2026-11-20-1000"]
    for night_id in reversed(began):
        folder = settings.nights / night_id
        folder.mkdir(parents=True)
        NightRecord(night_id=night_id, started="").save(folder)
    assert list_nights(settings) == began


def test_a_night_is_on_record_before_its_first_character_ends(night: Night, settings: Settings) -> None:
    seen = []
    plan = night.plan
    night.plan = lambda *given, **order: seen.append(read_night(settings, "latest").status) or plan(*given, **order)  # type: ignore[method-assign]
    nights_plan = night.plan
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nights, "plan_run", nights_plan)
        night.spend("tiny")
    assert seen == ["running"]


def test_a_night_that_is_not_there_is_refused_with_those_that_are(night: Night, settings: Settings) -> None:
    with pytest.raises(InputError, match="none was begun yet"):
        read_night(settings, "latest")
    record = night.spend("tiny")
    with pytest.raises(InputError, match=record.night_id):
        read_night(settings, "yesterday")


@pytest.mark.parametrize("content", ["{", "[]", '{"characters": [{"status": "odd"}]}'])
def test_a_damaged_record_is_named(settings: Settings, content: str) -> None:
    folder = settings.nights / "n1"
    folder.mkdir(parents=True)
    (folder / "night.json").write_text(content)
    with pytest.raises(InputError, match=r"night\.json: damaged"):
        read_night(settings, "n1")


@pytest.mark.parametrize(
    ("order", "told"),
    [
        ({"recipe": "nonsense"}, "recipe"),
        ({"max_hours": 0.0}, "max_hours"),
        ({"max_hours": float("nan")}, "max_hours"),
        ({"min_free_gb": -1.0}, "min_free_gb"),
        ({"keep": 0}, "keep"),
    ],
)
def test_a_mistake_in_the_order_is_told_before_anything(
    night: Night, settings: Settings, order: dict[str, Any], told: str
) -> None:
    with pytest.raises(InputError, match=told):
        night.spend("tiny", **order)
    assert list_nights(settings) == []
    assert [notice.kind for notice in night.told] == ["failed"]


def test_no_characters_is_a_mistake(night: Night) -> None:
    with pytest.raises(InputError, match="characters"):
        night.spend()


def test_a_finished_home_is_left_as_it_is_and_the_night_says_why(finished_copy: Path, f2p: Any) -> None:
    """Through the command line, with Prefect and the real pipeline."""
    shutil.rmtree(finished_copy / "prefect", ignore_errors=True)
    order = ("nightly", "--character", "tiny", "--recipe", "smoke", "--min-free-gb", "0")
    before = set(finished_copy.rglob("tiny-*"))
    spent = f2p(*order, "--character", "nobody", "--json", home=finished_copy)
    assert spent.returncode == 1
    record = json.loads(spent.stdout)
    tiny, nobody = record["characters"]
    assert (tiny["status"], tiny["version"], tiny["run_id"]) == ("unchanged", 1, "")
    assert "nothing is stale" in tiny["reason"]
    assert nobody["status"] == "failed"
    assert set(finished_copy.rglob("tiny-*")) == before
    shown = f2p("nights", "show", home=finished_copy).stdout
    assert record["night_id"] in shown
    assert "nothing is stale" in shown
    [listed] = json.loads(f2p("nights", "list", "--json", home=finished_copy).stdout)
    assert listed == record


def test_an_engine_order_is_passed_on(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = {}
    monkeypatch.setattr(nights, "build_character", lambda name, **order: seen.update(order) or night.build(name))
    night.spend("tiny", seed=5, num_workers=2, engine=EngineOrder())
    assert (seen["seed"], seen["num_workers"], seen["engine"]) == (5, 2, EngineOrder())
    assert seen["home"] == night.settings.home
