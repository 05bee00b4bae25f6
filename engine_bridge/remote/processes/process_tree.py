"""The processes that belong to a process, as the kernel lists them in ``/proc``. Elsewhere than on Linux: none."""

from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path
from typing import Final

_PROC: Final = Path("/proc")


def descendants(ancestor: int) -> set[int]:
    """Process ids of the children, their children and so on; not the ancestor's own."""
    children: defaultdict[int, set[int]] = defaultdict(set)
    for pid, fields in _all_processes().items():
        children[int(fields[1])].add(pid)
    found: set[int] = set()
    waiting = [ancestor]
    while waiting:
        fresh = children[waiting.pop()] - found
        found |= fresh
        waiting.extend(fresh)
    return found


def resident_bytes(pids: set[int]) -> int:
    """Resident memory of the processes together; those that ended meanwhile count nothing."""
    processes = _all_processes()
    return sum(int(processes[pid][21]) for pid in pids if pid in processes) * os.sysconf("SC_PAGE_SIZE")


def cpu_seconds(pids: set[int]) -> float:
    """What the processes have computed so far, all threads and waited-for children; ended ones count nothing."""
    processes = _all_processes()
    ticks = sum(int(tick) for pid in pids if pid in processes for tick in processes[pid][11:15])
    return ticks / os.sysconf("SC_CLK_TCK")


def marked(entry: bytes) -> set[int]:
    """Process ids of all that were started with ``NAME=value`` in their environment, whoever their parent is now."""
    found = set()
    for folder in _PROC.glob("[0-9]*"):
        try:
            environment = (folder / "environ").read_bytes()
        except OSError:
            continue
        if entry in environment.split(b"\0"):
            found.add(int(folder.name))
    return found


def _all_processes() -> dict[int, list[str]]:
    """Fields of ``/proc/PID/stat`` from the third (the state) on, of every process that can be read."""
    processes = {}
    for folder in _PROC.glob("[0-9]*"):
        try:
            line = (folder / "stat").read_bytes()
        except OSError:  # it ended, or is not ours to see
            continue
        # A program's name may hold spaces, brackets, and half a character where it was cut.
        processes[int(folder.name)] = line.rpartition(b")")[2].decode("ascii").split()
    return processes
