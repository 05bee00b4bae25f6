from __future__ import annotations

import re
import shutil

import pytest

from f2p_models.export import ParityReport
from f2p_models.model_card import CardPicture, write_model_card


@pytest.fixture
def card(draft_folder, tmp_path, small_schema, evaluation):
    folder = shutil.copytree(draft_folder, tmp_path / "bundle")
    (folder / "pictures").mkdir()
    (folder / "pictures" / "examples.png").write_bytes(b"")
    path = write_model_card(
        folder,
        schema=small_schema,
        embedder="dlib",
        evaluation=evaluation,
        parents={"dataset": "abc123"},
        exports=[ParityReport(path=folder / "onnx" / "imitator.onnx", max_abs_difference=2e-6, tolerance=1e-4)],
        pictures=[
            CardPicture(title="Examples", path="pictures/examples.png"),
            CardPicture(title="Lost", path="pictures/lost.png"),
        ],
    )
    return path.read_text()


def test_the_card_shows_the_pictures_that_are_there_by_relative_links(card):
    assert re.findall(r"!\[(.*?)\]\((.*?)\)", card) == [("Examples", "pictures/examples.png")]


def test_the_card_says_how_good_the_creator_is(card, evaluation):
    assert f"**{evaluation.score:.3f}**" in card
    assert "| own photo nearest (top 1) | 62% | 20% |" in card
    assert "| jaw | 0.0700 | 0.1200 |" in card
    assert "| hairstyle | 50% | 40% |" in card
    assert "| segmenter pixel accuracy | 0.950, a constant mask's 0.900 |" in card
    assert "| segmenter mean IoU | 0.600, a constant mask's 0.400 |" in card
    assert "| IoU nose | 0.800 |" in card
    assert "| ONNX imitator.onnx | within 2.0e-06 |" in card


def test_the_card_names_what_the_version_was_made_from(card):
    assert "- dataset: `abc123`" in card
    assert "| imitator | test | 1 |" in card


@pytest.mark.parametrize("statement", ["Intended use", "Limits", "excludes commercial", "CC0", "mock engine"])
def test_the_card_says_what_it_is_for_and_what_it_is_not(card, statement):
    assert statement in card


def test_every_table_has_as_many_cells_in_each_row(card):
    tables = re.findall(r"(?:^\|.*\n?)+", card, re.MULTILINE)

    assert len(tables) == 5
    for table in tables:
        assert len({line.count("|") for line in table.strip().splitlines()}) == 1
