"""ONNX export of imitator and translator, each compared with the original before it is given out."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import onnxruntime
import torch
from torch import Tensor, nn

from f2p_models.durable import appearing_file
from f2p_models.errors import ExportError
from f2p_models.imitator import Imitator
from f2p_models.translator import Translator

#: Largest difference of an output in [0, 1] that float32 sums in another order may cause.
TOLERANCE: Final = 1e-4
_PARITY_SEED: Final = 20_260
#: The example that is traced, and another batch size that shows whether the batch axis is really free.
_TRACED_BATCH: Final = 2
_PARITY_BATCH: Final = 5


@dataclass(frozen=True, kw_only=True)
class ParityReport:
    """Largest absolute difference between the file under onnxruntime and the network, over random inputs."""

    path: Path
    max_abs_difference: float
    tolerance: float


def export_onnx(network: Imitator | Translator, path: Path, *, tolerance: float = TOLERANCE) -> ParityReport:
    """Write ``path`` and compare it with ``network``; the batch axis is free, the weights are inside the file.

    An imitator becomes ``vectors (B, V) -> pictures (B, 3, H, W)`` clamped to [0, 1], a translator
    ``embeddings (B, D) -> vectors (B, V)`` with beta 1. Raises ExportError, leaving no file, when they differ by more
    than ``tolerance``.
    """
    graph, input_name, output_name, input_size = _graph(network)
    with appearing_file(path) as unfinished:
        _write(graph, unfinished, input_name, output_name, input_size)
        difference = _parity(graph, unfinished, input_name, input_size)
        if not difference <= tolerance:
            raise ExportError(
                f"{path.name}: ONNX differs from the network by {difference:.2g}, more than {tolerance:.2g}; not kept"
            )
    return ParityReport(path=path, max_abs_difference=difference, tolerance=tolerance)


class _Pictures(nn.Module):
    """The imitator as people look at it."""

    def __init__(self, imitator: Imitator) -> None:
        super().__init__()
        self.imitator = imitator

    def forward(self, vectors: Tensor) -> Tensor:
        return self.imitator.picture(vectors)


def _graph(network: Imitator | Translator) -> tuple[nn.Module, str, str, int]:
    """What is exported, a copy on the CPU in evaluation mode, with the names of its input and output and V or D."""
    frozen = deepcopy(network).cpu().eval()
    if isinstance(frozen, Imitator):
        return _Pictures(frozen).eval(), "vectors", "pictures", frozen.config.vector_size
    return frozen, "embeddings", "vectors", frozen.config.embedding_size


def _write(graph: nn.Module, path: Path, input_name: str, output_name: str, input_size: int) -> None:
    with _quiet_exporter():
        torch.onnx.export(
            graph,
            (torch.rand(_TRACED_BATCH, input_size),),
            path,
            input_names=[input_name],
            output_names=[output_name],
            dynamic_shapes=({0: torch.export.Dim("batch")},),
            dynamo=True,
            external_data=False,
            verbose=False,
        )


def _parity(graph: nn.Module, path: Path, input_name: str, input_size: int) -> float:
    inputs = np.random.Generator(np.random.Philox(_PARITY_SEED)).random((_PARITY_BATCH, input_size), np.float32)
    session = onnxruntime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
    (exported,) = session.run(None, {input_name: inputs})
    with torch.no_grad():
        original = graph(torch.from_numpy(inputs)).numpy()
    return float(np.abs(exported - original).max())


@contextmanager
def _quiet_exporter() -> Iterator[None]:
    """Without the exporter's remarks on its own internals, which say nothing to whoever publishes a checkpoint."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            warnings.simplefilter("ignore", FutureWarning)
            yield
    finally:
        logger.setLevel(level)
