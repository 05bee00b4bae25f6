"""Where facial priors are found: in a file that the user names, or with a published version."""

from __future__ import annotations

from pathlib import Path

from engine_bridge.errors import InputError
from f2p_datasets.samplers import PriorSampler
from f2p_datasets.slider_prior import SliderPrior
from f2p_models.priors import PRIORS_FILE
from flows.published import open_registry
from flows.settings import Settings


def find_priors(settings: Settings, character: str, version: str = "champion") -> Path:
    """The file with a published version's priors. Raises InputError when it has none."""
    published = open_registry(settings).get(character, version)
    path = published.folder / PRIORS_FILE
    if not path.is_file():
        raise InputError(
            f"{character}: version {published.version} was published without facial priors; give a file that "
            f"f2p priors fit --character {character} wrote"
        )
    return path


def open_sampler_prior(settings: Settings, character: str, sampler: str, priors: Path | None) -> SliderPrior | None:
    """What a sampler draws by: the file, else the champion's priors; None for a sampler that draws by nothing.

    Raises InputError when there are none, and for a file that the sampler has no use for.
    """
    if sampler == PriorSampler.name:
        return SliderPrior.load(priors or find_priors(settings, character))
    if priors is not None:
        raise InputError(f"priors: the sampler {sampler!r} takes none; give --sampler {PriorSampler.name} or no file")
    return None
