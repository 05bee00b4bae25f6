"""Character files: the shipped ones, a user's own, and every mistake in them."""

from pathlib import Path

import pytest

from engine_bridge.characters import list_schemas, load_schema, read_schema_file
from engine_bridge.errors import SchemaError, UnknownCharacterError

# Shi et al., TPAMI, Table 5 and section 3.6
TABLE_5 = {
    "eyebrow_head": 8, "eyebrow_body": 8, "eyebrow_tail": 8,
    "eye": 6, "outside_eyelid": 9, "inside_eyelid": 9, "lower_eyelid": 9, "inner_eye_corner": 9, "outer_eye_corner": 9,
    "nose_body": 3, "nose_bridge": 6, "nose_wing": 9, "nose_tip": 6, "nose_bottom": 6,
    "mouth": 3, "middle_upper_lip": 6, "outer_upper_lip": 9, "middle_lower_lip": 6, "outer_lower_lip": 9,
    "mouth_corner": 9,
    "forehead": 6, "glabellum": 6, "cheekbone": 5, "risorius": 6, "cheek": 9, "jaw": 9, "lower_jaw": 9,
    "mandibular": 6, "outer_jaw": 5,
}  # fmt: skip
DISCRETE = {
    "justice_female": {"hairstyle": 22, "eyebrow_style": 36, "lipstick_style": 19, "lipstick_color": 25},
    "justice_male": {"hairstyle": 23, "eyebrow_style": 26, "beard_style": 7},
}

CHARACTER = """\
character: hero
title: Hero
head: adult_male
rig:
  nose_tip:
    mirrored: false
    sliders: {ty: [-3, 3]}
    banned: {tx: symmetry, tz: unused, rx: unused, ry: symmetry, rz: symmetry, sx: unused, sy: unused, sz: unused}
choices:
  hairstyle: {group: hair, names: [bald, quiff], default: bald}
"""


def write_character(folder: Path, old: str = "", new: str = "") -> Path:
    assert old in CHARACTER
    path = folder / "hero.yaml"
    path.write_text(CHARACTER.replace(old, new) if old else CHARACTER)
    return path


@pytest.mark.parametrize("character", ["justice_female", "justice_male", "justice_girl"])
def test_every_justice_character_has_the_sliders_of_table_5(character: str) -> None:
    schema = load_schema(character)
    assert {group: len(indices) for group, indices in schema.groups.items()} == TABLE_5
    assert schema.num_continuous == 208


@pytest.mark.parametrize(("character", "vector_size"), [("justice_female", 310), ("justice_male", 264)])
def test_the_adults_have_the_choices_of_the_paper(character: str, vector_size: int) -> None:
    schema = load_schema(character)
    assert {parameter.name: len(parameter.choices) for parameter in schema.discrete} == DISCRETE[character]
    assert schema.vector_size == vector_size


def test_all_shipped_characters_are_listed() -> None:
    names = [schema.character for schema in list_schemas()[0]]
    assert names == ["justice_female", "justice_girl", "justice_male", "tiny"]


def test_an_unknown_character_is_answered_with_the_nearest_name() -> None:
    with pytest.raises(UnknownCharacterError, match=r"did you mean 'justice_male'\?"):
        load_schema("justice_mal")


def test_adding_a_character_is_adding_a_file(tmp_path: Path) -> None:
    write_character(tmp_path)
    assert load_schema("hero", [tmp_path]).title == "Hero"


def test_a_users_file_hides_a_shipped_one_of_the_same_name(tmp_path: Path) -> None:
    (tmp_path / "tiny.yaml").write_text(CHARACTER.replace("character: hero", "character: tiny"))
    assert load_schema("tiny", [tmp_path]).title == "Hero"


def test_a_user_may_build_on_a_shipped_rig(tmp_path: Path) -> None:
    path = tmp_path / "elf.yaml"
    path.write_text("character: elf\ntitle: Elf\nhead: adult_female\nrig: justice_rig.yaml\n")
    assert read_schema_file(path).num_continuous == 208


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("title: Hero\n", "", r"hero\.yaml:1: hero: the field 'title' is missing"),
        ("title: Hero", "titel: Hero\ntitle: Hero", r"hero\.yaml:2: titel: unknown field; known: character, choices"),
        ("character: hero", "character: villain", r"hero\.yaml:1: character: must equal the file's name, 'hero'"),
        ("{ty: [-3, 3]}", "{ty: [3, -3]}", r"hero\.yaml:7: ty: .*minimum 3\.0 must be below maximum -3\.0"),
        ("{ty: [-3, 3]}", "{ty: [-3]}", r"hero\.yaml:7: ty: must be \[minimum, maximum\]"),
        ("{ty: [-3, 3]}", "{ty: [low, 3]}", r"hero\.yaml:7: ty: must be a number, not 'low'"),
        ("{ty: [-3, 3]}", "{ty: [-3, 3], tx: [-1, 1]}", r"hero\.yaml:8: tx: is both a slider and banned"),
        ("{tx: symmetry, ", "{", r"nose_tip: tx: neither a slider nor banned"),
        ("{tx: symmetry, ", "{tx: ugly, ", r"hero\.yaml:8: tx: a ban's reason is one of: symmetry, unused"),
        ("{ty: [-3, 3]}", "{ty: [-3, 3], up: [0, 1]}", r"hero\.yaml:7: up: no channel of a bone"),
        ("mirrored: false", "mirrored: perhaps", r"hero\.yaml:6: mirrored: must be true or false, not 'perhaps'"),
        ("default: bald", "default: mullet", r"hero\.yaml:10: hairstyle: .*'mullet' is none of its choices"),
        ("[bald, quiff]", "[bald, bald]", r"hero\.yaml:10: hairstyle: .*choices must differ"),
        ("[bald, quiff]", "[bald", r"hero\.yaml:11: not valid YAML|hero\.yaml:10: not valid YAML"),
    ],
)
def test_a_mistake_is_reported_with_its_line_and_the_way_out(
    tmp_path: Path, old: str, new: str, complaint: str
) -> None:
    with pytest.raises(SchemaError, match=complaint):
        read_schema_file(write_character(tmp_path, old, new))


def test_a_central_bone_must_not_move_sideways(tmp_path: Path) -> None:
    path = write_character(tmp_path, "{ty: [-3, 3]}", "{ty: [-3, 3], tx: [-1, 1]}")
    path.write_text(path.read_text().replace("{tx: symmetry, ", "{"))
    with pytest.raises(SchemaError, match="makes a central bone lopsided; ban it with the reason 'symmetry'"):
        read_schema_file(path)


def test_a_rig_that_does_not_exist_is_named(tmp_path: Path) -> None:
    path = tmp_path / "elf.yaml"
    path.write_text("character: elf\ntitle: Elf\nhead: adult_female\nrig: elf_rig.yaml\n")
    with pytest.raises(SchemaError, match=r"elf\.yaml:4: rig: no rig file 'elf_rig\.yaml'"):
        read_schema_file(path)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"- a\n- b\n", b"just text"])
def test_a_file_that_is_no_character_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "hero.yaml"
    path.write_bytes(content)
    with pytest.raises(SchemaError, match=r"hero\.yaml"):
        read_schema_file(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match="no such file"):
        read_schema_file(tmp_path / "nobody.yaml")


def test_a_file_of_the_current_folder_is_named_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_character(tmp_path, "mirrored: false", "mirrored: maybe")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SchemaError, match=r"^hero\.yaml:6: mirrored: ") as raised:
        read_schema_file(Path("hero.yaml"))
    assert str(raised.value).count("hero.yaml") == 1


def test_a_control_character_is_a_mistake_in_the_file(tmp_path: Path) -> None:
    path = write_character(tmp_path, "title: Hero", "title: He\x07ro")
    with pytest.raises(SchemaError, match=r"hero\.yaml: not valid YAML"):
        read_schema_file(path)


def test_a_broken_file_does_not_hide_the_other_characters(tmp_path: Path) -> None:
    write_character(tmp_path, "title: Hero", "title: [")
    schemas, faults = list_schemas([tmp_path])
    assert {schema.character for schema in schemas} >= {"tiny", "justice_female"}
    assert [str(fault).startswith(f"{tmp_path}/hero.yaml:") for fault in faults] == [True]
