"""Benchmarks of the datasets: encodings, rendering end to end, loading.

    python -m infra.bench.datasets [--count 64] [--character justice_female] [--workers 2]

Prints a Markdown table per subject: what it takes on this machine, and the ratios, which travel.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import cv2

from engine_bridge.frames import Frame, RenderRequest
from engine_bridge.mock import MockEngine
from engine_bridge.schema import ParameterSchema
from f2p_datasets.alignment import AlignmentTemplate
from f2p_datasets.encodings import ENCODERS, decode_mask, decode_picture, encode_mask
from f2p_datasets.loaders import PairLoader
from f2p_datasets.manifest import finish_dataset
from f2p_datasets.rendering import DatasetPlan, render_shard
from f2p_datasets.samplers import build_sampler


def main() -> None:
    """Run all benchmarks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=64, help="pictures per measurement")
    parser.add_argument("--character", default="justice_female")
    parser.add_argument("--workers", type=int, default=2, help="worker processes of the stream mode")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    engine = MockEngine()
    schema = engine.describe(options.character)
    plan = DatasetPlan(schema=schema, count=options.count, seed=0, shard_size=max(1, options.count // 4))
    frames = render_frames(engine, plan)
    with tempfile.TemporaryDirectory() as folder:
        bench_encodings(frames)
        bench_rendering(engine, plan, Path(folder))
        bench_loading(Path(folder) / plan.key(engine), options.workers)


def render_frames(engine: MockEngine, plan: DatasetPlan) -> list[Frame]:
    """The first pictures of a plan; the engine compiles on the way."""
    vectors = build_sampler("uniform", plan.schema, plan.seed).vectors(0, min(plan.count, 64))
    return engine.render(
        [
            RenderRequest(request_id=index, character=plan.schema.character, vector=vector)
            for index, vector in enumerate(vectors)
        ]
    )


def bench_encodings(frames: list[Frame]) -> None:
    """Encode and decode one by one, in CPU time of one core."""
    print("\n| encoding, 512 px | KB | encode ms | decode ms | encoded/s per core |\n|---|---|---|---|---|")
    pictures = [frame.picture for frame in frames]
    for name, encode in ENCODERS.items():
        report_encoding(name, pictures, encode, partial(decode_picture, encoding=name))
    report_encoding("mask (png)", [frame.mask for frame in frames], encode_mask, decode_mask)


def report_encoding(name: str, pictures: list[Any], encode: Callable[..., bytes], decode: Callable[..., Any]) -> None:
    """One row of the encodings' table."""
    encoded, encode_s = timed(lambda: [encode(picture) for picture in pictures])
    _, decode_s = timed(lambda: [decode(data) for data in encoded])
    each, kilobytes = len(pictures), sum(map(len, encoded)) / 1000
    encode_ms, decode_ms = 1e3 * encode_s / each, 1e3 * decode_s / each
    print(f"| {name} | {kilobytes / each:.0f} | {encode_ms:.2f} | {decode_ms:.2f} | {each / encode_s:.0f} |")


def bench_rendering(engine: MockEngine, plan: DatasetPlan, folder: Path) -> None:
    """Sample, render, check, encode, write, sync and verify shards, in CPU time of one core."""
    print("\n| dataset | pairs/s per core | KB/pair | relative |\n|---|---|---|---|")
    plans = {f"{name}, 512 px": replace(plan, encoding=name) for name in ENCODERS}
    plans["qoi, 128 px"] = replace(plan, resolution=128)
    photo_like = replace(plan, domain="photo-like", sampler="natural", template=average_template(engine, plan.schema))
    plans["qoi, 512 px, photo-like"] = photo_like
    plans["qoi, 128 px, photo-like"] = replace(photo_like, resolution=128)
    reference = 0.0
    for name, variant in plans.items():
        target = folder / variant.key(engine)
        seconds = timed(partial(render_dataset, engine, variant, target))[1]
        manifest = finish_dataset(target, variant.provenance(engine))
        speed = manifest.num_pairs / seconds
        reference = reference or speed
        kilobytes = sum(shard.num_bytes for shard in manifest.shards) / manifest.num_pairs / 1000
        print(f"| {name} | {speed:.1f} | {kilobytes:.0f} | {speed / reference:.2f} |")


def render_dataset(engine: MockEngine, plan: DatasetPlan, folder: Path) -> None:
    """Every shard of a plan."""
    for shard_index in range(plan.num_shards):
        render_shard(engine, plan, shard_index, folder)


def average_template(engine: MockEngine, schema: ParameterSchema) -> AlignmentTemplate:
    """Landmarks of the average face."""
    request = RenderRequest(request_id=0, character=schema.character, vector=schema.default_vector())
    return AlignmentTemplate.from_average_face(engine.render([request])[0].picture)


def bench_loading(folder: Path, workers: int) -> None:
    """Both modes of the loader, in wall time; every epoch of a stream forks its workers anew."""
    print("\n| loader, 512 px dataset | pairs/s |\n|---|---|")
    load = partial(PairLoader, folder, split="train", batch_size=8, seed=0)
    memory = load(mode="memory")
    report_loading("memory, first epoch (decodes)", memory, 0)
    report_loading("memory, later epochs", memory, 1)
    report_loading("memory, reduced to 128 px, first epoch", load(mode="memory", resolution=128), 0)
    report_loading("stream, no workers", load(mode="stream"), 0)
    if workers:
        streaming = load(mode="stream", workers=workers)
        report_loading(f"stream, {workers} workers, first epoch (starts their server)", streaming, 0)
        report_loading(f"stream, {workers} workers, later epochs", streaming, 1)


def report_loading(name: str, loader: PairLoader, epoch: int) -> None:
    """One row of the loaders' table."""
    num_pairs, seconds = timed(lambda: sum(batch.size for batch in loader.epoch(epoch)), time.perf_counter)
    print(f"| {name} | {num_pairs / seconds:.0f} |")


def timed(work: Callable[[], Any], clock: Callable[[], float] = time.process_time) -> tuple[Any, float]:
    """Result and seconds."""
    start = clock()
    result = work()
    return result, clock() - start


if __name__ == "__main__":
    main()
