"""Whether a challenger becomes champion, and why.

    <registry>/<character>/scores/<identity>.json    scores of a version on held-out sets that came after it, by set

Scores are compared only on the same held-out set. When an engine changes, so does the set that it renders, and the
champion has to be scored anew on it: otherwise every version after it would be a challenger for ever.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from f2p_models.bundle_manifest import BundleManifest
from f2p_models.durable import appearing_file
from f2p_models.errors import RegistryError
from f2p_models.score_noise import DEFAULT_MARGIN, DEVIATIONS, ScoreNoise, read_noise

#: How the reason begins of a version that was not made champion.
KEPT_BACK: Final = "kept as challenger"


@dataclass(frozen=True, kw_only=True)
class Margin:
    """How far a challenger's score may lie below the best champion's, and where that number comes from."""

    value: float
    basis: str


def margin_for(registry: Path, character: str, recipe: str | None, heldout: str) -> Margin:
    """Two standard deviations of the scores of the recipe's seeds on that held-out set, ``LARGEST_MARGIN`` at most.

    A default where these were not measured on it, or cannot be read: a version must not wait for an advisory file.
    """
    try:
        noise = read_noise(registry, character, recipe) if recipe else None
    except RegistryError:
        return _default(f"the noise of {recipe} cannot be read; f2p noise measures it again")
    if noise is None:
        return _default("no noise was measured")
    if noise.heldout != heldout:
        return _default(f"the noise of {recipe} was measured on another held-out set; f2p noise measures it again")
    return Margin(value=noise.margin, basis=_basis(noise))


def _default(why: str) -> Margin:
    return Margin(value=DEFAULT_MARGIN, basis=f"the default, as {why}")


def _basis(noise: ScoreNoise) -> str:
    """Where a measured margin comes from."""
    seeds = f"{DEVIATIONS:g} standard deviations of {len(noise.scores)} seeds of {noise.recipe}"
    return f"the largest that is granted; {seeds} are more" if noise.is_limited else seeds


def judge(
    challenger: BundleManifest, champions: Mapping[int, BundleManifest], rescored: Mapping[int, float], margin: Margin
) -> tuple[bool, str]:
    """(becomes champion, reason). ``rescored`` has the champions that were scored anew on the challenger's set.

    Champions of another schema do not count: the character has changed, and nobody can use them any more.
    """
    usable = {v: champion for v, champion in champions.items() if champion.fingerprint == challenger.fingerprint}
    if not usable:
        return True, f"first version of schema {challenger.fingerprint}, score {challenger.score:.4f}"
    own = {v: champion.score for v, champion in usable.items() if champion.heldout == challenger.heldout}
    scores = {**{v: score for v, score in rescored.items() if v in usable}, **own}
    if not scores:
        return False, (
            f"{KEPT_BACK}: no champion was measured on its held-out set, so the scores do not compare; "
            "look at both and decide with f2p models promote"
        )
    best = max(scores, key=lambda v: scores[v])
    anew = "" if best in own else ", scored anew on this held-out set"
    comparison = f"score {challenger.score:.4f} against {scores[best]:.4f} of version {best}{anew}"
    if challenger.score < scores[best] - margin.value:
        return False, f"{KEPT_BACK}: {comparison}, worse by more than {margin.value:.4g} ({margin.basis})"
    return True, f"not worse: {comparison}, margin {margin.value:.4g} ({margin.basis})"


def note_score(registry: Path, champion: BundleManifest, heldout: str, score: float) -> None:
    """Keep the score of a published version on another held-out set than its own."""
    if not math.isfinite(score):
        raise RegistryError(f"score: {score} of {champion.character} on {heldout} is no finite number; evaluate again")
    path = _scores_path(registry, champion)
    with appearing_file(path) as unfinished:
        unfinished.write_text(json.dumps({**read_scores(path), heldout: score}, indent=1) + "\n", encoding="utf-8")


def noted_score(registry: Path, champion: BundleManifest, heldout: str) -> float | None:
    """The score that was noted, if one was."""
    return read_scores(_scores_path(registry, champion)).get(heldout)


def _scores_path(registry: Path, champion: BundleManifest) -> Path:
    """By identity: a version's number says nothing once the version is gone."""
    return registry / champion.character / "scores" / f"{champion.identity[:16]}.json"


def read_scores(path: Path) -> dict[str, float]:
    """By held-out set. A file that cannot be read is as good as none: the scores are measured again."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        scores = {str(heldout): float(score) for heldout, score in found.items()}
        return {heldout: score for heldout, score in scores.items() if math.isfinite(score)}
    except (OSError, ValueError, OverflowError, TypeError, AttributeError):
        return {}
