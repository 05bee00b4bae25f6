from __future__ import annotations

import hashlib
import json
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from engine_bridge.bridge import EngineBridge
from engine_bridge.errors import InputError
from engine_bridge.schema import ParameterSchema
from f2p_datasets.errors import DatasetError
from f2p_datasets.manifest import DatasetManifest
from f2p_datasets.rendering import DatasetPlan
from f2p_datasets.samplers import PriorSampler, build_sampler
from f2p_datasets.slider_prior import SliderPrior


def write_prior(path: Path, schema: ParameterSchema, *, limit: float = 3.0, **card: Any) -> SliderPrior:
    """Two groups: the first six sliders have two directions, the other six one, which is larger."""
    axes = np.zeros((2, 6), np.float32)
    axes[0, :2], axes[1, 3] = 0.5**0.5, 1.0
    tensors = {
        "mean": np.linspace(0.45, 0.55, schema.num_continuous, dtype=np.float32),
        "upper.indices": np.arange(6),
        "upper.axes": axes,
        "upper.deviations": np.array([0.1, 0.05], np.float32),
        "lower.indices": np.arange(6, 12)[::-1].copy(),
        "lower.axes": np.eye(1, 6, dtype=np.float32),
        "lower.deviations": np.array([0.15], np.float32),
    }
    stated = {"format": "f2p-priors-1", "groups": ["upper", "lower"], "fingerprint": schema.fingerprint, "limit": limit}
    save_file(tensors, path, {"priors": json.dumps(stated | card)})
    return SliderPrior.load(path)


@pytest.fixture
def prior(schema: ParameterSchema, tmp_path: Path) -> SliderPrior:
    return write_prior(tmp_path / "priors.safetensors", schema)


@pytest.fixture
def prior_plan(plan: DatasetPlan, prior: SliderPrior) -> DatasetPlan:
    return replace(plan, sampler="prior", prior=prior)


def test_directions_lie_where_their_group_has_its_sliders(prior: SliderPrior) -> None:
    np.testing.assert_allclose(prior.moves[0], [0.1 * 0.5**0.5] * 2 + [0.0] * 10, atol=1e-7)
    np.testing.assert_allclose(prior.moves[1], [0, 0, 0, 0.05] + [0.0] * 8, atol=1e-7)
    np.testing.assert_allclose(prior.moves[2], [0.0] * 11 + [0.15], atol=1e-7)


def test_sliders_vary_around_the_mean_along_the_directions_and_in_no_other(
    schema: ParameterSchema, prior: SliderPrior
) -> None:
    sliders = build_sampler("prior", schema, 0, prior).vectors(0, 4000)[:, :12].astype(np.float64)
    np.testing.assert_allclose(sliders[:, :11].mean(0), prior.mean[:11], atol=0.005)
    np.testing.assert_allclose(sliders[:, :11].std(0), np.sqrt((prior.moves**2).sum(0))[:11], atol=0.005)
    np.testing.assert_allclose(sliders[:, 0] - sliders[:, 1], prior.mean[0] - prior.mean[1], atol=1e-6)
    np.testing.assert_allclose(sliders[:, 4], prior.mean[4], atol=1e-6)


def test_no_face_is_further_along_a_direction_than_the_limit(schema: ParameterSchema, tmp_path: Path) -> None:
    narrow = write_prior(tmp_path / "narrow.safetensors", schema, limit=1.0)
    away = build_sampler("prior", schema, 0, narrow).vectors(0, 200)[:, 3] - narrow.mean[3]
    assert np.abs(away).max() == pytest.approx(0.05, abs=1e-6)


def test_a_vector_is_valid_and_does_not_depend_on_which_others_are_drawn(
    schema: ParameterSchema, prior: SliderPrior
) -> None:
    sampler = build_sampler("prior", schema, 5, prior)
    together = sampler.vectors(0, 40)
    np.testing.assert_array_equal(together[29], sampler.vector(29))
    for vector in together:
        np.testing.assert_array_equal(schema.check_vector(vector), schema.harden(vector))


def test_draws_never_change_between_versions(schema: ParameterSchema, prior: SliderPrior) -> None:
    """When this fails on purpose, raise rendering.CODE_VERSION."""
    drawn = build_sampler("prior", schema, 0, prior).vector(3)[[0, 3, 11]].tolist()
    assert drawn == pytest.approx([0.487736, 0.426756, 0.65327], abs=1e-5)


def test_a_prior_of_another_character_is_refused_with_the_way_out(schema: ParameterSchema, prior: SliderPrior) -> None:
    with pytest.raises(InputError, match=r"fitted for schema 0123, .* f2p priors fit --character tiny"):
        PriorSampler(schema, 0, replace(prior, fingerprint="0123"))


def test_a_sampler_without_its_prior_and_a_prior_without_its_sampler_are_refused(
    schema: ParameterSchema, prior: SliderPrior
) -> None:
    with pytest.raises(InputError, match="'prior' draws by one; give the file"):
        build_sampler("prior", schema, 0)
    with pytest.raises(InputError, match="'uniform' takes none"):
        build_sampler("uniform", schema, 0, prior)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.unlink(),
        lambda path: path.write_bytes(path.read_bytes()[:-8]),
        lambda path: path.write_text("{}"),
        lambda path: save_file({"a": np.zeros(1)}, path),
        lambda path: save_file(load_file(path), path, {"priors": json.dumps({"format": "f2p-priors-2"})}),
        lambda path: save_file(load_file(path), path, {"priors": "[]"}),
    ],
)
def test_a_file_that_holds_no_priors_is_refused_by_name(
    spoil: Callable[[Path], None], schema: ParameterSchema, tmp_path: Path
) -> None:
    path = tmp_path / "priors.safetensors"
    write_prior(path, schema)
    spoil(path)
    with pytest.raises(DatasetError, match=r"priors\.safetensors: "):
        SliderPrior.load(path)


def test_the_dataset_s_key_changes_with_the_content_of_the_prior(
    prior_plan: DatasetPlan, engine: EngineBridge, schema: ParameterSchema, tmp_path: Path
) -> None:
    again = write_prior(tmp_path / "same.safetensors", schema)
    other = write_prior(tmp_path / "other.safetensors", schema, limit=2.0)
    assert replace(prior_plan, prior=again).key(engine) == prior_plan.key(engine)
    assert replace(prior_plan, prior=other).key(engine) != prior_plan.key(engine)
    assert pickle.loads(pickle.dumps(prior_plan)).key(engine) == prior_plan.key(engine)  # workers get it so


def test_the_manifest_says_which_prior_a_dataset_was_drawn_by(
    prior_plan: DatasetPlan, render: Callable[[DatasetPlan, Path], DatasetManifest], tmp_path: Path
) -> None:
    manifest = render(replace(prior_plan, count=12), tmp_path / "dataset")
    expected = hashlib.sha256((tmp_path / "priors.safetensors").read_bytes()).hexdigest()
    assert manifest.provenance.prior_sha256 == expected
    assert json.loads((tmp_path / "dataset" / "manifest.json").read_text())["provenance"]["prior_sha256"] == expected


def test_datasets_of_other_samplers_keep_the_keys_they_had(plan: DatasetPlan, engine: EngineBridge) -> None:
    assert "prior_sha256" not in plan.provenance(engine).to_dict()
