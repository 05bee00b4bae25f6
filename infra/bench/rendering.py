"""Benchmark of the mock engine: pictures/s of one core, without encoding.

    python -m infra.bench.rendering [--count 48]

CPU time of the process, since the engine uses one thread: other programs on the machine hardly disturb it.
"""

from __future__ import annotations

import argparse
import dataclasses
import time
from collections.abc import Sequence

from engine_bridge.frames import MINIMUM_RESOLUTION, RenderRequest
from engine_bridge.mock import MockEngine
from engine_bridge.scene import STUDIO, Scene
from f2p_datasets.samplers import UniformSampler
from f2p_datasets.scenes import PhotoLikeScenes

RESOLUTIONS = (512, 256, 128)
CHARACTERS = ("justice_female", "justice_male", "justice_girl")


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=48, help="pictures per figure")
    options = parser.parse_args()
    engine = MockEngine()
    columns = [f"{side} px" for side in RESOLUTIONS]
    print(f"\n| pictures/s of one core, mask included | {' | '.join(columns)} |\n|---|{'---|' * len(columns)}")
    for character in CHARACTERS:
        report_rendering(engine, character, "studio", [STUDIO] * options.count)
    photo_like = PhotoLikeScenes(0)
    report_rendering(engine, CHARACTERS[0], "photo-like", [photo_like.scene(index) for index in range(options.count)])


def report_rendering(engine: MockEngine, character: str, domain: str, scenes: Sequence[Scene]) -> None:
    """One row: random characters in the given scenes."""
    speeds = [pictures_per_second(engine, character, side, scenes) for side in RESOLUTIONS]
    print(f"| {character}, {domain} | {' | '.join(f'{speed:.0f}' for speed in speeds)} |", flush=True)


def pictures_per_second(engine: MockEngine, character: str, side: int, scenes: Sequence[Scene]) -> float:
    """Pictures per second of CPU time, once every hairstyle and makeup has been loaded: a data set loads each once."""
    vectors = UniformSampler(engine.describe(character), seed=0).vectors(0, len(scenes))
    requests = [
        RenderRequest(request_id=index, character=character, vector=vectors[index], resolution=side, scene=scene)
        for index, scene in enumerate(scenes)
    ]
    engine.render([dataclasses.replace(request, resolution=MINIMUM_RESOLUTION) for request in requests])
    engine.render(requests[:2])
    start = time.process_time()
    engine.render(requests)
    return len(requests) / (time.process_time() - start)


if __name__ == "__main__":
    main()
