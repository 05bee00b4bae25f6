"""The whole pipeline with the recipe ``smoke``, through the command line as a user has it."""

from __future__ import annotations

import hashlib
import io
import json
import pickle
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import pytest
import skimage.data
from PIL import Image

from flows.steps import alone

SMOKE = ("run", "--character", "tiny", "--recipe", "smoke", "--workers", "2", "--photo", "sample", "--json")
STAGES = [
    "studio",
    "template",
    "photo-like",
    "heldout-photos",
    "imitator",
    "segmenter",
    "translator",
    "priors",
    "evaluation",
    "version",
    "creation",
]

F2p = Callable[..., "subprocess.CompletedProcess[str]"]


class Finished(Protocol):
    """A home in which the smoke run has ended, and what it printed; ``conftest.py`` makes it."""

    home: Path
    result: dict[str, Any]


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_run_goes_through_every_stage_and_says_where_the_results_lie(finished: Finished) -> None:
    assert [step["stage"] for step in finished.result["steps"]] == STAGES
    assert Path(finished.result["report"]).is_file()
    [character] = finished.result["results"]["characters"]
    names = {path.name for path in Path(character).iterdir()}
    pictures = {"aligned.png", "imitator.png", "engine.png", "side_by_side.png"}
    assert names == {"parameters.json", "convergence.svg", *pictures}


def test_a_finished_training_keeps_no_state(finished: Finished) -> None:
    assert list((finished.home / "checkpoints").rglob("state.pt")) == []


def test_a_second_run_does_nothing_again(finished: Finished, f2p: F2p) -> None:
    kinds = ("datasets", "checkpoints", "evaluations", "registry", "creations")
    before = {kind: contents(finished.home / kind) for kind in kinds if kind != "registry"}
    [trained] = (finished.home / "checkpoints").glob("*-segmenter-*/training")
    (trained / "state.pt").write_bytes(b"of a training that was killed when all was done but this")
    again = json.loads(f2p(*SMOKE, home=finished.home).stdout)
    assert [step["stage"] for step in again["steps"] if not step["cached"]] == []
    assert {kind: contents(finished.home / kind) for kind in before} == before
    assert sorted(path.name for path in (finished.home / "registry" / "tiny").glob("?")) == ["1"]


def test_nothing_is_written_outside_the_home(finished: Finished, environment: dict[str, str]) -> None:
    assert list(Path(environment["HOME"]).rglob("*")) == []


def test_the_report_holds_everything_itself(finished: Finished) -> None:
    page = Path(finished.result["report"]).read_text()
    assert re.findall(r"(?:src|href)=\"(?!data:|#)", page) == []
    assert "Not on this page" not in page
    assert page.count("Below each its L1 and its key.") == 2
    assert page.count("data:image/webp;base64,") >= 6
    for words in ("Photo to character", "Where the imitator is worst", "mean IoU", "own photo nearest", "astronaut"):
        assert words in page


def test_a_report_can_be_made_again(finished: Finished, f2p: F2p) -> None:
    report = Path(finished.result["report"])
    report.unlink()
    assert f2p("report", finished.result["run_id"], home=finished.home).stdout.strip() == str(report)
    assert report.is_file()


def test_created_parameters_are_in_engine_units_and_name_their_origin(finished: Finished) -> None:
    [character] = finished.result["results"]["characters"]
    document = json.loads((Path(character) / "parameters.json").read_text())
    assert document["character"] == "tiny"
    assert document["version"] == 1
    assert document["photo"] == "astronaut.png"
    assert len(document["vector"]) == 19
    assert -5.0 <= document["sliders"]["jaw"]["jaw.tx"] <= 5.0


def test_a_photo_that_cannot_be_used_does_not_stop_the_others(finished: Finished, f2p: F2p, tmp_path: Path) -> None:
    (tmp_path / "notes.jpg").write_text("no photo")
    made = f2p(
        "create", tmp_path / "notes.jpg", "sample", "--character", "tiny", "--mode", "one-shot",
        "--out", tmp_path / "out", "--json", home=finished.home,
    )  # fmt: skip
    assert made.returncode == 2
    outcome = json.loads(made.stdout)
    assert outcome["created"] == [str(tmp_path / "out" / "astronaut")]
    assert "notes.jpg" in outcome["failed"][0]


def test_a_published_version_can_be_looked_at(finished: Finished, f2p: F2p) -> None:
    [version] = json.loads(f2p("models", "list", "--json", home=finished.home).stdout)
    assert (version["character"], version["version"], version["is_champion"]) == ("tiny", 1, True)
    assert "# Creator for" in f2p("models", "show", "--character", "tiny", home=finished.home).stdout


def test_the_priors_of_a_version_are_shown_with_what_they_do_to_a_photo(
    finished: Finished, f2p: F2p, tmp_path: Path
) -> None:
    order = ("priors", "show", "--character", "tiny", "--photos", "sample", "--out", tmp_path / "page", "--json")
    page = json.loads(f2p(*order, home=finished.home).stdout)
    created = [(effect["mode"], effect["with_priors"]) for effect in page["measurements"]["effects"]]
    assert created == [(mode, held) for mode in ("one-shot", "iterative", "hybrid") for held in (False, True)]
    pictures = {path.name for path in (tmp_path / "page" / "pictures").iterdir()}
    assert pictures == {"energy.png", "random.png", "directions.png", "photos.png"}


def test_the_prior_sampler_draws_by_the_champion_s_priors(finished: Finished, f2p: F2p, tmp_path: Path) -> None:
    order = ("render", "--character", "tiny", "--count", "4", "--resolution", "32", "--sampler", "prior")
    assert f2p(*order, "--out", tmp_path / "drawn", home=finished.home).returncode == 0
    provenance = json.loads((tmp_path / "drawn" / "manifest.json").read_text())["provenance"]
    priors = finished.home / "registry" / "tiny" / "1" / "priors.safetensors"
    assert provenance["prior_sha256"] == hashlib.sha256(priors.read_bytes()).hexdigest()


@pytest.mark.slow
def test_a_version_is_evaluated_by_its_own_recipe_whatever_ran_last(
    finished: Finished, f2p: F2p, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    shutil.copytree(finished.home, home, ignore=shutil.ignore_patterns("runs"))
    again = f2p("evaluate", "--character", "tiny", "--version", "champion", "--json", home=home)
    steps = {step["stage"]: step for step in finished.result["steps"]}
    assert json.loads(again.stdout)["figures"] == steps["evaluation"]["figures"]


@pytest.mark.slow
def test_publishing_again_is_the_same_version(finished: Finished, f2p: F2p) -> None:
    published = json.loads(f2p("publish", "--character", "tiny", "--json", home=finished.home).stdout)
    assert published["version"] == 1


def test_a_damaged_shard_is_rendered_again_and_the_network_found_again(
    finished: Finished, f2p: F2p, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    for kind in ("datasets", "checkpoints"):
        shutil.copytree(finished.home / kind, home / kind)
    [studio] = (home / "datasets").glob("tiny-studio-*")
    before = contents(studio)
    shard = studio / "shard-000001.tar"
    shard.write_bytes(shard.read_bytes()[:-512])
    order = ("train", "imitator", "--character", "tiny", "--recipe", "smoke", "--json")
    trained = json.loads(f2p(*order, home=home).stdout)
    assert contents(studio) == before
    assert trained["cached"]


def test_a_segmenter_goes_on_with_labelled_photos_and_with_others(finished: Finished, f2p: F2p, tmp_path: Path) -> None:
    home, photo = tmp_path / "home", skimage.data.astronaut()[:400, 80:400]
    for kind in ("datasets", "checkpoints", "runs"):
        shutil.copytree(finished.home / kind, home / kind)
    for kind in ("train/images", "train/labels"):
        (tmp_path / "lapa" / kind).mkdir(parents=True)
    for number in range(5):
        Image.fromarray(photo).save(tmp_path / f"lapa/train/images/{number}.jpg", quality=90 + number)
        Image.new("L", (320, 400), 1).save(tmp_path / f"lapa/train/labels/{number}.png")
    order = ("train", "segmenter", "--character", "tiny", "--recipe", "smoke", "--json")
    trained = f2p(*order, "--parsing-set", tmp_path / "lapa", "--photos", tmp_path / "lapa/train/images", home=home)
    assert trained.returncode == 0, trained.stderr
    adapted = Path(json.loads(trained.stdout)["folder"])
    assert adapted.is_relative_to(home)
    card = json.loads((adapted / "checkpoint/checkpoint.json").read_text())
    assert len(card["datasets"]) == 3  # photo-like renders, labelled photos, photos
    base = json.loads(f2p(*order, home=home).stdout)
    base_card = json.loads((Path(base["folder"]) / "checkpoint/checkpoint.json").read_text())
    assert base["cached"]
    assert card["parents"] == {"segmenter": base_card["weights_sha256"]}

    order = ("train", "translator", *order[2:], "--parsing-set", tmp_path / "lapa")
    translator = f2p(*order, home=home)
    assert translator.returncode == 0, translator.stderr
    taught_by = json.loads((Path(json.loads(translator.stdout)["folder"]) / "checkpoint/checkpoint.json").read_text())
    steps = json.loads(max((home / "runs").glob("*/run.json"), key=lambda path: path.stat().st_mtime).read_text())[
        "steps"
    ]
    [_, with_labels] = [Path(step["folder"]) for step in steps if step["stage"] == "segmenter"]
    its_card = json.loads((with_labels / "checkpoint/checkpoint.json").read_text())
    assert taught_by["parents"]["segmenter"] == its_card["weights_sha256"] != base_card["weights_sha256"]


def test_the_doctor_finds_everything_well(finished: Finished, f2p: F2p) -> None:
    findings = json.loads(f2p("doctor", "--json", home=finished.home).stdout)
    assert [finding["subject"] for finding in findings if not finding["ok"]] == []


def test_another_dataset_in_the_output_folder_is_left_alone(finished: Finished, f2p: F2p, tmp_path: Path) -> None:
    [studio] = (finished.home / "datasets").glob("tiny-studio-*")
    shutil.copytree(studio, tmp_path / "out")
    before = contents(tmp_path / "out")
    rendered = f2p("render", "--character", "tiny", "--count", "5", "--out", tmp_path / "out", home=tmp_path / "home")
    assert rendered.returncode == 2
    assert "choose another folder" in rendered.stderr
    assert contents(tmp_path / "out") == before


def test_photos_without_a_face_are_told_with_the_reason_before_anything_is_trained(
    finished: Finished, f2p: F2p, tmp_path: Path
) -> None:
    shutil.copytree(finished.home / "datasets", tmp_path / "home" / "datasets")
    (tmp_path / "photos").mkdir()
    Image.new("RGB", (100, 100)).save(tmp_path / "photos" / "wall.png")
    order = ("train", "translator", "--character", "tiny", "--recipe", "smoke", "--photos", tmp_path / "photos")
    trained = f2p(*order, home=tmp_path / "home")
    assert trained.returncode == 2
    assert "no face found" in trained.stderr
    assert not (tmp_path / "home" / "checkpoints").exists()


def test_networks_of_a_dataset_of_ones_own_are_published_with_their_whole_lineage(
    finished: Finished, f2p: F2p, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    for kind in ("datasets", "checkpoints", "evaluations"):
        shutil.copytree(finished.home / kind, home / kind)
    [studio] = (home / "datasets").glob("tiny-studio-*")
    studio.rename(tmp_path / "own")
    order = ("train", "translator", "--character", "tiny", "--recipe", "smoke", "--dataset", tmp_path / "own")
    assert f2p(*order, home=home).returncode == 0
    published = json.loads(f2p("publish", "--character", "tiny", "--json", home=home).stdout)
    assert published["parents"].keys() == {*STAGES, "engine"} - {"version", "creation"}


def test_a_restart_deletes_nothing_that_another_process_works_on(finished: Finished, f2p: F2p) -> None:
    [imitator] = (finished.home / "checkpoints").glob("tiny-imitator-*")
    before = contents(imitator)
    with alone(imitator, finished.home / "cache" / "locks"):
        trained = f2p("train", "imitator", "--character", "tiny", "--recipe", "smoke", "--restart", home=finished.home)
    assert trained.returncode == 2
    assert "another f2p process is working on it" in trained.stderr
    assert contents(imitator) == before


def test_a_version_is_only_used_with_the_engine_it_was_made_for(finished: Finished, f2p: F2p, tmp_path: Path) -> None:
    order = ("create", "sample", "--character", "tiny", "--engine", "mock_remote", "--out", tmp_path / "out")
    created = f2p(*order, home=finished.home)
    assert created.returncode == 2
    assert "version 1 was made for mock, asked for is mock_remote; give --engine mock" in created.stderr


def test_the_last_run_is_the_last_one_with_that_engine(finished: Finished, f2p: F2p) -> None:
    evaluated = f2p("evaluate", "--character", "tiny", "--engine", "mock_remote", home=finished.home)
    assert evaluated.returncode == 2
    assert "start one: f2p run --character tiny --engine mock_remote" in evaluated.stderr


def test_a_run_with_an_engine_over_the_wire_creates_characters_with_that_engine(f2p: F2p, tmp_path: Path) -> None:
    run = f2p(*SMOKE, "--engine", "mock_remote", home=tmp_path / "home")
    assert run.returncode == 0, run.stderr
    result = json.loads(run.stdout)
    assert [step["stage"] for step in result["steps"]] == STAGES
    assert result["engine"].startswith("mock_remote ")
    [studio] = (tmp_path / "home" / "datasets").glob("tiny-studio-*")
    rendering = json.loads((studio / "manifest.json").read_text())["rendering"]
    assert (rendering["engine"], rendering["frames"]) == ("mock_remote", 20)
    [character] = result["results"]["characters"]
    assert (Path(character) / "engine.png").is_file()


@pytest.mark.slow
def test_an_ablation_trains_a_translator_per_row_and_verifies_each(
    finished: Finished, f2p: F2p, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    for kind in ("runs", "checkpoints"):
        shutil.copytree(finished.home / kind, home / kind)
    pictures = [picture_bytes(level) for level in range(0, 240, 10)]
    (tmp_path / "noise.bin").write_bytes(pickle.dumps((pictures, [True, False] * 6), 3))
    order = ("evaluate", "ablation", "--character", "tiny", "--set", tmp_path / "noise.bin", "--json")
    document = json.loads(f2p(*order, home=home).stdout)
    assert list(document["measurements"]["accuracies"]) == [row[0] for row in document["tables"][0]["rows"][:-1]]
    trained = sorted((home / "checkpoints").glob("tiny-translator-*"))
    assert len(trained) == 1 + 4  # the run's own, and one per row
    again = json.loads(f2p(*order, home=home).stdout)
    assert (again, sorted((home / "checkpoints").glob("tiny-translator-*"))) == (document, trained)


def picture_bytes(level: int) -> bytes:
    buffer = io.BytesIO()
    Image.linear_gradient("L").resize((112, 112)).point(lambda value: (value + level) % 256).save(buffer, "JPEG")
    return buffer.getvalue()
