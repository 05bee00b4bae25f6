"""The vector that comes back: what the engine really applied."""

from __future__ import annotations

import numpy as np

from engine_bridge.conformance.evidence import Evidence, judge
from engine_bridge.conformance.trial import Trial
from engine_bridge.errors import EngineError, InputError
from engine_bridge.schema import Vector


def reads_back(trial: Trial) -> Evidence:
    """Values asked for are values applied, out to the ends of every slider's range: nothing is clamped in silence."""
    vectors = [trial.schema.default_vector(), _all_at(trial, 0.0), _all_at(trial, 1.0)]
    vectors += [*[trial.random_vector(10 + seed) for seed in range(5)], _undecided(trial)]
    shots = [trial.shot(vector, resolution=trial.announced.minimum_px) for vector in vectors]
    applied = np.stack([frame.vector for frame in trial.render(shots)])
    expected = np.stack([trial.schema.harden(vector) for vector in vectors])
    errors = np.abs(applied - expected).max(axis=0)
    tolerance = trial.announced.read_back_tolerance
    bad = np.flatnonzero(errors > tolerance)
    figures = {"largest_error": float(errors.max()), "tolerance": tolerance}
    told = f"largest error {errors.max():.2g}, announced tolerance {tolerance:g}"
    names = tuple(dict.fromkeys(_name(trial, int(index)) for index in bad))
    if names:
        told += f"; {len(names)} parameter(s) not applied as asked: widen the engine's range or narrow the schema's"
    return judge(not names, told, figures=figures, names=names)


def refuses_wrong_vectors(trial: Trial) -> Evidence:
    """Too long, too short, not a number: an error each, and the next frame is as good as ever."""
    size = trial.schema.vector_size
    wrong = {
        "one entry too few": np.zeros(size - 1, np.float32),
        "one entry too many": np.zeros(size + 1, np.float32),
        "not a number": _all_at(trial, np.nan),
        "infinite": _all_at(trial, np.inf),
    }
    accepted = [name for name, vector in wrong.items() if not _refused(trial, vector)]
    trial.render([trial.shot()])
    if accepted:
        return judge(False, f"drawn instead of refused: vectors that are {', '.join(accepted)}")
    return judge(True, f"{len(wrong)} kinds of wrong vectors refused, and it draws on")


def _refused(trial: Trial, vector: Vector) -> bool:
    request = trial.requests([trial.shot(vector)])
    try:
        trial.answer(request)
    except (EngineError, InputError):
        return True
    return False


def _all_at(trial: Trial, encoded: float) -> Vector:
    """The average face with every slider at ``encoded``."""
    vector = trial.schema.default_vector()
    vector[: trial.schema.num_continuous] = encoded
    return vector


def _undecided(trial: Trial) -> Vector:
    """The average face with blocks that are not one-hot: an engine that reads back the request itself is found out."""
    vector = trial.schema.default_vector()
    vector[trial.schema.num_continuous :] *= 0.6
    return np.maximum(vector, np.float32(0.3) * (np.arange(len(vector)) >= trial.schema.num_continuous))


def _name(trial: Trial, index: int) -> str:
    if index < trial.schema.num_continuous:
        return trial.schema.continuous[index].name
    return next(name for name, block in trial.schema.blocks.items() if block.start <= index < block.stop)
