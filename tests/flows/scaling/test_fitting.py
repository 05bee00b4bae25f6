"""Orders of trainings: as JSON and back, and carried out by two processes of one machine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from engine_bridge.errors import InputError
from engine_bridge.mock import MockEngine
from f2p_datasets.manifest import finish_dataset
from f2p_datasets.rendering import DatasetPlan, render_shard
from f2p_models.errors import TrainingError
from f2p_models.training.progress import SilentProgress
from f2p_models.training.run_folder import RunFolder
from f2p_models.translator import TranslatorConfig
from flows.recipes import Recipe, find_recipe
from flows.scaling.fitting import ImitatorOrder, SegmenterOrder, TranslatorOrder, order_from_dict, order_to_dict
from flows.scaling.torchrun import _follow, fit_together, fitting
from flows.settings import Settings

#: Of a training that is to be interrupted: so many that its first epoch outlasts a signal on a busy machine.
STEPS_PER_EPOCH = 80


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the processes of a training keep their leases."""
    monkeypatch.setenv("F2P_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return rendered(tmp_path_factory.mktemp("studio"), 20)


def rendered(folder: Path, count: int) -> Path:
    engine = MockEngine()
    plan = DatasetPlan(schema=engine.describe("tiny"), count=count, seed=0, resolution=64, shard_size=count)
    render_shard(engine, plan, 0, folder)
    finish_dataset(folder, plan.provenance(engine))
    return folder


@pytest.fixture
def imitator(studio: Path) -> ImitatorOrder:
    recipe = find_recipe("smoke")
    return ImitatorOrder(
        config=recipe.imitator_config(MockEngine().describe("tiny")),
        settings=recipe.imitator,
        resolution=recipe.resolution,
        studio=studio,
    )


def orders(recipe: Recipe) -> list[Any]:
    """One of each network, as the recipe trains it."""
    schema, folder = MockEngine().describe("tiny"), Path("/home")
    return [
        ImitatorOrder(
            config=recipe.imitator_config(schema), settings=recipe.imitator, resolution=64, studio=folder / "studio"
        ),
        SegmenterOrder(
            config=recipe.segmenter_config(),
            settings=replace(recipe.segmenter, imagenet_trunk=folder / "resnet50.pth"),
            resolution=64,
            studio=folder / "studio",
            photo_like=folder / "photo-like",
            backgrounds=folder / "rooms",
        ),
        TranslatorOrder(
            config=TranslatorConfig(embedding_size=128, num_continuous=4, block_sizes=(3, 2)),
            settings=recipe.translator,
            resolution=64,
            photos=folder / "photos",
            photo_like=folder / "photo-like",
            imitator=folder / "imitator",
            segmenter=folder / "segmenter",
            fingerprint="0" * 16,
            embedder="dlib",
            template=((0.25, 0.5), (0.75, 1 / 3)),
        ),
    ]


@pytest.mark.parametrize("recipe", ["smoke", "quick", "paper"])
def test_an_order_survives_json(recipe: str) -> None:
    for order in orders(find_recipe(recipe)):
        assert order_from_dict(json.loads(json.dumps(order_to_dict(order)))) == order


@pytest.mark.parametrize("spoil", [{"network": "painter"}, {"settings": {"epochs": 1, "colour": "red"}}, {"more": 1}])
def test_what_is_no_order_is_refused(imitator: ImitatorOrder, spoil: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="not a training's"):
        order_from_dict({**order_to_dict(imitator), **spoil})


def test_one_process_needs_no_launcher(imitator: ImitatorOrder, tmp_path: Path) -> None:
    assert fitting(Settings(home=tmp_path), imitator) == imitator.fit


class Listening:
    """Remembers what it is told, and raises after some steps."""

    def __init__(self, stop_after: int = 0) -> None:
        self.total, self.steps, self.left = 0, 0, stop_after
        self.notes: list[str] = []

    def start(self, total: int, description: str) -> None:
        self.total = total

    def advance(self, steps: int = 1) -> None:
        self.steps += steps
        if self.left and self.steps >= self.left:
            raise KeyboardInterrupt

    def finish(self) -> None: ...

    def note(self, message: str) -> None:
        self.notes.append(message)


def saved_step(folder: Path) -> int:
    step: int = RunFolder(folder).read_state()["position"]["step"]
    return step


def test_what_a_process_of_the_group_has_to_say_is_passed_on() -> None:
    listening = Listening()
    _follow([b'{"note": "state.pt is damaged"}\n'], listening)
    assert listening.notes == ["state.pt is damaged"]


def test_two_processes_give_the_network_that_one_gives(imitator: ImitatorOrder, tmp_path: Path) -> None:
    alone = imitator.fit(tmp_path / "alone", SilentProgress())
    listening = Listening()
    with pytest.raises(KeyboardInterrupt):
        fit_together(imitator, tmp_path / "together", Listening(stop_after=1), 2)
    assert saved_step(tmp_path / "together") >= 1
    together = fit_together(imitator, tmp_path / "together", listening, 2)
    assert together.metrics == pytest.approx(alone.metrics, rel=1e-3)
    assert [record["step"] for record in together.history] == [record["step"] for record in alone.history]
    assert listening.steps == listening.total
    for name, weight in alone.module.state_dict().items():
        torch.testing.assert_close(together.module.state_dict()[name], weight, rtol=1e-3, atol=1e-4)
    left = {path.name for path in (tmp_path / "together").iterdir()}
    assert left == {"state.pt", "history.jsonl", "previews"}


@pytest.mark.slow
def test_the_first_process_s_own_words_are_told(imitator: ImitatorOrder, tmp_path: Path) -> None:
    lost = replace(imitator, studio=tmp_path / "nowhere")
    with pytest.raises(TrainingError, match="nowhere is no finished dataset"):
        fit_together(lost, tmp_path / "training", SilentProgress(), 2)


def test_a_batch_that_the_processes_do_not_divide_is_refused_before_they_start(
    imitator: ImitatorOrder, tmp_path: Path
) -> None:
    with pytest.raises(TrainingError, match="batch of 8 cannot be parted evenly among 3 processes; use 2 of them"):
        fit_together(imitator, tmp_path / "training", SilentProgress(), 3)
    assert not (tmp_path / "training").exists()


TRAIN = """
import json, os, signal, sys
from pathlib import Path
from f2p_models.training.progress import SilentProgress
from flows.scaling.fitting import order_from_dict
from flows.scaling.torchrun import fit_together

class Killed(SilentProgress):
    def advance(self, steps=1):
        if steps:
            os.kill(os.getpid(), signal.SIGKILL)

fit_together(order_from_dict(json.loads(Path(sys.argv[1]).read_text())), Path(sys.argv[2]), Killed(), 2)
"""


def of_training(folder: Path) -> list[int]:
    """Processes that train in the folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if str(folder).encode() in entry.read_bytes():
                found.append(int(entry.parent.name))
        except OSError:  # it has ended meanwhile
            continue
    return found


def ranks(folder: Path) -> list[int]:
    """Of those, the members of the group; the launcher is none."""
    return [pid for pid in of_training(folder) if b"torch.distributed.run" not in command_line(pid)]


def command_line(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


@pytest.fixture
def long_training(imitator: ImitatorOrder, tmp_path: Path) -> ImitatorOrder:
    """Nothing of it is saved before its first epoch ends but by an interruption."""
    settings = replace(imitator.settings, epochs=100_000, batch_size=2)
    held_out = STEPS_PER_EPOCH // 2  # one pair in five
    return replace(imitator, settings=settings, studio=rendered(tmp_path / "studio", 2 * STEPS_PER_EPOCH + held_out))


needs_proc = pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="looks for processes in /proc")


@pytest.mark.slow
@needs_proc
def test_a_killed_parent_leaves_no_process_and_a_state_to_go_on_from(
    long_training: ImitatorOrder, tmp_path: Path
) -> None:
    (tmp_path / "order.json").write_text(json.dumps(order_to_dict(long_training)))
    folder = tmp_path / "training"
    parent = [sys.executable, "-c", TRAIN, str(tmp_path / "order.json"), str(folder)]
    killed = subprocess.run(parent, env={**os.environ, "OMP_NUM_THREADS": "1"}, check=False)
    assert killed.returncode == -signal.SIGKILL
    while of_training(folder):  # the test's own limit of time is the only one
        time.sleep(0.1)
    assert 1 <= saved_step(folder) < STEPS_PER_EPOCH


@pytest.mark.slow
@needs_proc
def test_an_interrupted_member_stops_the_group_with_its_state_saved(
    long_training: ImitatorOrder, tmp_path: Path
) -> None:
    folder = tmp_path / "training"

    class Interrupting(SilentProgress):
        is_done = False

        def advance(self, steps: int = 1) -> None:
            if steps and not self.is_done:
                self.is_done = True
                os.kill(max(ranks(folder)), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        fit_together(long_training, folder, Interrupting(), 2)
    assert 1 <= saved_step(folder) < STEPS_PER_EPOCH
    assert of_training(folder) == []
