from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from engine_bridge.characters import load_schema
from engine_bridge.errors import InputError
from engine_bridge.schema import ParameterSchema
from f2p_datasets.samplers import build_sampler
from f2p_datasets.slider_prior import SliderPrior
from f2p_models.priors import FacialPriors, PriorsConfig, fit_priors, load_priors, save_priors
from flows.cli import main
from flows.priors.faces import read_faces, write_faces
from flows.priors.files import open_sampler_prior
from flows.priors.pictures import directions_sheet, energy_chart, move_along
from flows.settings import Settings

Vectors = npt.NDArray[np.float32]


@pytest.fixture(scope="module")
def schema() -> ParameterSchema:
    return load_schema("tiny")


@pytest.fixture(scope="module")
def faces(schema: ParameterSchema) -> Vectors:
    return build_sampler("natural", schema, 0).vectors(0, 150)


@pytest.fixture(scope="module")
def priors(schema: ParameterSchema, faces: Vectors) -> FacialPriors:
    return fit_priors(schema, faces, PriorsConfig(components=2, energy=None))


@pytest.fixture
def table(schema: ParameterSchema, faces: Vectors, tmp_path: Path) -> Path:
    write_faces(tmp_path / "faces.parquet", schema, faces)
    return tmp_path / "faces.parquet"


def test_the_sampler_reads_the_file_as_the_networks_wrote_it(
    schema: ParameterSchema, priors: FacialPriors, tmp_path: Path
) -> None:
    digest = save_priors(tmp_path / "priors.safetensors", priors)
    prior = SliderPrior.load(tmp_path / "priors.safetensors")
    assert (prior.sha256, prior.fingerprint, prior.limit) == (digest, schema.fingerprint, priors.card.limit)
    np.testing.assert_allclose(prior.mean, priors.mean, atol=1e-6)
    np.testing.assert_allclose(prior.moves, priors.unwhitening, atol=1e-6)


def test_a_drawn_face_is_one_that_the_priors_leave_as_it_is(
    schema: ParameterSchema, priors: FacialPriors, tmp_path: Path
) -> None:
    save_priors(tmp_path / "priors.safetensors", priors)
    sampler = build_sampler("prior", schema, 3, SliderPrior.load(tmp_path / "priors.safetensors"))
    drawn = torch.from_numpy(sampler.vectors(0, 100))
    inside = ((drawn[:, :12] > 0.0) & (drawn[:, :12] < 1.0)).all(1)
    assert inside.sum() > 50
    torch.testing.assert_close(priors.project(drawn[inside]), drawn[inside], atol=1e-5, rtol=0)


def test_faces_come_back_from_their_table(schema: ParameterSchema, faces: Vectors, table: Path) -> None:
    np.testing.assert_allclose(read_faces(table, schema), faces, atol=1e-6)


def test_of_a_dataset_s_table_only_the_front_views_count(schema: ParameterSchema, faces: Vectors, table: Path) -> None:
    rows = pq.read_table(table).append_column("frontal", pa.array([index < 7 for index in range(len(faces))]))
    pq.write_table(rows, table)
    np.testing.assert_allclose(read_faces(table, schema), faces[:7], atol=1e-6)


def test_a_table_of_another_character_is_refused_naming_what_is_missing(table: Path) -> None:
    with pytest.raises(InputError, match=r"no column .* every parameter of justice_male"):
        read_faces(table, load_schema("justice_male"))


def test_a_value_that_the_character_cannot_have_is_refused(schema: ParameterSchema, table: Path) -> None:
    rows = pq.read_table(table)
    place = rows.column_names.index("jaw.tx")
    pq.write_table(rows.set_column(place, "jaw.tx", pa.array([1e6] * len(rows))), table)
    with pytest.raises(InputError, match=r"faces\.parquet: jaw\.tx: 1000000\.0 lies outside"):
        read_faces(table, schema)


def test_moving_along_a_component_moves_its_group_only_and_the_mean_face_is_in_the_middle(
    schema: ParameterSchema, priors: FacialPriors
) -> None:
    moved = move_along(priors, schema, 0)
    first = list(priors.groups[0].indices)
    others = [index for index in range(priors.num_sliders) if index not in first]
    np.testing.assert_allclose(moved[2, : priors.num_sliders], priors.mean, atol=1e-6)
    np.testing.assert_allclose(moved[:, others], np.repeat(moved[2:3, others], 5, 0), atol=1e-6)
    steps = np.diff(moved[:, first[0]])
    assert abs(steps[0]) > 0.01
    np.testing.assert_allclose(steps, steps[0], atol=1e-5)


def test_the_sheet_has_a_row_for_the_first_component_of_every_group(
    schema: ParameterSchema, priors: FacialPriors
) -> None:
    asked: list[int] = []

    def render(vectors: Vectors) -> npt.NDArray[np.uint8]:
        asked.append(len(vectors))
        return np.zeros((len(vectors), 8, 8, 3), np.uint8)

    assert directions_sheet(priors, schema, render).dtype == np.uint8
    assert asked == [5] * len(priors.groups)


def test_the_chart_shows_what_is_kept(schema: ParameterSchema, faces: Vectors) -> None:
    few, all_of_them = (
        energy_chart(fit_priors(schema, faces, PriorsConfig(components=count, energy=None))) for count in (1, 100)
    )
    assert few.shape == all_of_them.shape == (560, 960, 3)
    assert (few != all_of_them).any()


def test_fitting_a_table_writes_the_file_the_curve_and_the_faces(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "mine.safetensors"
    order = ["priors", "fit", "-c", "tiny", "--table", str(table), "--components", "2", "--out", str(out), "--json"]
    assert main([*order, "--home", str(tmp_path / "home")]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["faces"] == 150
    assert {group["group"]: group["components"] for group in told["groups"]}["eyes"] == 2
    assert {path.name for path in Path(told["folder"]).iterdir()} == {
        "energy.png", "faces.parquet", "priors.safetensors",
    }  # fmt: skip
    assert load_priors(out).card.source == {"table": "faces.parquet"}


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ([], "give --photos or --table"),
        (["--table", "faces.parquet", "--photos", "."], "give --photos or --table"),
        (["--table", "none.parquet"], "none.parquet"),
        (["--table", "faces.parquet", "--energy", "2"], "lies in (0, 1], got 2.0"),
        (["--table", "faces.parquet", "--energy", "0.9", "--components", "3"], "give one of them"),
        (["--table", "faces.parquet", "--out", "priors.txt"], "give a name that ends so"),
    ],
)
def test_an_order_that_cannot_be_fitted_is_refused_in_one_line(
    words: list[str], complaint: str, table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    placed = [str(table.with_name(word)) if word.endswith(".parquet") else word for word in words]
    assert main(["priors", "fit", "-c", "tiny", *placed, "--home", str(tmp_path / "home")]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert complaint in line


def test_a_sampler_s_prior_is_the_file_s(priors: FacialPriors, settings: Settings, tmp_path: Path) -> None:
    digest = save_priors(tmp_path / "priors.safetensors", priors)
    prior = open_sampler_prior(settings, "tiny", "prior", tmp_path / "priors.safetensors")
    assert prior is not None
    assert prior.sha256 == digest
    assert open_sampler_prior(settings, "tiny", "natural", None) is None


def test_a_file_that_the_sampler_has_no_use_for_is_refused(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="'sobol' takes none; give --sampler prior"):
        open_sampler_prior(settings, "tiny", "sobol", tmp_path / "priors.safetensors")
