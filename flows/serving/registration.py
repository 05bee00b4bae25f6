"""What a Prefect server is told of us: four deployments, their schedule, their limits, and the choices of their forms.

build-character   on demand; a second order waits for the first
render            on demand; likewise
reevaluate        on demand; likewise
nightly           at the cron's times in UTC; a night that begins while another lasts is cancelled
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from engine_bridge.errors import InputError
from flows.orchestrator import OrchestratorError
from flows.settings import Settings

if TYPE_CHECKING:
    from prefect import Flow
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.deployments.runner import RunnerDeployment

DEFAULT_POOL: Final = "f2p"
DEFAULT_CRON: Final = "0 1 * * *"
TAG: Final = "f2p"
#: Any string beside the known ones.
_OTHER: Final[dict[str, Any]] = {"title": "other", "type": "string", "minLength": 1}


@dataclass(frozen=True, kw_only=True)
class Choices:
    """What the forms offer. ``closed``: no other character is accepted, because the workers' home is this one."""

    characters: Sequence[str]
    engines: Sequence[str]
    closed: bool

    def of_character(self) -> dict[str, Any]:
        """A string of the form."""
        return {"type": "string", "enum": list(self.characters)} if self.closed else _open(self.characters)

    def of_engine(self) -> dict[str, Any]:
        """A string too: an address or an engine's options cannot be listed."""
        return _open(self.engines)


@dataclass(frozen=True, kw_only=True)
class DeploymentOrder:
    """What to register, and with what as the default of every form.

    pool          the work pool whose workers start the flows
    cron          when nights begin, in UTC; nights are scheduled only with characters
    night         further parameters of ``flows.serving.deployments.nightly``
    environment   variables that the workers set for the flows
    command       how a worker starts a flow; None leaves it to the worker
    """

    pool: str = DEFAULT_POOL
    characters: Sequence[str] = ()
    recipe: str = "nightly"
    engine: str = "mock"
    seed: int = 0
    cron: str = DEFAULT_CRON
    night: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    command: str | None = None

    def __post_init__(self) -> None:
        check_cron(self.cron)

    @property
    def job_variables(self) -> dict[str, Any]:
        found: dict[str, Any] = {"env": dict(self.environment)} if self.environment else {}
        return found | ({"command": self.command} if self.command else {})

    @property
    def nights(self) -> dict[str, Any]:
        """Defaults of the nightly form."""
        common = {"recipe": self.recipe, "engine": self.engine, "seed": self.seed, **self.night}
        return {"characters": list(self.characters), **common} if self.characters else common


def check_cron(cron: str) -> None:
    """Raise InputError for what is no cron expression of five fields."""
    from prefect.client.schemas.schedules import CronSchedule
    from pydantic import ValidationError

    try:
        CronSchedule(cron=cron, timezone="UTC")
    except ValidationError as error:
        raise InputError(
            f"cron: {cron!r} is no time table; give minute, hour, day, month and weekday in UTC, e.g. '{DEFAULT_CRON}'"
        ) from error


def known_choices(settings: Settings, order: DeploymentOrder, *, closed: bool) -> Choices:
    """What this home knows, and what is ordered."""
    from engine_bridge.characters import list_schemas
    from engine_bridge.remote.processes.adapters import list_adapters

    schemas, _ = list_schemas(settings.character_folders)
    adapters, _ = list_adapters(settings.engine_folders)
    characters = {*(schema.character for schema in schemas), *order.characters}
    engines = ["mock", *adapters, order.engine]
    return Choices(characters=sorted(characters), engines=list(dict.fromkeys(engines)), closed=closed)


def register(order: DeploymentOrder, choices: Choices) -> list[str]:
    """Tell the server at ``PREFECT_API_URL``; a deployment that it has already is brought up to date.

    Returns their full names. Raises InputError when the work pool is not there, OrchestratorError when the server is
    not.
    """
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        _check_pool(client, order.pool)
        deployments = build_deployments(order, choices)
        for deployment in deployments:
            _drop_schedules(client, deployment)  # an update would keep those that are no longer wanted
            deployment.apply()
    return [deployment.full_name for deployment in deployments]


def build_deployments(order: DeploymentOrder, choices: Choices) -> list[RunnerDeployment]:
    """The four deployments, not yet registered anywhere."""
    from flows.serving.deployments import build_character, nightly, reevaluate, render

    engine = {"engine": order.engine}
    build = {"seed": order.seed, **engine}
    return [
        _deployment(build_character, order, choices, parameters=build),
        _deployment(render, order, choices, parameters=build),
        _deployment(reevaluate, order, choices, parameters=engine),
        _deployment(nightly, order, choices, parameters=order.nights, cron=order.cron if order.characters else None),
    ]


def _deployment(
    flow: Flow[..., Any],
    order: DeploymentOrder,
    choices: Choices,
    *,
    parameters: dict[str, Any],
    cron: str | None = None,
) -> RunnerDeployment:
    from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
    from prefect.deployments.runner import RunnerDeployment
    from prefect.schedules import Cron
    from prefect.types.entrypoint import EntrypointType

    overlap = "CANCEL_NEW" if flow.name == "nightly" else "ENQUEUE"
    deployment = RunnerDeployment.from_flow(
        flow,
        name=flow.name,
        description=(flow.description or "").partition("\n\nArgs:")[0],
        tags=[TAG],
        parameters=parameters,
        schedule=Cron(cron, timezone="UTC") if cron else None,
        concurrency_limit=ConcurrencyLimitConfig(limit=1, collision_strategy=ConcurrencyLimitStrategy(overlap)),
        work_pool_name=order.pool,
        job_variables=order.job_variables,
        entrypoint_type=EntrypointType.MODULE_PATH,
    )
    offer(deployment._parameter_openapi_schema.properties, choices)
    return deployment


def offer(form: dict[str, dict[str, Any]], choices: Choices) -> None:
    """Put the choices into a form's schema, which knows only that they are strings."""
    for name, field_schema in form.items():
        match name:
            case "character":
                _replace_type(field_schema, choices.of_character())
            case "characters":
                field_schema["items"] = choices.of_character()
            case "engine":
                _replace_type(field_schema, choices.of_engine())


def _open(names: Sequence[str]) -> dict[str, Any]:
    return {"anyOf": [{"title": "known", "type": "string", "enum": list(names)}, _OTHER]}


def _replace_type(field_schema: dict[str, Any], choice: dict[str, Any]) -> None:
    field_schema.pop("type", None)
    field_schema.update(choice)


def _check_pool(client: SyncPrefectClient, pool: str) -> None:
    import httpx
    from prefect.exceptions import ObjectNotFound

    try:
        client.read_work_pool(pool)
    except ObjectNotFound as error:
        raise InputError(
            f"pool: {_host(client)} has no work pool {pool!r}; create it with: prefect work-pool create {pool} "
            "--type process"
        ) from error
    except (httpx.HTTPError, OSError) as error:
        reason = str(error) or type(error).__name__
        raise OrchestratorError(f"Prefect's server at {_host(client)} cannot be used: {reason}") from error


def _host(client: SyncPrefectClient) -> str:
    """The server's address without what may be secret in it."""
    parts = urlsplit(str(client.api_url))
    return f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}{parts.path.rstrip('/')}"


def _drop_schedules(client: SyncPrefectClient, deployment: RunnerDeployment) -> None:
    from prefect.exceptions import ObjectNotFound

    try:
        known = client.read_deployment_by_name(deployment.full_name)
    except ObjectNotFound:
        return
    for schedule in client.read_deployment_schedules(known.id):
        client.delete_deployment_schedule(known.id, schedule.id)
