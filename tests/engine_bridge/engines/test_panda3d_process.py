"""Panda3D as a process that dials in."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("panda3d.core", reason="pip install '.[panda3d]'")

from engine_bridge.engines.panda3d.__main__ import drawable, main
from engine_bridge.engines.panda3d.engine import PandaEngine
from engine_bridge.frames import RenderRequest
from engine_bridge.remote.bridge_end.hub import EngineHub
from engine_bridge.remote.processes.adapters import find_adapters
from engine_bridge.scene import Scene

TOKEN = "a token of sixteen characters or more"
UNUSED = ", ".join(f"{channel}: unused" for channel in ("tx", "tz", "rx", "ry", "rz", "sx", "sy", "sz"))
RIG = f"{{eye: {{mirrored: true, sliders: {{ty: [-1, 1]}}, banned: {{{UNUSED}}}}}}}"


def test_the_adapter_starts_this_module():
    adapter = find_adapters()["panda3d"]
    assert adapter.command[1:] == ("-P", "-m", "engine_bridge.engines.panda3d")
    assert adapter.choose({})["pipe"] == "p3tinydisplay"


def test_frames_over_the_wire_are_those_of_the_engine_in_this_process():
    with EngineHub(token=TOKEN) as hub:
        environment = os.environ | {"F2P_BRIDGE_URL": hub.url, "F2P_BRIDGE_TOKEN": TOKEN, "F2P_ENGINE_INSTANCE": "p"}
        process = subprocess.Popen([sys.executable, "-m", "engine_bridge.engines.panda3d"], env=environment)
        try:
            engine = hub.accept("p", timeout_s=60.0)
            vector = engine.describe("justice_girl").default_vector()
            request = RenderRequest(
                request_id=3, character="justice_girl", vector=vector, resolution=96, scene=Scene(yaw_deg=15.0)
            )
            remote = engine.render([request])[0]
            engine.close()
            assert process.wait(timeout=30) == 0
        finally:
            process.kill()
            process.wait()
    local = PandaEngine()
    here = local.render([request])[0]
    local.close()
    np.testing.assert_array_equal(remote.picture[4:], here.picture[4:])
    np.testing.assert_array_equal(remote.mask[4:], here.mask[4:])


def test_characters_that_it_cannot_draw_are_left_out(tmp_path, capsys):
    (tmp_path / "hero.yaml").write_text(f"character: hero\ntitle: T\nhead: girl\nrig: {RIG}\n")
    (tmp_path / "pony.yaml").write_text(f"character: pony\ntitle: T\nhead: horse\nrig: {RIG}\n")
    engine = PandaEngine([tmp_path])
    names = list(drawable(engine, [tmp_path]))
    engine.close()
    assert "hero" in names
    assert "pony" not in names
    assert "pony" in capsys.readouterr().err


def test_without_an_address_it_says_what_is_missing(capsys):
    assert main({}) == 2
    assert "F2P_BRIDGE_URL" in capsys.readouterr().err
