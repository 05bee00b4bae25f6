from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine_bridge.errors import SchemaError
from f2p_models.creation import parameters_document, read_parameters
from f2p_models.errors import ParametersError


@pytest.fixture
def vector(small_schema):
    return small_schema.harden(np.array([0.25, 1.0, 0.0, 0.6, 0.1, 0.2, 0.7], np.float32))


@pytest.fixture
def saved(small_schema, vector, tmp_path):
    """A parameters file, and a function that changes the document in it."""
    path = tmp_path / "parameters.json"
    document = parameters_document(small_schema, vector, version=3, mode="hybrid", similarity=0.71234)

    def change(edit):
        edit(document)
        path.write_text(json.dumps(document))
        return path

    return change


def test_the_document_has_engine_units_by_name_and_group(small_schema, vector):
    document = parameters_document(small_schema, vector, version=3, mode="hybrid", similarity=0.71234)

    assert document["sliders"] == {"eye": {"eye.tx": -2.0, "eye.ty": 5.0}, "jaw": {"jaw.sx": 0.8, "jaw.ty": 0.4}}
    assert document["choices"] == {"hairstyle": "long"}
    assert document["vector"] == pytest.approx([0.25, 1.0, 0.0, 0.6, 0.0, 0.0, 1.0])
    assert (document["fingerprint"], document["version"], document["mode"]) == (small_schema.fingerprint, 3, "hybrid")
    assert document["similarity"] == 0.7123


@given(sliders=st.lists(st.floats(0.0, 1.0, width=32), min_size=4, max_size=4), choice=st.integers(0, 2))
def test_reading_is_the_inverse_of_writing(small_schema, tmp_path_factory, sliders, choice):
    vector = np.array([*sliders, *np.eye(3)[choice]], np.float32)
    path = tmp_path_factory.mktemp("p") / "parameters.json"
    path.write_text(json.dumps(parameters_document(small_schema, vector)))

    np.testing.assert_allclose(read_parameters(path, small_schema), vector, atol=3e-6)


def test_a_value_tuned_by_hand_counts_although_the_vector_is_stale(small_schema, saved):
    path = saved(lambda document: document["sliders"]["eye"].update({"eye.tx": 4.0}))

    assert read_parameters(path, small_schema)[0] == 1.0


def test_a_vector_of_another_character_is_not_written(small_schema):
    with pytest.raises(SchemaError, match="shape"):
        parameters_document(small_schema, np.zeros(3, np.float32))


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda d: d.update(format="other"), "not a parameters file"),
        (lambda d: d.update(character="big"), "made for character 'big', not 'small'"),
        (lambda d: d.pop("choices"), "'sliders' and 'choices'"),
        (lambda d: d["sliders"].update(eye=3), "group 'eye'"),
        (lambda d: d["sliders"]["eye"].update({"eye.tx": 9.0}), "eye.tx: 9.0 lies outside"),
        (lambda d: d["sliders"]["eye"].pop("eye.tx"), "'eye.tx'"),
        (lambda d: d["choices"].update(hairstyle="mohawk"), "'mohawk' is none of its choices"),
    ],
)
def test_a_spoilt_file_is_refused_with_its_name_and_the_reason(small_schema, saved, edit, message):
    path = saved(edit)

    with pytest.raises(ParametersError, match=message) as caught:
        read_parameters(path, small_schema)
    assert str(path) in str(caught.value)


def test_a_file_for_another_schema_names_both_fingerprints(small_schema, saved):
    path = saved(lambda document: None)
    newer = replace(small_schema, head="another")

    with pytest.raises(ParametersError, match=f"{small_schema.fingerprint}.*{newer.fingerprint}"):
        read_parameters(path, newer)


@pytest.mark.parametrize("content", ["{", "[]", "null"])
def test_what_is_no_document_is_refused(small_schema, tmp_path, content):
    path = tmp_path / "parameters.json"
    path.write_text(content)

    with pytest.raises(ParametersError, match="not "):
        read_parameters(path, small_schema)


def test_a_missing_file_is_refused(small_schema, tmp_path):
    with pytest.raises(ParametersError, match="cannot be read"):
        read_parameters(tmp_path / "nothing.json", small_schema)
