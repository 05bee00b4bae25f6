"""A run: what was ordered, and what was done. Its JSON record is written anew after every step, so even a killed run
has one.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Collection, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from time import monotonic, perf_counter, sleep
from typing import TYPE_CHECKING, Any, Final

from engine_bridge.errors import InputError
from f2p_datasets.durable import appearing_file
from flows.cancellation import heeding_cancellation
from flows.engines.orders import EngineOrder, agreed_schema, check_engine, open_engine
from flows.engines.workers import EngineWorkers, WorkerEngine
from flows.gates.gate import GateError
from flows.leases import holder, lease
from flows.monitoring.logs import Level, log, logged_stage
from flows.progress import say
from flows.run_records import RECORD_NAME, GateRecord, RunRecord, StepRecord
from flows.scaling.sharing import SharedHome
from flows.settings import Settings, num_cores
from flows.steps import alone
from flows.targets import Order, Target

if TYPE_CHECKING:
    from engine_bridge.bridge import EngineBridge
    from engine_bridge.schema import ParameterSchema
    from flows.recipes import Recipe

#: What a run that only renders has in the place of a recipe: its dataset was ordered for itself.
RENDER_ONLY: Final = "render"
#: In whose name a tidying holds the lease of a folder that it takes away, and how long a run waits for it at most.
TIDYING: Final = "tidying"
_TIDYING_S: Final = 60.0
_LOOK_S: Final = 0.05


class Run:
    """One order on its way through the pipeline: who, how, with which engine; and its record on disk.

    ``trains`` are the networks that it may have to train, there or not; ``restart`` names a stage whose earlier
    output is thrown away.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        schema: ParameterSchema,
        recipe: Recipe,
        engine: EngineBridge,
        workers: EngineWorkers,
        ordered_engine: str,
        seed: int = 0,
        num_workers: int | None = None,
        trains: Collection[str] = (),
        restart: str | None = None,
    ) -> None:
        recipe.check_weights(settings)
        recipe.check_processes(settings, trains)
        self._shared = SharedHome(settings, self.alone)
        self.settings, self.recipe, self.engine, self.seed = settings, recipe, engine, seed
        self.restart, self.workers = restart, workers
        self.schema = schema
        self.num_workers = num_workers or num_cores()
        self._start = perf_counter()
        stem = f"{datetime.now(UTC):%Y-%m-%d}-{schema.character}-{recipe.name}"
        run_id, self.folder = reserve_id(settings.runs, stem)
        self.record = RunRecord(
            run_id=run_id,
            character=schema.character,
            recipe=recipe.name,
            engine=f"{engine.name} {engine.build}",
            ordered_engine=ordered_engine,
            seed=seed,
            started=datetime.now(UTC).isoformat(timespec="seconds"),
            versions=tool_versions(),
        )
        self.save()
        self._log("run begun", recipe=recipe.name, engine=self.record.engine, seed=seed)

    @property
    def order(self) -> Order:
        """What shapes the steps."""
        return Order(settings=self.settings, schema=self.schema, recipe=self.recipe, engine=self.engine, seed=self.seed)

    @contextmanager
    def step(self, title: str, stage: str, key: str, folder: Path, inputs: Mapping[str, Any]) -> Iterator[StepRecord]:
        """Time a step; its body sets ``cached`` and ``figures``. A step that raises is not recorded."""
        step = StepRecord(
            title=title, stage=stage, key=key, folder=str(folder), cached=False, seconds=0.0, inputs=dict(inputs)
        )
        start, run_id, character = perf_counter(), self.record.run_id, self.record.character
        with logged_stage(self.settings, run=run_id, character=character, stage=stage, title=title) as facts:
            self._claim(folder)
            if self.restart != stage:
                self._shared.fetch(stage, folder)
            yield step
            self._shared.offer(stage, folder, fresh=not step.cached)
            facts |= {"cached": step.cached, "key": key, "figures": step.figures}
        step.seconds = perf_counter() - start
        self.record.in_use = ""
        self.record.steps.append(step)
        self.save()
        say(f"{'[dim]·[/]' if step.cached else '[green]✓[/]'} {title:<34} {_outcome(step)}")

    def _claim(self, folder: Path) -> None:
        """Put on record that the folder is in use before anything in it is believed: nobody tidies it away then.

        A tidying that had looked before is over with the folder in a moment, and what it took is found missing.
        """
        self.record.in_use = str(folder)
        self.save()
        deadline = monotonic() + _TIDYING_S
        while _is_tidied(folder, self.settings) and monotonic() < deadline:
            sleep(_LOOK_S)

    def meet(self, stage: str, name: str, passed: bool, detail: str) -> GateRecord:
        """Put a gate's outcome on record."""
        gate = GateRecord(stage=stage, name=name, passed=passed, detail=detail)
        self.record.gates.append(gate)
        self.save()
        event = "gate met" if passed else "gate refused"
        self._log(event, level="info" if passed else "error", stage=stage, gate=name, detail=detail)
        if not passed:
            say(f"[red]✗[/] {stage}: {name:<{32 - len(stage)}} {detail}")
        return gate

    def step_to(self, target: Target) -> AbstractContextManager[StepRecord]:
        """The :meth:`step` that is to leave the target."""
        return self.step(target.title, target.stage, target.key, target.folder, target.inputs)

    def alone(self, folder: Path) -> AbstractContextManager[None]:
        """Work on the folder as the only process of this home."""
        return alone(folder, self.settings.locks, run=self.record.run_id)

    def close(self, status: str, error: str = "") -> None:
        """The run is over. What was spent outside steps is the orchestrator's share."""
        self.workers.close()
        self.record.status, self.record.error = status, error
        self.save()
        level: Level = "info" if status == "finished" else "warning" if status == "interrupted" else "error"
        self._log(f"run {status}", level=level, error=error, seconds=round(self.record.seconds, 3))

    def _log(self, event: str, **facts: Any) -> None:
        log(self.settings, event, run=self.record.run_id, character=self.record.character, **facts)

    def save(self) -> None:
        """Write the record."""
        self.record.seconds = perf_counter() - self._start
        with appearing_file(self.folder / RECORD_NAME) as stream:
            stream.write(json.dumps(asdict(self.record), indent=2).encode())


@contextmanager
def open_run(
    settings: Settings,
    *,
    character: str,
    engine: EngineOrder,
    num_workers: int | None = None,
    only_one: bool = False,
    wait_s: float = 0.0,
    **order: Any,
) -> Iterator[Run]:
    """A :class:`Run` of a character with an engine, whose record says how it ended; see there for the order.

    Of runs with ``only_one`` a character has one at a time: another one is waited for, ``wait_s`` at most.
    Raises BusyError, naming the other run, before anything is done; UnknownCharacterError when the engine does not know
    the character, SchemaError when a file contradicts it.
    """
    with (
        heeding_cancellation(),
        _only_run(settings, character, wait_s) if only_one else nullcontext(),
        EngineWorkers(engine=engine, settings=settings, num_workers=num_workers or num_cores()) as workers,
        closing(engine_of(engine, settings, workers)) as bridge,
    ):
        schema = agreed_schema(bridge, engine, character, settings)
        run = Run(
            settings,
            schema=schema,
            engine=bridge,
            workers=workers,
            ordered_engine=engine.name,
            num_workers=num_workers,
            **order,
        )
        try:
            with lease(run.folder, settings.locks, run=run.record.run_id):  # says that it is still under way
                yield run
        except BaseException as error:
            run.close(_ending(error), str(error))
            raise
        else:
            run.close("finished")


def tool_versions() -> dict[str, str]:
    """Versions of what shapes a result."""
    names = ("f2p", "torch", "numpy", "numba", "prefect", "webdataset", "dlib-bin")
    return {"python": platform.python_version(), **{name: version(name) for name in names}}


def _only_run(settings: Settings, character: str, wait_s: float) -> AbstractContextManager[object]:
    """The lease of a whole character, so that two runs of it do not get in each other's way at every step."""
    name = f"run of {character}"
    return lease(settings.runs / character, settings.locks, what=name, run=name, wait_s=wait_s)


def _is_tidied(folder: Path, settings: Settings) -> bool:
    owner = holder(folder, settings.locks, expiry_s=None)
    return owner is not None and owner.run == TIDYING


def is_under_way(settings: Settings, run: RunRecord) -> bool:
    """Whether the run's process lives; the record of one that was killed says for ever that it is running."""
    return run.status == "running" and holder(settings.runs / run.run_id, settings.locks) is not None


def engine_of(order: EngineOrder, settings: Settings, workers: EngineWorkers) -> EngineBridge:
    """The mock engine in this process too; of any other there is only the workers' one."""
    check_engine(order, settings)
    return open_engine(order, settings) if order.is_mock else WorkerEngine(workers)


def _ending(error: BaseException) -> str:
    """The status of a run that an error ended."""
    if isinstance(error, GateError):
        return "refused"
    # Ctrl-C and Prefect's signal of termination are no exceptions of the ordinary kind.
    return "failed" if isinstance(error, Exception) else "interrupted"


def reserve_id(records: Path, stem: str) -> tuple[str, Path]:
    """A new id and its folder below ``records``. Making it reserves the id, whoever else starts at the same moment."""
    for number in range(1, 100_000):
        folder = records / f"{stem}-{number:03d}"
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        return folder.name, folder
    raise InputError(f"{records.name}: {records} holds 99,999 {records.name} of {stem}; tidy it up")


def _outcome(step: StepRecord) -> str:
    figures = "  ".join(f"{name} {_short(value)}" for name, value in step.figures.items())
    return f"[dim]{'cached' if step.cached else f'{step.seconds:.1f} s':>9}[/]  {figures}"


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)
