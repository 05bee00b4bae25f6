"""What can go wrong with networks; all of it the user's to mend, so all of it exits with status 2.

InputError (engine_bridge)
├── ConfigError        a network configuration that cannot be built
├── TensorError        a tensor of the wrong shape, type or range at a function's door
├── WeightsError       pretrained weights that are missing, cut, or of another network
├── CheckpointError    a checkpoint that is missing, damaged, or made for something else
└── ExportError        an exported network that does not compute what the original does
"""

from __future__ import annotations

from engine_bridge.errors import InputError


class ConfigError(InputError):
    """A network configuration that cannot be built."""


class TensorError(InputError):
    """A tensor of the wrong shape, type or range at a function's door."""


class WeightsError(InputError):
    """Pretrained weights that are missing, cut, or of another network."""


class CheckpointError(InputError):
    """A checkpoint that is missing, damaged, or made for something else."""


class ExportError(InputError):
    """An exported network that does not compute what the original does."""
