"""A distribution of sliders, learned from created characters: mean and principal directions, read from one file.

C   sliders        K   components of all groups together

The file is the one that ``f2p priors fit`` and a published version hold (``f2p_models.priors.files`` writes it and
describes it); here it is read without torch. Of its groups only this is needed: where each direction moves the sliders.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open

from f2p_datasets.errors import DatasetError

FORMAT: Final = "f2p-priors-1"
_METADATA: Final = "priors"

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class SliderPrior:
    """Faces are ``mean`` plus a standard normal amount of each of ``moves``.

    fingerprint  of the schema that it was fitted for
    sha256       of the file: equal hashes are equal priors
    limit        standard deviations that an amount may be away from 0
    mean         (C,) float64 in [0, 1]
    moves        (K, C) float64: one standard deviation along each direction
    """

    fingerprint: str
    sha256: str
    limit: float
    mean: Floats = field(compare=False, repr=False)
    moves: Floats = field(compare=False, repr=False)

    @classmethod
    def load(cls, path: Path) -> SliderPrior:
        """Raises DatasetError for a file that is missing, damaged or something else."""
        card, tensors = _read(path)
        try:
            if card["format"] != FORMAT:
                raise DatasetError(f"{path}: its format is {card['format']!r}, not {FORMAT!r}; fit the priors again")
            mean = tensors["mean"].astype(np.float64)
            return cls(
                fingerprint=str(card["fingerprint"]),
                sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
                limit=float(card["limit"]),
                mean=mean,
                moves=np.concatenate([_moves(name, tensors, len(mean)) for name in card["groups"]]),
            )
        except (KeyError, TypeError, ValueError, IndexError) as error:
            if isinstance(error, DatasetError):
                raise
            raise DatasetError(f"{path}: not facial priors ({error!r}); fit them: f2p priors fit") from error


def _read(path: Path) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
    try:
        with safe_open(path, "np") as stream:
            card = json.loads((stream.metadata() or {}).get(_METADATA, "{}"))
            return card, {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118 - not a mapping
    except (OSError, SafetensorError, ValueError) as error:
        raise DatasetError(f"{path}: cannot be read as facial priors ({error}); fit them: f2p priors fit") from error


def _moves(name: str, tensors: Mapping[str, npt.NDArray[Any]], num_sliders: int) -> Floats:
    """One group's directions over all sliders: (k, C)."""
    axes = tensors[f"{name}.axes"].astype(np.float64)
    moves = np.zeros((len(axes), num_sliders))
    moves[:, tensors[f"{name}.indices"]] = axes * tensors[f"{name}.deviations"].astype(np.float64)[:, None]
    return moves
