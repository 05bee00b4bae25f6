from __future__ import annotations

from dataclasses import replace

import pytest

from engine_bridge.characters import find_schema_file, load_schema, read_schema_file
from engine_bridge.errors import InputError, SchemaError
from engine_bridge.schema import ParameterSchema
from flows.engines import character_import
from flows.engines.character_import import import_schemas
from flows.engines.orders import EngineOrder
from flows.settings import Settings

ORDER = EngineOrder("forge")


class Forge:
    """An engine that knows characters, and only that."""

    name, build = "forge", "7"

    def __init__(self) -> None:
        elf = replace(load_schema("tiny"), character="elf")
        self.known = {"elf": elf, "orc": replace(elf, character="orc", title="Orc: grim")}
        self.closed = False

    def describe(self, character: str) -> ParameterSchema:
        return self.known[character]

    def characters(self) -> list[str]:
        return sorted(self.known)

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def forge(monkeypatch: pytest.MonkeyPatch) -> Forge:
    engine = Forge()
    monkeypatch.setattr(character_import, "open_engine", lambda *_: engine)
    return engine


def test_an_imported_file_reads_back_with_the_engines_fingerprint(forge: Forge, settings: Settings) -> None:
    written = import_schemas(ORDER, settings, character=None, force=False)
    assert [schema.character for schema, _ in written] == ["elf", "orc"]
    for schema, file in written:
        assert file == settings.own_characters / f"{schema.character}.yaml"
        assert read_schema_file(file).fingerprint == forge.known[schema.character].fingerprint
    assert written[0][1].read_text().startswith("# Written by 'f2p characters import' from forge 7.\n")
    assert forge.closed


def test_only_the_character_that_was_asked_for_is_imported(forge: Forge, settings: Settings) -> None:
    import_schemas(ORDER, settings, character="orc", force=False)
    assert [file.name for file in settings.own_characters.iterdir()] == ["orc.yaml"]


def test_a_file_that_says_the_same_is_left_as_it_is(forge: Forge, settings: Settings) -> None:
    [(_, file)] = import_schemas(ORDER, settings, character="elf", force=False)
    file.write_text(f"# mine\n{file.read_text()}")
    import_schemas(ORDER, settings, character="elf", force=True)
    assert file.read_text().startswith("# mine\n")


@pytest.mark.parametrize("content", ["title: [", None])
def test_a_file_that_says_otherwise_is_only_replaced_by_force(
    forge: Forge, settings: Settings, content: str | None
) -> None:
    [(before, file)] = import_schemas(ORDER, settings, character="elf", force=False)
    if content:
        file.write_text(content)
    kept = file.read_text()
    forge.known["elf"] = replace(before, title="Elder elf")
    with pytest.raises(InputError, match=r"elf\.yaml: is there already .* replace it with --force"):
        import_schemas(ORDER, settings, character=None, force=False)
    assert file.read_text() == kept
    assert not (settings.own_characters / "orc.yaml").exists()
    import_schemas(ORDER, settings, character=None, force=True)
    assert read_schema_file(file).title == "Elder elf"


@pytest.mark.parametrize("change", [{"character": "../elf"}, {"title": ""}])
def test_what_no_file_can_say_is_refused_and_not_written(
    forge: Forge, settings: Settings, change: dict[str, str]
) -> None:
    forge.known = {"elf": replace(forge.known["elf"], **change)}  # type: ignore[arg-type]
    with pytest.raises(SchemaError):
        import_schemas(ORDER, settings, character=None, force=False)
    assert not list(settings.home.rglob("*.yaml*"))


def test_a_shipped_character_that_the_engine_knows_alike_is_not_hidden_by_a_copy(
    forge: Forge, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    forge.known = {"tiny": load_schema("tiny"), "elf": forge.known["elf"]}
    written = import_schemas(ORDER, settings, character=None, force=True)
    assert [file.name for file in settings.own_characters.iterdir()] == ["elf.yaml"]
    assert {schema.character: file for schema, file in written}["tiny"] == find_schema_file("tiny")
    assert "tiny: ships with f2p and says the same" in capsys.readouterr().err


def test_a_shipped_name_with_another_schema_is_written(forge: Forge, settings: Settings) -> None:
    forge.known = {"tiny": replace(load_schema("tiny"), title="Another tiny one")}
    import_schemas(ORDER, settings, character=None, force=False)
    assert read_schema_file(settings.own_characters / "tiny.yaml").title == "Another tiny one"


def test_the_mock_engine_has_nothing_to_import(settings: Settings) -> None:
    with pytest.raises(InputError, match="nothing to import"):
        import_schemas(EngineOrder(), settings, character=None, force=False)
