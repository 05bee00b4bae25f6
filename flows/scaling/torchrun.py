"""Training on several processes of this machine, one per GPU, through PyTorch's own ``torchrun``.

The processes train by an order in the training's folder (``training_process.py``) and end with this one: their
standard input is a pipe of ours, and whoever reads its end stops after the step at hand, saving the state first. They
hold a lease of their own on the training's folder: if this process is killed, the next one's wait until they have left.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import torch

from f2p_datasets.durable import appearing_file
from f2p_models.errors import DivergenceError, TrainingError
from f2p_models.imitator import Imitator
from f2p_models.segmenter import Segmenter
from f2p_models.training.distributed import check_parts
from f2p_models.training.loop import TrainingResult
from f2p_models.training.progress import Progress
from f2p_models.translator import Translator
from flows.progress import say
from flows.scaling.fitting import Fit, ImitatorOrder, SegmenterOrder, TranslatorOrder, order_to_dict
from flows.scaling.training_process import GRACE_S, HEED_STDIN, RESULT_FILE
from flows.settings import Settings

ORDER_FILE: Final = "order.json"
LOG_FILE: Final = "processes.log"
#: For every process to save and leave after this one was interrupted: they end themselves before that.
_FAREWELL_S: Final = GRACE_S + 60.0
#: For the launcher to end processes that do not leave; it kills them after 30 s.
_LAUNCHER_S: Final = 45.0

NetworkOrder = ImitatorOrder | SegmenterOrder | TranslatorOrder


def fitting(settings: Settings, order: NetworkOrder) -> Fit:
    """How the order is carried out here: in this process, or in as many as ``F2P_TRAIN_PROCESSES`` says."""
    if settings.train_processes == 1:
        return order.fit

    def fit(folder: Path, progress: Progress) -> TrainingResult:
        return fit_together(order, folder, progress, settings.train_processes)

    return fit


def fit_together(order: NetworkOrder, folder: Path, progress: Progress, num_processes: int) -> TrainingResult:
    """Train in ``folder`` with that many processes. Raises TrainingError with the first process's own words.

    KeyboardInterrupt is raised once their state is saved.
    """
    check_parts(order.settings.batch_size, num_processes)
    folder.mkdir(parents=True, exist_ok=True)
    with appearing_file(folder / ORDER_FILE) as stream:
        stream.write(json.dumps(order_to_dict(order), indent=1).encode())
    (folder / RESULT_FILE).unlink(missing_ok=True)
    _run(folder, progress, num_processes)
    result = _read_result(folder / RESULT_FILE, order)
    for name in (RESULT_FILE, ORDER_FILE, LOG_FILE):  # of use while it goes on; a finished training is shared as it is
        (folder / name).unlink()
    return result


def _run(folder: Path, progress: Progress, num_processes: int) -> None:
    launcher = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(num_processes))
    order = ("-m", "flows.scaling.training_process", str(folder / ORDER_FILE), str(folder), HEED_STDIN)
    with (folder / LOG_FILE).open("wb") as log:
        group = subprocess.Popen(
            [sys.executable, *launcher, *order],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,  # Ctrl-C is ours to pass on, or torchrun kills them before they have saved
        )
    try:
        assert group.stdout is not None
        error = _follow(group.stdout, progress)
        group.wait()
    finally:
        _end(group)
    if error or group.returncode:
        raise error or TrainingError(f"training: its processes ended with {group.returncode}; {folder / LOG_FILE}")


def _follow(lines: Iterable[bytes], progress: Progress) -> TrainingError | KeyboardInterrupt | None:
    """Pass the first process's progress on until all have ended; returns its error, if it told one."""
    error: TrainingError | KeyboardInterrupt | None = None
    for line in lines:
        told = _parse(line)
        if "start" in told:
            progress.start(told["start"], told["description"])
        progress.advance(told.get("advance", 0))
        if "finish" in told:
            progress.finish()
        if "note" in told:
            progress.note(told["note"])
        if "error" in told:
            error = (DivergenceError if told.get("diverged") else TrainingError)(told["error"])
        if "interrupted" in told:
            error = KeyboardInterrupt()
    return error


def _parse(line: bytes) -> dict[str, Any]:
    """What else is printed by libraries says nothing."""
    try:
        told = json.loads(line)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _end(group: subprocess.Popen[bytes]) -> None:
    """Closing the pipe asks them to save and leave; a second Ctrl-C, or too long a wait, ends them at once."""
    assert group.stdin is not None
    assert group.stdout is not None
    group.stdin.close()
    if group.poll() is None:
        say("  [dim]the training's processes end their step and save; Ctrl-C ends them at once[/]")
    try:
        with suppress(subprocess.TimeoutExpired):
            group.wait(_FAREWELL_S)
    finally:
        _end_at_once(group)
        group.stdout.close()


def _end_at_once(group: subprocess.Popen[bytes]) -> None:
    """Through the launcher, which takes its processes along; killed, it would leave them."""
    group.terminate()
    try:
        group.wait(_LAUNCHER_S)
    except subprocess.TimeoutExpired:
        group.kill()
        group.wait()


def _read_result(path: Path, order: NetworkOrder) -> TrainingResult:
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError) as error:
        raise TrainingError(f"{path}: the processes left no result ({error}); run again") from error
    module = _build(order)
    module.load_state_dict(found["module"], strict=True)
    return TrainingResult(
        module=module.eval(), metrics=found["metrics"], baseline=found["baseline"], history=found["history"]
    )


def _build(order: NetworkOrder) -> Imitator | Segmenter | Translator:
    """A network of the order's architecture; its weights do not matter yet."""
    if isinstance(order, ImitatorOrder):
        return Imitator(order.config)
    if isinstance(order, SegmenterOrder):
        return Segmenter(order.config)
    return Translator(order.config, center=torch.zeros(order.config.embedding_size))
