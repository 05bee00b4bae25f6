"""Priors on disk: one safetensors file, which says itself what it fits.

mean                (C,) float32
GROUP.indices       (c,) int64, the group's sliders in a vector
GROUP.axes          (k, c) float32, orthonormal rows
GROUP.deviations    (k,) float32
GROUP.variances     (c,) float32
metadata "priors"   JSON: format, groups in order, and the fields of :class:`PriorsCard`

``f2p_datasets.prior_sampler`` reads the same file without torch.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from f2p_models.durable import appearing_file
from f2p_models.errors import PriorsError
from f2p_models.priors.facial_priors import FacialPriors, PriorGroup, PriorsCard

PRIORS_FILE: Final = "priors.safetensors"
FORMAT: Final = "f2p-priors-1"
_METADATA: Final = "priors"


def save_priors(path: Path, priors: FacialPriors) -> str:
    """Write the file, complete or not at all; the same priors give the same bytes. Returns their SHA-256."""
    tensors = {"mean": priors.mean}
    for group in priors.groups:
        tensors |= {
            f"{group.name}.indices": torch.tensor(group.indices, dtype=torch.int64),
            f"{group.name}.axes": group.axes,
            f"{group.name}.deviations": group.deviations,
            f"{group.name}.variances": group.variances,
        }
    card = {"format": FORMAT, "groups": [group.name for group in priors.groups], **asdict(priors.card)}
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    content = safetensors.torch.save(plain, {_METADATA: json.dumps(card, sort_keys=True)})
    with appearing_file(path) as unfinished:
        unfinished.write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def load_priors(path: Path, *, expect_fingerprint: str | None = None) -> FacialPriors:
    """The priors of a file, on the CPU.

    Raises PriorsError for a missing or damaged file, and when they were fitted for a schema with another fingerprint.
    """
    card, tensors = _read(path)
    try:
        if card.pop("format", None) != FORMAT:
            raise PriorsError(f"its format is not {FORMAT!r}")
        names = card.pop("groups")
        priors = FacialPriors(PriorsCard(**card), tensors["mean"], [_group(name, tensors) for name in names])
    except KeyError as error:
        raise PriorsError(f"{path}: {error} is missing; fit the priors again") from error
    except (PriorsError, TypeError, ValueError, IndexError, RuntimeError) as error:
        raise PriorsError(f"{path}: not facial priors ({error})") from error
    if expect_fingerprint not in (None, priors.card.fingerprint):
        raise PriorsError(
            f"{path}: fitted for schema {priors.card.fingerprint} of {priors.card.character}, but the character's "
            f"schema is {expect_fingerprint}; fit them again"
        )
    return priors.eval()


def _read(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    try:
        with safe_open(path, "pt") as stream:
            card = json.loads((stream.metadata() or {}).get(_METADATA, "{}"))
            return card, {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118 - not a mapping
    except (OSError, SafetensorError, ValueError) as error:
        raise PriorsError(f"{path}: cannot be read as facial priors ({error}); fit them: f2p priors fit") from error


def _group(name: str, tensors: Mapping[str, Tensor]) -> PriorGroup:
    return PriorGroup(
        name=name,
        indices=tuple(tensors[f"{name}.indices"].tolist()),
        axes=tensors[f"{name}.axes"],
        deviations=tensors[f"{name}.deviations"],
        variances=tensors[f"{name}.variances"],
    )
