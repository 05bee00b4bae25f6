from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine_bridge.errors import InputError
from flows.evaluations.page import (
    EvaluationPage,
    Figure,
    Place,
    Table,
    evaluate_once,
    format_cell,
    read_page,
    render_page,
    write_page,
)
from flows.settings import Settings

TABLE = Table(title="Figures", header=("what", "value"), rows=(("accuracy", 0.91234567), ("pairs", 1000)))


def page(**changes: object) -> EvaluationPage:
    return EvaluationPage(
        **{
            "verb": "test",
            "character": "tiny",
            "title": "A test <of> pages",
            "command": "f2p evaluate test --character tiny",
            "tables": (TABLE,),
            "figures": (Figure(name="sheet", title="A sheet", picture=np.full((8, 8, 3), 99, np.uint8)),),
            "notes": ("Nothing was learned.",),
            "provenance": {"seed": 0, "versions": {"torch": "2"}, "batch": [1, 16]},
            **changes,
        }
    )


@pytest.fixture
def place(settings: Settings) -> Place:
    return Place.of(settings, character="tiny", verb="test", inputs={"a": 1})


def test_a_page_is_json_html_and_pictures(place: Place) -> None:
    path = write_page(page(), place)
    assert sorted(found.name for found in place.folder.iterdir()) == ["evaluation.json", "index.html", "pictures"]
    assert np.asarray(Image.open(place.folder / "pictures" / "sheet.png")).mean() == 99
    document = read_page(place.folder)
    assert document["tables"][0]["rows"] == [["accuracy", 0.91234567], ["pairs", 1000]]
    assert document["figures"] == [{"title": "A sheet", "caption": "", "file": "pictures/sheet.png"}]
    assert (document["key"], path.name) == (place.key, "index.html")


def test_the_html_holds_its_figures_and_the_command_and_escapes_text() -> None:
    html = render_page(page(figures=(*page().figures, Figure(name="curve", title="A curve", svg="<svg></svg>"))))
    for words in ("A test &lt;of&gt; pages", "f2p evaluate test", "0.9123", "1,000", "Nothing was learned", "<svg>"):
        assert words in html
    assert "data:image/webp;base64," in html
    assert "versions.torch" in html
    assert 'src="pictures' not in html


def test_the_same_evaluation_gives_the_same_bytes(place: Place) -> None:
    write_page(page(), place)
    before = {path: path.read_bytes() for path in place.folder.rglob("*") if path.is_file()}
    write_page(page(), place)
    assert {path: path.read_bytes() for path in place.folder.rglob("*") if path.is_file()} == before


def test_figures_of_an_earlier_evaluation_do_not_stay(place: Place) -> None:
    write_page(page(), place)
    write_page(page(figures=()), place)
    assert list((place.folder / "pictures").iterdir()) == []


def test_numbers_that_are_none_become_null(place: Place) -> None:
    write_page(page(measurements={"auc": float("nan"), "by": [{"x": float("inf")}]}), place)
    assert read_page(place.folder)["measurements"] == {"auc": None, "by": [{"x": None}]}


def test_the_same_inputs_are_measured_once(settings: Settings, place: Place) -> None:
    measured = []

    def measure() -> EvaluationPage:
        measured.append(1)
        return page()

    first = evaluate_once(settings, place, measure)
    assert evaluate_once(settings, place, measure) == first
    assert len(measured) == 1
    evaluate_once(settings, place, measure, again=True)
    assert len(measured) == 2


def test_other_inputs_have_another_place(settings: Settings, place: Place) -> None:
    other = Place.of(settings, character="tiny", verb="test", inputs={"a": 2})
    assert other.key != place.key
    assert other.folder.parent == settings.evaluations


def test_an_evaluation_of_other_inputs_in_the_same_folder_is_replaced(settings: Settings, tmp_path: Path) -> None:
    places = [Place.of(settings, character="tiny", verb="test", inputs={"a": a}, out=tmp_path / "out") for a in (1, 2)]
    for place in places:
        evaluate_once(settings, place, page)
    assert read_page(tmp_path / "out")["key"] == places[1].key


def test_a_stopped_evaluation_is_made_again(settings: Settings, place: Place) -> None:
    write_page(page(), place)
    (place.folder / "evaluation.json").unlink()
    assert evaluate_once(settings, place, page)["key"] == place.key


def test_a_folder_with_something_else_is_left_alone(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "letters.txt").write_text("dear")
    place = Place.of(settings, character="tiny", verb="test", inputs={}, out=tmp_path)
    with pytest.raises(InputError, match="choose another folder"):
        evaluate_once(settings, place, page)
    assert (tmp_path / "letters.txt").read_text() == "dear"


@pytest.mark.parametrize("content", ["", "{", "[]", json.dumps({"key": "k"})])
def test_what_is_no_evaluation_is_told(tmp_path: Path, content: str) -> None:
    (tmp_path / "evaluation.json").write_text(content)
    with pytest.raises(InputError, match="evaluate again"):
        read_page(tmp_path)


@pytest.mark.parametrize(
    ("cell", "shown"),
    [(None, ""), ("text", "text"), (12345, "12,345"), (0.123456, "0.1235"), (float("nan"), "–"), (1e-7, "1e-07")],
)
def test_cells_are_shown_as_people_read_them(cell: object, shown: str) -> None:
    assert format_cell(cell) == shown


def test_a_table_with_a_row_too_short_is_refused() -> None:
    with pytest.raises(ValueError, match="1 cells under 2 columns"):
        Table(title="t", header=("a", "b"), rows=(("x",),))


@pytest.mark.parametrize("figure", [{"name": "../x", "svg": "<svg/>"}, {"name": "x"}])
def test_a_figure_needs_a_plain_name_and_something_to_show(figure: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="figure"):
        Figure(title="t", **figure)
