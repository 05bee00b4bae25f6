"""Benchmarks of training: one gradient step of each network as the ``quick`` recipe has it, in float32 and in bf16.

    python -m infra.bench.training [--steps 20]

Made-up data of the recipe's shapes: what is measured is arithmetic, not learning.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engine_bridge.characters import load_schema
from f2p_models.imitator import Imitator
from f2p_models.segmenter import Segmenter
from flows.recipes import quick

BATCH_SIZE = 16

Loss = Callable[[nn.Module], Tensor]


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=20, help="timed gradient steps per row")
    parser.add_argument("--character", default="justice_female")
    options = parser.parse_args()
    bench_training(options.character, options.steps)


def bench_training(character: str, steps: int) -> None:
    """Training images/s of imitator and segmenter, and how much bf16 with channels_last gains over float32."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    recipe, schema = quick(), load_schema(character)
    vectors = torch.rand(BATCH_SIZE, schema.vector_size, device=device)
    pictures = torch.rand(BATCH_SIZE, 3, recipe.resolution, recipe.resolution, device=device)
    imitator = Imitator(recipe.imitator_config(schema)).to(device)
    segmenter = Segmenter(recipe.segmenter_config()).to(device)
    print(f"\n| training step, quick recipe, {device.type}, {torch.get_num_threads()} threads | images/s | gain |")
    print("|---|---|---|")
    report_training("imitator", imitator, lambda network: F.l1_loss(network(vectors).float(), pictures), steps)
    report_training("segmenter", segmenter, lambda network: _any_labels_loss(network, pictures), steps)


def report_training(name: str, network: nn.Module, loss: Loss, steps: int) -> None:
    """Two rows of the table, measured side by side."""
    plain = _images_per_second(network, loss, steps, torch.float32)
    fast = _images_per_second(network.to(memory_format=torch.channels_last), loss, steps, torch.bfloat16)
    print(f"| {name}, float32 | {plain:.0f} | 1 |")
    print(f"| {name}, bf16 and channels_last | {fast:.0f} | {fast / plain:.2f} |")


def _images_per_second(network: nn.Module, loss: Loss, steps: int, precision: torch.dtype) -> float:
    optimizer = torch.optim.Adam(network.parameters())
    device = next(network.parameters()).device

    def step() -> None:
        optimizer.zero_grad()
        with torch.autocast(device.type, precision, enabled=precision != torch.float32):
            loss(network).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        if device.type == "cuda":
            torch.cuda.synchronize()

    for _ in range(3):
        step()
    start = time.perf_counter()
    for _ in range(steps):
        step()
    return steps * BATCH_SIZE / (time.perf_counter() - start)


def _any_labels_loss(network: nn.Module, pictures: Tensor) -> Tensor:
    logits: Tensor = network(pictures).logits.float()
    return F.cross_entropy(
        logits, torch.zeros(logits.shape[0], *logits.shape[2:], dtype=torch.long, device=logits.device)
    )


if __name__ == "__main__":
    main()
