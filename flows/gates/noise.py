"""The noise of a recipe: how much the score of its creators moves when nothing but the seed changes.

Every seed is a run of its own, pairs and all, that ends with the evaluation: nothing of it is published. What is there
already, from a night's run or from a measurement that was stopped, is not made again.
"""

from __future__ import annotations

from pathlib import Path

from engine_bridge.errors import InputError
from f2p_models.evaluation import Evaluation, read_evaluation
from f2p_models.score_noise import ScoreNoise
from flows.engines.orders import EngineOrder
from flows.layout import EVALUATION_FILE
from flows.pipeline import build_character
from flows.progress import say
from flows.settings import Settings


def measure_noise(
    settings: Settings,
    *,
    character: str,
    recipe: str,
    num_seeds: int,
    first_seed: int = 0,
    engine: EngineOrder,
    photos: Path | None = None,
    num_workers: int | None = None,
) -> ScoreNoise:
    """Train with each of the seeds, and keep the scores where the registry takes its margin from.

    Raises InputError for fewer than two seeds, GateError for a seed whose networks are refused: their scores would say
    nothing about those that are published.
    """
    if num_seeds < 2:
        raise InputError(f"seeds: {num_seeds} shows no spread; give 2 or more, 3 is a good number")
    found = {}
    for seed in range(first_seed, first_seed + num_seeds):
        record = build_character(
            character,
            recipe=recipe,
            engine=engine,
            seed=seed,
            home=settings.home,
            photos=photos,
            num_workers=num_workers,
            publishing=False,
        )
        found[seed] = _evaluation_of(record.folder_of("evaluation"))
        say(f"  seed {seed}: score {found[seed].score:.4f}")
    noise = ScoreNoise(
        character=character,
        recipe=recipe,
        heldout=_only_set(found),
        scores={seed: evaluation.score for seed, evaluation in found.items()},
    )
    noise.save(settings.registry)
    return noise


def _evaluation_of(folder: Path | None) -> Evaluation:
    assert folder is not None  # a run that is not refused has evaluated
    return read_evaluation(folder / EVALUATION_FILE)


def _only_set(found: dict[int, Evaluation]) -> str:
    """The held-out set that all were measured on. Raises InputError when the engine was changed meanwhile."""
    sets = {evaluation.heldout for evaluation in found.values()}
    if len(sets) > 1:
        raise InputError(f"seeds: measured on {len(sets)} held-out sets, so the engine was changed; run it again")
    return sets.pop()
