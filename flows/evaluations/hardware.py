"""What a figure was measured on."""

from __future__ import annotations

import platform
from pathlib import Path

import torch

from flows.runs import tool_versions
from flows.settings import num_cores


def hardware() -> dict[str, str | int]:
    """Processor, cores this process may use, threads of PyTorch, and the GPU if there is one."""
    found: dict[str, str | int] = {"cpu": _processor(), "cores": num_cores(), "threads": torch.get_num_threads()}
    if torch.cuda.is_available():
        found["gpu"] = torch.cuda.get_device_name()
    return found


def circumstances() -> dict[str, dict[str, str] | dict[str, str | int]]:
    """Versions and hardware: the part of every page's provenance that is not about its subject."""
    return {"versions": tool_versions(), "hardware": hardware()}


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:  # not Linux
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())
