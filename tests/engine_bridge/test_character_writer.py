from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from engine_bridge.characters import character_file_name, list_schemas, load_schema, read_schema_file, schema_text
from engine_bridge.errors import SchemaError
from engine_bridge.schema import ContinuousParameter, DiscreteParameter, ParameterSchema

#: Everything that YAML would take for something else, and numbers with many digits.
ODD = ParameterSchema(
    character="null",
    title="# 'Ünicode' \"é\": - yes",
    head="~",
    continuous=(
        ContinuousParameter(
            name="a: b", group="[x]", bone="{", controller="off", minimum=-1e-7, maximum=1e22, default=0.1
        ),
    ),
    discrete=(DiscreteParameter(name="yes", group="- a", choices=("1", "01", "null", " x"), default="01"),),
)


def round_trip(schema: ParameterSchema, folder: Path) -> ParameterSchema:
    file = folder / character_file_name(schema.character)
    file.write_text(schema_text(schema, "written\nby a test"), encoding="utf-8")
    return read_schema_file(file)


@pytest.mark.parametrize("schema", [*list_schemas()[0], ODD], ids=lambda schema: schema.character)
def test_a_written_schema_reads_back_equal(schema: ParameterSchema, tmp_path: Path) -> None:
    assert round_trip(schema, tmp_path) == schema
    assert round_trip(schema, tmp_path).fingerprint == schema.fingerprint


def test_a_character_without_choices_reads_back_equal(tmp_path: Path) -> None:
    plain = replace(ODD, discrete=())
    assert round_trip(plain, tmp_path) == plain


def test_the_comment_is_one_line_whatever_an_engine_calls_itself(tmp_path: Path) -> None:
    text = schema_text(ODD, "godot\ncharacter: other")
    assert text.splitlines()[0] == "# godot character: other"


@pytest.mark.parametrize("character", ["", "../elf", "a/b", ".elf", "elf_rig", "elf\n", "x" * 81])
def test_a_character_that_cannot_name_a_file_is_refused(character: str) -> None:
    with pytest.raises(SchemaError, match="is no name for a file"):
        character_file_name(character)


@pytest.mark.parametrize("change", [("sliders:", "nothing:"), ("title:", "rig: justice_rig.yaml\ntitle:")])
def test_a_file_gives_either_a_rig_or_sliders(change: tuple[str, str], tmp_path: Path) -> None:
    file = tmp_path / "tiny.yaml"
    file.write_text(schema_text(load_schema("tiny"), "").replace(*change))
    with pytest.raises(SchemaError, match=r"tiny\.yaml:.*(give either 'rig' or 'sliders'|unknown field)"):
        read_schema_file(file)


def test_a_bad_slider_is_named_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "null.yaml"
    file.write_text(schema_text(ODD, "").replace("default: 0.1", "default: -1"))
    with pytest.raises(SchemaError, match=r"null\.yaml:6: a: b: .*default -1"):
        read_schema_file(file)
