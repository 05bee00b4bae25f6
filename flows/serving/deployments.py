"""What Prefect's page, schedules and workers start: the pipeline and its parts with plain parameters.

Each flow is a form in Prefect's own page: the docstrings are its help, the annotations its choices and limits.
Workers load this module by its name, so it must be installed where they run; their ``F2P_HOME`` says where everything
is kept. What schedules and limits they are registered with is in ``flows/serving/registration.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

from prefect import flow
from prefect.client.schemas.objects import State  # not for type checkers only: the forms are read off the signatures
from prefect.states import Completed, Failed
from prefect.task_runners import ThreadPoolTaskRunner
from pydantic import Field

from engine_bridge.errors import InputError
from flows.engines.orders import EngineOrder
from flows.gates.gate import GateError
from flows.serving.supervision import end_with_supervisor
from flows.settings import HOME_VARIABLE, Settings, has_home, prepare_environment, supervisor

if TYPE_CHECKING:
    from flows.nights.nightly import NightRecord
    from flows.run_records import RunRecord

T = TypeVar("T")

#: A form needs them before any recipe is built; a test holds them to ``flows.recipes.RECIPES``.
RecipeName = Literal["smoke", "quick", "small", "nightly", "paper"]
SamplerName = Literal["uniform", "sobol", "natural", "prior"]
Seed = Annotated[int, Field(ge=0)]
Count = Annotated[int, Field(ge=10)]
Resolution = Annotated[int, Field(ge=32, le=2048)]
Instances = Annotated[int, Field(ge=1, le=64)]
Shard = Annotated[int, Field(ge=1)]

_RUNNER: Any = ThreadPoolTaskRunner(max_workers=64)  # its threads only wait for our workers


@flow(name="build-character", flow_run_name="{character}-{recipe}", task_runner=_RUNNER)
def build_character(
    character: str,
    *,
    recipe: RecipeName = "quick",
    engine: str = "mock",
    count: Count | None = None,
    seed: Seed = 0,
    photos: str | None = None,
    instances: Instances = 1,
) -> State[Any]:
    """From random parameters to a published creator. Does only what is missing.

    Args:
        character: The character type, as 'f2p characters list' names it.
        recipe: How much to render, what to train and for how long. 'quick' takes minutes, 'nightly' hours of a GPU.
        engine: What renders: mock, one of 'f2p engine list', or an address (ws://HOST:PORT) for it to dial.
        count: Studio pairs to render in place of the recipe's number.
        seed: Everything random follows from it.
        photos: A folder of photos on the worker's machine for the translator. Without, it learns from renders.
        instances: Processes of a remote engine that render at the same time.
    """
    settings = _begin()
    from flows.pipeline import build_character as build

    # Called as the function that it is: a flow of its own inside this one would only cost a second.
    def work() -> RunRecord:
        return build.fn(
            character,
            recipe=recipe,
            num_pairs=count,
            engine=_order(engine, instances),
            seed=seed,
            home=settings.home,
            photos=_folder(photos),
        )

    return _outcome(settings, "build-character", character, work)


@flow(name="render", flow_run_name="{character}-{count}", task_runner=_RUNNER)
def render(
    character: str,
    *,
    count: Shard,
    engine: str = "mock",
    seed: Seed = 0,
    sampler: SamplerName = "uniform",
    resolution: Resolution = 512,
    shard_size: Shard = 500,
    instances: Instances = 1,
) -> State[Any]:
    """Random characters in the studio as a dataset of shards, for whoever trains something of their own.

    It stays until somebody deletes its folder: no night tidies it away.

    Args:
        character: The character type, as 'f2p characters list' names it.
        count: Pairs to render.
        engine: What renders: mock, one of 'f2p engine list', or an address (ws://HOST:PORT) for it to dial.
        seed: Everything random follows from it.
        sampler: How parameters are drawn. 'prior' needs a published version.
        resolution: Pixels, squared.
        shard_size: Pairs per shard.
        instances: Processes of a remote engine that render at the same time.
    """
    settings = _begin()
    from flows.priors.files import open_sampler_prior
    from flows.stages import render_pairs

    def work() -> RunRecord:
        return render_pairs.fn(
            settings,
            character=character,
            engine=_order(engine, instances),
            num_workers=None,
            out=None,
            count=count,
            seed=seed,
            sampler=sampler,
            prior=open_sampler_prior(settings, character, sampler, None),
            resolution=resolution,
            shard_size=shard_size,
        )

    return _outcome(settings, "render", character, work)


@flow(name="reevaluate", flow_run_name="{character}-{version}", task_runner=_RUNNER)
def reevaluate(character: str, *, version: str = "champion", engine: str = "mock") -> State[Any]:
    """Measure a published version again, on the held-out set of the engine as it is now.

    Args:
        character: The character type, as 'f2p characters list' names it.
        version: A number, or 'champion'.
        engine: The engine that it was made for.
    """
    settings = _begin()
    from flows.stages import evaluate_last

    def work() -> RunRecord:
        return evaluate_last.fn(settings, character=character, version=version, engine=_order(engine))

    return _outcome(settings, "reevaluate", character, work)


@flow(name="nightly", task_runner=_RUNNER)
def nightly(
    characters: Annotated[list[str], Field(min_length=1)],
    *,
    recipe: RecipeName = "nightly",
    engine: str = "mock",
    seed: Seed = 0,
    photos: str | None = None,
    max_hours: Annotated[float, Field(gt=0)] | None = None,
    min_free_gb: Annotated[float, Field(ge=0)] = 5.0,
    keep: Annotated[int, Field(ge=1)] = 3,
) -> State[Any]:
    """Bring every character up to date, one after the other; one that fails does not stop the others.

    Args:
        characters: The character types, as 'f2p characters list' names them.
        recipe: How much to render, what to train and for how long.
        engine: What renders: mock, one of 'f2p engine list', or an address (ws://HOST:PORT) for it to dial.
        seed: Everything random follows from it.
        photos: A folder of photos on the worker's machine for the translator. Without, it learns from renders.
        max_hours: A character that is estimated to take longer than what is left of these is skipped.
        min_free_gb: A character whose night would leave less free disk than this is skipped.
        keep: Versions of each character that stay besides the champion and what it needs.
    """
    settings = _begin()
    from flows.nights.nightly import nightly as spend_night
    from flows.nights.nightly import telling_why_not

    with telling_why_not(settings):  # a share with photos may be away for once
        engine_order, photo_folder = _order(engine), _folder(photos)
    night = spend_night.fn(
        settings,
        characters,
        recipe=recipe,
        engine=engine_order,
        seed=seed,
        photos=photo_folder,
        max_hours=max_hours,
        min_free_gb=min_free_gb,
        keep=keep,
    )
    return state_of(night)


def state_of(night: NightRecord) -> State[Any]:
    """How a night shows in Prefect: green only when nothing was refused and nothing failed."""
    lines = [f"{outcome.character}: {outcome.status} ({outcome.reason})" for outcome in night.characters]
    bad = [outcome for outcome in night.characters if outcome.status in {"refused", "failed", "interrupted"}]
    return Failed(name="Incomplete", message="; ".join(lines)) if bad else Completed(message="; ".join(lines))


def _begin() -> Settings:
    """Settings of the worker's home, with the environment prepared. Raises InputError when no home is set.

    A worker starts flows in folders that it deletes afterwards, so there is no home by default.
    """
    if not has_home():
        raise InputError(f"{HOME_VARIABLE}: a deployed flow must be told its home; set it where the worker runs")
    end_with_supervisor(supervisor())
    settings = Settings.from_environment()
    prepare_environment(settings)
    return settings


def _outcome(settings: Settings, order: str, character: str, work: Callable[[], RunRecord]) -> State[Any]:
    """The state that a finished piece of work has in Prefect, after people were told; a refusal is not an accident."""
    from flows.monitoring.notifications import notify
    from flows.serving.notices import notice_of_run

    try:
        run = _told_when_it_fails(settings, order, character, work)
    except GateError as error:
        return Failed(name="Refused", message=str(error))
    notify(settings, notice_of_run(order, run))
    return Completed()


def _told_when_it_fails(settings: Settings, order: str, character: str, work: Callable[[], T]) -> T:
    """Nobody sits at a terminal here. What is stopped on purpose, by no error, is no news to whoever did it."""
    from flows.monitoring.notifications import notify
    from flows.serving.notices import notice_of_error

    begun = monotonic()
    try:
        return work()
    except Exception as error:
        notify(settings, notice_of_error(order, character, error, monotonic() - begun))
        raise


def _order(engine: str, instances: int = 1) -> EngineOrder:
    return EngineOrder(engine, instances)


def _folder(path: str | None) -> Path | None:
    """A folder on this machine. Raises InputError for one that is not there or not absolute."""
    if not path:
        return None
    folder = Path(path).expanduser()
    if not folder.is_absolute() or not folder.is_dir():
        raise InputError(f"photos: {path} is no folder on this machine; give its absolute path")
    return folder
