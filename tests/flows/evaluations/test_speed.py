from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine_bridge.errors import InputError
from engine_bridge.frames import Picture
from f2p_datasets.errors import PhotoError
from flows.evaluations.speed import SpeedOptions, evaluate_speed, measure_speed
from flows.evaluations.subject import Subject
from flows.settings import Settings

QUICKLY = SpeedOptions(batch_sizes=(1, 2), at_least=1, least_seconds=0.0)


def test_every_mode_is_timed_at_every_batch_size(subject: Subject, astronaut: Picture) -> None:
    timings = measure_speed(subject, astronaut, QUICKLY)
    timed = {(timing.what, timing.batch_size) for timing in timings}
    modes = ("one-shot", "iterative", "hybrid", "embedder and translator alone")
    assert timed == {(mode, size) for mode in modes for size in (1, 2)} | {("alignment", 1), ("engine's render", 1)}
    assert all(timing.seconds > 0 and timing.num_calls == 1 for timing in timings)


def test_the_page_states_speeds_with_and_without_alignment(
    settings: Settings, subject: Subject, astronaut: Picture, tmp_path: Path
) -> None:
    Image.fromarray(astronaut).save(tmp_path / "me.png")
    _, document = evaluate_speed(settings, subject, tmp_path / "me.png", QUICKLY, command="f2p evaluate speed")
    [table] = [table for table in document["tables"] if table["title"] == "Photos per second"]
    without, with_alignment = (table["header"].index(name) for name in ("without alignment", "with alignment"))
    for row in table["rows"]:
        assert float(row[without]) > float(row[with_alignment]) > 0
    assert document["provenance"]["hardware"]["cores"] >= 1


def test_a_photo_without_a_face_is_told_before_anything_is_timed(
    settings: Settings, subject: Subject, tmp_path: Path
) -> None:
    Image.fromarray(np.full((100, 100, 3), 90, np.uint8)).save(tmp_path / "wall.png")
    with pytest.raises(PhotoError, match=r"wall.png: no face found"):
        evaluate_speed(settings, subject, tmp_path / "wall.png", QUICKLY, command="f2p evaluate speed")


@pytest.mark.parametrize("change", [{"batch_sizes": ()}, {"batch_sizes": (0,)}, {"at_least": 0}])
def test_options_that_time_nothing_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(InputError, match=r"batch_sizes|at_least"):
        SpeedOptions(**change)
