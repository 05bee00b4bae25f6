"""Jobs for worker processes: they are pickled by name, so they live in a module that a child can import."""

from __future__ import annotations

import os
import time

from engine_bridge.bridge import EngineBridge
from engine_bridge.errors import InputError, RequestRefusedError


def describe(engine: EngineBridge, character: str) -> int:
    return engine.describe(character).vector_size


def process_id(engine: EngineBridge) -> int:
    return os.getpid()


def group_id(engine: EngineBridge) -> int:
    return os.getpgrp()


def refuse(engine: EngineBridge) -> None:
    raise InputError("count: give more")


def refuse_request(engine: EngineBridge) -> None:
    raise RequestRefusedError("scene: too dark", code="bad_request")


def die(engine: EngineBridge) -> None:
    os._exit(9)


def sleep(engine: EngineBridge) -> None:
    time.sleep(60.0)
