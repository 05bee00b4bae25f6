"""``f2p evaluate verification``: do two photos of one person give nearly the same character? (TPAMI, Table 6.)"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from f2p_datasets.verification import VerificationSet
from f2p_models.evaluation.verification import Verification, heldout_distances
from flows.evaluations.features import Descriptions
from flows.evaluations.hardware import circumstances
from flows.evaluations.page import EvaluationPage, Place, Table, evaluate_once
from flows.evaluations.subject import Subject
from flows.evaluations.verification_pictures import draw_distances, draw_worst_pairs
from flows.evaluations.verifying import VerificationOptions, Verified, describe_pairs, describe_set, sides, verify
from flows.settings import Settings

#: The papers' figures for comparison (002 Table 6; LightCNN-29v2 is their upper bound).
PUBLISHED: Final = (
    ("paper, one-shot, LFW", 0.9402, 0.9402 / 0.9958),
    ("paper, iterative, LFW", 0.6977, 0.6977 / 0.9958),
    ("paper, LightCNN-29v2 on photos, LFW", 0.9958, 1.0),
)


def evaluate_verification(
    settings: Settings,
    subject: Subject,
    pairs: VerificationSet,
    options: VerificationOptions,
    *,
    command: str,
    out: Path | None = None,
    num_workers: int = 0,
) -> tuple[Path, dict[str, Any]]:
    """The evaluation's folder and its JSON document, found or made."""
    inputs = {**subject.inputs(), "engine": subject.engine_build, "set": pairs.fingerprint, "options": asdict(options)}
    place = Place.of(settings, character=subject.schema.character, verb="verification", inputs=inputs, out=out)

    def measure() -> EvaluationPage:
        all_described, num_framed = describe_set(
            {"": subject.creator}, subject.template, pairs, options, num_workers=num_workers
        )
        described = all_described[""]
        verified = verify(described, pairs, options, num_framed=num_framed)
        return _page(subject, pairs, options, described, verified, command=command)

    return place.folder, evaluate_once(settings, place, measure)


def _page(
    subject: Subject,
    pairs: VerificationSet,
    options: VerificationOptions,
    described: Descriptions,
    verified: Verified,
    *,
    command: str,
) -> EvaluationPage:
    judged = options.judged(described)
    headline = verified.results[judged]["PCA"]
    ratio = headline.accuracy / verified.upper_bound
    rows = described.parameters(judged)
    distances = heldout_distances(*sides(rows, pairs), options.protocols()["PCA"]).mean(0)
    return EvaluationPage(
        verb="verification",
        character=subject.schema.character,
        title=f"Face verification on {pairs.name}",
        command=command,
        summary=f"{options.mode}: accuracy {headline.accuracy:.4f}, {ratio:.3f} of the embedder's",
        provenance={
            **subject.provenance(),
            "set": describe_pairs(pairs),
            "options": asdict(options),
            **circumstances(),
        },
        measurements={
            "accuracy": headline.accuracy,
            "upper_bound": verified.upper_bound,
            "ratio": ratio,
            "features": judged,
            "pictures": verified.num_pictures,
            "pictures_without_face": verified.num_framed,
            "results": {kind: {name: asdict(one) for name, one in by.items()} for kind, by in verified.results.items()},
        },
        tables=(_accuracy_table(verified, judged), _detail_table(verified), _published_table(headline, verified)),
        figures=(
            draw_distances(distances, pairs.same, headline.threshold),
            draw_worst_pairs(subject, pairs, described.straight.hardened, distances, headline.threshold),
        ),
        notes=_notes(pairs, options, verified),
    )


def _accuracy_table(verified: Verified, judged: str) -> Table:
    columns = next(iter(verified.results.values()))
    return Table(
        title="Accuracy, mean of ten folds",
        header=("compared", *columns, "of the embedder's best"),
        rows=tuple(
            (
                f"{kind} (headline)" if kind == judged else kind,
                *(f"{found.accuracy:.4f}" for found in by.values()),
                f"{by['PCA'].accuracy / verified.upper_bound:.3f}",
            )
            for kind, by in verified.results.items()
        ),
        note="Thresholds: 0 to 3.99 by 0.01 on the squared distance of rows of length 1; the fine grid has steps of "
        "0.0001. PCA is fitted in each fold on the other nine.",
    )


def _detail_table(verified: Verified) -> Table:
    rates = sorted({rate for by in verified.results.values() for rate in by["PCA"].true_accepts}, key=float)
    return Table(
        title="Beyond the accuracy, with PCA",
        header=("compared", "deviation over folds", "threshold", "AUC", *(f"TAR at FAR {rate}" for rate in rates)),
        rows=tuple(
            (
                kind,
                f"{found.deviation:.4f}",
                f"{found.threshold:.3f}",
                f"{found.auc:.4f}",
                *(f"{found.true_accepts[rate]:.3f}" for rate in rates),
            )
            for kind, by in verified.results.items()
            for found in [by["PCA"]]
        ),
    )


def _published_table(headline: Verification, verified: Verified) -> Table:
    ours = ("ours, this set", headline.accuracy, headline.accuracy / verified.upper_bound)
    rows = (ours, *PUBLISHED)
    return Table(
        title="Beside the paper",
        header=("", "accuracy", "of its upper bound"),
        rows=tuple((name, f"{accuracy:.4f}", f"{ratio:.3f}") for name, accuracy, ratio in rows),
        note="The paper's figures are of the full LFW protocol (6,000 pairs), another game and another embedder: the "
        "ratio to the upper bound is what can be compared.",
    )


def _notes(pairs: VerificationSet, options: VerificationOptions, verified: Verified) -> tuple[str, ...]:
    kind = "insightface's reference points for such crops" if pairs.framing == "crops" else "LFW's framing"
    return (
        f"{verified.num_framed} of {verified.num_pictures} pictures showed no face to the detector; they were cut by "
        f"the fixed box of {kind}, so all {pairs.num_pairs:,} pairs count.",
        "Every picture is aligned to the studio's frame, in which the embedder and the translator see it: the "
        "embedder's figure is its own on exactly the same pictures.",
        "Features of the mirrored picture are added, as face.evoLVe does by default (tta)."
        if options.mirrored
        else "Pictures are not mirrored (tta off).",
    )
