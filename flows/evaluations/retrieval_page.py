"""The page of ``f2p evaluate retrieval``: a table for every judge, which photos to search, and faces to look at."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final

import numpy as np
import torch

from f2p_models.pictures import to_bytes
from flows.evaluations.hardware import circumstances
from flows.evaluations.page import Cell, EvaluationPage, Figure, Table
from flows.evaluations.people import People
from flows.evaluations.retrieval_results import Results, RetrievalOptions
from flows.evaluations.subject import Subject

_SHOWN_EACH: Final = 4


def describe_retrieval(
    subject: Subject, people: People, options: RetrievalOptions, results: Results, *, command: str
) -> EvaluationPage:
    """The evaluation's page."""
    best = max(results.headline, key=lambda mode: results.headline[mode].retrieval.mean_reciprocal_rank)
    headline = results.headline[best].retrieval
    judge = next(iter(results.found))
    return EvaluationPage(
        verb="retrieval",
        character=subject.schema.character,
        title=f"Finding the photo of a character among {len(people)}",
        command=command,
        summary=f"{best}, judged by {judge}: median rank {headline.median_rank:g}, top 1 {headline.top1:.1%}, "
        f"top 10 {headline.top10:.1%}",
        provenance={
            **subject.provenance(),
            "people": len(people),
            "photos": people.fingerprint,
            "judges": list(results.found),
            "options": asdict(options),
            **circumstances(),
        },
        measurements={
            "judges": {
                judge: {mode: _measured(results, judge, mode) for mode in found}
                for judge, found in results.found.items()
            },
            "searched_by_auto": int(results.searched.sum()),
        },
        tables=(*(_table(results, judge, len(people)) for judge in results.found), _table_by_view(results)),
        figures=(_faces(people, results),),
        notes=(
            "Renders are the engine's own, never the imitator's. A creator makes its characters look alike to its own "
            "embedder, so that one's figures flatter; other judges took no part in it.",
            f"Auto searches {int(results.searched.sum())} of {len(people)} photos.",
        ),
    )


def _measured(results: Results, judge: str, mode: str) -> dict[str, Any]:
    found = results.found[judge][mode]
    return {
        **asdict(found.retrieval),
        "calibration": asdict(found.calibration),
        "seconds_per_photo": results.made[mode].seconds,
        "ranks": found.ranks.tolist(),
    }


def _table(results: Results, judge: str, count: int) -> Table:
    rows = [
        (
            mode,
            each.retrieval.median_rank,
            f"{each.retrieval.top1:.1%}",
            f"{each.retrieval.top10:.1%}",
            each.retrieval.mean_reciprocal_rank,
            each.retrieval.own_similarity,
            each.retrieval.others_similarity,
            each.retrieval.verification_auc,
            results.made[mode].seconds,
        )
        for mode, each in results.found[judge].items()
    ]
    chance = ("chance", (count + 1) / 2, f"{1 / count:.1%}", f"{min(10 / count, 1.0):.1%}", None, None, None, 0.5, None)
    return Table(
        title=f"Rank of the right photo, judged by {judge}",
        header=("mode", "median rank", "top 1", "top 10", "mean 1/rank", "own photo", "others", "AUC", "s per photo"),
        rows=(*rows, chance),
        note="Own photo, others: the judge's mean similarity of the engine's render to the photo it was made from, and "
        "to other people's. Seconds include the engine's pictures of the search, but not the alignment.",
    )


def _table_by_view(results: Results) -> Table:
    """Is auto right? The photos that it would search, and the others, each in every mode."""
    rows: list[tuple[Cell, ...]] = []
    views = {"sharp front views": results.searched, "turned, small or blurred": ~results.searched}
    for title, chosen in views.items():
        if bool(chosen.any()):
            shares = [float((1.0 / found.ranks[chosen].double()).mean()) for found in results.headline.values()]
            rows.append((title, int(chosen.sum()), *shares))
    return Table(
        title="Which photos to search: mean 1/rank",
        header=("photos", "number", *results.headline),
        rows=tuple(rows),
        note="As auto divides them: it searches the former (hybrid) and translates the latter (one-shot).",
    )


def _faces(people: People, results: Results) -> Figure:
    """Photos, and below them their characters in every mode: the first found, the middle ones, the last."""
    judged, found = list(results.headline.items())[-1]
    order = found.ranks.argsort(stable=True)
    middle = max(0, len(order) // 2 - _SHOWN_EACH // 2)
    shown = torch.cat([order[:_SHOWN_EACH], order[middle : middle + _SHOWN_EACH], order[-_SHOWN_EACH:]])
    rows = [people.photos[shown], *(made.renders[shown] for made in results.made.values())]
    ranks = " ".join(str(int(rank)) for rank in found.ranks[shown])
    return Figure(
        name="people",
        title="Photos and their characters",
        caption=f"Rows: the aligned photo, then {', '.join(results.made)}. Columns: ranks {ranks} in {judged} mode.",
        picture=np.ascontiguousarray(np.concatenate([np.concatenate(list(to_bytes(row)), 1) for row in rows])),
    )
