"""The conformance kit on the shipped engines, each a process of its own, with the smallest character."""

from __future__ import annotations

import os

import pytest

from engine_bridge.conformance import BEHAVIOURS, Trial, Verdict, try_behaviour
from engine_bridge.conformance.subjects import open_adapter
from engine_bridge.remote.processes.adapters import load_adapter


@pytest.fixture(scope="module", params=["panda3d", "godot3"])
def trial(request, engine_folder):
    folder = engine_folder(request.param)
    with open_adapter(load_adapter(request.param), work_root=folder / "work", log_folder=folder / "logs") as subject:
        yield Trial(subject, "tiny")


@pytest.mark.parametrize("behaviour", BEHAVIOURS, ids=lambda behaviour: behaviour.name)
def test_it_keeps_its_promise(trial, behaviour):
    evidence = try_behaviour(trial, behaviour).evidence
    assert evidence.verdict is Verdict.PASSED, evidence.reason


def test_required_engines_are_here(engine_folder):
    """Some tests of Panda3D are skipped before any fixture is asked; C# sees to itself in its own folder."""
    for name in set(filter(None, os.environ.get("F2P_REQUIRE_ENGINES", "").split(","))) - {"csharp"}:
        engine_folder(name)
