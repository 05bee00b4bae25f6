"""Reading weight files that a user points to: never any pickle but plain tensors."""

from __future__ import annotations

import pickle
from pathlib import Path

import torch
from torch import Tensor

from f2p_models.errors import WeightsError


def read_torch_file(path: Path) -> dict[str, Tensor]:
    """The state dict of a ``torch.save`` file, bare or under ``state_dict``, without DataParallel's ``module.`` prefix.

    Raises WeightsError when the file is missing, holds anything but plain tensors, or is cut.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise WeightsError(f"{path}: no such file; give the path of the downloaded weights") from error
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise WeightsError(f"{path}: not a file of plain tensors, or cut ({reason}); download it again") from error
    state = content.get("state_dict", content) if isinstance(content, dict) else None
    if not isinstance(state, dict) or not state or not all(isinstance(value, Tensor) for value in state.values()):
        raise WeightsError(f"{path}: holds no state dict; give a file saved from a network's weights")
    return {str(key).removeprefix("module."): value for key, value in state.items()}
