from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch

from f2p_models.checkpoints import read_card, save_checkpoint
from f2p_models.creator_bundle import finish_bundle, load_bundle, load_draft
from f2p_models.errors import BundleError, CheckpointError, PriorsError
from f2p_models.imitator import Imitator, ImitatorConfig
from f2p_models.priors import PRIORS_FILE, PriorsConfig, fit_priors, save_priors

CPU = torch.device("cpu")


@pytest.fixture
def folder(draft_folder, tmp_path):
    return shutil.copytree(draft_folder, tmp_path / "bundle")


def finish(folder):
    metrics, parents = {"score": 0.5}, {"dataset": "d"}
    return finish_bundle(folder, code_version="1", heldout="set", metrics=metrics, parents=parents)


def test_a_finished_bundle_loads_as_what_was_put_in(folder, small_schema, template, small_bundle):
    manifest = finish(folder)

    loaded = load_bundle(folder, device=CPU)

    assert loaded.schema == small_schema
    np.testing.assert_array_equal(loaded.template, template)
    assert (loaded.resolution, manifest.resolution, manifest.embedder) == (64, 64, "dlib")
    for name in ("imitator", "segmenter", "translator"):
        expected = getattr(small_bundle, name).state_dict()
        assert all(torch.equal(expected[key], value) for key, value in getattr(loaded, name).state_dict().items())


def test_a_loaded_bundle_is_frozen_and_in_evaluation_mode(small_bundle):
    for network in (small_bundle.imitator, small_bundle.segmenter, small_bundle.translator):
        assert not network.training
        assert not any(parameter.requires_grad for parameter in network.parameters())


def test_an_unfinished_bundle_is_not_loaded(folder):
    with pytest.raises(BundleError, match="no finished bundle"):
        load_bundle(folder)


def test_changed_weights_are_refused(folder):
    finish(folder)
    weights = folder / "imitator" / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")

    with pytest.raises(BundleError, match=r"imitator/weights\.safetensors was changed"):
        load_bundle(folder)


def test_assembling_twice_gives_the_same_identity(folder, tmp_path, draft_folder):
    again = shutil.copytree(draft_folder, tmp_path / "again")

    assert finish(folder).identity == finish(again).identity


def add_priors(folder, schema, *, seed=0):
    faces = np.random.default_rng(seed).random((20, schema.vector_size), np.float32)
    priors = fit_priors(schema, faces, PriorsConfig(components=1, energy=None))
    save_priors(folder / PRIORS_FILE, priors)
    return priors


def test_a_bundle_carries_its_priors(folder, small_schema):
    assert load_draft(folder, device=CPU).priors is None
    priors = add_priors(folder, small_schema)
    finish(folder)

    loaded = load_bundle(folder, device=CPU).priors

    assert loaded is not None
    vectors = torch.rand(4, small_schema.vector_size)
    torch.testing.assert_close(loaded.project(vectors), priors.project(vectors), atol=0, rtol=0)


def test_other_priors_make_another_creator(folder, tmp_path, draft_folder, small_schema):
    without = finish(shutil.copytree(draft_folder, tmp_path / "without")).identity
    add_priors(folder, small_schema)
    first = finish(folder).identity
    add_priors(folder, small_schema, seed=1)

    assert len({without, first, finish(folder).identity}) == 3


def test_priors_of_another_schema_are_refused(folder, small_schema):
    add_priors(folder, replace(small_schema, head="another"))

    with pytest.raises(PriorsError, match=f"but the character's schema is {small_schema.fingerprint}"):
        load_draft(folder)


def test_an_imitator_of_another_schema_is_refused(folder, small_schema):
    other = replace(small_schema, head="another")
    (folder / "schema.json").write_text(json.dumps(other.to_dict()))

    with pytest.raises(CheckpointError, match=f"{small_schema.fingerprint}.*{other.fingerprint}"):
        load_draft(folder)


def test_an_imitator_for_vectors_of_another_length_is_refused(folder):
    card = read_card(folder / "imitator")
    save_checkpoint(folder / "imitator", Imitator(ImitatorConfig(vector_size=9, resolution=64, width=0.05)), card)

    with pytest.raises(CheckpointError, match="imitator: made for vectors of 9 entries, small has 7"):
        load_draft(folder)


def test_another_embedder_than_the_translators_is_refused(folder):
    (folder / "embedder.json").write_text(json.dumps({"name": "dlib", "weights_sha256": "0" * 64}))

    with pytest.raises(BundleError, match="weights 000000000000, found"):
        load_draft(folder)


def test_a_template_that_is_none_is_refused(folder):
    (folder / "template.json").write_text("[[0.5, 0.5]]")

    with pytest.raises(BundleError, match=r"shape \(68, 2\), got \(1, 2\)"):
        load_draft(folder)
