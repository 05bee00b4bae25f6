"""Two processes on the CPU, started by ``torchrun``, against one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

from f2p_models.errors import TrainingError
from f2p_models.training.distributed import Processes, mean_weight, share_statistics
from f2p_models.training.run_folder import RunFolder

JOB = Path(__file__).with_name("distributed_job.py")
History = list[dict[str, float]]


def train(network: str, folder: Path, *, processes: int, stop_after: int = 0) -> History:
    """The history of a training; empty for one that was stopped."""
    launcher = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes))
    done = subprocess.run(
        [sys.executable, *(launcher if processes > 1 else ()), str(JOB), network, str(folder), str(stop_after)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert (done.returncode != 0) == (stop_after > 0), done.stderr
    return json.loads(done.stdout) if done.stdout else []


@pytest.mark.parametrize("network", ["imitator", pytest.param("segmenter", marks=pytest.mark.slow)])
def test_two_processes_learn_what_one_learns(network: str, tmp_path: Path) -> None:
    alone = train(network, tmp_path / "alone", processes=1)
    together = train(network, tmp_path / "together", processes=2)
    assert len(alone) == len(together) == {"imitator": 4, "segmenter": 2}[network]
    for one, two in zip(alone, together, strict=True):
        assert two == pytest.approx(one, rel=1e-4, abs=1e-5)


@pytest.mark.slow
def test_a_stopped_group_goes_on_to_the_same_weights(tmp_path: Path) -> None:
    """Stopped in the middle of an epoch by Ctrl-C in the process that does not save."""
    undisturbed = train("imitator", tmp_path / "undisturbed", processes=2)
    assert train("imitator", tmp_path / "stopped", processes=2, stop_after=5) == []
    stopped = RunFolder(tmp_path / "stopped").read_state()
    assert stopped["position"] == {"epoch": 1, "batch": 2, "step": 5}
    assert train("imitator", tmp_path / "stopped", processes=2) == undisturbed
    states = [RunFolder(tmp_path / name).read_state()["module"] for name in ("undisturbed", "stopped")]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


@dataclass(frozen=True)
class Pairs:
    index: torch.Tensor
    mask: torch.Tensor | None = None
    labelled: Pairs | None = None


def test_the_parts_of_a_batch_are_its_rows() -> None:
    batch = Pairs(torch.arange(6), labelled=Pairs(torch.arange(3), torch.zeros(3, 2, 2)))
    parts = [Processes(rank=rank, count=3).part(batch) for rank in range(3)]
    assert [part.index.tolist() for part in parts] == [[0, 1], [2, 3], [4, 5]]
    assert [part.labelled.index.tolist() for part in parts if part.labelled] == [[0], [1], [2]]
    assert parts[0].mask is None


@pytest.mark.parametrize(("rows", "fewer"), [(32, 2), (7, 1), (2, 2)])
def test_a_batch_of_which_rows_would_be_left_over_is_refused(rows: int, fewer: int) -> None:
    with pytest.raises(TrainingError, match=f"batch of {rows} .* 3 processes; use {fewer} of them"):
        Processes(rank=0, count=3).part(Pairs(torch.arange(rows)))


def test_labelled_rows_beside_a_batch_are_not_left_over_either() -> None:
    with pytest.raises(TrainingError, match="batch of 4"):
        Processes(rank=0, count=3).part(Pairs(torch.arange(6), labelled=Pairs(torch.arange(4))))


def test_a_batch_that_is_no_dataclass_is_refused() -> None:
    with pytest.raises(TrainingError, match="cannot be parted"):
        Processes(rank=0, count=2).part({"index": torch.arange(2)})


def test_one_process_alone_changes_nothing() -> None:
    alone = Processes.current()
    batch: Any = object()
    shared = torch.Generator()
    module = torch.nn.BatchNorm2d(3)
    share_statistics(module, alone)
    assert alone.part(batch) is batch
    assert alone.generator(shared, 0, 0) is shared
    assert alone.mean([0.1]) == [0.1]
    assert alone.from_first("value") == "value"
    assert "forward" not in vars(module)
    assert mean_weight(torch.tensor(2.0)) == 2.0


def test_every_process_draws_numbers_of_its_own_at_every_step() -> None:
    shared = torch.Generator()
    seeds = {
        Processes(rank=rank, count=2).generator(shared, seed, step).initial_seed()
        for rank in range(2)
        for seed in range(2)
        for step in range(5)
    }
    assert len(seeds) == 20
