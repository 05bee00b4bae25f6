from __future__ import annotations

import re
from pathlib import Path

import pytest

from engine_bridge.errors import InputError
from flows import doctor
from flows.doctor import Finding, examine
from flows.engines import EngineOrder
from flows.settings import Settings

MAKEFILE = Path(__file__).parents[2] / "Makefile"


@pytest.fixture
def findings(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> list[Finding]:
    """What the doctor says when nothing at all is well."""

    def fail(*_: object) -> str:
        raise InputError("gone\nfor good")

    for check in (
        "_packages",
        "_device",
        "_home",
        "_disk",
        "_face_models",
        "_characters",
        "_adapters",
        "_engine",
        "_registry",
    ):
        monkeypatch.setattr(doctor, check, fail)
    return examine(settings, EngineOrder())


def test_every_ill_finding_is_one_line_and_says_how_to_mend_it(findings: list[Finding]) -> None:
    assert [finding.detail for finding in findings] == ["gone for good"] * len(findings)
    assert all(finding.fix and not finding.ok for finding in findings)


def test_every_make_target_that_is_advised_exists(findings: list[Finding]) -> None:
    advised = {target for finding in findings for target in re.findall(r"\bmake (\w+)", finding.fix)}
    assert advised
    assert advised <= set(re.findall(r"^(\w+):", MAKEFILE.read_text(), flags=re.MULTILINE))


def test_damage_of_any_kind_is_a_finding_and_no_crash(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Settings) -> str:
        raise KeyError("versions")

    monkeypatch.setattr(doctor, "_registry", fail)
    settings.home.mkdir()
    [registry] = [finding for finding in examine(settings, EngineOrder()) if finding.subject == "registry"]
    assert not registry.ok
    assert "registry.db" in registry.fix


def test_a_broken_character_file_is_a_finding(settings: Settings) -> None:
    folder = settings.home / "characters"
    folder.mkdir(parents=True)
    (folder / "hero.yaml").write_text("title: [")
    [characters] = [finding for finding in examine(settings, EngineOrder()) if finding.subject == "characters"]
    assert not characters.ok
    assert "hero.yaml:1:" in characters.detail
