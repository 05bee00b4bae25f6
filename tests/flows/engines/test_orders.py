from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from engine_bridge.characters import load_schema, schema_text
from engine_bridge.errors import EngineUnavailableError, InputError, SchemaError
from engine_bridge.mock import MockEngine
from engine_bridge.schema import ParameterSchema
from flows.engines.orders import EngineOrder, agreed_schema, check_engine, endpoint, open_engine, schemas_of
from flows.settings import Settings

ADDRESS = "ws://127.0.0.1:9310"
TOKEN = "a secret of twenty-four"


@pytest.fixture
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("F2P_BRIDGE_TOKEN", TOKEN)


@pytest.fixture
def sketch(settings: Settings) -> Path:
    """An adapter of the user's own whose engine is not installed."""
    folder = settings.home / "engines" / "sketch"
    folder.mkdir(parents=True)
    (folder / "engine.toml").write_text(
        'title = "Sketch"\ncommand = ["sketch-editor"]\n'
        '[[needs]]\nprogram = "sketch-editor"\ninstall = "buy it"\n'
        '[options.pen]\nchoices = ["ink", "lead"]\ndefault = "ink"\n'
    )
    return folder


class Elf:
    """An engine that knows a character which no file describes."""

    name, build, scene_fields = "elfin", "1", frozenset[str]()

    def __init__(self, schema: ParameterSchema) -> None:
        self.schema = schema

    def describe(self, character: str) -> ParameterSchema:
        return self.schema

    def characters(self) -> list[str]:
        return [self.schema.character]

    def render(self, requests: Sequence[object]) -> list[object]:  # type: ignore[override]
        return []

    def close(self) -> None: ...


@pytest.fixture
def elf() -> ParameterSchema:
    return replace(load_schema("tiny"), character="elf", title="Elf")


def test_the_mock_engine_finds_the_characters_of_the_home_and_of_further_folders(
    settings: Settings, elf: ParameterSchema, tmp_path: Path
) -> None:
    (tmp_path / "elf.yaml").write_text(schema_text(elf, ""))
    engine = open_engine(EngineOrder(), settings, characters=[tmp_path])
    assert isinstance(engine, MockEngine)
    assert engine.describe("elf") == elf


@pytest.mark.parametrize(
    ("order", "complaint"),
    [
        (("mock", 2), "the mock engine is a part of every render process; give --workers"),
        (("mock", 1, (0,)), "the mock engine is a part of every render process"),
        (("godot3", 0), "instances: 0; give 1 or more"),
        ((ADDRESS, 2), "engines that dial in are started by others"),
    ],
)
def test_an_order_that_cannot_be_meant_is_refused(order: tuple[object, ...], complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        EngineOrder(*order)  # type: ignore[arg-type]


def test_an_adapter_of_the_users_own_is_found_and_what_it_lacks_is_said(settings: Settings, sketch: Path) -> None:
    with pytest.raises(EngineUnavailableError, match="sketch: sketch-editor is not installed: buy it"):
        check_engine(EngineOrder("sketch"), settings)


def test_an_option_that_the_adapter_does_not_have_is_refused(settings: Settings, sketch: Path) -> None:
    with pytest.raises(InputError, match="choose one of ink, lead"):
        check_engine(EngineOrder("sketch:pen=brush"), settings)


@pytest.mark.usefixtures("token")
def test_engines_may_dial_an_address_of_this_machine() -> None:
    place = endpoint(EngineOrder(ADDRESS))
    assert (place.host, place.port, place.token, place.tls) == ("127.0.0.1", 9310, TOKEN, None)


@pytest.mark.usefixtures("token")
@pytest.mark.parametrize(
    ("address", "complaint"),
    [
        ("ws://0.0.0.0:9310", "can be reached from outside; give a wss:// address"),
        ("wss://0.0.0.0:9310", "F2P_BRIDGE_CERTIFICATE and F2P_BRIDGE_KEY"),
        ("http://127.0.0.1:9310", "an address is written ws://HOST:PORT"),
        ("ws://127.0.0.1", "an address is written ws://HOST:PORT"),
    ],
)
def test_an_address_that_is_none_or_not_safe_is_refused(settings: Settings, address: str, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        check_engine(EngineOrder(address), settings)


def test_an_address_without_a_secret_is_refused(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("F2P_BRIDGE_TOKEN", raising=False)
    with pytest.raises(InputError, match="set F2P_BRIDGE_TOKEN"):
        check_engine(EngineOrder(ADDRESS), settings)


@pytest.mark.usefixtures("token")
def test_tls_takes_certificate_and_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("F2P_BRIDGE_CERTIFICATE", str(tmp_path / "chain.pem"))
    with pytest.raises(InputError, match="give both"):
        endpoint(EngineOrder("wss://0.0.0.0:9310"))
    monkeypatch.setenv("F2P_BRIDGE_KEY", str(tmp_path / "key.pem"))
    tls = endpoint(EngineOrder("wss://0.0.0.0:9310")).tls
    assert tls is not None
    assert (tls.certificate.name, tls.key.name) == ("chain.pem", "key.pem")


def test_an_engine_is_right_about_a_character_that_no_file_describes(settings: Settings, elf: ParameterSchema) -> None:
    assert agreed_schema(Elf(elf), EngineOrder("elfin"), "elf", settings) == elf


def test_a_file_that_contradicts_the_engine_is_refused_naming_both(settings: Settings, elf: ParameterSchema) -> None:
    settings.own_characters.mkdir(parents=True)
    file = settings.own_characters / "elf.yaml"
    file.write_text(schema_text(replace(elf, title="Another elf"), ""))
    with pytest.raises(SchemaError, match="import --engine elfin --character elf --force") as refused:
        agreed_schema(Elf(elf), EngineOrder("elfin"), "elf", settings)
    assert elf.fingerprint in str(refused.value)
    assert str(file) in str(refused.value)


def test_characters_are_the_engines_own_or_those_of_the_files(settings: Settings, elf: ParameterSchema) -> None:
    assert schemas_of(Elf(elf), settings) == [elf]
    assert "tiny" in [schema.character for schema in schemas_of(MockEngine(), settings)]
