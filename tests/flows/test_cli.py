from __future__ import annotations

import errno
import json
from pathlib import Path

import pytest

from engine_bridge.errors import EngineUnavailableError
from flows.cli import main
from flows.cli.app import ENGINE_TROUBLE, INTERRUPTED, USERS_MISTAKE

VERBS = [
    ("characters", "list"),
    ("characters", "show"),
    ("characters", "validate"),
    ("characters", "sheet"),
    ("run",),
    ("render",),
    ("train",),
    ("evaluate",),
    ("publish",),
    ("models", "list"),
    ("models", "show"),
    ("models", "promote"),
    ("models", "rollback"),
    ("priors", "fit"),
    ("priors", "show"),
    ("create",),
    ("report",),
    ("doctor",),
    ("health",),
    ("metrics",),
    ("engine", "list"),
    ("engine", "check"),
    ("engine", "bench"),
    ("engine", "serve-mock"),
    ("engine", "project"),
    ("characters", "import"),
    ("photos", "import"),
    ("photos", "show"),
]


@pytest.fixture
def home(tmp_path: Path) -> str:
    return str(tmp_path / "home")


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_every_verb_has_help_with_an_example_and_json(
    verb: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*verb, "--help"]) == 0
    shown = capsys.readouterr().out
    assert f"f2p {' '.join(verb)}" in shown.split("Example")[1]
    assert "--json" in shown


def test_characters_are_listed_for_scripts(home: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["characters", "list", "--json", "--home", home]) == 0
    sizes = {row["name"]: row["vector"] for row in json.loads(capsys.readouterr().out)}
    assert (sizes["justice_female"], sizes["justice_male"]) == (310, 264)


def test_a_character_of_the_users_own_is_found_in_the_home(home: str, capsys: pytest.CaptureFixture[str]) -> None:
    folder = Path(home) / "characters"
    folder.mkdir(parents=True)
    main(["characters", "list", "--json", "--home", home])
    known = {row["name"] for row in json.loads(capsys.readouterr().out)}
    shipped = Path(__file__).parents[2] / "engine_bridge" / "characters"
    (folder / "hero.yaml").write_text((shipped / "tiny.yaml").read_text().replace("character: tiny", "character: hero"))
    assert main(["characters", "show", "hero", "--json", "--home", home]) == 0
    assert "hero" not in known


def test_a_mistake_is_one_line_on_standard_error_and_status_2(home: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["characters", "show", "justice_femal", "--home", home]) == USERS_MISTAKE
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.count("\n") == 1
    assert "did you mean 'justice_female'?" in shown.err


def test_debug_shows_the_traceback(home: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["characters", "show", "nobody", "--debug", "--home", home]) == USERS_MISTAKE
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["run"], ["render", "--count", "none"], ["fly"], ["create", "me.jpg"]])
def test_wrong_usage_is_status_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == USERS_MISTAKE
    assert capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (EngineUnavailableError("no display"), ENGINE_TROUBLE),
        (KeyboardInterrupt(), INTERRUPTED),
        (ZeroDivisionError(), 1),
    ],
)
def test_other_errors_have_their_own_status(
    error: BaseException, status: int, home: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("engine_bridge.characters.list_schemas", fail)
    assert main(["characters", "list", "--home", home]) == status


def test_a_broken_character_file_is_named_with_its_line(
    tmp_path: Path, home: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "hero.yaml"
    file.write_text("title: Hero\nhead: [\n")
    assert main(["characters", "validate", str(file), "--home", home]) == USERS_MISTAKE
    assert "hero.yaml:" in capsys.readouterr().err


def test_without_a_published_version_the_way_to_one_is_shown(home: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "show", "--character", "tiny", "--home", home]) == USERS_MISTAKE
    assert "f2p run --character tiny" in capsys.readouterr().err


def test_a_report_of_no_run_is_the_users_mistake(home: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "latest", "--home", home]) == USERS_MISTAKE
    assert "none was started yet" in capsys.readouterr().err


@pytest.mark.parametrize("below", ["", "sub"])
@pytest.mark.parametrize("order", [["render", "--count", "5"], ["create", "sample"]])
def test_a_file_in_the_place_of_the_output_folder_is_told_at_once(
    order: list[str], below: str, tmp_path: Path, home: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "taken").touch()
    out = str(tmp_path / "taken" / below)
    assert main([*order, "--character", "tiny", "--out", out, "--home", home]) == USERS_MISTAKE
    assert capsys.readouterr().err == f"f2p: out: {tmp_path / 'taken'} is a file; give a folder\n"


def test_a_sheet_of_no_known_picture_format_is_told_at_once(home: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["characters", "sheet", "tiny", "--out", "foo.xyz", "--home", home]) == USERS_MISTAKE
    assert "end it with one of .png" in capsys.readouterr().err


def test_a_full_disk_is_one_line_about_the_file(
    home: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "pairs.tar")

    monkeypatch.setattr("engine_bridge.characters.list_schemas", fail)
    assert main(["characters", "list", "--home", home]) == USERS_MISTAKE
    assert capsys.readouterr().err == "f2p: pairs.tar: No space left on device\n"


def test_a_broken_character_file_is_named_and_the_others_listed(home: str, capsys: pytest.CaptureFixture[str]) -> None:
    folder = Path(home) / "characters"
    folder.mkdir(parents=True)
    (folder / "hero.yaml").write_text("title: [")
    assert main(["characters", "list", "--json", "--home", home]) == 0
    shown = capsys.readouterr()
    assert "tiny" in {row["name"] for row in json.loads(shown.out)}
    assert "left out" in shown.err
    assert "hero.yaml:" in shown.err


def test_a_head_that_the_engine_does_not_have_is_no_valid_character(
    tmp_path: Path, home: str, capsys: pytest.CaptureFixture[str]
) -> None:
    shipped = Path(__file__).parents[2] / "engine_bridge" / "characters" / "tiny.yaml"
    text = shipped.read_text().replace("character: tiny", "character: elf").replace("head: adult_female", "head: elf")
    (tmp_path / "elf.yaml").write_text(text)
    assert main(["characters", "validate", str(tmp_path / "elf.yaml"), "--home", home]) == USERS_MISTAKE
    assert "has no head 'elf'; it has adult_female" in capsys.readouterr().err


def test_nights_whose_trainings_the_processes_cannot_share_are_not_deployed(
    home: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("F2P_TRAIN_PROCESSES", "3")
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")  # nobody is there, and nobody is asked
    assert main(["deploy", "--character", "tiny", "--recipe", "nightly", "--home", home]) == USERS_MISTAKE
    assert "recipe: 'nightly' trains the imitator in batches of 32" in capsys.readouterr().err


@pytest.mark.parametrize("dry_run", [[], ["--dry-run"]])
def test_a_training_that_the_processes_cannot_share_is_told_before_anything_is_rendered(
    home: str, dry_run: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("F2P_TRAIN_PROCESSES", "3")
    order = ["run", "--character", "tiny", "--recipe", "smoke", *dry_run, "--home", home]
    assert main(order) == USERS_MISTAKE
    [line] = capsys.readouterr().err.splitlines()
    assert "recipe: 'smoke' trains the imitator in batches of 8" in line
    assert not (Path(home) / "datasets").exists()


@pytest.mark.parametrize("option", ["--parsing-set", "--backgrounds"])
def test_labelled_photos_and_backgrounds_are_refused_for_networks_that_would_not_see_them(
    option: str, home: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    order = ["train", "imitator", "--character", "tiny", option, str(tmp_path), "--home", home]
    assert main(order) == USERS_MISTAKE
    assert f"{option}: is for the segmenter" in capsys.readouterr().err


def test_a_parsing_set_that_cannot_be_learned_from_is_told_before_anything_is_rendered(
    home: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    order = ["train", "segmenter", "--character", "tiny", "--parsing-set", str(tmp_path), "--home", home]
    assert main(order) == USERS_MISTAKE
    assert "layout of no parsing set" in capsys.readouterr().err
    assert main([*order[:4], "--format", "lapa", "--home", home]) == USERS_MISTAKE
    assert "--parsing-set" in capsys.readouterr().err
