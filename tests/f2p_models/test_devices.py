from __future__ import annotations

import resource
import sys

import pytest
import torch

from engine_bridge.errors import InputError
from f2p_models.devices import autocast, choose_device, keep_freed_memory


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


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux counts page faults this way")
def test_freed_memory_is_kept_for_the_next_step() -> None:
    keep_freed_memory()
    torch.ones(4_000_000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        torch.ones(4_000_000)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before < 4_000
