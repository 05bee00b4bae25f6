"""Is everything there? Each finding that is not well comes with the command that mends it."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from flows.engines.orders import EngineOrder
from flows.monitoring.checks import IllError
from flows.monitoring.checks.machine import check_clock, check_device, check_disk, check_home, check_packages
from flows.monitoring.checks.parts import check_adapters, check_characters, check_engine, check_faces, check_weights
from flows.monitoring.checks.services import (
    check_dask,
    check_nights,
    check_registry,
    check_server,
    check_store,
    check_webhooks,
)
from flows.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One examined thing; ``fix`` is a command or an instruction, empty when all is well."""

    subject: str
    ok: bool
    detail: str
    fix: str = ""


def examine(settings: Settings, engine: EngineOrder, *, send_test: bool = False) -> list[Finding]:
    """Everything a run needs, in the order it needs it; with ``send_test`` every webhook gets a message."""
    find, home = partial(_find, debug=settings.debug), settings.home
    faces = "pip install --force-reinstall dlib-bin 'face_recognition_models>=0.3.0'"
    characters = "f2p characters validate FILE  # for each named file"
    index = f"rm {home}/registry/registry.db  # it is rebuilt; with F2P_REGISTRY_DATABASE see whether that server runs"
    return [
        find("packages", check_packages, "make install"),
        find("device", check_device, "nvidia-smi  # has to list the GPU; else start the machine anew"),
        find("home", lambda: check_home(settings), "choose another folder with --home"),
        find("disk", lambda: check_disk(settings), "choose another disk with --home"),
        find("clock", lambda: check_clock(settings), "sudo timedatectl set-ntp true"),
        find("faces", check_faces, faces),
        find("weights", lambda: check_weights(settings), "python -m infra.judges  # fetches them anew"),
        find("characters", lambda: check_characters(settings), characters),
        find("engines", lambda: check_adapters(settings), "mend or remove the named engine.toml"),
        find("engine", lambda: check_engine(settings, engine), "f2p doctor --debug  # the mock engine always works"),
        find("registry", lambda: check_registry(settings), index),
        find("store", check_store, "unset F2P_STORE  # or mend its address and credentials"),
        find("dask", lambda: check_dask(settings), "unset F2P_DASK  # or start: dask scheduler"),
        find("server", lambda: check_server(settings), f"f2p doctor --debug --home {home}"),
        find("webhooks", lambda: check_webhooks(settings, send_test=send_test), f"f2p doctor --debug --home {home}"),
        find("nights", lambda: check_nights(settings), f"f2p serve --home {home}"),
    ]


def _find(subject: str, check: Callable[[], str], fix: str, *, debug: bool) -> Finding:
    """``fix`` is for errors that bring none of their own; ``debug`` shows where they come from."""
    try:
        return Finding(subject=subject, ok=True, detail=check())
    except Exception as error:  # what is damaged fails in its own way, and the other findings are wanted all the same
        if debug:
            traceback.print_exception(error, file=sys.stderr)
        detail = " ".join(str(error).split()) or type(error).__name__
        return Finding(subject=subject, ok=False, detail=detail, fix=error.fix if isinstance(error, IllError) else fix)
