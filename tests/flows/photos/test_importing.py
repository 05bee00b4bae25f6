"""A collection imported through the command line, as a user has it, and taken by whoever learns from photos."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import skimage.data
from PIL import Image

from engine_bridge.errors import InputError
from f2p_datasets.alignment import AlignmentTemplate
from f2p_datasets.collections import FORMATS
from f2p_datasets.loaders import PairLoader
from f2p_datasets.manifest import read_manifest
from flows.cli import main
from flows.cli.app import USERS_MISTAKE
from flows.engines.orders import EngineOrder
from flows.recipes import smoke
from flows.render import gather_photos
from flows.runs import Run, open_run
from flows.settings import Settings

F2p = Callable[..., "subprocess.CompletedProcess[str]"]
IMPORT = ("photos", "import", "--character", "tiny", "--resolution", "64", "--workers", "1", "--json")


@dataclass(frozen=True)
class Imported:
    """What an import left, and what it printed."""

    source: Path
    folder: Path
    home: Path
    summary: dict[str, Any]


@pytest.fixture(scope="session")
def imported(f2p: F2p, tmp_path_factory: pytest.TempPathFactory) -> Imported:
    """A miniature LFW: three photos of one person, one of a wall of another."""
    place = tmp_path_factory.mktemp("photos")
    source = place / "lfw"
    (source / "Eileen_Collins").mkdir(parents=True)
    (source / "The_Wall").mkdir()
    portrait = skimage.data.astronaut()[:300, 70:370]
    for number in (1, 2, 3):
        Image.fromarray(portrait[number:]).save(source / f"Eileen_Collins/Eileen_Collins_000{number}.png")
    Image.new("RGB", (250, 250), (90, 90, 90)).save(source / "The_Wall/The_Wall_0001.png")
    (source / "peopleDevTrain.txt").write_text("2\nEileen_Collins\t3\nThe_Wall\t1\n")
    done = f2p(*IMPORT, source, "--out", place / "set", home=place / "home")
    assert done.returncode == 0, done.stderr
    return Imported(source, place / "set", place / "home", json.loads(done.stdout))


@pytest.fixture
def template(imported: Imported) -> AlignmentTemplate:
    points = read_manifest(imported.folder).provenance.template
    assert points is not None
    return AlignmentTemplate.from_points(points)


@pytest.fixture
def run(settings: Settings) -> Iterator[Run]:
    with open_run(settings, character="tiny", recipe=smoke(), engine=EngineOrder(), num_workers=1) as run:
        yield run


def test_the_summary_counts_what_was_found_and_why_the_rest_was_not(imported: Imported) -> None:
    found = {name: imported.summary[name] for name in ("photos", "found", "people", "partitions", "resolution")}
    assert found == {"photos": 4, "found": 3, "people": 1, "partitions": {"peopleDevTrain": 3}, "resolution": 64}
    assert [reason.partition(";")[0] for reason in imported.summary["reasons"]] == ["no face found"]
    assert imported.summary["spreads"]["landmark_error_px"]["median"] > 0


def test_training_reads_it_and_can_tell_people_apart(imported: Imported) -> None:
    batch = next(PairLoader(imported.folder, split="train", batch_size=3, seed=0, fields=("image",)).epoch(0))
    assert batch.image is not None
    assert batch.image.shape == (3, 3, 64, 64)
    assert pq.read_table(imported.folder / "pairs.parquet").column("identity").to_pylist() == ["Eileen_Collins"] * 3


def test_the_pages_to_look_at_lie_beside_it(imported: Imported) -> None:
    page = (imported.folder / "rejects.html").read_text()
    assert "The_Wall/The_Wall_0001.png" in page
    assert "no face found" in page
    assert page.count("data:image/jpeg;base64,") == 1
    with Image.open(imported.folder / "sheet.jpg") as sheet:
        assert sheet.size == (1280, 128)


def test_a_second_import_changes_nothing(f2p: F2p, imported: Imported) -> None:
    before = {path: path.stat().st_mtime_ns for path in imported.folder.iterdir()}
    again = f2p(*IMPORT, imported.source, "--out", imported.folder, home=imported.home)
    assert json.loads(again.stdout) == imported.summary
    assert {path: path.stat().st_mtime_ns for path in imported.folder.iterdir()} == before


def test_another_order_into_the_same_folder_is_refused(f2p: F2p, imported: Imported) -> None:
    other = f2p(*IMPORT, imported.source, "--limit", "2", "--out", imported.folder, home=imported.home)
    assert other.returncode == USERS_MISTAKE
    assert "holds dataset" in other.stderr
    assert read_manifest(imported.folder).num_pairs == 3


def test_a_wrong_format_is_told_before_anything_is_opened(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "me.jpg").touch()
    words = ["photos", "import", str(tmp_path), "--format", "celeba", "--home", str(tmp_path / "home")]
    assert main(words) == USERS_MISTAKE
    assert "has no folder img_align_celeba" in capsys.readouterr().err


def test_show_repeats_the_summary_and_draws_the_sheet(
    imported: Imported, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["photos", "show", str(imported.folder), "--sheet", str(tmp_path / "sheet.png"), "--home", str(tmp_path)]
    assert main([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {**imported.summary, "folder": str(imported.folder)}
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert np.asarray(sheet).std() > 10
    assert main(words) == 0
    assert "3 of 4 photos (75.0%)" in capsys.readouterr().out


def test_imported_photos_are_taken_as_they_are(imported: Imported, run: Run, template: AlignmentTemplate) -> None:
    assert gather_photos(run, template, imported.folder) == imported.folder
    (step,) = run.record.steps
    assert (step.cached, step.key, step.figures) == (True, imported.summary["key"], {"photos": 3, "rejects": 1})


def test_a_raw_collection_is_aligned_on_the_way(imported: Imported, run: Run, template: AlignmentTemplate) -> None:
    folder = gather_photos(run, template, imported.source)
    assert folder.parent == run.settings.datasets
    assert read_manifest(folder).num_pairs == 3
    assert gather_photos(run, template, imported.source) == folder
    assert [step.cached for step in run.record.steps] == [False, True]


def test_photos_aligned_to_another_face_are_refused_with_the_way_out(
    imported: Imported, run: Run, template: AlignmentTemplate
) -> None:
    other = AlignmentTemplate(template.points + 0.01)
    with pytest.raises(InputError, match=r"another face than tiny's; import again: f2p photos import .* tiny --out"):
        gather_photos(run, other, imported.folder)


def test_a_template_that_differs_by_less_than_a_landmarks_worth_is_the_same(
    imported: Imported, run: Run, template: AlignmentTemplate
) -> None:
    same = AlignmentTemplate(template.points + 1 / 512)
    assert gather_photos(run, same, imported.folder) == imported.folder


def test_photos_that_are_too_small_for_the_recipe_are_refused_with_the_way_out(
    imported: Imported, run: Run, template: AlignmentTemplate
) -> None:
    run.recipe = replace(run.recipe, resolution=128)
    with pytest.raises(InputError, match=r"has 64 px, the recipe needs 128; .* --resolution 128"):
        gather_photos(run, template, imported.folder)


def test_a_stopped_import_is_no_folder_of_photos(run: Run, template: AlignmentTemplate, tmp_path: Path) -> None:
    (tmp_path / "shard-000000.parquet").touch()
    with pytest.raises(InputError, match="was stopped; run the same 'f2p photos import' to its end"):
        gather_photos(run, template, tmp_path)


def test_the_help_names_every_format(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["photos", "import", "--help"]) == 0
    shown = capsys.readouterr().out
    assert [name for name in FORMATS if name not in shown] == []
