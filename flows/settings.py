"""Where everything lives. The one module that reads the environment.

home/
  characters/    the user's own character files, searched beside the shipped ones
  engines/       the user's own engine adapters, searched beside the shipped ones
  datasets/      rendered pairs and aligned photos            <character>-<stage>-<key>/
  checkpoints/   trained networks                             <character>-<stage>-<key>/
  evaluations/   measurements of one set of checkpoints       <character>-<stage>-<key>/
  registry/      published versions and their aliases
  creations/     characters made from photos
  judges/        weights of judges, from ``python -m infra.judges``
  runs/          one record per run
  nights/        one record per night
  reports/       one HTML page per run
  logs/          what happened, line by line; what engines print
  prefect/       the orchestrator's own database
  cache/         compiled kernels, prepared engine projects and other things that may be deleted at any time
"""

from __future__ import annotations

import hashlib
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

import engine_bridge
from engine_bridge.errors import InputError

HOME_VARIABLE = "F2P_HOME"
LIGHTCNN_VARIABLE = "F2P_LIGHTCNN_WEIGHTS"
IMAGENET_VARIABLE = "F2P_IMAGENET_WEIGHTS"
INCEPTION_VARIABLE = "F2P_INCEPTION_WEIGHTS"
JUDGES_VARIABLE = "F2P_JUDGES"
TOKEN_VARIABLE = "F2P_BRIDGE_TOKEN"
TLS_CERTIFICATE_VARIABLE = "F2P_BRIDGE_CERTIFICATE"
TLS_KEY_VARIABLE = "F2P_BRIDGE_KEY"
WEBHOOK_VARIABLE = "F2P_WEBHOOK_URL"
REPORTS_VARIABLE = "F2P_REPORTS_URL"
SUPERVISOR_VARIABLE = "F2P_SUPERVISOR"
TRAIN_PROCESSES_VARIABLE = "F2P_TRAIN_PROCESSES"
DASK_VARIABLE = "F2P_DASK"
STORE_VARIABLE = "F2P_STORE"
REGISTRY_VARIABLE = "F2P_REGISTRY_DATABASE"
DEFAULT_HOME = Path("f2p-home")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """One home, and weights that cannot be shipped. ``home`` is absolute.

    lightcnn_weights   the authors' LightCNN-29v2 checkpoint, for recipes whose embedder it is
    imagenet_weights   torchvision's resnet50 weights, for recipes whose segmenter starts from them
    inception_weights  torchvision's inception_v3 weights, for the style distance of the papers
    judge_weights      the folder that ``python -m infra.judges`` filled; by default ``judges`` in the home
    train_processes    processes that a network's training is split among, one per GPU
    dask               where shards are rendered: a Dask scheduler's address, ``local:N``, or None for our own workers
    """

    home: Path
    lightcnn_weights: Path | None = None
    imagenet_weights: Path | None = None
    inception_weights: Path | None = None
    judge_weights: Path | None = None
    train_processes: int = 1
    dask: str | None = None
    debug: bool = False

    def __post_init__(self) -> None:
        if self.home.exists() and not self.home.is_dir():
            raise InputError(f"home: {self.home} is a file; give a folder with --home or {HOME_VARIABLE}")

    @classmethod
    def from_environment(cls, home: Path | None = None, *, debug: bool = False) -> Settings:
        """The given home, else ``F2P_HOME``, else ``./f2p-home``; weights from their own variables."""
        chosen = home or _path_from(HOME_VARIABLE) or DEFAULT_HOME
        return cls(
            home=chosen.expanduser().resolve(),
            lightcnn_weights=_path_from(LIGHTCNN_VARIABLE),
            imagenet_weights=_path_from(IMAGENET_VARIABLE),
            inception_weights=_path_from(INCEPTION_VARIABLE),
            judge_weights=_path_from(JUDGES_VARIABLE),
            train_processes=_count_from(TRAIN_PROCESSES_VARIABLE, 1),
            dask=os.environ.get(DASK_VARIABLE) or None,
            debug=debug,
        )

    @property
    def character_folders(self) -> tuple[Path, ...]:
        """Folders searched for character files besides the shipped ones."""
        return (self.own_characters,) if self.own_characters.is_dir() else ()

    @property
    def own_characters(self) -> Path:
        return self.home / "characters"

    @property
    def engine_folders(self) -> tuple[Path, ...]:
        """Folders searched for engine adapters besides the shipped ones."""
        folder = self.home / "engines"
        return (folder,) if folder.is_dir() else ()

    @property
    def logs(self) -> Path:
        return self.home / "logs"

    @property
    def engine_logs(self) -> Path:
        return self.logs / "engines"

    @property
    def prepared_engines(self) -> Path:
        return self.cache / "engines"

    @property
    def datasets(self) -> Path:
        return self.home / "datasets"

    @property
    def checkpoints(self) -> Path:
        return self.home / "checkpoints"

    @property
    def evaluations(self) -> Path:
        return self.home / "evaluations"

    @property
    def judges(self) -> Path:
        """The weights of judges that took no part in training."""
        return self.judge_weights or self.home / "judges"

    @property
    def registry(self) -> Path:
        return self.home / "registry"

    @property
    def creations(self) -> Path:
        return self.home / "creations"

    @property
    def runs(self) -> Path:
        return self.home / "runs"

    @property
    def nights(self) -> Path:
        return self.home / "nights"

    @property
    def reports(self) -> Path:
        return self.home / "reports"

    @property
    def prefect(self) -> Path:
        return self.home / "prefect"

    @property
    def cache(self) -> Path:
        return self.home / "cache"

    @property
    def locks(self) -> Path:
        """Who works on what; shared by all processes of the home."""
        return self.cache / "locks"


def prepare_environment(settings: Settings) -> None:
    """Point every library that writes files or calls home at the home folder. Call it before importing them.

    Worker processes inherit the environment, so once is enough.
    """
    for folder in (settings.prefect, settings.cache):  # Prefect makes its own folder but not its parents
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(
                f"home: cannot write to {settings.home} ({error.strerror}); choose another with --home"
            ) from error
    os.environ.update(_homes(settings) | _SILENCE)
    for variable, value in (_caches(settings) | _BATCHES).items():
        os.environ.setdefault(variable, value)  # caches may be shared on purpose
    for variable in ("NO_PROXY", "no_proxy"):  # the local server is never behind a user's proxy
        os.environ[variable] = ",".join(filter(None, (os.environ.get(variable), "127.0.0.1,localhost")))
    # OpenMP threads that spin while they wait starve each other when another process wants a core as well.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    level = "INFO" if settings.debug else "CRITICAL"  # errors are told once, by us
    os.environ.update(PREFECT_LOGGING_LEVEL=level, PREFECT_LOGGING_ROOT_LEVEL=level)


def prepare_service(settings: Settings, port: int) -> None:
    """Make a Prefect server started later listen on this machine's ``port``, and everything else talk to it.

    Its page keeps its files in the home, and no other site's page may call it. Call it after
    :func:`prepare_environment`.
    """
    address = f"http://127.0.0.1:{port}"
    os.environ.update(
        PREFECT_SERVER_API_HOST="127.0.0.1",
        PREFECT_SERVER_API_PORT=str(port),
        PREFECT_SERVER_CORS_ALLOWED_ORIGINS=f"{address},http://localhost:{port}",
        PREFECT_UI_STATIC_DIRECTORY=str(settings.cache / "prefect-ui"),
        PREFECT_LOGGING_TO_API_ENABLED="true",  # few lines, and Prefect's page is where they are looked for
        PREFECT_LOGGING_LEVEL="INFO" if settings.debug else "WARNING",
        PREFECT_WORKER_QUERY_SECONDS="5",
    )
    os.environ[REPORTS_VARIABLE] = f"{address}/f2p/reports"
    use_prefect_server(f"{address}/api")


def reports_address() -> str | None:
    """Where a browser finds the reports, while ``f2p serve`` serves them; None: only as files."""
    return os.environ.get(REPORTS_VARIABLE) or None


def has_home() -> bool:
    """Whether the environment says where everything is kept."""
    return bool(os.environ.get(HOME_VARIABLE))


def become_supervisor() -> None:
    """What this process starts from now on is to end with it."""
    os.environ[SUPERVISOR_VARIABLE] = str(os.getpid())


def supervisor() -> int | None:
    """The process that this one is to end with, if there is one."""
    found = os.environ.get(SUPERVISOR_VARIABLE)
    return int(found) if found else None


def user_prefect_server() -> str | None:
    """The Prefect server a user asks for by ``PREFECT_API_URL``; None means one of our own for the time of the run."""
    return os.environ.get("PREFECT_API_URL") or None


def use_prefect_server(address: str) -> None:
    """Make Prefect, imported later, talk to the server at ``address``."""
    os.environ["PREFECT_API_URL"] = address


def use_own_prefect_server(address: str) -> None:
    """The same with a server that lives as long as this process: if it dies, it does not come back.

    Prefect asks five times again, for a minute per request and many minutes in all before the run ends. A server that
    is only busy (it says so while its database is locked) is there again within these three: 2, 4 and 8 s. A run whose
    server was killed ends after about 45 s.
    """
    use_prefect_server(address)
    os.environ.setdefault("PREFECT_CLIENT_MAX_RETRIES", "3")


def bridge_token() -> str | None:
    """The secret that engines show when they dial in, from ``F2P_BRIDGE_TOKEN``. None: none was given."""
    return os.environ.get(TOKEN_VARIABLE) or None


def make_bridge_token() -> str:
    """A new secret for this process and those it starts."""
    os.environ[TOKEN_VARIABLE] = secrets.token_urlsafe(24)
    return os.environ[TOKEN_VARIABLE]


def registry_database() -> str | None:
    """The database of the registry's index, from ``F2P_REGISTRY_DATABASE``; None: a file in the home.

    It may hold a password, so no setting holds it. Raises InputError for another kind than PostgreSQL.
    """
    found = os.environ.get(REGISTRY_VARIABLE) or None
    if found and not found.startswith("postgresql+psycopg://"):
        kind = found.partition("://")[0] if "://" in found else "what is given"
        raise InputError(
            f"{REGISTRY_VARIABLE}: {kind!r} will not do; give postgresql+psycopg://USER:PASSWORD@HOST/NAME"
        )
    return found


def store_address() -> str | None:
    """The URL of the store that homes share (``flows/scaling/stores.py``), from ``F2P_STORE``; None: there is none.

    It may hold a password, so no setting holds it: settings are recorded and sent, and a worker has its own.
    """
    return os.environ.get(STORE_VARIABLE) or None


def webhook_addresses() -> tuple[str, ...]:
    """Where notices go, from ``F2P_WEBHOOK_URL``, commas between. They are secrets, so no setting holds them."""
    given = os.environ.get(WEBHOOK_VARIABLE, "").split(",")
    return tuple(address.strip() for address in given if address.strip())


def tls_files() -> tuple[Path, Path] | None:
    """Certificate and key for a ``wss://`` address of ours, from their variables. Raises InputError for one alone."""
    certificate, key = _path_from(TLS_CERTIFICATE_VARIABLE), _path_from(TLS_KEY_VARIABLE)
    if certificate and key:
        return certificate, key
    if certificate or key:
        raise InputError(f"give both {TLS_CERTIFICATE_VARIABLE} and {TLS_KEY_VARIABLE}, files in PEM format, or none")
    return None


def num_cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _path_from(variable: str) -> Path | None:
    value = os.environ.get(variable)
    return Path(value) if value else None


def _count_from(variable: str, default: int) -> int:
    value = os.environ.get(variable) or str(default)
    if not (value.isdecimal() and int(value) >= 1):
        raise InputError(f"{variable}: {value!r} is no number of processes; give 1 or more")
    return int(value)


def _homes(settings: Settings) -> dict[str, str]:
    return {
        HOME_VARIABLE: str(settings.home),
        "PREFECT_HOME": str(settings.prefect),
        "XDG_CACHE_HOME": str(settings.cache),
    }


def _caches(settings: Settings) -> dict[str, str]:
    return {
        "NUMBA_CACHE_DIR": str(settings.cache / f"numba-{kernels_version()}"),
        "MPLCONFIGDIR": str(settings.cache / "matplotlib"),
        "TORCH_HOME": str(settings.cache / "torch"),
        "TORCHINDUCTOR_CACHE_DIR": str(settings.cache / "inductor"),
        "TRITON_CACHE_DIR": str(settings.cache / "triton"),
        "CUDA_CACHE_PATH": str(settings.cache / "cuda"),
    }


def kernels_version() -> str:
    """Changes with the mock engine's code: numba recompiles a kernel for its own file only, not for those it calls."""
    sources = sorted((Path(engine_bridge.__file__ or "").parent / "mock").glob("*.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:8]


_SILENCE = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    "PREFECT_LOGGING_TO_API_ENABLED": "false",  # one request per log line; the run record says what happened
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "ORT_DISABLE_TELEMETRY": "1",
    "DASK_LOGGING__DISTRIBUTED": "error",  # otherwise every worker's coming and going is told
}
#: What Prefect's server writes of its tasks goes into its database many at a time: one insert for each of a task's
#: three states took 36 ms of a core per task, these take 13 (docs/benchmarks.md). They appear on its
#: page up to 2 s later, and those of the last 2 s are lost when it is killed: f2p itself reads none of them.
_BATCHES = {
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "100",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "2",
}
