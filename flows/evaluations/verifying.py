"""Verifying creators on a set: every kind of parameter by the 10-fold procedure, and the embedder likewise.

set -> aligned pictures -> creators -> features -> accuracies
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine_bridge.errors import InputError
from engine_bridge.frames import Picture
from f2p_datasets.alignment import AlignmentTemplate
from f2p_datasets.verification import VerificationSet, aligned_pictures, open_verification_set
from f2p_models.creation import Creator
from f2p_models.creation.mode import MODES, Mode
from f2p_models.evaluation.verification import (
    ALL_COMPONENTS,
    Verification,
    VerificationProtocol,
    measure_verification,
)
from flows.evaluations.features import FEATURE_KINDS, Descriptions, FeatureKind, Rows, describe_by_each
from flows.progress import ProgressBar


@dataclass(frozen=True, kw_only=True)
class SetOrder:
    """A verification set as it is ordered on the command line; ``limit`` takes only so many of its pairs."""

    path: Path
    format: str | None = None
    pairs: str | None = None
    limit: int | None = None

    def open(self) -> VerificationSet:
        """Raises DatasetError for a set that is not there or is damaged."""
        found = open_verification_set(self.path, self.format, self.pairs)
        return found.head(self.limit) if self.limit else found


@dataclass(frozen=True, kw_only=True)
class VerificationOptions:
    """How a creator is verified.

    mode         how characters are created
    features     which of their parameters are the headline; all kinds are in the table
    pca          components kept in each fold; 0 keeps all, as Wen et al. do
    square_root  signed square root after PCA, as 3DMM-CNN and Wen et al. take it
    mirrored     add the mirrored picture's features, as face.evoLVe does unless told not to
    """

    mode: Mode = "one-shot"
    features: FeatureKind = "vector"
    pca: int = ALL_COMPONENTS
    square_root: bool = False
    mirrored: bool = True

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise InputError(f"mode: {self.mode!r} is none of {', '.join(MODES)}")
        if self.features not in FEATURE_KINDS:
            raise InputError(f"features: {self.features!r} is none of {', '.join(FEATURE_KINDS)}")
        if self.pca < 0:
            raise InputError(f"pca: {self.pca} components; give 1 or more, or 0 for all")

    def judged(self, described: Descriptions) -> FeatureKind:
        """The headline's features: those that were asked for, if the character has them."""
        kinds = described.straight.kinds
        return self.features if self.features in kinds else kinds[0]

    def protocols(self) -> dict[str, VerificationProtocol]:
        """What every kind of feature is judged by; the first column is the headline's."""
        with_pca = VerificationProtocol(pca=self.pca, square_root=self.square_root)
        return {
            "PCA": with_pca,
            "PCA, fine grid": VerificationProtocol(grid="fine", pca=self.pca, square_root=self.square_root),
            "plain": VerificationProtocol(),
            "plain, fine grid": VerificationProtocol(grid="fine"),
        }


@dataclass(frozen=True, kw_only=True)
class Verified:
    """Results by feature kind and column, the embedder's under ``embedder``; how many pictures showed no face."""

    results: Mapping[str, Mapping[str, Verification]]
    num_pictures: int
    num_framed: int

    @property
    def upper_bound(self) -> float:
        """The best that the embedder reaches by any column."""
        return max(found.accuracy for found in self.results["embedder"].values())


def describe_set(
    creators: Mapping[str, Creator],
    template: AlignmentTemplate,
    pairs: VerificationSet,
    options: VerificationOptions,
    *,
    num_workers: int = 0,
) -> tuple[dict[str, Descriptions], int]:
    """Every creator's features of all pictures of a set, and in how many pictures no face was found.

    The creators share template and resolution, so each picture is aligned once.
    """
    num_framed = 0
    resolution = next(iter(creators.values())).bundle.resolution

    def pictures() -> Iterator[Picture]:
        nonlocal num_framed
        for aligned in aligned_pictures(
            pairs.pictures, template, resolution, framing=pairs.framing, workers=num_workers
        ):
            num_framed += not aligned.found
            yield aligned.picture

    with ProgressBar("Create characters") as bar:
        bar.start(len(pairs.pictures))
        described = describe_by_each(
            creators, pictures(), mode=options.mode, mirrored=options.mirrored, advance=bar.advance
        )
    return described, num_framed


def verify(
    described: Descriptions, pairs: VerificationSet, options: VerificationOptions, *, num_framed: int
) -> Verified:
    """Every kind of feature by every column."""
    features: dict[str, Rows] = {kind: described.parameters(kind) for kind in described.straight.kinds}
    features["embedder"] = described.embeddings()
    return Verified(
        results={
            name: {
                column: measure_verification(*sides(rows, pairs), pairs.same, protocol)
                for column, protocol in options.protocols().items()
            }
            for name, rows in features.items()
        },
        num_pictures=len(pairs.pictures),
        num_framed=num_framed,
    )


def sides(rows: Rows, pairs: VerificationSet) -> tuple[Rows, Rows]:
    """Rows of first and second pictures: (N, F) each."""
    return rows[pairs.pairs[:, 0]], rows[pairs.pairs[:, 1]]


def describe_pairs(pairs: VerificationSet) -> dict[str, Any]:
    """A set's part of a page's provenance."""
    return {
        "name": pairs.name,
        "fingerprint": pairs.fingerprint,
        "pairs": pairs.num_pairs,
        "same": int(pairs.same.sum()),
        "framing": pairs.framing,
    }
