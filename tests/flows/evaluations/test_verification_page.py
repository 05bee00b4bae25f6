from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from engine_bridge.errors import InputError
from f2p_datasets.verification import open_verification_set
from flows.evaluations.subject import Subject
from flows.evaluations.verification import evaluate_verification
from flows.evaluations.verification_pictures import draw_distances
from flows.evaluations.verifying import VerificationOptions
from flows.settings import Settings


def test_accuracies_of_all_features_stand_beside_the_embedders(
    settings: Settings, subject: Subject, crops_file: Path
) -> None:
    pairs = open_verification_set(crops_file)
    folder, document = evaluate_verification(settings, subject, pairs, VerificationOptions(), command="f2p evaluate")
    measured = document["measurements"]
    assert set(measured["results"]) == {"vector", "sliders", "choices", "hardened", "embedder"}
    assert measured["ratio"] == pytest.approx(measured["accuracy"] / measured["upper_bound"])
    assert measured["upper_bound"] == max(one["accuracy"] for one in measured["results"]["embedder"].values())
    assert measured["accuracy"] == measured["results"]["vector"]["PCA"]["accuracy"]
    assert (folder / "pictures" / "worst-pairs.png").is_file()
    assert "faces" in (folder / "index.html").read_text()


def test_pictures_without_a_face_are_counted_and_their_pairs_count(
    settings: Settings, subject: Subject, crops_file: Path
) -> None:
    pairs = open_verification_set(crops_file)
    _, document = evaluate_verification(settings, subject, pairs, VerificationOptions(), command="f2p evaluate")
    assert document["measurements"]["pictures_without_face"] == 6  # the pictures of noise
    assert document["measurements"]["results"]["vector"]["plain"]["num_pairs"] == 12
    assert any("6 of 24 pictures showed no face" in note for note in document["notes"])


def test_it_is_measured_once_for_the_same_networks_set_and_options(
    settings: Settings, subject: Subject, crops_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pairs = open_verification_set(crops_file)
    order = {"settings": settings, "subject": subject, "pairs": pairs, "command": "f2p evaluate"}
    folder, document = evaluate_verification(**order, options=VerificationOptions())
    with monkeypatch.context() as patch:
        patch.setattr("flows.evaluations.verification.describe_set", None)  # would fail if it were called
        assert evaluate_verification(**order, options=VerificationOptions()) == (folder, document)
    other = dataclasses.replace(subject, hashes={"translator": "another"})
    for change in (
        {"options": VerificationOptions(mirrored=False)},
        {"subject": other, "options": VerificationOptions()},
    ):
        assert evaluate_verification(**{**order, **change})[0] != folder


@pytest.mark.parametrize("change", [{"mode": "fast"}, {"features": "all"}, {"pca": -1}])
def test_options_that_make_no_sense_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(InputError, match=r"mode|features|pca"):
        VerificationOptions(**change)


def test_both_kinds_of_pairs_are_drawn_and_the_threshold() -> None:
    distances = np.concatenate([np.linspace(0.0, 1.0, 50), np.linspace(1.0, 2.0, 50)])
    figure = draw_distances(distances, np.arange(100) < 50, 1.0)
    assert figure.svg.count("<rect") == 80
    assert "1.00" in figure.caption
