"""Engines by what stands after ``--engine``.

mock                      the software engine, inside each of our own render processes
godot3                    an adapter: a folder of engine_bridge/engines or HOME/engines. Its engines are started,
godot3:lighting=engine    watched and restarted by us, as many as are ordered; options as the adapter names them
ws://127.0.0.1:9310       an address of ours that engines dial: whoever starts them, wherever they run
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from engine_bridge.errors import EngineUnavailableError, InputError, SchemaError, UnknownCharacterError
from flows.settings import (
    TLS_CERTIFICATE_VARIABLE,
    TLS_KEY_VARIABLE,
    TOKEN_VARIABLE,
    Settings,
    bridge_token,
    tls_files,
)

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from engine_bridge.bridge import EngineBridge
    from engine_bridge.remote.bridge_end.hub import TlsFiles
    from engine_bridge.remote.pool.pool import Endpoint
    from engine_bridge.remote.processes.adapters import Adapter
    from engine_bridge.schema import ParameterSchema, Vector

MOCK: Final = "mock"
_FRAMES_AT_ONCE: Final = 16


@dataclass(frozen=True)
class EngineOrder:
    """Which engine, and how many of it.

    name        what stands after ``--engine``; see the head of this file
    instances   processes of an adapter's engine that render at the same time; at an address as many as dial in
    gpus        they are pinned to these, in turn; empty leaves it to the engine
    """

    name: str = MOCK
    instances: int = 1
    gpus: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.instances < 1:
            raise InputError(f"instances: {self.instances}; give 1 or more")
        if self.is_mock and (self.instances > 1 or self.gpus):
            raise InputError("instances, gpus: the mock engine is a part of every render process; give --workers")
        if self.is_address and (self.instances > 1 or self.gpus):
            raise InputError("instances, gpus: engines that dial in are started by others, as many as they like")

    @property
    def is_mock(self) -> bool:
        return self.name == MOCK

    @property
    def is_address(self) -> bool:
        return "://" in self.name

    @property
    def label(self) -> str:
        """The name as part of a file's name."""
        return "".join(letter if letter.isalnum() or letter in "_-" else "-" for letter in self.name)


def open_engine(order: EngineOrder, settings: Settings, *, characters: Sequence[Path] = ()) -> EngineBridge:
    """The engine that is ordered. It looks for characters in these folders before the home's.

    A remote engine is started, or waited for, when it is first asked something. Raises InputError for an engine that
    nobody knows, EngineUnavailableError for one that is not installed.
    """
    folders = (*characters, *settings.character_folders)
    if order.is_mock:
        from engine_bridge.mock.engine import MockEngine

        return MockEngine(characters_folders=folders)
    return _open_pool(order, settings, folders)


def check_engine(order: EngineOrder, settings: Settings) -> None:
    """Raise what :func:`open_engine` would, before anything else is begun."""
    if order.is_address:
        tls = endpoint(order).tls
        if tls is not None:
            _check_tls(tls)
    elif not order.is_mock:
        installed_adapter(order, settings)


def find_adapter(name: str, settings: Settings) -> tuple[Adapter, dict[str, str]]:
    """The adapter of that name, and the options chosen behind it. Raises InputError."""
    from engine_bridge.remote.processes.adapters import load_adapter, parse_engine_spec

    if not name or name == MOCK:
        raise InputError(f"engine: {name!r} has no folder of its own; see 'f2p engine list'")
    plain_name, options = parse_engine_spec(name)
    adapter = load_adapter(plain_name, settings.engine_folders)
    return adapter, adapter.choose(options)


def installed_adapter(order: EngineOrder, settings: Settings) -> tuple[Adapter, dict[str, str]]:
    """The adapter of an order and its options. Raises InputError, or EngineUnavailableError naming what is missing."""
    adapter, options = find_adapter(order.name, settings)
    missing = adapter.missing()
    if missing:
        raise EngineUnavailableError(f"{adapter.name}: {'; '.join(missing)}")
    return adapter, options


def endpoint(order: EngineOrder) -> Endpoint:
    """The address of an order, with what protects it. Raises InputError for one that would not be safe."""
    from engine_bridge.remote.bridge_end.hub import SHORTEST_TOKEN, TlsFiles
    from engine_bridge.remote.pool.pool import Endpoint
    from engine_bridge.remote.wire.connection import is_loopback

    token, files, wants_tls = bridge_token(), tls_files(), order.name.startswith("wss:")
    if token is None:
        raise InputError(f"engine: who dials {order.name} must know a secret of yours; set {TOKEN_VARIABLE}")
    if len(token) < SHORTEST_TOKEN:
        raise InputError(
            f"{TOKEN_VARIABLE}: {len(token)} characters; give {SHORTEST_TOKEN} or more, drawn at random, e.g. with: "
            "openssl rand -hex 16"
        )
    if wants_tls and files is None:
        raise InputError(
            f"engine: {order.name} needs a certificate and its key; set {TLS_CERTIFICATE_VARIABLE} and "
            f"{TLS_KEY_VARIABLE} to files in PEM format"
        )
    tls = TlsFiles(certificate=files[0], key=files[1]) if files and wants_tls else None
    found = Endpoint.parse(order.name, token, tls)
    if tls is None and not is_loopback(found.host):
        raise InputError(
            f"engine: {order.name} can be reached from outside; give a wss:// address, and set "
            f"{TLS_CERTIFICATE_VARIABLE} and {TLS_KEY_VARIABLE} to files in PEM format"
        )
    return found


def _check_tls(files: TlsFiles) -> None:
    """Raises InputError naming the variables when the files are no certificate and key."""
    try:
        files.context()
    except InputError as error:
        raise InputError(f"{TLS_CERTIFICATE_VARIABLE}, {TLS_KEY_VARIABLE}: {error}") from error


def schemas_of(engine: EngineBridge, settings: Settings) -> list[ParameterSchema]:
    """Every character type that the engine can draw: what a remote one says, or for the mock engine all files."""
    from engine_bridge.characters import list_schemas

    told: Callable[[], list[str]] | None = getattr(engine, "characters", None)
    return list_schemas(settings.character_folders)[0] if told is None else [engine.describe(name) for name in told()]


def agreed_schema(engine: EngineBridge, order: EngineOrder, character: str, settings: Settings) -> ParameterSchema:
    """The engine's schema of a character type: the engine is right about itself.

    Raises SchemaError when a character file says otherwise: one of the two is out of date, and only the user knows
    which.
    """
    from engine_bridge.characters import find_schema_file, read_schema_file

    described = engine.describe(character)
    try:
        file = find_schema_file(character, settings.character_folders)
    except UnknownCharacterError:
        return described
    written = read_schema_file(file)
    if written.fingerprint != described.fingerprint:
        raise SchemaError(
            f"{character}: {engine.name} has schema {described.fingerprint}, {file} has {written.fingerprint}; take "
            f"the engine's with: f2p characters import --engine {order.name} --character {character} --force"
        )
    return described


def studio_renderer(
    engine: EngineBridge, character: str, resolution: int
) -> Callable[[Sequence[Vector] | npt.NDArray[np.float32]], npt.NDArray[np.uint8]]:
    """Vectors (B, V) -> the engine's studio pictures (B, H, W, 3) uint8, every frame checked."""
    import numpy as np

    from engine_bridge.frames import RenderRequest, check_frame

    def render(vectors: Sequence[Vector] | npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
        requests = [
            RenderRequest(request_id=index, character=character, vector=vector, resolution=resolution)
            for index, vector in enumerate(np.asarray(vectors, np.float32))
        ]
        chunks = [requests[start : start + _FRAMES_AT_ONCE] for start in range(0, len(requests), _FRAMES_AT_ONCE)]
        frames = [frame for chunk in chunks for frame in engine.render(chunk)]
        return np.stack([check_frame(*answer).picture for answer in zip(frames, requests, strict=True)])

    return render


def _open_pool(order: EngineOrder, settings: Settings, character_folders: Sequence[Path]) -> EngineBridge:
    engine, options = (endpoint(order), {}) if order.is_address else installed_adapter(order, settings)
    from engine_bridge.remote.pool.pool import EnginePool, PoolConfig

    return EnginePool(
        engine,
        options=options,
        config=PoolConfig(instances=order.instances, gpus=order.gpus),
        work_root=settings.prepared_engines,
        log_folder=settings.engine_logs,
        character_folders=character_folders,
    )
