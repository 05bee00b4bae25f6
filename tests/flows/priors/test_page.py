"""What the page of facial priors is kept under."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from flows.engines.orders import EngineOrder
from flows.priors import page
from flows.priors.page import PriorsOrder, show_facial_priors
from flows.settings import Settings


def test_another_build_of_the_engine_is_another_page(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its faces are drawn by the engine."""
    (tmp_path / "priors.safetensors").write_bytes(b"priors")
    order = PriorsOrder(
        character="tiny", version="champion", priors=tmp_path / "priors.safetensors", photos=(), command=""
    )
    monkeypatch.setattr(page, "evaluate_once", lambda *_: {})

    def folder_with(build: str) -> Path:
        engine: Any = SimpleNamespace(name="mock", build=build, close=lambda: None)
        monkeypatch.setattr(page, "open_engine", lambda *_: engine)
        return show_facial_priors(settings, order, engine=EngineOrder(), out=None)[0].folder

    assert folder_with("1") == folder_with("1")
    assert folder_with("1") != folder_with("2")
