"""What the exporter writes for Godot."""

from __future__ import annotations

import json
import struct

import numpy as np
import pytest

from engine_bridge.characters import load_schema
from engine_bridge.engines.godot_assets.meshes import EYEBALLS, NUM_INFLUENCES, Influences, head_variant
from engine_bridge.engines.godot_assets.project import hash_of, prepare_project
from engine_bridge.engines.godot_assets.schemas import write_schemas
from engine_bridge.engines.godot_assets.slopes import weight_gradients
from engine_bridge.engines.godot_assets.variants import Strings, Vectors, store_variant
from engine_bridge.mock.assets import load_head
from engine_bridge.remote.processes.adapters import load_adapter
from engine_bridge.schema import ParameterSchema


@pytest.mark.parametrize(("godot", "kind"), [(3, 25), (4, 36)])
def test_vectors_are_written_as_the_version_of_godot_reads_them(godot, kind):
    rows = np.array([[1.0, 2.0, 3.0]], np.float32)
    body = struct.pack("<II3f", kind, 1, 1.0, 2.0, 3.0)
    assert store_variant(Vectors(rows=rows), godot) == struct.pack("<I", len(body)) + body


def test_strings_are_padded_to_four_bytes():
    assert store_variant("elf", 3)[4:] == struct.pack("<II", 4, 3) + b"elf\0"
    assert store_variant(Strings(items=("elf",)), 3)[4:] == struct.pack("<III", 23, 1, 4) + b"elf\0"


def test_the_strongest_influences_of_a_vertex_are_kept():
    head = load_head("adult_female")
    kept = Influences.strongest(head, NUM_INFLUENCES[4])
    total = np.add.reduceat(np.append(head.weight, 0.0), head.weight_start[:-1])
    total[np.diff(head.weight_start) == 0] = 0.0
    assert np.allclose(kept.weights.sum(1), total, atol=1e-3)  # eight hold all of them


def test_weights_change_along_the_skin_and_not_through_it():
    head = load_head("adult_female")
    gradients, bone = weight_gradients(head), head.bones.index("nose_tip")
    steepest = int(np.linalg.norm(gradients[:, bone], axis=1).argmax())
    assert np.linalg.norm(head.positions[steepest] - head.pivots[bone]) < 0.5


def test_every_head_has_bones_for_the_eyeballs():
    variant = head_variant(load_head("girl"), 3)
    assert variant["bones"].items[-2:] == EYEBALLS


@pytest.mark.parametrize("name", ["godot3", "godot4"])
def test_a_prepared_project_changes_its_hash_with_a_shader(tmp_path, name):
    project = tmp_path / "project"
    prepare_project(load_adapter(name).folder, project, int(name[-1]))
    before = (project / "assets/build.txt").read_text().strip()
    shader = next((project / "materials").glob("skin.*"))
    shader.write_text(shader.read_text() + "\n// darker\n")
    assert len(before) == 12
    assert hash_of(project) != before


def test_schemas_keep_their_fingerprints(tmp_path):
    write_schemas(tmp_path / "schemas.json")
    written = [ParameterSchema.from_dict(data) for data in json.loads((tmp_path / "schemas.json").read_text())]
    assert {schema.fingerprint for schema in written} >= {load_schema("justice_girl").fingerprint}


def test_a_character_that_cannot_be_drawn_is_left_out(tmp_path, capsys):
    (tmp_path / "odd.yaml").write_text(
        "title: Odd\nhead: adult_female\ngroups:\n  horn:\n    mirrored: false\n    sliders: {ty: [-1, 1]}\n"
    )
    write_schemas(tmp_path / "schemas.json", [tmp_path])
    assert "odd" not in (tmp_path / "schemas.json").read_text()
    assert "odd" in capsys.readouterr().err
