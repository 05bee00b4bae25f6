"""Is everything there? Each finding that is not well says how to mend it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from importlib.metadata import version
from typing import Final

from engine_bridge.errors import InputError
from engine_bridge.remote.processes.adapters import list_adapters
from flows.engines import MOCK, EngineOrder, open_engine, schemas_of, studio_renderer
from flows.settings import Settings

SMALLEST_FREE_GB: Final = 5
PACKAGES: Final = ("torch", "torchvision", "prefect", "webdataset", "mlflow-skinny", "onnxruntime", "dlib-bin")


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One examined thing; ``fix`` is a command or an instruction, empty when all is well."""

    subject: str
    ok: bool
    detail: str
    fix: str = ""


def examine(settings: Settings, engine: EngineOrder) -> list[Finding]:
    """Everything a run needs, in the order it needs it."""
    return [
        _checked("packages", _packages, fix="make install"),
        _checked("device", _device, fix="install a PyTorch build for this machine"),
        _checked("home", lambda: _home(settings), fix="choose another folder with --home"),
        _checked(
            "disk", lambda: _disk(settings), fix=f"free some space, or choose another disk with --home {settings.home}"
        ),
        _checked("faces", _face_models, fix="pip install --force-reinstall 'face_recognition_models>=0.3.0'"),
        _checked("characters", lambda: _characters(settings), fix="f2p characters validate FILE, for each named file"),
        _checked("engines", lambda: _adapters(settings), fix="mend or remove the named engine.toml"),
        _checked("engine", lambda: _engine(settings, engine), fix="f2p doctor --debug; the mock engine always works"),
        _checked("registry", lambda: _registry(settings), fix=f"delete {settings.registry}/registry.db: it is rebuilt"),
    ]


def _checked(subject: str, check: Callable[[], str], *, fix: str) -> Finding:
    try:
        return Finding(subject=subject, ok=True, detail=check())
    except Exception as error:  # what is damaged fails in its own way, and the other findings are wanted all the same
        detail = " ".join(str(error).split()) or type(error).__name__
        return Finding(subject=subject, ok=False, detail=detail, fix=fix)


def _packages() -> str:
    return ", ".join(f"{name} {version(name)}" for name in PACKAGES)


def _device() -> str:
    import torch

    if not torch.cuda.is_available():
        return f"no GPU, {torch.get_num_threads()} CPU threads: 'quick' is for that"
    return f"{torch.cuda.get_device_name(0)}, {torch.cuda.get_device_properties(0).total_memory >> 30} GiB"


def _home(settings: Settings) -> str:
    probe = settings.home / ".doctor"
    probe.write_text("", encoding="utf-8")
    probe.unlink()
    return f"{settings.home} is writable"


def _disk(settings: Settings) -> str:
    free_gb = shutil.disk_usage(settings.home).free / 1e9
    if free_gb < SMALLEST_FREE_GB:
        raise InputError(f"{free_gb:.1f} GB free, {SMALLEST_FREE_GB} are needed")
    return f"{free_gb:.0f} GB free"


def _face_models() -> str:
    from f2p_datasets.detection import find_model_file

    files = [
        find_model_file(name)
        for name in ("shape_predictor_68_face_landmarks.dat", "dlib_face_recognition_resnet_model_v1.dat")
    ]
    return f"landmarks and embedder in {files[0].parent}"


def _characters(settings: Settings) -> str:
    from engine_bridge.characters import list_schemas

    schemas, faults = list_schemas(settings.character_folders)
    if faults:
        raise InputError("; ".join(str(fault) for fault in faults))
    return ", ".join(schema.character for schema in schemas)


def _engine(settings: Settings, order: EngineOrder) -> str:
    with closing(open_engine(order, settings)) as engine:
        schema = schemas_of(engine, settings)[0]
        studio_renderer(engine, schema.character, 64)([schema.default_vector()])
        return f"{engine.name} {engine.build} rendered {schema.character}"


def _adapters(settings: Settings) -> str:
    """Engines that are not installed are no fault: nobody needs all of them."""
    adapters, faults = list_adapters(settings.engine_folders)
    if faults:
        raise InputError("; ".join(str(fault) for fault in faults))
    here = [MOCK, *(name for name, adapter in adapters.items() if not adapter.missing())]
    absent = [name for name, adapter in adapters.items() if adapter.missing()]
    return f"{', '.join(here)}" + (f"; not installed: {', '.join(absent)} ('f2p engine list')" if absent else "")


def _registry(settings: Settings) -> str:
    from f2p_models.registry import Registry

    versions = Registry(settings.registry).list()
    return f"{len(versions)} published version(s)"
