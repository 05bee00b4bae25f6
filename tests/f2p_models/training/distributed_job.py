"""What ``torchrun`` starts in the tests: one network on the toy pairs, by all processes of the group.

    torchrun --nproc-per-node 2 distributed_job.py NETWORK FOLDER STOP_AFTER

The first process prints the history. With STOP_AFTER above 0 all are interrupted after that many steps; the state then
takes its time to be saved, and every process ends with status 130: who leaves early has the others ended by torchrun.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import signal
import sys
import time
from dataclasses import fields
from pathlib import Path
from typing import Any

import torch

from f2p_models.imitator import ImitatorConfig
from f2p_models.segmenter import SegmenterConfig
from f2p_models.training import (
    Augmentation,
    ImitatorTraining,
    SegmenterTraining,
    TrainingResult,
    train_imitator,
    train_segmenter,
)
from f2p_models.training.distributed import Processes, open_group
from f2p_models.training.run_folder import RunFolder

#: Torchrun looks after its processes ten times a second.
SAVING_S = 1.0


def toy() -> Any:
    """The toy engine of the tests' conftest."""
    spec = importlib.util.spec_from_file_location("toy", Path(__file__).with_name("conftest.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["toy"] = module
    spec.loader.exec_module(module)
    return module


def source(split: str, count: int) -> Any:
    engine, heldout = toy(), split == "heldout"
    index = torch.arange(count) * 5 + (4 if heldout else 0)
    vector = engine.toy_vectors(count, int(heldout))
    return engine.ToySource(index, vector, *engine.toy_render(vector), 8)


class Interrupting:
    """Presses Ctrl-C in the last process after some steps: the group has to agree on it."""

    def __init__(self, stop_after: int) -> None:
        self.left = stop_after if Processes.current().rank == Processes.current().count - 1 else 0

    def start(self, total: int, description: str) -> None: ...

    def advance(self, steps: int = 1) -> None:
        self.left -= steps
        if steps and self.left == 0:
            os.kill(os.getpid(), signal.SIGINT)

    def finish(self) -> None: ...

    def note(self, message: str) -> None: ...


def save_slowly() -> None:
    write_state = RunFolder.write_state

    def wait_and_write(run: RunFolder, state: dict[str, Any]) -> None:
        time.sleep(SAVING_S)
        write_state(run, state)

    RunFolder.write_state = wait_and_write  # type: ignore[assignment,method-assign]


def train(network: str, folder: Path, stop_after: int) -> TrainingResult:
    common: dict[str, Any] = {
        "folder": folder,
        "heldout": source("heldout", 8),
        "resume": True,
        "device": torch.device("cpu"),
        "progress": Interrupting(stop_after),
    }
    settings: dict[str, Any] = {"batch_size": 8, "optimizer": "adam", "learning_rate": 2e-3}
    if network == "imitator":
        imitator = ImitatorConfig(vector_size=6, resolution=64, width=0.02)
        return train_imitator(imitator, ImitatorTraining(epochs=4, **settings), train=source("train", 24), **common)
    plain = Augmentation(**{field.name: 0.0 for field in fields(Augmentation)})  # its draws differ by process
    training = SegmenterTraining(epochs=2, class_weighting="sqrt", augmentation=plain, **settings)
    segmenter = SegmenterConfig(width=0.1, blocks=(1, 1, 1, 1), input_px=64)
    return train_segmenter(segmenter, training, train=[source("train", 24)], **common)


def main() -> int:
    torch.set_num_threads(1)
    if int(sys.argv[3]):
        save_slowly()
    with open_group() if "RANK" in os.environ else contextlib.nullcontext():
        try:
            result = train(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
        except KeyboardInterrupt:
            return 130
        if Processes.current().is_first:
            print(json.dumps(result.history))
    return 0


if __name__ == "__main__":
    sys.exit(main())
