"""A toy engine: a disc of a face whose place, size and colors follow six numbers, smoothly."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
import torch
from torch import Tensor

from engine_bridge.parts import Part

VECTOR_SIZE = 6  # four sliders, one block of two choices
BLOCK_SIZES = (2,)


@dataclass(frozen=True)
class ToyBatch:
    index: Tensor
    vector: Tensor | None
    image: Tensor
    mask: Tensor | None


@dataclass(frozen=True)
class ToySource:
    """Pairs in memory, shuffled by (seed, epoch) alone. ``delivered`` limits the batches that really come."""

    index: Tensor
    vector: Tensor | None
    image: Tensor
    mask: Tensor | None
    batch_size: int = 8
    delivered: int = 1_000_000

    @property
    def num_pairs(self) -> int:
        return len(self.index)

    @property
    def num_batches(self) -> int:
        return -(-self.num_pairs // self.batch_size)

    def epoch(self, epoch: int, start_batch: int = 0) -> Iterator[ToyBatch]:
        order = torch.randperm(self.num_pairs, generator=torch.Generator().manual_seed(1000 + epoch))
        for batch in range(start_batch, min(self.num_batches, self.delivered)):
            yield self._batch(order[batch * self.batch_size : (batch + 1) * self.batch_size])

    def complete(self) -> Iterator[ToyBatch]:
        for rows in torch.arange(self.num_pairs).split(self.batch_size):
            yield self._batch(rows)

    def _batch(self, rows: Tensor) -> ToyBatch:
        return ToyBatch(self.index[rows], _rows(self.vector, rows), self.image[rows], _rows(self.mask, rows))


def _rows(tensor: Tensor | None, rows: Tensor) -> Tensor | None:
    return None if tensor is None else tensor[rows]


def toy_vectors(count: int, seed: int) -> Tensor:
    draw = torch.Generator().manual_seed(seed)
    sliders = torch.rand(count, 4, generator=draw)
    choice = torch.randint(2, (count,), generator=draw)
    return torch.cat([sliders, torch.nn.functional.one_hot(choice, 2).float()], dim=1)


def toy_render(vector: Tensor, side: int = 64) -> tuple[Tensor, Tensor]:
    """(N, 6) -> pictures (N, 3, side, side) uint8 and masks (N, side, side) uint8."""
    y, x = torch.meshgrid(torch.linspace(0, 1, side), torch.linspace(0, 1, side), indexing="ij")
    across, down, size, tone = (vector[:, column, None, None] for column in range(4))
    distance = ((x - 0.35 - 0.3 * across) ** 2 + (y - 0.35 - 0.3 * down) ** 2).sqrt() - 0.12 - 0.15 * size
    face = torch.sigmoid(-distance * 60)[:, None]
    color = torch.stack([0.9 - 0.4 * tone, 0.5 + 0.2 * tone, 0.3 + 0.4 * vector[:, 4, None, None]], 1)
    picture = 0.2 * (1 - face) + color * face
    mask = torch.where(distance < 0, int(Part.FACE_SKIN), int(Part.BACKGROUND))
    return (picture * 255).round().to(torch.uint8), mask.to(torch.uint8)


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Tiny tensors are faster on one."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def toy_source() -> Callable[..., ToySource]:
    """Builds a source: ``toy_source("train" | "heldout", count)``; the splits share no index and no vector."""

    def build(
        split: str, count: int, *, batch_size: int = 8, photos: bool = False, delivered: int = 10**6
    ) -> ToySource:
        heldout = split == "heldout"
        index = torch.arange(count) * 5 + 4 if heldout else torch.arange(count) * 5
        vector = toy_vectors(count, seed=int(heldout))
        image, mask = toy_render(vector)
        return ToySource(index, None if photos else vector, image, mask, batch_size, delivered)

    return build


@dataclass
class RecordingProgress:
    """Counts steps, and calls back after each."""

    steps: int = 0
    open_tasks: int = 0
    notes: list[str] = field(default_factory=list)
    on_step: Callable[[int], None] = lambda _: None

    def start(self, total: int, description: str) -> None:
        self.steps, self.open_tasks = 0, self.open_tasks + 1

    def advance(self, steps: int = 1) -> None:
        self.steps += steps
        self.on_step(self.steps)

    def finish(self) -> None:
        self.open_tasks -= 1

    def note(self, message: str) -> None:
        self.notes.append(message)


@pytest.fixture
def progress_stopping_at() -> Callable[..., RecordingProgress]:
    """A progress that raises ``error`` after the given step of the task."""

    def build(step: int, error: type[BaseException] = KeyboardInterrupt) -> RecordingProgress:
        def stop(done: int) -> None:
            if done == step:
                raise error

        return RecordingProgress(on_step=stop)

    return build


class ToyEmbedder(torch.nn.Module):
    """A fixed random projection of a shrunken picture: differentiable, and different for different faces."""

    name = "toy"
    embedding_size = 24
    stranger_distance = 1.0
    weights_sha256 = "0" * 64

    def __init__(self) -> None:
        super().__init__()
        draw = torch.Generator().manual_seed(7)
        self.register_buffer("projection", torch.randn(3 * 16 * 16, self.embedding_size, generator=draw) / 16)
        self.register_buffer("center", torch.zeros(self.embedding_size))
        self.eval()

    def embed(self, pictures: Tensor) -> Tensor:
        shrunk = torch.nn.functional.adaptive_avg_pool2d(pictures, 16)
        return (shrunk - 0.3).flatten(1) @ self.projection

    def similarity(self, first: Tensor, second: Tensor) -> Tensor:
        return torch.nn.functional.cosine_similarity(first - self.center, second - self.center, dim=-1)


@pytest.fixture(scope="session")
def toy_embedder() -> ToyEmbedder:
    return ToyEmbedder()
