from __future__ import annotations

import json

import pytest

from f2p_models.bundle_manifest import BundleManifest, hash_files, read_manifest, verify_bundle
from f2p_models.errors import BundleError


def write_bundle(folder, *, weights="w", report="r", score=0.5):
    (folder / "imitator").mkdir(parents=True)
    (folder / "imitator" / "weights").write_text(weights)
    (folder / "model_card.md").write_text(report)
    manifest = BundleManifest(
        character="small", fingerprint="f", resolution=64, embedder="dlib", code_version="0",
        files=hash_files(folder), heldout="set", metrics={"score": score}, parents={},
    )  # fmt: skip
    (folder / "bundle.json").write_text(json.dumps(manifest.to_dict()))
    return manifest


def test_an_untouched_bundle_verifies_and_reads_back(tmp_path):
    written = write_bundle(tmp_path)

    assert verify_bundle(tmp_path) == written


def test_the_identity_follows_the_weights_and_not_the_reports(tmp_path):
    first = write_bundle(tmp_path / "a").identity

    assert write_bundle(tmp_path / "b", report="other").identity == first
    assert write_bundle(tmp_path / "c", weights="other").identity != first


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda folder: (folder / "imitator" / "weights").write_text("x"), "imitator/weights was changed"),
        (lambda folder: (folder / "model_card.md").unlink(), "model_card.md is missing"),
        (lambda folder: (folder / "imitator" / "more").write_text("x"), "imitator/more does not belong"),
    ],
)
def test_a_changed_bundle_is_refused_with_the_file(tmp_path, change, message):
    write_bundle(tmp_path)
    change(tmp_path)

    with pytest.raises(BundleError, match=message):
        verify_bundle(tmp_path)


def test_a_bundle_without_its_manifest_is_unfinished(tmp_path):
    write_bundle(tmp_path)
    (tmp_path / "bundle.json").unlink()

    with pytest.raises(BundleError, match="no finished bundle"):
        read_manifest(tmp_path)


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"character": "small"}'])
def test_what_is_no_manifest_is_refused(tmp_path, content):
    (tmp_path / "bundle.json").write_text(content)

    with pytest.raises(BundleError, match="not a bundle manifest"):
        read_manifest(tmp_path)


@pytest.mark.parametrize("score", [float("nan"), float("inf")])
def test_a_score_that_cannot_be_compared_is_refused(tmp_path, score):
    with pytest.raises(BundleError, match="no finite 'score'"):
        write_bundle(tmp_path, score=score)
