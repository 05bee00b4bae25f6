"""How much a creator's score moves when nothing but the seed changes: what a challenger may lie below a champion.

<registry>/<character>/noise/<recipe>.json    the scores of one recipe's seeds
"""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from f2p_models.durable import appearing_file
from f2p_models.errors import RegistryError

#: Where nothing was measured: about the noise of 50 held-out photos.
DEFAULT_MARGIN: Final = 0.02
#: Standard deviations of the score that are called noise.
DEVIATIONS: Final = 2.0
#: No noise excuses more: seeds that differ by more than this make better and worse versions, and want looking at.
LARGEST_MARGIN: Final = 0.05


@dataclass(frozen=True, kw_only=True)
class ScoreNoise:
    """Scores in [0, 1] by seed, of one character and recipe, all on the held-out set named ``heldout``."""

    character: str
    recipe: str
    heldout: str
    scores: Mapping[int, float]

    def __post_init__(self) -> None:
        object.__setattr__(self, "scores", {int(seed): score for seed, score in self.scores.items()})  # JSON has text
        if len(self.scores) < 2:
            raise RegistryError(f"seeds: {len(self.scores)} shows no spread; give 2 or more, 3 is a good number")
        if not all(math.isfinite(score) for score in self.scores.values()):
            raise RegistryError(f"scores: {dict(self.scores)} are not all finite numbers; evaluate again")

    @property
    def mean(self) -> float:
        return statistics.fmean(self.scores.values())

    @property
    def deviation(self) -> float:
        """Standard deviation of the score, estimated from a sample: divided by one less than the number of seeds."""
        return statistics.stdev(self.scores.values())

    @property
    def margin(self) -> float:
        """How far below a champion's score is still noise, ``LARGEST_MARGIN`` at most."""
        return min(DEVIATIONS * self.deviation, LARGEST_MARGIN)

    @property
    def is_limited(self) -> bool:
        """Whether the seeds differ so much that the margin does not cover it."""
        return DEVIATIONS * self.deviation > LARGEST_MARGIN

    def save(self, registry: Path) -> Path:
        """Write it where the registry in that folder looks for it."""
        path = noise_path(registry, self.character, self.recipe)
        with appearing_file(path) as unfinished:
            unfinished.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")
        return path


def noise_path(registry: Path, character: str, recipe: str) -> Path:
    """Where a recipe's noise is kept."""
    return registry / character / "noise" / f"{recipe}.json"


def read_noise(registry: Path, character: str, recipe: str) -> ScoreNoise | None:
    """What was measured; None if nothing was. Raises RegistryError for a file that says nothing."""
    path = noise_path(registry, character, recipe)
    try:
        return ScoreNoise(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, OverflowError, TypeError, AttributeError) as error:
        raise RegistryError(
            f"{path}: not a measured noise ({error}); delete it, or measure again: "
            f"f2p noise --character {character} --recipe {recipe}"
        ) from error
