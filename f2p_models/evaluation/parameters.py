"""How near created parameters are to those a photo-like render was made from.

N photos, V entries of a vector. Errors are mean absolute differences of encoded sliders: 0.1 is a tenth of the range.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine_bridge.errors import InputError
from engine_bridge.schema import ParameterSchema

Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class ParameterErrors:
    """Each figure beside that of the best answer that does not look at the photo.

    slider_error            of the creator
    constant_error          of the mean of the held-out vectors: what knowing the people but not the photo gives
    group_errors            group -> (slider_error, constant_error)
    choice_accuracy         discrete parameter -> (share of right choices, share of the most frequent choice)
    """

    slider_error: float
    constant_error: float
    group_errors: Mapping[str, tuple[float, float]]
    choice_accuracy: Mapping[str, tuple[float, float]]

    @property
    def skill(self) -> float:
        """1 for no error, 0 for no better than the constant answer, negative for worse."""
        return 1.0 - self.slider_error / self.constant_error


def measure_parameters(schema: ParameterSchema, created: Vectors, true: Vectors) -> ParameterErrors:
    """``created`` and ``true`` are hardened vectors (N, V) of the same people."""
    if created.shape != true.shape or true.ndim != 2 or true.shape[1] != schema.vector_size:
        raise InputError(
            f"vectors: expected two of shape (N, {schema.vector_size}), got {created.shape} and {true.shape}"
        )
    sliders = slice(0, schema.num_continuous)
    errors = np.abs(created - true)[:, sliders].mean(0, dtype=np.float64)
    constant = np.abs(true.mean(0) - true)[:, sliders].mean(0, dtype=np.float64)
    return ParameterErrors(
        slider_error=float(errors.mean()),
        constant_error=float(constant.mean()),
        group_errors={
            group: (float(errors[list(members)].mean()), float(constant[list(members)].mean()))
            for group, members in schema.groups.items()
        },
        choice_accuracy={name: _accuracy(created[:, block], true[:, block]) for name, block in schema.blocks.items()},
    )


def _accuracy(created: Vectors, true: Vectors) -> tuple[float, float]:
    right = float((created.argmax(1) == true.argmax(1)).mean())
    return right, float(true.mean(0).max())
