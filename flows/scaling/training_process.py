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
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import torch

from engine_bridge.errors import InputError
from f2p_models.durable import appearing_file
from f2p_models.errors import DivergenceError
from f2p_models.training.distributed import PATIENCE, Processes, open_group
from f2p_models.training.interrupts import AgreedInterrupt
from f2p_models.training.loop import TrainingResult
from f2p_models.training.progress import Progress, SilentProgress
from flows.leases import BusyError, lease
from flows.scaling.fitting import order_from_dict
from flows.settings import Settings

RESULT_FILE: Final = "result.pt"
#: Given by a parent whose end, or Ctrl-C, closes our standard input.
HEED_STDIN: Final = "--end-with-stdin"
#: After an interruption the step at hand is ended and the state saved; the first process may be judging an epoch.
GRACE_S: Final = PATIENCE.total_seconds()
#: For a group to end whose parent was killed, before the next one gives up.
OTHERS_S: Final = 600.0


def main(arguments: list[str]) -> int:
    """Train as a member of the group. Returns the exit status: 2 for what the user has to mend.

    All processes that stopped together say 0: torchrun takes any other status for a failure and ends the rest.
    """
    order_file, folder = (Path(argument) for argument in arguments[:2])
    if HEED_STDIN in arguments:
        threading.Thread(target=_end_with_stdin, daemon=True).start()
    try:
        with _only_group(folder), open_group() as processes:
            return _status(order_file, folder, processes)
    except BusyError as error:
        _tell(error=str(error))
        return 2
    except KeyboardInterrupt:
        return 130


def _status(order_file: Path, folder: Path, processes: Processes) -> int:
    """Train, and tell how it ended.

    No exception leaves the group: its traceback would be the last to hold the group's parts, and when it is freed
    after the group has ended, gloo's threads and the interpreter wait for each other for ever.
    """
    try:
        _train(order_file, folder, processes)
    except InputError as error:
        if processes.is_first:
            _tell(error=str(error), diverged=isinstance(error, DivergenceError))
        return 2
    except AgreedInterrupt:
        if processes.is_first:
            _tell(interrupted=True)
    except KeyboardInterrupt:
        return 130
    return 0


@contextmanager
def _only_group(folder: Path) -> Iterator[None]:
    """The first process has the folder's lease, so that no other group saves there; the others wait to be joined.

    The lease is the group's own: that of a parent who was killed is free while its processes still save. Raises
    BusyError, naming the other group's first process.
    """
    if not _is_first():
        yield
        return
    with lease(folder, Settings.from_environment().locks, wait_s=OTHERS_S):
        yield


def _is_first() -> bool:
    """By torchrun's own word, which is there before the group is."""
    return os.environ.get("RANK", "0") == "0"


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

    def note(self, message: str) -> None:
        _tell(note=message)


def _tell(**facts: object) -> None:
    try:
        print(json.dumps(facts), flush=True)
    except BrokenPipeError:  # the parent was killed: nobody listens any more, and the state is still to be saved
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _end_with_stdin() -> None:
    """As if Ctrl-C were pressed; all processes see the end at once and agree on the step after which they stop."""
    os.read(sys.stdin.fileno(), 1)  # not sys.stdin.read(): it would hold a lock that the interpreter's end wants
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(GRACE_S)
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
