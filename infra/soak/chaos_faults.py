"""The faults, one function each: it disturbs a scene, and returns what it did in a few words.

A fault that a run has to survive without help says so by raising :class:`BrokenPromiseError` when it does not. One
that did not come about, because the run was over before it, raises :class:`MissedError` and is drawn again.
"""

from __future__ import annotations

import shutil
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np

from infra.soak.attacks import engine_pids
from infra.soak.chaos_home import CHARACTER, OTHER_SEED, PLACES, REMOTE, SEED, TRAIN, TRAINED
from infra.soak.chaos_scene import BrokenPromiseError, MissedError, Scene
from infra.soak.damage import DAMAGES
from infra.soak.file_events import Deadly
from infra.soak.forked_runs import ForkedRun

Fault = Callable[[Scene, np.random.Generator], str]

_TRAININGS: Final = ("imitator", "segmenter", "translator")
_RENDERS: Final = ("studio", "photo-like")
_STEPS: Final = ("studio", "photo-like", "template", *_TRAININGS, "priors", "evaluation", "creation")
_USERS_MISTAKE: Final = 2
_BYTES_OF_A_SMALL_FILE: Final = 20_000
#: Records say to the second when a run began.
_CLOCK_TICK: Final = timedelta(seconds=1)


def kill_at_a_file(stages: tuple[str, ...]) -> Fault:
    """The flow is killed just before it changes a file of one of the stages, any file with the same chance."""

    def fault(scene: Scene, draw: np.random.Generator) -> str:
        stage = str(draw.choice(stages))
        scene.forget(stage if stage in scene.finished.steps else str(draw.choice(_TRAININGS)))
        changes = scene.finished.changes[PLACES[stage]]
        deadly = Deadly(part=PLACES[stage], at=int(draw.integers(max(changes, 1))))
        run = scene.start(deadly=deadly)
        scene.must_be_killed(run)
        return f"{stage}, change {deadly.at} of {changes}"

    return fault


def kill_in_publishing(scene: Scene, draw: np.random.Generator) -> str:
    """The flow is killed while version 2 is put into the registry for the first time."""
    place = str(draw.choice(["version", "registry"]))
    scene.unpublish()
    changes = scene.finished.changes[PLACES[place]]
    deadly = Deadly(part=PLACES[place], at=int(draw.integers(max(changes, 1))))
    scene.must_be_killed(scene.start(deadly=deadly))
    return f"{place}, change {deadly.at} of {changes}"


def kill_at_a_moment(scene: Scene, draw: np.random.Generator) -> str:
    """The flow is killed at any moment of the work on a stage."""
    stage = str(draw.choice(_STEPS))
    scene.forget(stage)
    run = scene.start()
    wait_s = float(draw.random()) * (scene.finished.seconds[stage] + 1.0)
    scene.wait_for_work(run, stage)
    _sleep(run, wait_s)
    scene.kill(run)
    return f"{stage}, {wait_s:.2f} s after its folder appeared"


def kill_worker(scene: Scene, draw: np.random.Generator) -> str:
    """The process that renders is killed; the run has to start another one and finish by itself."""
    scene.forget(str(draw.choice(_RENDERS)))
    run = scene.start()
    wait_s = 3.0 * float(draw.random())
    found = run.wait_until(lambda: bool(run.below("spawn_main")))
    _sleep(run, wait_s)
    workers = run.below("spawn_main")
    if not found or not workers:
        run.wait()
        raise MissedError
    scene.send(workers[0], signal.SIGKILL)
    scene.must_finish(run, "its render worker was killed")
    return f"{wait_s:.2f} s after it was started"


def kill_engine(scene: Scene, draw: np.random.Generator) -> str:
    """An engine at the other end of the wire is killed; the run has to go on with another one by itself."""
    shutil.rmtree(scene.home / scene.finished.remote)
    run = scene.start(*REMOTE)
    wait_s = 1.5 * float(draw.random())
    found = run.wait_until(lambda: bool(engine_pids(run.pid)))
    _sleep(run, wait_s)
    engines = engine_pids(run.pid)
    if not found or not engines:
        run.wait()
        raise MissedError
    scene.send_to_group(engines[0], signal.SIGKILL)
    scene.must_finish(run, "its engine was killed")
    return f"{wait_s:.2f} s after it had dialled in"


def kill_server(scene: Scene, draw: np.random.Generator) -> str:
    """Prefect's server, the run's own, is killed. The run may end; it may not hang."""
    stage = str(draw.choice(["studio", *_TRAININGS]))
    scene.forget(stage)
    run = scene.start(own_server=True)
    wait_s = 2.0 * float(draw.random())
    begun = run.wait_until(lambda: bool(scene.new_runs()))
    _sleep(run, wait_s)
    servers = run.below("flows.orchestrator")
    if not begun or not servers:
        run.wait()
        raise MissedError
    scene.send(servers[0], signal.SIGKILL)
    status = run.wait()
    return f"{stage}, {wait_s:.2f} s after the run began; it ended with status {status}"


def damage_server_database(scene: Scene, draw: np.random.Generator) -> str:
    """The database of the run's own server is damaged; the run has to do without what it said."""
    how = str(draw.choice([name for name in DAMAGES if name != "removed"]))
    scene.bring_server_database()
    DAMAGES[how](scene.home / "prefect" / "prefect.db", draw)
    stage = str(draw.choice(_TRAININGS))
    scene.forget(stage)
    scene.must_finish(scene.start(own_server=True), f"Prefect's database was {how}")
    return f"{how}; {stage} was to be done"


def fill_disk(scene: Scene, draw: np.random.Generator) -> str:
    """The disk is full at any point of a stage. The run has to say so, and to go on once there is room."""
    stage = str(draw.choice([*_STEPS, "version"]))
    needed = scene.size_of(stage) + _BYTES_OF_A_SMALL_FILE
    with scene.small_disk():
        scene.unpublish() if stage == "version" else scene.forget(stage)
        free = int(needed * draw.random())
        scene.leave_free(free)
        run = scene.start()
        if run.wait() == 0:
            raise MissedError
        scene.must_say(run, "No space left", "full")
        scene.make_room()
        scene.prove()
    return f"{stage}, {free} of {needed} bytes left"


def read_only(scene: Scene, draw: np.random.Generator) -> str:
    """The home cannot be written to. The run has to refuse it as the user's mistake, and to leave it as it is."""
    stage = str(draw.choice(_STEPS))
    with scene.small_disk():
        scene.forget(stage)
        with scene.writing_forbidden():
            run = scene.start()
            status = run.wait()
        if status != _USERS_MISTAKE:
            raise BrokenPromiseError(f"status {status} instead of {_USERS_MISTAKE}: {run.last_line}")
        scene.must_say(run, "Read-only", "cannot write")
        scene.prove()
    return f"{stage} was to be done"


@dataclass(frozen=True)
class Target:
    """Files that may be damaged: a pattern in the home, and the seed whose run is to mend them."""

    pattern: str
    seed: int = SEED


def damage_files(*targets: Target) -> Fault:
    """One file of one of the targets is damaged, and the stage's own run is to find and mend it."""

    def fault(scene: Scene, draw: np.random.Generator) -> str:
        target = targets[int(draw.integers(len(targets)))]
        path = Path(str(draw.choice([str(path) for path in scene.files(target.pattern, target.seed)])))
        how = str(draw.choice(list(DAMAGES)))
        DAMAGES[how](path, draw)
        scene.seed = target.seed
        trained = any(f"-{stage}-" in target.pattern for stage in TRAINED)
        if trained and not scene.whole_run:
            scene.order = TRAIN
        return f"{path.relative_to(scene.home)} {how}"

    return fault


def damage_training_state(scene: Scene, draw: np.random.Generator) -> str:
    """A training is killed once it has saved its state, and the state is damaged before it goes on."""
    stage = str(draw.choice(_TRAININGS))
    scene.forget(stage)
    run = scene.start()
    folder = scene.home / scene.finished.steps[stage] / "training"
    run.wait_until(lambda: bool(list(folder.rglob("state.pt"))))
    scene.kill(run)
    states = sorted(folder.rglob("state.pt"))
    if not states:
        raise MissedError
    how = str(draw.choice(list(DAMAGES)))
    DAMAGES[how](states[int(draw.integers(len(states)))], draw)
    return f"{stage}, its state {how}"


def twins(scene: Scene, draw: np.random.Generator) -> str:
    """The same order twice at once: one is done, the other is refused, and told who works there."""
    stage = str(draw.choice(_TRAININGS))
    scene.forget(stage)
    runs = scene.start(), scene.start(output="second.txt")
    ended = {run.wait(): run for run in runs}
    if 0 not in ended:
        raise BrokenPromiseError("neither of two equal runs finished")
    refused = ended.get(_USERS_MISTAKE)
    if refused is None:
        if len(ended) == 1:
            _must_be_one_after_the_other(scene)
            raise MissedError
        raise BrokenPromiseError(f"the second of two equal runs ended with status {max(ended)}")
    scene.must_say(refused, f"process {ended[0].pid} on")
    return f"{stage}, both at once"


def _must_be_one_after_the_other(scene: Scene) -> None:
    """Both runs finished: that is right only where the second began when the first was over, and found all done."""
    spans = sorted(scene.span_of(run) for run in scene.new_runs())
    if any(later[0] + _CLOCK_TICK < earlier[1] for earlier, later in pairwise(spans)):
        raise BrokenPromiseError("two equal runs worked at the same time, and none of them was refused")


def waiting_twin(scene: Scene, draw: np.random.Generator) -> str:
    """The same order twice; the second waits, the first is killed, and the second has to take over by itself."""
    stage = str(draw.choice(_TRAININGS))
    scene.forget(stage)
    first = scene.start()
    if not first.wait_until(lambda: bool(scene.new_runs())):
        raise MissedError
    second = scene.start("--wait", "3", output="second.txt")
    wait_s = float(draw.random())
    _sleep(first, wait_s)
    scene.kill(first)
    scene.must_finish(second, "the run that it had waited for was killed")
    return f"{stage}, the first killed after {wait_s:.2f} s"


def power_cut(scene: Scene, draw: np.random.Generator) -> str:
    """The machine is switched off at any moment of a stage. After the next start it has to go on, not wait."""
    stage = str(draw.choice(_STEPS))
    scene.forget(stage)
    run = scene.start()
    wait_s = float(draw.random()) * (scene.finished.seconds[stage] + 1.0)
    scene.wait_for_work(run, stage)
    _sleep(run, wait_s)
    scene.kill(run)
    if not scene.left_to_an_earlier_start():
        raise MissedError
    again = scene.start(output="second.txt")
    scene.must_finish(again, "the machine was switched off")
    if "is waited for" in again.output:
        raise BrokenPromiseError("after a power cut the run waited for processes of before it")
    return f"{stage}, {wait_s:.2f} s after its folder appeared"


def wrong_clock(scene: Scene, draw: np.random.Generator) -> str:
    """The clock was years off when the home's files were written, and the next run lives in another time zone."""
    stage = str(draw.choice(_TRAININGS))
    scene.forget(stage)
    scene.must_be_killed(scene.start(deadly=Deadly(part=PLACES[stage], at=int(draw.integers(1, 6)))))
    shift_s = int(draw.integers(-10, 11)) * 31_557_600 + 3600
    scene.shift_times(shift_s)
    zone = str(draw.choice(["Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Pacific/Kiritimati"]))
    scene.environment["TZ"] = zone
    return f"{stage}, files {shift_s // 3600} h off, then {zone}"


def _sleep(run: ForkedRun, seconds: float) -> None:
    over = time.monotonic() + seconds
    run.wait_until(lambda: time.monotonic() >= over)


_DATA: Final = ("studio", "photo-like", "heldout-photos")
#: What is tried, and how often in relation to the rest.
FAULTS: Final[Mapping[str, tuple[int, Fault]]] = {
    "kill -9 of the flow, while rendering": (14, kill_at_a_file(("studio", "photo-like", "template"))),
    "kill -9 of the flow, while training": (24, kill_at_a_file((*_TRAININGS, "priors"))),
    "kill -9 of the flow, while evaluating or creating": (10, kill_at_a_file(("evaluation", "creation"))),
    "kill -9 of the flow, while publishing": (20, kill_in_publishing),
    "kill -9 of the flow, at a record, report or lease": (8, kill_at_a_file(("runs", "reports", "leases"))),
    "kill -9 of the flow, at any moment": (20, kill_at_a_moment),
    "kill -9 of a render worker": (8, kill_worker),
    "kill -9 of an engine over the wire": (8, kill_engine),
    "kill -9 of Prefect's server": (4, kill_server),
    "full disk": (14, fill_disk),
    "read-only home": (4, read_only),
    "damaged shard or table": (
        10,
        damage_files(
            *(Target(f"datasets/{CHARACTER}-{stage}-*/*.{kind}") for stage in _DATA for kind in ("tar", "parquet"))
        ),
    ),
    "damaged manifest of a dataset": (
        6,
        damage_files(*(Target(f"datasets/{CHARACTER}-{stage}-*/manifest.json") for stage in _DATA)),
    ),
    "damaged template": (4, damage_files(Target(f"datasets/{CHARACTER}-template-*/*.json"))),
    "damaged checkpoint": (
        12,
        damage_files(
            *(Target(f"checkpoints/{CHARACTER}-{stage}-*/checkpoint/*") for stage in _TRAININGS),
            Target(f"checkpoints/{CHARACTER}-priors-*/priors.safetensors"),
        ),
    ),
    "damaged state of a training": (6, damage_training_state),
    "damaged evaluation or note of a version": (
        6,
        damage_files(
            Target(f"evaluations/{CHARACTER}-evaluation-*/evaluation.json"),
            Target(f"evaluations/{CHARACTER}-version-*/*.json"),
        ),
    ),
    "damaged published version": (
        8,
        damage_files(
            Target(f"registry/{CHARACTER}/1/**/*", OTHER_SEED),
            Target(f"registry/{CHARACTER}/2/**/*"),
        ),
    ),
    "damaged registry database": (8, damage_files(Target("registry/registry.db"))),
    "damaged record of a run": (6, damage_files(Target("runs/*/run.json"))),
    "damaged database of Prefect's server": (4, damage_server_database),
    "two equal runs at once": (6, twins),
    "the run that is waited for is killed": (5, waiting_twin),
    "power cut": (5, power_cut),
    "clock off by years, summer time": (5, wrong_clock),
}
Facts = dict[str, Any]
