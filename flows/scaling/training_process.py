"""One of the processes that train a network together:

    torchrun --nproc-per-node 8 -m flows.scaling.training_process ORDER.json FOLDER

``f2p`` starts them itself when ``F2P_TRAIN_PROCESSES`` says so. On several machines that share the files, start
``torchrun --nnodes`` by hand with the order that lies in the training's folder; the command that is repeated afterwards
continues from the state that they leave.

The first process tells on standard output, a JSON object per line, how far it is, and leaves ``result.pt``.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Final

import torch

from engine_bridge.errors import InputError
from f2p_models.durable import appearing_file
from f2p_models.errors import DivergenceError
from f2p_models.training.distributed import Processes, open_group
from f2p_models.training.loop import TrainingResult
from f2p_models.training.progress import Progress, SilentProgress
from flows.scaling.fitting import order_from_dict

RESULT_FILE: Final = "result.pt"
#: Given by a parent whose end, or Ctrl-C, closes our standard input.
HEED_STDIN: Final = "--end-with-stdin"
#: For the state to be saved after an interruption.
_GRACE_S: Final = 60.0


def main(arguments: list[str]) -> int:
    """Train as a member of the group. Returns the exit status: 2 for what the user has to mend."""
    order_file, folder = (Path(argument) for argument in arguments[:2])
    if HEED_STDIN in arguments:
        threading.Thread(target=_end_with_stdin, daemon=True).start()
    with open_group() as processes:
        try:
            _train(order_file, folder, processes)
        except InputError as error:
            if processes.is_first:
                _tell(error=str(error), diverged=isinstance(error, DivergenceError))
            return 2
        except KeyboardInterrupt:
            return 130
    return 0


def _train(order_file: Path, folder: Path, processes: Processes) -> None:
    order = order_from_dict(json.loads(order_file.read_text(encoding="utf-8")))
    progress: Progress = _ToldProgress() if processes.is_first else SilentProgress()
    result = order.fit(folder, progress)
    if processes.is_first:
        save_result(folder / RESULT_FILE, result)


def save_result(path: Path, result: TrainingResult) -> None:
    """For the process that asked; it builds the module anew."""
    content = {
        "module": result.module.state_dict(),
        "metrics": result.metrics,
        "baseline": result.baseline,
        "history": result.history,
    }
    with appearing_file(path) as unfinished:
        torch.save(content, unfinished)


class _ToldProgress:
    """Progress as lines, for the bar of the process that reads them."""

    def start(self, total: int, description: str) -> None:
        _tell(start=total, description=description)

    def advance(self, steps: int = 1) -> None:
        _tell(advance=steps)

    def finish(self) -> None:
        _tell(finish=True)


def _tell(**facts: object) -> None:
    print(json.dumps(facts), flush=True)


def _end_with_stdin() -> None:
    """As if Ctrl-C were pressed; all processes see the end at once and agree on the step after which they stop."""
    os.read(sys.stdin.fileno(), 1)  # not sys.stdin.read(): it would hold a lock that the interpreter's end wants
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(_GRACE_S)
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
