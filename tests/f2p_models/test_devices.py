from __future__ import annotations

import ctypes
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


COUNT_MAPPED_BLOCKS = """
import ctypes, sys, torch
from f2p_models.devices import keep_freed_memory

class Mallinfo2(ctypes.Structure):  # malloc.h
    _fields_ = [(f"field_{number}", ctypes.c_size_t) for number in range(10)]

mallinfo2 = ctypes.CDLL(None).mallinfo2
mallinfo2.restype = Mallinfo2
if sys.argv[1] == "kept":
    keep_freed_memory()
before = mallinfo2().field_3  # hblks: blocks that were mapped for one allocation each
blocks = [torch.ones(16_000_000) for _ in range(3)]
print(mallinfo2().field_3 - before)
"""


def mapped_blocks(memory: str) -> int:
    """In a process of its own, because the setting stays for the rest of it."""
    run = subprocess.run(
        [sys.executable, "-c", COUNT_MAPPED_BLOCKS, memory], capture_output=True, text=True, check=True
    )
    return int(run.stdout)


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallinfo2"), reason="needs glibc 2.33 or later")
def test_large_blocks_come_from_memory_that_is_kept_and_not_from_fresh_mappings() -> None:
    assert mapped_blocks("returned") == 3
    assert mapped_blocks("kept") == 0
