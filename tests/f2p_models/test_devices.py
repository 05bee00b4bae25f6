from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from engine_bridge.errors import InputError
from f2p_models.devices import autocast, choose_device


def test_without_a_gpu_auto_is_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device("auto").type == "cpu"


def test_an_absent_gpu_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError, match="use cpu or auto"):
        choose_device("cuda")


def test_an_unknown_device_is_refused() -> None:
    with pytest.raises(InputError, match="'toaster' is no device"):
        choose_device("toaster")


@pytest.mark.parametrize(("precision", "expected"), [("32", torch.float32), ("bf16", torch.bfloat16)])
def test_precision_decides_what_convolutions_compute_in(precision: str, expected: torch.dtype) -> None:
    with autocast(torch.device("cpu"), precision):
        assert torch.nn.Conv2d(3, 4, 3)(torch.zeros(1, 3, 8, 8)).dtype == expected


COUNT_FAULTS = """
import resource, sys, torch
from f2p_models.devices import keep_freed_memory

if sys.argv[1] == "kept":
    keep_freed_memory()

def step():
    blocks = [torch.ones(1_000_000) for _ in range(6)]

step()
step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def page_faults(memory: str) -> int:
    """In a process of its own: what a whole test suite has allocated before would be counted too."""
    run = subprocess.run([sys.executable, "-c", COUNT_FAULTS, memory], capture_output=True, text=True, check=True)
    return int(run.stdout)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux counts page faults this way")
def test_freed_memory_is_kept_for_the_next_step() -> None:
    assert page_faults("kept") < page_faults("returned") / 2
