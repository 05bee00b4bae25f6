"""What can go wrong with networks; all of it the user's to mend, so all of it exits with status 2.

InputError (engine_bridge)
├── ConfigError        a network configuration that cannot be built
├── TensorError        a tensor of the wrong shape, type or range at a function's door
├── WeightsError       pretrained weights that are missing, cut, or of another network
├── TrainingError      a training that cannot go on, or must not begin, as it is set up
│   ├── DivergenceError    a training whose numbers are no longer finite
│   └── DamagedStateError  a training's saved state that is not what was saved
├── CheckpointError    a checkpoint that is missing, damaged, or made for something else
│   └── BundleError    a bundle that is unfinished, altered, or not one at all
├── PriorsError        facial priors that cannot be fitted, or were fitted for something else
├── RegistryError      a version that is not there, or a request the registry cannot serve
├── ParametersError    a parameters file that cannot be read, or belongs to another character
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


class TrainingError(InputError):
    """A training that cannot go on, or must not begin, as it is set up."""


class DivergenceError(TrainingError):
    """A training whose numbers are no longer finite."""


class DamagedStateError(TrainingError):
    """A training's saved state that is not what was saved."""


class CheckpointError(InputError):
    """A checkpoint that is missing, damaged, or made for something else."""


class BundleError(CheckpointError):
    """A bundle that is unfinished, altered, or not one at all."""


class PriorsError(InputError):
    """Facial priors that cannot be fitted, or were fitted for something else."""


class RegistryError(InputError):
    """A version that is not there, or a request the registry cannot serve."""


class ParametersError(InputError):
    """A parameters file that cannot be read, or belongs to another character."""


class ExportError(InputError):
    """An exported network that does not compute what the original does."""
